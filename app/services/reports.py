"""Statistics of stored runs, one or thousands in a request: each item is answered, or refused, by itself.

Three steps: read what is asked for, count it all with few statements, compute on a thread. Whatever is wrong with one
item - an unknown run, a confidence of 2, no verdicts - becomes that item's error and nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any
from uuid import UUID

import orjson

from app.db.engine import Database
from app.db.fields import Field, Metric, metric_of
from app.db.statistics import RunFacts
from app.errors import Fault, InvalidInput, NotFound
from app.schemas.statistics import MAX_COMPARISONS, Options, PairAsk, RunAsk, StatisticsEnvelope
from app.services import report_parts
from app.services.brief import Question, answered, fits
from app.services.counting import Counting, PairCells, RunCounts, TooMuch
from app.services.estimates import ClusterRows, Json, Wanted, ends_of
from app.services.report_parts import Refusal
from app.stats import ENGINE_VERSION, StatisticsError, adjust, check_same_metric

UNKNOWN = "There is no run with that id."
FAMILY = "all"


class CannotCompute(InvalidInput):
    """The figures asked for do not exist for these counts; the slug says why."""

    slug, title = "no-answer", "There is no answer to that"

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = code


@dataclass(slots=True)
class _Part:
    """One estimate to make of an item: of its metric, or of one criterion."""

    metric: Metric
    wanted: Wanted
    by_category: bool
    criterion: str | None = None
    counts: RunCounts | PairCells | TooMuch | None = None
    clusters: ClusterRows | None = None


@dataclass(slots=True)
class _Item:
    """One run or one pair of runs, on its way from request to answer."""

    index: int
    ask: RunAsk | PairAsk
    sides: tuple[RunFacts, ...] = ()
    parts: list[_Part] = field(default_factory=list)
    refusal: Refusal | None = None
    clustered: bool = False


@dataclass(frozen=True)
class Reports:
    """Statistics of one tenant's runs at a time."""

    db: Database

    async def run(self, tenant_id: UUID, ask: RunAsk) -> bytes:
        """The statistics of one run, as JSON.

        Raises
        ------
        NotFound, CannotCompute
        """
        items, _ = await self._answered(tenant_id, [_Item(0, ask)], Options(), "none")
        return _only(items[0])

    async def compare(self, tenant_id: UUID, ask: PairAsk) -> bytes:
        """One comparison of two runs, as JSON.

        Raises
        ------
        NotFound, CannotCompute
        """
        items, _ = await self._answered(tenant_id, [_Item(0, ask)], Options(), "holm")
        return _only(items[0])

    async def batch(self, tenant_id: UUID, request: StatisticsEnvelope, read: Callable[[type[Any], Any], Any]) -> bytes:
        """Every run and comparison of a request, as JSON; ``read`` fits one item to its model, or refuses it."""
        named_runs = [{"run_id": one} if isinstance(one, str) else one for one in request.runs]
        runs = [_read(i, one, RunAsk, read) for i, one in enumerate(named_runs)]
        if request.comparisons == "all":
            named = [item.ask.run_id for item in runs if isinstance(item.ask, RunAsk)]
            if len(named) * (len(named) - 1) // 2 > MAX_COMPARISONS:
                raise InvalidInput(
                    "These runs make too many comparisons.",
                    (Fault("comparisons", f"`all` may make {MAX_COMPARISONS} comparisons; name fewer runs"),),
                )
            pairs = [_Item(i, PairAsk(a=a, b=b)) for i, (a, b) in enumerate(combinations(named, 2))]
        else:
            pairs = [_read(i, one, PairAsk, read) for i, one in enumerate(request.comparisons)]
        answers, families = await self._answered(
            tenant_id, [*runs, *pairs], request, request.correction, brief=request.detail == "brief"
        )
        whole = {
            "runs": answers[: len(runs)],
            "comparisons": answers[len(runs) :],
            "families": families,
            "engine_version": ENGINE_VERSION,
        }
        return await asyncio.to_thread(orjson.dumps, whole)

    async def _answered(
        self, tenant_id: UUID, items: list[_Item], common: Options, correction: str, *, brief: bool = False
    ) -> tuple[list[Json], list[Json]]:
        counting = Counting(self.db, tenant_id)
        await self._find(counting, items)
        await self._plan(counting, items, common)
        await self._count(counting, items)
        return await asyncio.to_thread(_compute, items, correction, brief)

    async def _find(self, counting: Counting, items: Sequence[_Item]) -> None:
        """Put the runs that each item names beside it."""
        ids = list({run for item in items if item.refusal is None for run in _names(item.ask)})
        facts = await counting.facts(ids) if ids else {}
        for item in items:
            if item.refusal is not None:
                continue
            missing = [run for run in _names(item.ask) if run not in facts]
            if missing:
                which = (
                    ""
                    if isinstance(item.ask, RunAsk)
                    else " for "
                    + " and ".join(side for side, run in zip("ab", _names(item.ask), strict=True) if run in missing)
                )
                item.refusal = Refusal("unknown-run", UNKNOWN.removesuffix(".") + which + ".")
            else:
                item.sides = tuple(facts[run] for run in _names(item.ask))

    async def _plan(self, counting: Counting, items: Sequence[_Item], common: Options) -> None:
        """Decide for each item which metric it is about, and which groups it falls into."""
        grouped = {
            run.id: run
            for item in items
            if "criterion" in (_option(item.ask, common, "group_by") or ())
            for run in item.sides
            if run.kind == "judged"
        }
        criteria = await counting.criteria(list(grouped.values())) if grouped else {}
        for item in _fine(items):
            try:
                item.parts = _parts(item, common, criteria)
            except (StatisticsError, Refusal) as error:
                item.refusal = Refusal.of(error)

    async def _count(self, counting: Counting, items: Sequence[_Item]) -> None:
        """Fill in the counts, with as few statements as there are metrics."""
        asked: dict[tuple[Metric, bool, bool], list[tuple[_Item, _Part]]] = {}
        for item in _fine(items):
            for part in item.parts:
                key = (part.metric, part.by_category, isinstance(item.ask, PairAsk))
                asked.setdefault(key, []).append((item, part))
        for (metric, by_category, paired), wanted in asked.items():
            sides = [item.sides for item, _ in wanted]
            if paired:
                pairs = [(a, b) for a, b in sides]
                for (_, part), cells in zip(
                    wanted, await counting.pairs(pairs, metric, by_category=by_category), strict=True
                ):
                    part.counts = cells
            else:
                counts = await counting.runs([run for (run,) in sides], metric, by_category=by_category)
                for item, part in wanted:
                    part.counts = counts[item.sides[0].id]
        await self._cluster(counting, items)

    async def _cluster(self, counting: Counting, items: Sequence[_Item]) -> None:
        """Count clusters where items have them; only of whole runs and pairs, not of their groups."""
        firsts: dict[Field, dict[UUID, RunFacts]] = {}
        for item in _fine(items):
            if isinstance(item.ask, PairAsk):
                firsts.setdefault(item.parts[0].metric.field, {})[item.sides[0].id] = item.sides[0]
        known = {of: await counting.noted(list(runs.values()), of) for of, runs in firsts.items()}
        for item in _fine(items):
            part = item.parts[0]
            if isinstance(part.counts, RunCounts):
                marked = part.counts.marked
            else:
                marked = known[part.metric.field].get(item.sides[0].id)
            if marked is None or not marked.clustered or isinstance(part.counts, TooMuch):
                continue
            item.clustered = True
            ends = ends_of(part.wanted.scale, part.metric.name == "passed")
            if len(item.sides) == 2:
                part.clusters = await counting.cluster_pairs((item.sides[0], item.sides[1]), part.metric, ends)
            else:
                part.clusters = await counting.clusters(item.sides[0], part.metric, ends)


