"""From counts to answers: what is asked of one set of counts, computed by ``app.stats``, with every caution it needs.

Nothing here reads a database or a request. A result that cannot be is refused with one of the errors of ``app.stats``;
a part of a result that is undefined is null, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from app.services import sentences
from app.stats import (
    TIE_SCORES,
    BadInput,
    Caution,
    ClusterEstimate,
    Clusters,
    Comparison,
    Histogram,
    Interval,
    MeanEstimate,
    PairCounts,
    bonett_price,
    clopper_pearson,
    cluster_delta,
    cluster_mean,
    mean_ci,
    median_ci,
    newcombe_paired,
    noninferiority,
    paired_delta,
    t_interval,
    tango,
    wilson,
)
from app.stats.paired import recommend_delta

Json = dict[str, Any]
Ends = tuple[float, float] | None
TIE = 0.5
_BCA_UNDEFINED = "BCa is undefined where the scores do not vary."


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to estimate; see ``app.schemas.statistics.Options``."""

    metric: str = "passed"
    confidence: float = 0.95
    method: str = "percentile"
    tie_policy: str | None = None
    scale: Ends = None
    threshold: float | None = None
    statistic: str = "mean"
    seed: int = 0
    resamples: int = 10_000
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class ClusterRows:
    """Clusters of one run, or of a pair: judged items, and with the missing ones at either end of the scale."""

    judged: Sequence[tuple[Any, ...]]
    low: Sequence[tuple[Any, ...]] | None = None
    high: Sequence[tuple[Any, ...]] | None = None


def open_fields(made: Any) -> Json:
    """The fields of a frozen result, one level deep."""
    return {field.name: getattr(made, field.name) for field in fields(made)}


def scores_of(rows: Iterable[tuple[float | None, int]], tie_policy: str | None) -> Histogram:
    """A histogram of scores and their counts; None is a missing verdict. Ties are what the policy says."""
    values: list[float] = []
    numbers: list[int] = []
    missing = 0
    for value, n in rows:
        if value is None:
            missing += n
        else:
            values.append(value)
            numbers.append(n)
    if tie_policy is None and all(value in (0.0, 1.0) for value in values):
        passed = sum(n for value, n in zip(values, numbers, strict=True) if value)
        return Histogram.of_rate(passed, sum(numbers) - passed, missing)
    array = _untied(np.array(values, dtype=np.float64), tie_policy)
    return Histogram.of_arrays(array, np.array(numbers, dtype=np.int64), missing)


def pairs_of(rows: Sequence[tuple[float | None, float | None, int]], tie_policy: str | None) -> PairCounts:
    """Joint counts of two systems' scores over the tasks they share."""
    if tie_policy is None:
        return PairCounts.of(rows)
    flat = np.array([value for a, b, _ in rows for value in (a, b) if value is not None], dtype=np.float64)
    _untied(flat, tie_policy)
    worth = {TIE: TIE_SCORES[tie_policy]}
    return PairCounts.of(
        (None if a is None else worth.get(a, a), None if b is None else worth.get(b, b), n) for a, b, n in rows
    )


def _untied(values: np.ndarray[Any, np.dtype[np.float64]], tie_policy: str | None) -> Any:
    if tie_policy is None:
        return values
    if not bool(np.isin(values, (0.0, TIE, 1.0)).all()):
        raise BadInput("A tie policy needs scores that are 0, 0.5 for a tie, or 1.")
    return np.where(values == TIE, TIE_SCORES[tie_policy], values)


def ends_of(scale: Ends, rate: bool) -> Ends:
    """The ends of a scale: as known, 0 and 1 for passes and failures, else unknown."""
    return scale if scale is not None else (0.0, 1.0) if rate else None


