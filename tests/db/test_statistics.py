"""Counts: marks, the items themselves and joins say the same; marks are believed only while they cover every item."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from app.db import marks, runs, statistics
from app.db.engine import Database
from app.db.fields import CATEGORY, metric_of
from app.services.counting import Counting, PairCells
from tests.stored_runs import Row, Store

T = TypeVar("T")
PASSED = metric_of("passed")
SCORE = metric_of("score")
assert PASSED is not None
assert SCORE is not None


def within(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run ``work`` on a database of its own pool."""

    async def run() -> T:
        database = Database(url, pool_size=2)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@pytest.fixture
def store(database_url: str) -> Store:
    return Store(database_url, "own")


def drawn(seed: int, tasks: int = 200, least: int = 0) -> list[Row]:
    """Items in random order: passes, failures, some without a verdict, in three categories and none."""
    rng = random.Random(seed)
    rows = [
        {
            "task": f"täsk-{number}",
            "category": [None, "a", "b", ""][number % 4],
            "passed": rng.choice([True, True, False, None]),
        }
        for number in range(least, tasks)
    ]
    rng.shuffle(rows)
    return rows


def expected(rows: list[Row]) -> dict[tuple[str | None, str | None], int]:
    counts: dict[tuple[str | None, str | None], int] = {}
    for row in rows:
        key = (row["category"], {True: "1", False: "0", None: None}[row["passed"]])
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_marks_and_items_count_alike(store: Store) -> None:
    rows = drawn(1)
    run = store.run(rows)

    async def work(db: Database) -> tuple[Any, Any, Any]:
        async with db.transaction() as conn:
            await marks.make(conn, store.tenant, [run], PASSED.field)
            await marks.make(conn, store.tenant, [run], CATEGORY)
        async with db.reading() as conn:
            marked = await marks.counts(conn, store.tenant, [run], PASSED.field, by_category=True)
            direct = await statistics.counts(conn, store.tenant, [run], PASSED, by_category=True)
            return marked, direct, await marks.stored(conn, store.tenant, [run], [PASSED.field])

    marked, direct, stored = within(store.url, work)
    assert {(category, label): n for _, category, label, n in marked} == expected(rows)
    assert {(category, label): n for _, category, label, n, _ in direct} == expected(rows)
    outcomes = [row["passed"] for row in rows if row["passed"] is not None]
    changes = sum(one != other for one, other in pairwise(outcomes))
    assert stored[run, "passed"] == marks.Marked(200, changes, clustered=False, varied=False)


def test_pairs_by_marks_and_by_join_are_one(store: Store) -> None:
    tables = [drawn(seed) for seed in (1, 2, 3)]
    ids = [store.run(rows) for rows in tables]
    asked = [(ids[0], ids[1]), (ids[2], ids[0]), (ids[1], ids[1])]

    async def work(db: Database) -> tuple[Any, Any]:
        async with db.transaction() as conn:
            await marks.make(conn, store.tenant, ids, PASSED.field)
            await marks.make(conn, store.tenant, ids, CATEGORY)
        async with db.reading() as conn:
            quick = await marks.pairs(conn, store.tenant, asked, PASSED.field, by_category=True)
            return quick, await statistics.joined(conn, store.tenant, asked, PASSED.field, by_category=True)

    quick, joined = within(store.url, work)
    assert set(quick) == set(joined)
    first = {row["task"]: row["passed"] for row in tables[0]}
    both = sum(n for place, _, a, b, n in quick if (place, a, b) == (0, "1", "1"))
    assert both == sum(row["passed"] is True and first[row["task"]] is True for row in tables[1])


def test_other_task_sets_are_joined_on_what_they_share(store: Store) -> None:
    a = store.run(drawn(1), task_set=b"a" * 32)
    b = store.run(drawn(2, 250, 50), task_set=b"b" * 32)

    async def work(db: Database) -> Any:
        counting = Counting(db, store.tenant)
        facts = await counting.facts([str(a), str(b)])
        return await counting.pairs([(facts[str(a)], facts[str(b)])], PASSED, by_category=False)

    (cells,) = within(store.url, work)
    assert isinstance(cells, PairCells)
    assert sum(n for _, _, n in cells.whole) == 150


