"""A run's life against a model of it: whatever is done to it in whatever order, the books are right."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.db import keys, queue, runs
from app.db.engine import Database
from app.db.keys import Scope
from app.db.queue import Claimed, Finished, Released
from app.schemas import Outcome, RunStatus
from tests.postgres import shared_server, shared_template
from tests.worker.shapes import RUBRIC, ScriptedJudge, add, check_books, fill, item

T = TypeVar("T")
_MOST_RUNS, _MOST_ITEMS = 3, 12


class Model:
    """What a run should be."""

    def __init__(self) -> None:
        self.status = RunStatus.OPEN
        self.closed = False
        self.states: dict[str, str] = {}

    def left(self) -> int:
        return sum(state in ("pending", "running") for state in self.states.values())

    def settle(self) -> None:
        """A closed run that goes on completes with its last item."""
        if self.status is RunStatus.RUNNING and not self.left():
            self.status = RunStatus.COMPLETED


class Life(RuleBasedStateMachine):
    """Uploads, claims, ends, lapses, cancels, resumes and erasures, against Postgres and the model at once."""

    def __init__(self) -> None:
        super().__init__()
        server = shared_server()
        self.name = server.create(shared_template())
        self.url = server.url_of(self.name)
        self.loop = asyncio.new_event_loop()
        self.db = Database(self.url, pool_size=2)
        self.models: dict[str, Model] = {}
        self.claimed: list[Claimed] = []
        self.lapsed: list[Claimed] = []
        self.judge = ScriptedJudge()
        self.tasks = 0

    def teardown(self) -> None:
        self.do(self.db.close())
        self.loop.close()
        shared_server().drop(self.name)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        async def owner() -> keys.Principal:
            async with self.db.transaction() as conn:
                _, token = await keys.create_key(conn, tenant="acme", name="life", scopes=set(Scope))
                found = await keys.authenticate(conn, token)
            assert found is not None
            return found

        self.owner = self.do(owner())

    def pick(self, at: int) -> tuple[str, Model]:
        name = sorted(self.models)[at % len(self.models)]
        return name, self.models[name]

    def items(self, count: int) -> list[dict[str, Any]]:
        self.tasks += count
        return [item(n) for n in range(self.tasks - count, self.tasks)]

    @precondition(lambda self: len(self.models) < _MOST_RUNS)
    @rule(count=st.integers(1, 4), close=st.booleans())
    def create(self, count: int, close: bool) -> None:
        values = self.items(count)
        run_id = self.do(fill(self.db, self.owner, values, close=close, reuse=False))
        model = self.models[run_id] = Model()
        model.states = {value["task_id"]: "pending" for value in values}
        if close:
            model.closed, model.status = True, RunStatus.RUNNING

    @precondition(lambda self: self.models)
    @rule(at=st.integers(0, 9), count=st.integers(1, 3), close=st.booleans())
    def upload(self, at: int, count: int, close: bool) -> None:
        run_id, model = self.pick(at)
        if model.status is RunStatus.OPEN and len(model.states) < _MOST_ITEMS:
            values = self.items(count)
            self.do(add(self.db, self.owner, run_id, values, close=close))
            model.states |= {value["task_id"]: "pending" for value in values}
            if close:
                model.closed, model.status = True, RunStatus.RUNNING
                model.settle()

    @precondition(lambda self: self.models)
    @rule(at=st.integers(0, 9), move=st.sampled_from(["close", "cancel", "resume"]))
    def move(self, at: int, move: str) -> None:
        run_id, model = self.pick(at)

        async def moved() -> bool:
            async with self.db.transaction() as conn:
                return await getattr(runs, move)(conn, self.owner.tenant_id, run_id) is not None

        allowed = {
            "close": model.status is RunStatus.OPEN,
            "cancel": model.status in (RunStatus.OPEN, RunStatus.RUNNING),
            "resume": model.status is RunStatus.CANCELLED,
        }[move]
        assert self.do(moved()) == allowed
        if not allowed:
            return
        if move == "close":
            model.closed, model.status = True, RunStatus.RUNNING
        elif move == "cancel":
            model.status = RunStatus.CANCELLED
        else:
            model.status = RunStatus.RUNNING if model.closed else RunStatus.OPEN
        model.settle()

    @rule(most=st.integers(1, 5))
    def claim(self, most: int) -> None:
        async def claim() -> list[Claimed]:
            async with self.db.single() as conn:
                return await queue.claim(conn, [RUBRIC.name], most, 600.0)

        found = self.do(claim())
        active = [m for m in self.models.values() if m.status in (RunStatus.OPEN, RunStatus.RUNNING)]
        waiting = sum(state == "pending" for model in active for state in model.states.values())
        assert len(found) == min(most, waiting)
        for one in found:
            model = self.models[str(one.held.run_id)]
            assert model.states[one.task_id] == "pending"
            model.states[one.task_id] = "running"
        self.claimed += found

    @precondition(lambda self: self.claimed or self.lapsed)
    @rule(most=st.integers(1, 5), outcome=st.sampled_from([Outcome.JUDGED, Outcome.TRUNCATED]), late=st.booleans())
    def finish(self, most: int, outcome: Outcome, late: bool) -> None:
        source = self.lapsed if late and self.lapsed else self.claimed
        batch = source[:most]

        async def finish() -> set[Any]:
            ended = [Finished(one.held, self.judge.unjudged(one, outcome, "x").row) for one in batch]
            async with self.db.transaction() as conn:
                return await queue.finish(conn, ended)

        stored = self.do(finish())
        if source is self.lapsed:
            assert stored == set(), "a late result was stored"
            del self.lapsed[:most]
            return
        alive = [one for one in batch if str(one.held.run_id) in self.models]
        assert len(stored) == len(alive)
        for one in alive:
            model = self.models[str(one.held.run_id)]
            model.states[one.task_id] = "done"
            model.settle()
        del self.claimed[:most]

    @precondition(lambda self: self.claimed)
    @rule(most=st.integers(1, 5), failed=st.booleans())
    def release(self, most: int, failed: bool) -> None:
        batch = self.claimed[:most]

        async def release() -> None:
            async with self.db.single() as conn:
                await queue.release(conn, [Released(one.held, 0.0, failed) for one in batch])

        self.do(release())
        self._back(batch)
        del self.claimed[:most]

    @precondition(lambda self: self.claimed)
    @rule()
    def lapse(self) -> None:
        """All leases run out, and the items are taken back."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute("UPDATE run_items SET leased_until = now() - interval '1 s' WHERE state = 'running'")

        async def take_back() -> int:
            async with self.db.single() as conn:
                return await queue.take_back(conn)

        alive = [one for one in self.claimed if str(one.held.run_id) in self.models]
        assert self.do(take_back()) == len(alive)
        self._back(self.claimed)
        self.lapsed += self.claimed
        self.claimed = []

    def _back(self, batch: list[Claimed]) -> None:
        for one in batch:
            if (model := self.models.get(str(one.held.run_id))) is not None:
                model.states[one.task_id] = "pending"

    @precondition(lambda self: self.models)
    @rule(at=st.integers(0, 9))
    def erase(self, at: int) -> None:
        run_id, _ = self.pick(at)

        async def erase() -> None:
            async with self.db.transaction() as conn:
                assert await runs.mark_erasing(conn, self.owner.tenant_id, run_id)
            async with self.db.transaction() as conn:
                await runs.erase(conn, self.owner.tenant_id, run_id)

        self.do(erase())
        del self.models[run_id]

    @invariant()
    def books_are_right(self) -> None:
        if not self.models:
            return
        check_books(self.url, done=False)

        async def found() -> dict[str, Any]:
            async with self.db.reading() as conn:
                return {name: await runs.get(conn, self.owner.tenant_id, name) for name in self.models}

        for name, run in self.do(found()).items():
            model = self.models[name]
            assert run is not None
            assert run.status == model.status
            assert (run.finished_at is not None) == (run.status in ("completed", "cancelled"))
            counted = {state: list(model.states.values()).count(state) for state in ("pending", "running")}
            assert counted == {"pending": run.counts.pending, "running": run.counts.running}
            assert run.counts.total == len(model.states)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