def estimate(
    scores: Histogram,
    wanted: Wanted,
    name: str,
    *,
    clusters: ClusterRows | None = None,
    cautions: Sequence[Caution] = (),
) -> Json:
    """Everything to say of one mean, or of one median."""
    ends = ends_of(wanted.scale, scores.is_rate)
    threshold = wanted.threshold if wanted.threshold is not None else None if ends is None else sum(ends) / 2.0
    made = mean_ci(scores, wanted.confidence, wanted.scale, threshold)
    answer = open_fields(made) | {"metric": wanted.metric, "unit": made.metric, "statistic": wanted.statistic}
    answer["n_items"] = made.n + made.missing
    answer["bca_reason"] = None if made.bca is not None else _BCA_UNDEFINED
    best, bounds = made.recommended, open_fields(made.failure_bounds)
    if clusters is not None:
        best = _cluster_estimate(answer, bounds, clusters, scores, wanted, ends, threshold)
    if wanted.statistic == "median":
        drawn = median_ci(scores, wanted.confidence, seed=wanted.seed, resamples=wanted.resamples)
        answer |= {"mean": made.estimate, "estimate": drawn.estimate, "interval": drawn}
        best = drawn
    else:
        answer["interval"] = _asked_of_mean(answer, made, scores, wanted)
    if not made.missing:
        bounds["conclusion_robust"] = True
    answer |= {
        "threshold": threshold,
        "failure_bounds": bounds,
        "conclusion": None if threshold is None else _SIDES[best.side_of(threshold)],
        "conclusion_robust": bounds["conclusion_robust"],
        "warnings": [*answer["warnings"], *cautions],
        "confidence": wanted.confidence,
    }
    if wanted.statistic == "mean":
        rate = made.metric == "rate"
        answer["sentence"] = sentences.of_run(
            name, made, answer["interval"], answer["recommended"], rate=rate, what=wanted.metric
        )
    return answer


_SIDES = {1: "above", -1: "below", 0: "undecided"}


def _cluster_estimate(
    answer: Json,
    bounds: Json,
    rows: ClusterRows,
    scores: Histogram,
    wanted: Wanted,
    ends: Ends,
    threshold: float | None,
) -> Interval:
    """Put cluster intervals where those of independent items stood, and keep the latter beside them."""

    def over(some: Sequence[tuple[Any, ...]], items: Histogram | None = None) -> ClusterEstimate:
        return cluster_mean(
            Clusters.of(some), wanted.confidence, items=items, scale=ends, seed=wanted.seed, resamples=wanted.resamples
        )

    made = over(rows.judged, scores)
    names = ("percentile", "bca", "recommended", "se")
    answer["as_independent"] = {name: answer[name] for name in names}
    answer |= {name: getattr(made, name) for name in names} | {"clusters": made}
    answer["warnings"] = [*answer["warnings"], *made.warnings]
    held: Interval = answer["as_independent"]["recommended"] if made.recommended is None else made.recommended
    bounds["excluded"] = made.recommended
    ways = {"as_fail": rows.low, "as_pass": rows.high}
    for way, some in ways.items():
        bounds[way] = made.recommended if not scores.missing else over(some).recommended if some else None
    sides = {None if bounds[way] is None or threshold is None else bounds[way].side_of(threshold) for way in ways}
    sides.add(held.side_of(threshold) if threshold is not None else None)
    bounds["conclusion_robust"] = None if None in sides else len(sides) == 1
    return held


def _asked_of_mean(answer: Json, made: MeanEstimate, scores: Histogram, wanted: Wanted) -> Interval | None:
    if wanted.method in ("percentile", "bca", "recommended"):
        asked: Interval | None = answer[wanted.method]
        return asked
    if wanted.method == "t":
        if made.n < 2:
            raise BadInput("Student's t needs at least two judged items.")
        return t_interval(made.estimate, made.se_ddof1 * made.n**0.5, made.n, wanted.confidence)
    if made.metric != "rate":
        raise BadInput(f"The method {wanted.method} is for passes and failures, and these are scores.")
    if wanted.method == "wilson":
        return wilson(scores.count_of(1.0), made.n, wanted.confidence)
    if wanted.method == "clopper-pearson":
        return clopper_pearson(scores.count_of(1.0), made.n, wanted.confidence)
    raise BadInput(f"The method {wanted.method} is for comparisons.")