def _read(index: int, value: Any, model: type[Any], read: Callable[[type[Any], Any], Any]) -> _Item:
    try:
        return _Item(index, read(model, value))
    except InvalidInput as error:
        told = "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults) or error.detail
        empty = RunAsk(run_id="") if model is RunAsk else PairAsk(a="", b="")
        return _Item(index, empty, refusal=Refusal("invalid-item", f"The item does not fit: {told}."))


def _names(ask: RunAsk | PairAsk) -> tuple[str, ...]:
    return (ask.run_id,) if isinstance(ask, RunAsk) else (ask.a, ask.b)


def _fine(items: Sequence[_Item]) -> Iterator[_Item]:
    return (item for item in items if item.refusal is None)


def _option(ask: Options, common: Options, name: str) -> Any:
    own = getattr(ask, name)
    return own if own is not None else getattr(common, name)


def _usual(run: RunFacts) -> str:
    """The metric of a run when nobody names one."""
    return "passed" if run.passed_or_failed or not run.outcomes.get("judged") else "score"


def _parts(item: _Item, common: Options, criteria: dict[UUID, list[str]]) -> list[_Part]:
    ask = item.ask
    name = _option(ask, common, "metric")
    usual = [_usual(run) for run in item.sides]
    if name is None or (name == "passed" and len(item.sides) == 2):
        check_same_metric(usual[0], usual[-1])
    name = name or usual[0]
    metric = metric_of(name)
    if metric is None:
        raise Refusal("unknown-metric", "No such metric; there are passed, score, p_fail, outcome.* and criterion.*.")
    groups = _option(ask, common, "group_by") or ()
    parts = [_Part(metric, _wanted(item, common, metric), "category" in groups)]
    if "criterion" in groups:
        ending = {"score": ".score", "p_fail": ".p_fail"}.get(name, "")
        shared = [one for one in criteria.get(item.sides[0].id, ()) if one in criteria.get(item.sides[-1].id, ())]
        for one in shared:
            of = metric_of(f"criterion.{one}{ending}")
            if of is not None:
                parts.append(_Part(of, _wanted(item, common, of), by_category=False, criterion=one))
    return parts