def test_marks_are_made_again_when_items_have_come(store: Store) -> None:
    rows = drawn(1, 20)
    run = store.run(rows, status="open")

    async def counted(db: Database) -> dict[str | None, int]:
        counting = Counting(db, store.tenant)
        facts = await counting.facts([str(run)])
        found = await counting.runs(list(facts.values()), PASSED, by_category=False)
        return dict(found[run].whole)

    before = within(store.url, counted)
    store.more(run, [{"task": "new", "category": None, "passed": True}], 20)
    after = within(store.url, counted)
    assert sum(before.values()) == 20
    assert after == {**before, "1": before["1"] + 1}


def test_a_moving_run_is_counted_from_its_items_and_not_kept(store: Store) -> None:
    rows: list[Row] = [
        {"task": "a", "passed": True, "category": None},
        {"task": "b", "outcome": None, "category": None},
    ]
    run = store.run(rows, status="running")

    async def work(db: Database) -> Any:
        counting = Counting(db, store.tenant)
        facts = await counting.facts([str(run)])
        found = await counting.runs(list(facts.values()), PASSED, by_category=False)
        async with db.reading() as conn:
            return found[run], await marks.stored(conn, store.tenant, [run], [PASSED.field])

    found, kept = within(store.url, work)
    assert dict(found.whole) == {"1": 1, None: 1}
    assert found.marked.items == 2
    assert kept == {}


def test_many_scores_are_binned_and_keep_their_mean(store: Store) -> None:
    rng = random.Random(3)
    scores = [rng.gauss(3.0, 0.7) for _ in range(3_000)]
    run = store.run([{"task": str(i), "score": score} for i, score in enumerate(scores)])

    async def work(db: Database) -> Any:
        counting = Counting(db, store.tenant)
        facts = await counting.facts([str(run)])
        return (await counting.runs(list(facts.values()), SCORE, by_category=False))[run]

    found = within(store.url, work)
    assert found.binned
    assert found.marked.varied
    assert len(found.whole) < 1_000
    total = sum(float(label) * n for label, n in found.whole if label is not None)
    assert total / 3_000 == pytest.approx(sum(scores) / 3_000, rel=1e-12)


def test_few_scores_stay_as_they_are(store: Store) -> None:
    run = store.run([{"task": str(i), "score": score} for i, score in enumerate([1.0, 0.1 + 0.2, 0.1 + 0.2, 5.0])])

    async def work(db: Database) -> Any:
        counting = Counting(db, store.tenant)
        facts = await counting.facts([str(run)])
        marked = (await counting.runs(list(facts.values()), SCORE, by_category=False))[run]
        async with db.reading() as conn:
            return marked, await statistics.counts(conn, store.tenant, [run], SCORE, by_category=False)

    marked, direct = within(store.url, work)
    wanted = {1.0: 1, 0.1 + 0.2: 2, 5.0: 1}
    assert {float(label): n for label, n in marked.whole} == wanted
    assert {float(label): n for _, _, label, n, _ in direct} == wanted


