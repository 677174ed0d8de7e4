"""Runs from end to end, but for the judging: opened, filled, closed, stopped, gone on with, watched, erased.

What a caller may do depends on the run's status, and each refusal says which status that is. A run is filled by one
upload unless the caller says that more will come; it completes by itself when its last item has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import items, queue, runs, upkeep
from app.db.engine import Database
from app.db.keys import Principal
from app.errors import Conflict, Fault, InvalidInput, NotFound, PresendError
from app.schemas import OnError, Progress, Run, RunCreate, RunKind, RunStatus, UploadResult
from app.services.deadline import Deadline
from app.services.judging import Judge
from app.services.once import IdempotencyKey, Once, Reply
from app.services.uploads import MAX_ITEMS, Upload

UPLOAD_BUDGET_S = 60.0
PACE_WINDOW_S = 30.0
_MANY = 1_000
"""Items after which Postgres is told at once that its tables have grown."""
_UNKNOWN = "There is no run with that id."
_log = structlog.get_logger("presend.runs")
_OVER = frozenset({RunStatus.COMPLETED, RunStatus.CANCELLED})


class RunClosed(Conflict):
    """The run takes no more items."""

    slug, title = "run-closed", "The run is closed"


class RunOver(Conflict):
    """The run has been completed, which is for good."""

    slug, title = "run-completed", "The run is completed"


class RunHoldsOther(Conflict):
    """Drafts and scores do not stand in one run."""

    slug, title = "run-kind", "The run holds another kind of items"


class RunFull(Conflict):
    """The run holds as many items as a run can."""

    slug, title = "run-full", "The run is full"


@dataclass(frozen=True)
class Runs:
    """Runs of one tenant at a time."""

    db: Database
    judge: Judge
    once: Once

    async def create(
        self, principal: Principal, request: RunCreate, deadline: Deadline, key: IdempotencyKey | None
    ) -> Reply:
        """Open a run under a rubric that exists."""
        rubric = self.judge.rubric(request.rubric)

        async def write(conn: AsyncConnection) -> tuple[int, bytes]:
            run = await runs.create(conn, principal.tenant_id, request, rubric.ref, principal.key_id)
            return 201, run.model_dump_json().encode()

        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            return attempt if isinstance(attempt, Reply) else await attempt.commit_answer(write)

    async def get(self, principal: Principal, run_id: str) -> Run:
        """A run of the caller's tenant; any other id is unknown."""
        async with self.db.reading() as conn:
            return _found(await runs.get(conn, principal.tenant_id, run_id))

    async def expect_open(self, principal: Principal, run_id: str, kind: RunKind) -> None:
        """Refuse an upload before it is read, when it could not be stored anyway."""
        _check_takes(await self.get(principal, run_id), kind, 1)

    async def add(
        self,
        principal: Principal,
        run_id: str,
        upload: Upload,
        *,
        on_error: OnError,
        close: bool,
        key: IdempotencyKey | None,
    ) -> Reply:
        """Store an upload in one transaction: its good lines, or with ``refuse`` all of them or none."""
        if upload.received == 0:
            raise InvalidInput("The upload is empty; send at least one item.")

        async def write(conn: AsyncConnection) -> tuple[int, bytes]:
            run = _found(await runs.begin_upload(conn, principal.tenant_id, run_id))
            _check_takes(run, upload.kind, upload.accepted)
            _check_faults(upload, on_error)
            taken = await items.take_in(conn, principal.tenant_id, run_id, upload.blocks())
            upload.take_out(taken.twice)
            _check_faults(upload, on_error)
            done = await runs.take_upload(
                conn, principal.tenant_id, run_id, upload.kind, upload.task_digests(), close_after=close
            )
            if done is None:
                raise RunClosed("The run was closed, stopped or filled otherwise while the upload was stored.")
            if upload.kind is RunKind.JUDGED:
                await queue.announce(conn)
            result = UploadResult(
                run_id=done.id,
                received=upload.received,
                accepted=upload.accepted,
                rejected=upload.rejected,
                errors=upload.faults,
                status=done.status,
                total=done.counts.total,
            )
            return 200, result.model_dump_json(exclude_none=True).encode()

        deadline = Deadline(time.monotonic(), UPLOAD_BUDGET_S)
        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            if isinstance(attempt, Reply):
                return attempt
            reply = await attempt.commit_answer(write)
        if upload.accepted >= _MANY:
            await self._inform()
        return reply

    async def _inform(self) -> None:
        try:
            async with self.db.transaction() as conn:
                await upkeep.analyse_items(conn)
        except PresendError as error:
            _log.info("upload.not_analysed", slug=error.slug)

    async def close(self, principal: Principal, run_id: str, deadline: Deadline, key: IdempotencyKey | None) -> Reply:
        """End the upload of a run; closing a closed one changes nothing."""
        return await self._move(principal, run_id, deadline, key, runs.close, _refuse_close)

    async def cancel(self, principal: Principal, run_id: str, deadline: Deadline, key: IdempotencyKey | None) -> Reply:
        """Stop a run; its waiting items stay as they are. Stopping a stopped one changes nothing."""
        return await self._move(principal, run_id, deadline, key, runs.cancel, _refuse_completed)

    async def resume(self, principal: Principal, run_id: str, deadline: Deadline, key: IdempotencyKey | None) -> Reply:
        """Go on with a stopped run; going on with one that goes on changes nothing."""
        return await self._move(principal, run_id, deadline, key, runs.resume, _refuse_completed)

    async def _move(
        self,
        principal: Principal,
        run_id: str,
        deadline: Deadline,
        key: IdempotencyKey | None,
        move: Callable[[AsyncConnection, UUID, str], Awaitable[Run | None]],
        refuse: Callable[[Run], None],
    ) -> Reply:
        async def write(conn: AsyncConnection) -> tuple[int, bytes]:
            moved = await move(conn, principal.tenant_id, run_id)
            if moved is None:
                moved = _found(await runs.get(conn, principal.tenant_id, run_id))
                refuse(moved)
            if moved.status not in _OVER:
                await queue.announce(conn)
            return 200, moved.model_dump_json().encode()

        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            return attempt if isinstance(attempt, Reply) else await attempt.commit_answer(write)

    async def erase(self, principal: Principal, run_id: str) -> None:
        """Erase a run with its drafts, verdicts and labels. Hidden first, so that nothing is added meanwhile."""
        async with self.db.transaction() as conn:
            if not await runs.mark_erasing(conn, principal.tenant_id, run_id):
                raise NotFound(_UNKNOWN)
        async with self.db.transaction() as conn:
            await runs.erase(conn, principal.tenant_id, run_id)

    async def watch(self, principal: Principal, run_id: str, every_s: float) -> AsyncIterator[Progress]:
        """Where the run stands, again and again, until it is over or gone."""
        seen: deque[tuple[float, int]] = deque()
        while True:
            try:
                run = await self.get(principal, run_id)
            except NotFound:
                return
            yield progress(run, seen, time.monotonic())
            if run.status in _OVER:
                return
            await asyncio.sleep(every_s)


