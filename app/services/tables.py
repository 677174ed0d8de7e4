"""Statistics of tables that come in a request and are stored nowhere; each table is answered or refused by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from app.errors import InvalidInput
from app.schemas.statistics import (
    AdhocEnvelope,
    AdhocRequest,
    Options,
    TableAgreement,
    TableCorrected,
    TableMean,
    TablePair,
    TablePower,
    TablePpi,
    TableUnpaired,
)
from app.services import estimates
from app.services.estimates import Json, Wanted, open_fields
from app.services.report_parts import Refusal
from app.services.reports import FAMILY, adjust_families
from app.stats import (
    ENGINE_VERSION,
    Histogram,
    PairCounts,
    StatisticsError,
    agreement,
    corrected_rate,
    mde_mean,
    mde_paired_rates,
    power_mean,
    power_paired_rates,
    ppi_rate,
    tasks_needed_paired_rates,
    unpaired_delta,
)


def computed(request: AdhocEnvelope, read: Callable[[type[Any], Any], Any]) -> bytes:
    """Every table of a request, as JSON; ``read`` fits one item to its model, or refuses it."""
    answers: list[Json] = []
    families: dict[tuple[str, str], list[Json]] = {}
    for index, one in enumerate(request.items):
        kind = one.get("kind") if isinstance(one, dict) else None
        answer: Json = {"index": index, "kind": kind if isinstance(kind, str) and kind in _MADE else None}
        answers.append(answer)
        try:
            table = read(AdhocRequest, {"items": [one]}).items[0]
            answer |= _MADE[table.kind](table, request)
            if isinstance(table, TablePair):
                key = (table.family or FAMILY, table.correction or request.correction)
                families.setdefault(key, []).append(answer)
        except InvalidInput as error:
            answer["error"] = {"code": "invalid-item", "message": _told(error)}
        except (StatisticsError, Refusal) as error:
            answer["error"] = Refusal.of(error).told
    whole = {"items": answers, "families": adjust_families(families), "engine_version": ENGINE_VERSION}
    return orjson.dumps(whole)


def _told(error: InvalidInput) -> str:
    faults = "; ".join(f"{fault.path.removeprefix('items[0].')}: {fault.message}" for fault in error.faults)
    return f"The table does not fit: {faults}." if faults else error.detail


def _wanted(table: Options, common: Options, **more: Any) -> Wanted:
    def option(name: str, usual: Any) -> Any:
        for one in (getattr(table, name), getattr(common, name)):
            if one is not None:
                return one
        return usual

    ties = option("tie_policy", None)
    return Wanted(
        metric=option("metric", "passed"),
        confidence=option("confidence", 0.95),
        method=option("method", "percentile"),
        tie_policy=ties,
        scale=option("scale", (0.0, 1.0) if ties else None),
        **more,
    )


def _one(table: object, names: Sequence[str]) -> str:
    given = [name for name in names if getattr(table, name) is not None]
    if len(given) != 1:
        raise Refusal("invalid-item", f"Give exactly one of {', '.join(names)}.")
    return given[0]


def _mean(table: TableMean, common: Options) -> Json:
    rows: list[tuple[float | None, int]]
    if table.passed is not None or table.failed is not None:
        rows = [(1.0, table.passed or 0), (0.0, table.failed or 0)]
        if table.scores is not None or table.counts is not None:
            raise Refusal("invalid-item", "Give passed and failed, or scores, or counts.")
    elif _one(table, ("scores", "counts")) == "scores":
        rows = [(score, 1) for score in table.scores or []]
    else:
        rows = list(table.counts or [])
    scores = _checked(rows, table.missing)
    wanted = _wanted(
        table,
        common,
        threshold=table.threshold,
        statistic=table.statistic or "mean",
        seed=table.seed,
        resamples=table.resamples,
    )
    held = scores
    if wanted.tie_policy is not None:
        pairs = [(float(v), int(n)) for v, n in zip(scores.values, scores.counts, strict=True)]
        held = estimates.scores_of([*pairs, (None, scores.missing)], wanted.tie_policy)
    return {"name": table.name, **estimates.estimate(held, _named(wanted, held.is_rate), table.name)}


def _named(wanted: Wanted, rate: bool) -> Wanted:
    if rate or wanted.metric != "passed":
        return wanted
    return Wanted(**{**open_fields(wanted), "metric": "score"})


def _checked(rows: Sequence[tuple[float | None, int]], missing: int = 0) -> Histogram:
    return Histogram.of([(None if value is None else float(value), n) for value, n in rows], missing)


def _pair(table: TablePair, common: Options) -> Json:
    wanted = _wanted(table, common, margin=table.margin)
    given = _one(table, ("table", "pairs", "counts", "preferences"))
    if given == "table" and table.table is not None:
        cells = table.table
        pairs = PairCounts.of_table(cells.both, cells.only_a, cells.only_b, cells.neither)
    elif given == "preferences":
        wanted = Wanted(**{**open_fields(wanted), "scale": (0.0, 1.0), "tie_policy": wanted.tie_policy or "half"})
        pairs = PairCounts.of_preferences(table.preferences or [], wanted.tie_policy)  # type: ignore[arg-type]
    else:
        rows = table.counts if given == "counts" else [(a, b, 1) for a, b in table.pairs or []]
        floats = [(_float(a), _float(b), n) for a, b, n in rows or []]
        PairCounts.of(floats)
        pairs = estimates.pairs_of(floats, wanted.tie_policy)
    names = (table.a, table.b)
    made = estimates.compare(pairs, _named(wanted, pairs.is_rate), names, only=(table.only_a, table.only_b))
    return made | {"tie_policy": wanted.tie_policy}


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _unpaired(table: TableUnpaired, common: Options) -> Json:
    wanted = _wanted(table, common)
    made = unpaired_delta(_checked(table.a), _checked(table.b), wanted.confidence, wanted.scale)
    return open_fields(made)


def _agreement(table: TableAgreement, common: Options) -> Json:
    if any(len(row) != len(table.table) for row in table.table):
        raise Refusal("bad-input", "The table must be square: as many columns as rows.")
    counts = np.array(table.table, dtype=np.int64)
    made = agreement(
        counts,
        table.labels,
        _wanted(table, common).confidence,
        weights=table.weights,
        values=table.values,
        same_rater=table.same_rater,
    )
    return open_fields(made) | {"rater_kind": made.kind, "kind": "agreement"}


def _corrected(table: TableCorrected, common: Options) -> Json:
    counts = (table.correct_fails, table.human_fails, table.correct_passes, table.human_passes)
    return open_fields(corrected_rate(table.passed, table.n, *counts, _wanted(table, common).confidence))


def _ppi(table: TablePpi, common: Options) -> Json:
    labelled = (table.both_pass, table.only_judge, table.only_human, table.both_fail)
    return open_fields(ppi_rate(*labelled, table.passed, table.n, _wanted(table, common).confidence))


def _power(table: TablePower, _: Options) -> Json:
    """Whatever can be told from what is given: power, smallest detectable effect, tasks needed."""
    made: Json = {}
    if table.only_a is not None and table.only_b is not None:
        chances = (table.only_a, table.only_b)
        made["tasks_needed"] = tasks_needed_paired_rates(*chances, table.power, table.level, most=1_000_000)
        if table.n is not None:
            made["power"] = power_paired_rates(table.n, *chances, table.level)
    if table.n is not None and table.discordant is not None:
        made["mde"] = mde_paired_rates(table.n, table.discordant, table.power, table.level)
    if table.n is not None and table.sd is not None:
        made["mde"] = mde_mean(table.n, table.sd, table.power, table.level)
        if table.effect is not None:
            made["power"] = power_mean(table.n, table.effect, table.sd, table.level)
    if not made:
        raise Refusal("invalid-item", "Give n and discordant, or only_a and only_b, or n and sd.")
    return {"power": None, "mde": None, "tasks_needed": None, "level": table.level, "wanted_power": table.power} | made


_MADE: Mapping[str, Callable[[Any, Options], Json]] = {
    "mean": _mean,
    "comparison": _pair,
    "unpaired": _unpaired,
    "agreement": _agreement,
    "corrected_rate": _corrected,
    "ppi_rate": _ppi,
    "power": _power,
}