def test_clusters_sum_their_items(store: Store) -> None:
    rows: list[Row] = [
        {"task": "a", "cluster": "x", "passed": True},
        {"task": "b", "cluster": "x", "passed": False},
        {"task": "c", "cluster": "y", "passed": True},
        {"task": "d", "cluster": "y"},
        {"task": "e", "passed": True},
    ]
    run, other = store.run(rows), store.run([{**row, "cluster": None, "passed": True} for row in rows])

    async def work(db: Database) -> Any:
        async with db.reading() as conn:
            single = await statistics.clusters(conn, store.tenant, [run], PASSED)
            filled = await statistics.clusters(conn, store.tenant, [run], PASSED, 0.0)
            pair = await statistics.cluster_pairs(conn, store.tenant, (run, other), PASSED)
            worst = await statistics.cluster_pairs(conn, store.tenant, (run, other), PASSED, (1.0, 0.0))
            return single[run], filled[run], pair, worst

    single, filled, pair, worst = within(store.url, work)
    assert sorted(single) == [(1.0, 1, 2), (1.0, 2, 1)]
    assert sorted(filled) == [(1.0, 1, 1), (1.0, 2, 2)]
    assert sorted(pair) == [(1.0, 1.0, 1, 2), (1.0, 2.0, 2, 1)]
    assert sorted(worst) == [(1.0, 1.0, 1, 1), (1.0, 2.0, 2, 1), (2.0, 2.0, 2, 1)]


def test_criteria_and_outcomes_are_metrics(store: Store) -> None:
    run = store.run([])
    told = [
        [{"id": "tone", "passed": True, "score": 4.5}, {"id": "facts", "passed": None}],
        [{"id": "tone", "passed": False, "score": 1.5}, {"id": "facts", "passed": True}],
    ]
    verdicts = [store.verdict(run, one) for one in told]
    rows: list[Row] = [{"task": str(i), "passed": True, "verdict": one} for i, one in enumerate(verdicts)]
    store.more(run, [*rows, {"task": "late", "outcome": "timeout"}], 0)

    async def work(db: Database) -> Any:
        counting = Counting(db, store.tenant)
        facts = list((await counting.facts([str(run)])).values())
        found = []
        for name in ("criterion.tone", "criterion.facts", "criterion.tone.score", "outcome.timeout"):
            metric = metric_of(name)
            assert metric is not None
            counts = await counting.runs(facts, metric, by_category=False)
            found.append({metric.value(label): n for label, n in counts[run].whole if metric.event is None})
        timeout = metric_of("outcome.timeout")
        assert timeout is not None
        counts = await counting.runs(facts, timeout, by_category=False)
        return (
            found,
            sum(n for label, n in counts[run].whole if timeout.value(label) == 1.0),
            await counting.criteria(facts),
        )

    found, timeouts, criteria = within(store.url, work)
    assert found[:3] == [{1.0: 1, 0.0: 1, None: 1}, {None: 2, 1.0: 1}, {4.5: 1, 1.5: 1, None: 1}]
    assert timeouts == 1
    assert criteria == {run: ["tone", "facts"]}


def test_another_tenant_has_no_such_run(store: Store) -> None:
    run = store.run(drawn(1, 10))
    stranger = Store(store.url, "stranger")

    async def work(db: Database) -> Any:
        async with db.reading() as conn:
            foreign = await statistics.facts(conn, stranger.tenant, [str(run), "no-uuid", str(run).upper()])
            own = await statistics.facts(conn, store.tenant, [str(run)])
            counts = await statistics.counts(conn, stranger.tenant, [run], PASSED, by_category=False)
            return foreign, own, counts

    foreign, own, counts = within(store.url, work)
    assert foreign == {}
    assert own[str(run)].total == 10
    assert counts == []


def test_erasing_a_run_takes_its_marks_along(store: Store) -> None:
    run = store.run(drawn(1, 10))

    async def work(db: Database) -> Any:
        async with db.transaction() as conn:
            await marks.make(conn, store.tenant, [run], PASSED.field)
        async with db.transaction() as conn:
            await runs.mark_erasing(conn, store.tenant, str(run))
        async with db.transaction() as conn:
            await runs.erase(conn, store.tenant, str(run))
        async with db.reading() as conn:
            return await marks.stored(conn, store.tenant, [run], [PASSED.field])

    assert within(store.url, work) == {}


@pytest.mark.parametrize(
    "name", ["", "passed; drop", "outcome.nothing", "criterion.", "criterion.a'b", "criterion.a.b", "x"]
)
def test_what_is_no_metric_is_none(name: str) -> None:
    assert metric_of(name) is None