def compare(
    pairs: PairCounts,
    wanted: Wanted,
    names: tuple[str, str],
    *,
    only: tuple[int, int] = (0, 0),
    clusters: ClusterRows | None = None,
    cautions: Sequence[Caution] = (),
) -> Json:
    """Everything to say of system b against system a."""
    made = paired_delta(
        pairs, wanted.confidence, scale=wanted.scale, only_a=only[0], only_b=only[1], names=names, cautions=cautions
    )
    answer = open_fields(made) | {"metric": wanted.metric, "unit": made.metric, "paired": open_fields(made.paired)}
    bounds = open_fields(made.failure_bounds)
    bounds |= _three_readings(pairs, made, wanted)
    conclusion, p = made.conclusion, made.p_sign_flip
    if clusters is not None:
        conclusion, p = _cluster_compare(answer, bounds, clusters, wanted, made)
    asked = _asked_of_pair(answer["paired"], made, wanted)
    answer |= {
        "interval": asked,
        "bca_reason": None if answer["paired"]["bca"] is not None else _BCA_UNDEFINED,
        "failure_bounds": bounds,
        "conclusion": conclusion,
        "conclusion_robust": bounds["conclusion_robust"],
        "pairing": {
            "variance_reduction": made.variance_reduction,
            "width_reduction": made.width_reduction,
            "conclusion_changes": made.conclusion != made.conclusion_unpaired,
            "sentence": sentences.of_pairing(made),
        },
        "sentence": sentences.of_comparison(
            *names, made, asked, answer["paired"]["recommended"], p, conclusion, what=wanted.metric
        ),
    }
    if wanted.margin is not None:
        answer["noninferiority"] = noninferiority(pairs, wanted.margin, (1.0 - wanted.confidence) / 2.0)
    return answer


def _three_readings(pairs: PairCounts, made: Comparison, wanted: Wanted) -> Json:
    """The difference with missing verdicts left out, all counted as failures, all counted as passes."""
    best = made.paired.recommended
    if made.n_judged == made.n_shared:
        return {"excluded": best, "as_fail": best, "as_pass": best}
    rate = made.metric == "rate"
    ends = ends_of(wanted.scale, rate)
    if ends is None:
        return {"excluded": best, "as_fail": None, "as_pass": None}
    as_fail, as_pass = (recommend_delta(pairs.filled(end, end), wanted.confidence, rate, ends) for end in ends)
    return {"excluded": best, "as_fail": as_fail, "as_pass": as_pass}


def _cluster_compare(
    answer: Json, bounds: Json, rows: ClusterRows, wanted: Wanted, made: Comparison
) -> tuple[str, float]:
    ends = ends_of(wanted.scale, made.metric == "rate")

    def over(some: Sequence[tuple[Any, ...]]) -> ClusterEstimate:
        return cluster_delta(some, wanted.confidence, scale=ends)

    found = over(rows.judged)
    answer["as_independent"] = answer["paired"] | {"p_sign_flip": made.p_sign_flip}
    names = ("percentile", "bca", "recommended", "se")
    answer["paired"] = answer["paired"] | {name: getattr(found, name) for name in names} | {"se_ddof1": found.se}
    answer |= {"clusters": found, "warnings": [*answer["warnings"], *found.warnings]}
    best = found.recommended
    if best is None or found.p_sign_flip is None:
        bounds["conclusion_robust"] = None
        return "undecided", 1.0
    least = over(rows.low).recommended if rows.low else best
    most = over(rows.high).recommended if rows.high else best
    if made.n_judged == made.n_shared:
        bounds |= {"at_min": best, "at_max": best, "conclusion_robust": True}
    elif rows.low is None or least is None or most is None:
        bounds |= {"at_min": None, "at_max": None, "conclusion_robust": None}
    else:
        same = {least.side_of(0.0), best.side_of(0.0), most.side_of(0.0)}
        robust = len(same) == 1 and bool(bounds["sign_robust"])
        bounds |= {"at_min": least, "at_max": most, "conclusion_robust": robust}
    bounds["excluded"] = best
    answer["p_sign_flip"] = found.p_sign_flip
    return {1: "b_higher", -1: "a_higher", 0: "undecided"}[best.side_of(0.0)], found.p_sign_flip


def _asked_of_pair(paired: Json, made: Comparison, wanted: Wanted) -> Interval | None:
    if wanted.method in ("percentile", "bca", "recommended"):
        asked: Interval | None = paired[wanted.method]
        return asked
    closed = {"tango": tango, "bonett-price": bonett_price, "newcombe": newcombe_paired}
    if wanted.method not in closed:
        raise BadInput(f"The method {wanted.method} is for single runs.")
    if made.table is None:
        raise BadInput(f"The method {wanted.method} is for passes and failures, and these are scores.")
    table = made.table
    return closed[wanted.method](table.both, table.only_a, table.only_b, table.neither, wanted.confidence)