def _wanted(item: _Item, common: Options, metric: Metric) -> Wanted:
    ask = item.ask
    ties = _option(ask, common, "tie_policy")
    scale = _option(ask, common, "scale") or metric.scale
    if scale is None and ties is not None:
        scale = (0.0, 1.0)
    if scale is None and metric.name == "score" and all(run.kind == "judged" for run in item.sides):
        scale = (1.0, 5.0)
    confidence = _option(ask, common, "confidence")
    settings: Json = {
        "metric": metric.name,
        "confidence": 0.95 if confidence is None else confidence,
        "method": _option(ask, common, "method") or "percentile",
        "tie_policy": ties if metric.name == "score" else None,
        "scale": scale,
    }
    if isinstance(ask, RunAsk):
        settings |= {
            "threshold": ask.threshold,
            "statistic": ask.statistic or "mean",
            "seed": ask.seed,
            "resamples": ask.resamples,
        }
    else:
        settings["margin"] = ask.margin
    return Wanted(**settings)


def _compute(items: Sequence[_Item], correction: str, brief: bool) -> tuple[list[Json], list[Json]]:
    """All answers, with their p-values adjusted by family."""
    answers: list[Json] = []
    families: dict[tuple[str, str], list[Json]] = {}
    told = _briefly(items) if brief else {}
    for place, item in enumerate(items):
        answer = {"index": item.index, **_identity(item), **(told.get(place) or _answer(item))}
        answers.append(answer)
        if isinstance(item.ask, PairAsk) and "error" not in answer:
            key = (item.ask.family or FAMILY, item.ask.correction or correction)
            tested = [answer, *(one for group in (answer["groups"] or {}).values() for one in group)]
            families.setdefault(key, []).extend(one for one in tested if "error" not in one)
    return answers, adjust_families(families)


