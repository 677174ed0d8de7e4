"""The batch worker: claims items, has them judged, ends them. Any number of workers may share one database.

Nothing is taken for granted: a claim's reply may be lost, a lease may run out while the process stands still,
Postgres may vanish at any moment and raise what it likes on the way back. So leases are kept only for what is in these
hands, results are fenced by their attempt, and every loop outlives every error.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.db import queue, upkeep
from app.db.engine import Database, StatementRefused
from app.db.queue import Claimed, Finished, Held, Released
from app.errors import PresendError
from app.schemas import Outcome, Verdict
from app.services.itemjudge import ItemJudge, Judged, reused
from app.services.limiter import Limiter, Pace
from app.services.reuse import Reuse

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 60.0
_STORE_S = 3.0
"""How much longer than its drain a worker may take to store what it knows."""
_log = structlog.get_logger("presend.worker")


@dataclass(frozen=True)
class BatchOptions:
    """How a worker works: ``concurrency`` calls at once, under leases that are renewed thrice in their time."""

    concurrency: int = 16
    lease_s: float = 15.0
    max_failures: int = 6
    claim_most: int = 512
    finish_most: int = 512
    gather_s: float = 0.02
    gather_most_s: float = 0.25
    gather_few: int = 3
    idle_s: float = 0.5
    not_now_s: float = 1.0
    take_back_s: float = 2.0
    refresh_s: float = 1.0
    drain_s: float = 10.0
    slow_s: float = 20.0
    patience_s: float = 15.0
    keep_inputs: bool = True


@dataclass
class Tally:
    """What this worker has done since it started."""

    claimed: int = 0
    judged: int = 0
    reused: int = 0
    retried: int = 0
    late: int = 0
    taken_back: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class BatchWorker:
    """One worker. ``run`` works until ``stop`` is called, then drains."""

    def __init__(self, db: Database, judge: ItemJudge, options: BatchOptions) -> None:
        self.tally = Tally()
        self._db = db
        self._judge = judge
        self._options = options
        self._limiter = Limiter(options.concurrency, options.slow_s)
        self._reuse = Reuse(db, judge)
        self._stopping = asyncio.Event()
        self._hungry = asyncio.Event()
        self._ending = asyncio.Event()
        self._held: dict[Held, Claimed] = {}
        self._waiting: deque[Claimed] = deque()
        self._active: dict[Held, asyncio.Task[None]] = {}
        self._ended: deque[Finished] = deque()
        self._given_back: deque[Released] = deque()
        self._paused: asyncio.TimerHandle | None = None
        self._pace = Pace()

    def stop(self) -> None:
        """Take nothing new, finish what is being judged, give back the rest."""
        self._stopping.set()
        self._hungry.set()

    async def run(self) -> None:
        """Work until stopped."""
        claiming = asyncio.create_task(self._outlive("claim", self._claim, self._stopping))
        others = [
            asyncio.create_task(self._outlive("finish", self._finish, None)),
            asyncio.create_task(self._outlive("heartbeat", self._heartbeat, None)),
            asyncio.create_task(self._outlive("take back", self._take_back, self._stopping)),
            asyncio.create_task(self._outlive("listen", self._listen, self._stopping)),
            asyncio.create_task(self._outlive("statistics", self._refresh, self._stopping)),
        ]
        try:
            await self._stopping.wait()
            await self._drain(claiming)
        finally:
            if self._paused is not None:
                self._paused.cancel()
            tasks = [claiming, *others, *self._active.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _outlive(self, what: str, step: Callable[[], Awaitable[None]], until: asyncio.Event | None) -> None:
        """Do a step again and again. Postgres in trouble raises more kinds of errors than its driver documents."""
        failed = 0
        while until is None or not until.is_set():
            try:
                await step()
                failed = 0
            except Exception as error:
                failed += 1
                if failed in (1, 10, 100) or failed % 1000 == 0:
                    said = error.detail if isinstance(error, PresendError) else type(error).__name__
                    _log.warning("worker.trouble", step=what, error=said, times=failed)
                await asyncio.sleep(min(2.0, 0.1 * 2 ** min(failed, 6)) * random.uniform(0.5, 1.0))

    def _patiently(self) -> asyncio.Timeout:
        """Bounds a transaction: a connection whose replies have stopped coming would hold its loop for ever."""
        return asyncio.timeout(self._options.patience_s)

    # Claiming

    async def _claim(self) -> None:
        options = self._options
        self._hungry.clear()
        ahead = max(2 * self._limiter.limit, min(options.claim_most, self._pace.per_second))
        room = ahead - len(self._waiting)
        if not self._judge.ready or (pause := self._limiter.pause_s) > 0:
            await self._rest(options.not_now_s if not self._judge.ready else pause)
            return
        if room < max(1, ahead // 2):
            await self._rest(options.idle_s)
            return
        async with self._patiently(), self._db.single() as conn:
            claimed = await queue.claim(conn, self._judge.rubrics, min(room, options.claim_most), options.lease_s)
        self.tally.claimed += len(claimed)
        for item in claimed:
            self._held[item.held] = item
        if claimed:
            await self._admit(claimed)
        else:
            await self._rest(options.idle_s * random.uniform(0.5, 1.0))

    async def _rest(self, seconds: float) -> None:
        """Wait until there is something to claim or room for it, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hungry.wait()

    async def _listen(self) -> None:
        """Hear of new work at once; where notifications do not come through, the claims' own pace finds it."""
        await self._db.listen(queue.CHANNEL, self._hungry.set)

    async def _admit(self, claimed: list[Claimed]) -> None:
        """Sort claimed items: given up, judged before, to be judged. What fails here is given back, not lost."""
        try:
            fresh = [item for item in claimed if item.failures < self._options.max_failures]
            for item in claimed:
                if item.failures >= self._options.max_failures:
                    detail = f"given up after {item.failures} attempts, each of which was cut off or failed"
                    self._end(item, self._judge.unjudged(item, Outcome.CANCELLED, detail))
            async with self._patiently():
                sorted_ = await self._reuse.sort(fresh)
        except Exception:
            self._give_back([item for item in claimed if item.held in self._held], self._options.not_now_s)
            raise
        for item, verdict in sorted_.known:
            self._take_over(item, verdict.id, reused(item, verdict))
        self._waiting.extend(sorted_.to_judge)
        self._start_some()

    # Judging

    def _start_some(self) -> None:
        """Start waiting items while there is room; called when items come and when one ends."""
        if (pause := self._limiter.pause_s) > 0:
            if self._paused is None:
                self._paused = asyncio.get_running_loop().call_later(pause, self._start_again)
            return
        while self._waiting and len(self._active) < self._limiter.limit and not self._stopping.is_set():
            item = self._waiting.popleft()
            if item.held in self._held:
                self._active[item.held] = asyncio.create_task(self._one(item))
        if len(self._waiting) < self._limiter.limit:
            self._hungry.set()

    def _start_again(self) -> None:
        self._paused = None
        self._start_some()

    async def _one(self, item: Claimed) -> None:
        try:
            result = await self._judge.judge(item)
            if item.held in self._held:
                self._settle(item, result)
        except Exception as error:
            _log.error("item.crashed", error=type(error).__name__)
            self._give_back([item], _backoff(item.failures), failed=True)
        finally:
            self._active.pop(item.held, None)
        self._start_some()

    def _settle(self, item: Claimed, result: Judged) -> None:
        """End an item, or give it back to be tried again."""
        if result.outcome is Outcome.RATE_LIMITED:
            self._limiter.too_many(result.retry_after_s)
        elif result.latency_s is not None:
            self._limiter.answered(result.latency_s)
        if result.not_now:
            self._give_back([item], self._options.not_now_s)
        elif result.passing and item.failures + 1 < self._options.max_failures:
            self.tally.retried += 1
            delay = max(result.retry_after_s or 0.0, _backoff(item.failures))
            self._give_back([item], delay, failed=True)
        else:
            self._end(item, result)

    def _end(self, item: Claimed, result: Judged) -> None:
        self.tally.judged += 1
        self.tally.outcomes[result.outcome.value] += 1
        self._ended.append(Finished(item.held, result.row, result.detail))
        self._ending.set()

    def _take_over(self, item: Claimed, source: str, row: dict[str, object]) -> None:
        self.tally.reused += 1
        self._ended.append(Finished(item.held, row, None, UUID(source)))
        self._ending.set()

    def _give_back(self, items: list[Claimed], delay_s: float, *, failed: bool = False) -> None:
        self._given_back.extend(Released(item.held, delay_s, failed) for item in items)
        self._ending.set()

    # Finishing

    async def _finish(self) -> None:
        await self._ending.wait()
        await asyncio.sleep(self._gathering_s())
        self._ending.clear()
        try:
            while self._ended:
                await self._finish_some()
            while self._given_back:
                await self._release_some()
        except Exception:
            self._ending.set()
            raise

    def _gathering_s(self) -> float:
        """How long to gather what ends before it is stored: for a few items, so that a crash costs few calls again.

        A slow engine needs every core, and a transaction for each of its answers would take them from it.
        """
        options = self._options
        if not self._active or not self._pace.per_second:
            return options.gather_s
        return min(max(options.gather_s, options.gather_few / self._pace.per_second), options.gather_most_s)

    async def _finish_some(self) -> None:
        batch = [self._ended[i] for i in range(min(len(self._ended), self._options.finish_most))]
        try:
            stored = await self._store(batch)
        except StatementRefused:
            stored = await self._store_one_by_one(batch)
        for _ in batch:
            self._ended.popleft()
        for one in batch:
            won = one.verdict["id"] in stored
            self.tally.late += not won
            self._let_go(one.held, self._reuse.verdict_of(one) if won else None)
        self._pace.count(len(stored))
        self._start_some()

    async def _store(self, batch: list[Finished]) -> set[UUID]:
        async with self._patiently(), self._db.transaction() as conn:
            stored = await queue.finish(conn, batch, keep_inputs=self._options.keep_inputs)
        missing = [one.held for one in batch if one.verdict["id"] not in stored]
        if missing:
            # Either too late, or stored by a try of ours whose reply was lost.
            async with self._patiently(), self._db.reading() as conn:
                stored |= await queue.stored_verdicts(conn, missing)
        return stored

    async def _store_one_by_one(self, batch: list[Finished]) -> set[UUID]:
        """A row that Postgres refuses must not hold up the others; its item is tried again, and given up in the end."""
        stored: set[UUID] = set()
        for one in batch:
            try:
                stored |= await self._store([one])
            except StatementRefused as error:
                _log.error("item.refused", detail=error.detail)
                self._given_back.append(Released(one.held, _backoff(0), failed=True))
        return stored

    def _let_go(self, held: Held, verdict: Callable[[], Verdict] | None = None) -> None:
        """Take an item out of these hands; those that waited for its verdict take it over, or the next is judged."""
        if (item := self._held.pop(held, None)) is None:
            return
        if verdict is None:
            self._waiting.extend(self._reuse.promote(item))
        elif followers := self._reuse.followers(item):
            source = verdict()
            for follower in followers:
                if follower.held in self._held:
                    self._take_over(follower, source.id, reused(follower, source))

    async def _release_some(self) -> None:
        batch = [self._given_back[i] for i in range(min(len(self._given_back), self._options.finish_most))]
        async with self._patiently(), self._db.single() as conn:
            await queue.release(conn, batch)
        for one in batch:
            self._given_back.popleft()
            self._let_go(one.held)
        self._start_some()

    # Leases

    async def _heartbeat(self) -> None:
        await asyncio.sleep(self._options.lease_s / 3.0)
        before = list(self._held)
        if not before:
            return
        async with self._patiently(), self._db.single() as conn:
            kept = await queue.heartbeat(conn, before, self._options.lease_s)
        ending = {one.held for one in self._ended} | {one.held for one in self._given_back}
        for held in before:
            if held not in kept and held in self._held and held not in ending:
                self._lose(held)

    def _lose(self, held: Held) -> None:
        """Somebody else has the item now, or nobody: stop working on it."""
        self.tally.late += 1
        if (task := self._active.pop(held, None)) is not None:
            task.cancel()
        self._let_go(held)
        self._start_some()

    async def _take_back(self) -> None:
        await self._pause(self._options.take_back_s * random.uniform(0.8, 1.2))
        async with self._patiently(), self._db.single() as conn:
            count = await queue.take_back(conn)
        if count:
            self.tally.taken_back += count
            _log.info("worker.took_back", items=count)
            self._hungry.set()

    async def _refresh(self) -> None:
        """Keep Postgres informed of what this worker fills its tables with."""
        before = self._pace.total
        await self._pause(self._options.refresh_s)
        if self._pace.total != before:
            async with self._patiently(), self._db.transaction() as conn:
                await upkeep.refresh_statistics(conn)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    # Draining

    async def _drain(self, claiming: asyncio.Task[None]) -> None:
        """Give back what has not begun, wait for what has, store all that is known; all within ``drain_s``."""
        deadline = time.monotonic() + self._options.drain_s
        await asyncio.wait([claiming], timeout=self._options.drain_s)
        begun = set(self._active) | {one.held for one in self._ended} | {one.held for one in self._given_back}
        self._waiting.clear()
        self._give_back([item for held, item in self._held.items() if held not in begun], 0.0)
        while self._active and time.monotonic() < deadline:
            await asyncio.wait(list(self._active.values()), timeout=max(0.0, deadline - time.monotonic()))
        cut = [self._held[held] for held in self._active if held in self._held]
        for task in list(self._active.values()):
            task.cancel()
        self._give_back(cut, 0.0)
        while (self._ended or self._given_back) and time.monotonic() < deadline + _STORE_S:
            self._ending.set()
            await asyncio.sleep(0.02)
        _log.info("worker.drained", cut_off=len(cut), left=len(self._held), late=self.tally.late)


def _backoff(failures: int) -> float:
    """Seconds until the next try: doubling, with chance in it so that items that failed together part."""
    return float(min(_LAST_RETRY_S, _FIRST_RETRY_S * 2**failures) * random.uniform(0.5, 1.5))