def progress(run: Run, seen: deque[tuple[float, int]], now: float) -> Progress:
    """Progress of a run; ``seen`` holds (seconds, items ended) of the last looks and is kept up to date."""
    finished = run.counts.finished
    seen.append((now, finished))
    while now - seen[0][0] > PACE_WINDOW_S:
        seen.popleft()
    begun, ended = run.started_at, run.finished_at or datetime.now(UTC)
    elapsed = max(0.0, (ended - begun).total_seconds()) if begun is not None else 0.0
    rate = None
    if len(seen) > 1 and now > seen[0][0]:
        rate = max(0, finished - seen[0][1]) / (now - seen[0][0])
    elif finished and elapsed > 0:
        rate = finished / elapsed
    left = run.counts.total - finished
    return Progress(
        run_id=run.id,
        status=run.status,
        counts=run.counts,
        finished=finished,
        rate=None if rate is None else round(rate, 3),
        eta_s=round(left / rate, 1) if rate and run.status not in _OVER else None,
        elapsed_s=round(elapsed, 3),
    )


def _found(run: Run | None) -> Run:
    if run is None:
        raise NotFound(_UNKNOWN)
    return run


def _check_takes(run: Run, kind: RunKind, more: int) -> None:
    """Refuse items that the run cannot take.

    Raises
    ------
    RunClosed, RunHoldsOther, RunFull
        Each saying what would be right.
    """
    if run.status is not RunStatus.OPEN:
        raise RunClosed(
            f"The run is {run.status.value} and takes no more items; open another run, or send `close=false` with "
            "all uploads but the last."
        )
    if run.kind is not None and run.kind is not kind:
        other = "drafts to judge" if run.kind is RunKind.JUDGED else "scores from elsewhere"
        raise RunHoldsOther(f"The run holds {other}; open another run for these.")
    if run.counts.total + more > MAX_ITEMS:
        raise RunFull(f"A run holds {MAX_ITEMS} items at most; this one has {run.counts.total}. Nothing was stored.")


def _check_faults(upload: Upload, on_error: OnError) -> None:
    if upload.rejected and (on_error == "refuse" or upload.accepted == 0):
        faults = tuple(Fault(f"line {f.line}: {f.path}", f.message) for f in upload.faults)
        what = "line does" if upload.rejected == 1 else "lines do"
        raise InvalidInput(f"{upload.rejected} {what} not fit; nothing was stored.", faults)


def _refuse_close(run: Run) -> None:
    if run.status is RunStatus.CANCELLED:
        raise RunClosed("The run is cancelled; resume it before it is closed.")


def _refuse_completed(run: Run) -> None:
    if run.status is RunStatus.COMPLETED:
        raise RunOver("The run is completed, which is for good.")