def _briefly(items: Sequence[_Item]) -> dict[int, Json | None]:
    """Answers, by place, of the comparisons that can be told in brief."""
    asked: dict[int, Question] = {}
    for place, item in enumerate(items):
        if isinstance(item.ask, RunAsk) or item.refusal is not None or item.clustered or len(item.parts) > 1:
            continue
        part, (a, b) = item.parts[0], item.sides
        if isinstance(part.counts, PairCells) and not part.by_category and fits(part.metric, part.wanted):
            cautions = tuple(report_parts.cautions_of_pair(a, b))
            asked[place] = Question(part.counts.whole, part.metric, part.wanted, (a.total, b.total), cautions)
    return dict(zip(asked, answered(list(asked.values())), strict=True))


def adjust_families(families: dict[tuple[str, str], list[Json]]) -> list[Json]:
    """Write adjusted p-values into the answers of each family, and say how large the families are."""
    listed: list[Json] = []
    for (family, correction), answers in families.items():
        made = adjust([answer["p_sign_flip"] for answer in answers], correction)  # type: ignore[arg-type]
        for answer, p in zip(answers, made.p, strict=True):
            answer |= {"p_adjusted": p, "correction": correction, "family": family, "family_size": made.family_size}
        listed.append({"family": family, "correction": correction, "size": made.family_size})
    return listed


def _identity(item: _Item) -> Json:
    ask = item.ask
    if isinstance(ask, RunAsk):
        named: Json = {"run_id": ask.run_id}
        return named | report_parts.described(item.sides[0]) if item.sides else named
    named = {"a": ask.a, "b": ask.b}
    if item.sides:
        a, b = item.sides
        named |= {"name_a": a.name, "name_b": b.name, "system_a": a.system, "system_b": b.system}
    return named


def _answer(item: _Item) -> Json:
    if item.refusal is not None:
        return {"error": item.refusal.told}
    whole, *criteria = item.parts
    try:
        answer = _estimate(item, whole, whole_item=True)
    except (StatisticsError, Refusal) as error:
        return {"error": Refusal.of(error).told}
    groups: Json = {}
    if whole.by_category and isinstance(whole.counts, RunCounts | PairCells):
        named = sorted(whole.counts.by_category, key=lambda name: (name is None, name or ""))
        groups["category"] = [{"group": name, **_group(item, whole, category=(name,))} for name in named]
    if criteria:
        groups["criterion"] = [{"group": part.criterion, **_group(item, part)} for part in criteria]
    for name in ("a", "b"):
        answer.pop(name, None)
    return answer | {"groups": groups or None}


def _group(item: _Item, part: _Part, category: tuple[str | None] | None = None) -> Json:
    try:
        answer = _estimate(item, part, category=category)
    except (StatisticsError, Refusal) as error:
        return {"error": Refusal.of(error).told}
    for name in ("a", "b"):
        answer.pop(name, None)
    if item.clustered:
        answer["warnings"] = [*answer["warnings"], report_parts.CLUSTERS_IGNORED]
    return answer


def _estimate(item: _Item, part: _Part, *, whole_item: bool = False, category: tuple[str | None] | None = None) -> Json:
    if isinstance(part.counts, TooMuch):
        raise Refusal(
            "too-much", "The task sets of these runs differ and are too large to join here; ask for fewer at once."
        )
    # Clusters were counted over all items; a group's own would be others.
    clusters = part.clusters if whole_item else None
    if isinstance(part.counts, PairCells):
        cells = part.counts.whole if category is None else part.counts.by_category[category[0]]
        return report_parts.of_pair(item.sides, part.metric, part.wanted, cells, clusters, whole=whole_item)
    assert isinstance(part.counts, RunCounts)  # noqa: S101 - every planned part has been counted
    rows = part.counts.whole if category is None else part.counts.by_category[category[0]]
    return report_parts.of_run(item.sides[0], part.metric, part.wanted, rows, part.counts, clusters, whole=whole_item)


def _only(answer: Json) -> bytes:
    """The one answer, or the problem that it is."""
    error = answer.pop("error", None)
    if error is None:
        return orjson.dumps(answer)
    if error["code"] == "unknown-run":
        raise NotFound(UNKNOWN)
    raise CannotCompute(error["code"], error["message"])


__all__ = ["CannotCompute", "Refusal", "Reports", "adjust_families"]
