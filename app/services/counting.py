"""Where counts come from: marks where a run stands still and its values are few, else the items themselves.

A statement is cut into several where it would read too much at once, so that statistics over many runs never hold the
database for long; a request that would join more rows than ``MOST_JOINED`` is refused by the pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from app.db import marks, statistics
from app.db.engine import Database
from app.db.faults import StatementRefused
from app.db.fields import CATEGORY, Field, Metric
from app.db.marks import Marked
from app.db.statistics import RunFacts
from app.services.estimates import ClusterRows

JOINED_A_STATEMENT = 500_000
MOST_JOINED = 20_000_000
PAIRS_A_STATEMENT = 2_500
Cells = list[tuple[str | None, str | None, int]]
T = TypeVar("T")


@dataclass(slots=True)
class RunCounts:
    """Labels of one run's items by category (the key None holds all of them), and what else is known of the field."""

    by_category: dict[str | None, list[tuple[str | None, int]]] = field(default_factory=dict)
    binned: bool = False
    marked: Marked | None = None

    @property
    def whole(self) -> list[tuple[str | None, int]]:
        """All items by label."""
        sums: dict[str | None, int] = {}
        for rows in self.by_category.values():
            for label, n in rows:
                sums[label] = sums.get(label, 0) + n
        return list(sums.items())


@dataclass(slots=True)
class PairCells:
    """Joint labels of the tasks that two runs share, by category of the first."""

    by_category: dict[str | None, Cells] = field(default_factory=dict)

    @property
    def whole(self) -> Cells:
        """All shared tasks by their two labels."""
        sums: dict[tuple[str | None, str | None], int] = {}
        for rows in self.by_category.values():
            for a, b, n in rows:
                sums[a, b] = sums.get((a, b), 0) + n
        return [(a, b, n) for (a, b), n in sums.items()]


class TooMuch(Exception):
    """A pair that would be joined beyond what one request may."""


Pair = tuple[RunFacts, RunFacts]


@dataclass(frozen=True)
class Counting:
    """Counts of one tenant's runs."""

    db: Database
    tenant_id: UUID

    async def facts(self, runs: Sequence[str]) -> dict[str, RunFacts]:
        """Facts by id as given; those of other tenants, and of nobody, are absent."""
        async with self.db.reading() as conn:
            return await statistics.facts(conn, self.tenant_id, runs)

    async def criteria(self, runs: Sequence[RunFacts]) -> dict[UUID, list[str]]:
        """Ids of the criteria by which each run was judged."""
        async with self.db.reading() as conn:
            return await statistics.criteria(conn, self.tenant_id, [run.id for run in runs])

    async def marked(
        self, runs: Sequence[RunFacts], of: Sequence[Field], *, at_once: bool = True
    ) -> dict[tuple[UUID, str], Marked]:
        """Marks that cover every item, made now where they are wanting; only of runs in which nothing moves.

        Unless ``at_once``, one statement's worth is made and the rest is left for the next to ask: counting from the
        items is quicker once, and counting from marks ever after.
        """
        still = {run.id: run for run in runs if not run.moving and run.total}
        found = await self._stored(still, of)
        for one in of:
            wanting = [run for run in still.values() if (run.id, one.key) not in found]
            for some in _portions(wanting, [run.total for run in wanting], marks.ITEMS_A_STATEMENT):
                await self._make(some, one)
                found |= await self._stored({run.id: run for run in some}, [one])
                if not at_once:
                    break
        return found

    async def noted(self, runs: Sequence[RunFacts], of: Field) -> dict[UUID, Marked]:
        """What is known of one field of each run, whether it stands still or not."""
        known = {run: one for (run, _), one in (await self.marked(runs, [of])).items()}
        rest = [run for run in runs if run.id not in known]
        async with self.db.reading() as conn:
            for some in _portions(rest, [run.total for run in rest], JOINED_A_STATEMENT):
                known |= await marks.unstored(conn, self.tenant_id, [run.id for run in some], of)
        return known

    async def _stored(self, runs: dict[UUID, RunFacts], of: Sequence[Field]) -> dict[tuple[UUID, str], Marked]:
        if not runs:
            return {}
        async with self.db.reading() as conn:
            kept = await marks.stored(conn, self.tenant_id, list(runs), of)
        return {key: one for key, one in kept.items() if one.items == runs[key[0]].total}

    async def _make(self, runs: Sequence[RunFacts], of: Field) -> None:
        try:
            async with self.db.transaction() as conn:
                await marks.make(conn, self.tenant_id, [run.id for run in runs], of)
        except StatementRefused:
            # A run of these was erased meanwhile; whatever is left is counted from its items.
            return

    async def runs(self, runs: Sequence[RunFacts], metric: Metric, *, by_category: bool) -> dict[UUID, RunCounts]:
        """Items of each run by label, and by category where asked."""
        runs = list({run.id: run for run in runs}.values())
        fields = [metric.field, CATEGORY] if by_category else [metric.field]
        known = await self.marked(runs, fields, at_once=False)
        ready = [run for run in runs if all(_usable(known.get((run.id, one.key))) for one in fields)]
        found = {run.id: RunCounts(marked=known.get((run.id, metric.field.key))) for run in runs}
        async with self.db.reading() as conn:
            if ready:
                ids = [run.id for run in ready]
                for run, category, label, n in await marks.counts(
                    conn, self.tenant_id, ids, metric.field, by_category=by_category
                ):
                    found[run].by_category.setdefault(category, []).append((label, n))
            done = {run.id for run in ready}
            rest = [run for run in runs if run.id not in done]
            for some in _portions(rest, [run.total for run in rest], JOINED_A_STATEMENT):
                ids = [run.id for run in some]
                for run, category, label, n, binned in await statistics.counts(
                    conn, self.tenant_id, ids, metric, by_category=by_category
                ):
                    found[run].by_category.setdefault(category, []).append((label, n))
                    found[run].binned |= binned
                bare = [run.id for run in some if found[run.id].marked is None]
                if bare:
                    for run, facts in (await marks.unstored(conn, self.tenant_id, bare, metric.field)).items():
                        found[run].marked = facts
        return found

    async def pairs(self, pairs: Sequence[Pair], metric: Metric, *, by_category: bool) -> list[PairCells | TooMuch]:
        """Joint labels of each pair."""
        fields = [metric.field, CATEGORY] if by_category else [metric.field]
        known = await self.marked([run for pair in pairs for run in pair], fields)

        def fit(pair: Pair) -> bool:
            category = _usable(known.get((pair[0].id, CATEGORY.key))) if by_category else True
            return (
                pair[0].same_tasks(pair[1])
                and category
                and all(_usable(known.get((run.id, metric.field.key))) for run in pair)
            )

        found: list[PairCells | TooMuch] = [PairCells() for _ in pairs]
        quick = [place for place, pair in enumerate(pairs) if fit(pair)]
        ready = set(quick)
        slow = [place for place in range(len(pairs)) if place not in ready]
        spent = 0
        allowed: list[int] = []
        for place in slow:
            spent += _rows(pairs[place])
            if spent > MOST_JOINED:
                found[place] = TooMuch()
            else:
                allowed.append(place)
        async with self.db.reading() as conn:
            for some in _portions(quick, [1] * len(quick), PAIRS_A_STATEMENT):
                ids = [(pairs[place][0].id, pairs[place][1].id) for place in some]
                rows = await marks.pairs(conn, self.tenant_id, ids, metric.field, by_category=by_category)
                _collect(found, some, rows)
            for some in _portions(allowed, [_rows(pairs[place]) for place in allowed], JOINED_A_STATEMENT):
                ids = [(pairs[place][0].id, pairs[place][1].id) for place in some]
                rows = await statistics.joined(conn, self.tenant_id, ids, metric.field, by_category=by_category)
                _collect(found, some, rows)
        return found

    async def clusters(self, run: RunFacts, metric: Metric, ends: tuple[float, float] | None) -> ClusterRows:
        """Clusters of one run: as judged, and with the missing ones at either end of the scale."""
        async with self.db.reading() as conn:
            made = [
                (await statistics.clusters(conn, self.tenant_id, [run.id], metric, filled))[run.id]
                for filled in ((None,) if ends is None else (None, *ends))
            ]
        return ClusterRows(*made)

    async def cluster_pairs(self, pair: Pair, metric: Metric, ends: tuple[float, float] | None) -> ClusterRows:
        """Clusters of the tasks that two runs share: as judged, and at the smallest and the largest difference."""
        ways = (None,) if ends is None else (None, (ends[1], ends[0]), (ends[0], ends[1]))
        ids = (pair[0].id, pair[1].id)
        async with self.db.reading() as conn:
            made = [await statistics.cluster_pairs(conn, self.tenant_id, ids, metric, way) for way in ways]
        return ClusterRows(*made)


def _usable(marked: Marked | None) -> bool:
    return marked is not None and not marked.varied


def _rows(pair: Pair) -> int:
    return pair[0].total + pair[1].total


def _collect(found: list[PairCells | TooMuch], places: Sequence[int], rows: Iterable[marks.PairCount]) -> None:
    for at, category, a, b, n in rows:
        cells = found[places[at]]
        if isinstance(cells, PairCells):
            cells.by_category.setdefault(category, []).append((a, b, n))


def _portions(things: Sequence[T], sizes: Sequence[int], most: int) -> Iterator[list[T]]:
    """Cut into runs of things whose sizes sum to at most ``most``; a larger thing stands alone."""
    portion: list[T] = []
    held = 0
    for thing, size in zip(things, sizes, strict=True):
        if portion and held + size > most:
            yield portion
            portion, held = [], 0
        portion.append(thing)
        held += size
    if portion:
        yield portion
