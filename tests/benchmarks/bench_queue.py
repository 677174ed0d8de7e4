"""How fast the queue alone is: a run in Postgres, one worker, a judge in the process that takes 5 ms.

Everything but the judge is the real thing: claims, leases, verdict rows, counters. Run it with
``python -m tests.benchmarks.bench_queue``; ``--items 100000`` is the full size.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections.abc import Collection
from datetime import UTC, datetime

import uvloop

from app.db import items, keys, runs
from app.db.engine import Database
from app.db.ids import new_id
from app.db.keys import KeyInfo, Scope
from app.db.queue import Claimed
from app.schemas import (
    Action,
    CriterionResult,
    DecisionSource,
    Evidence,
    Finding,
    JudgedBy,
    JudgeRef,
    Latency,
    Outcome,
    RubricRef,
    RunCreate,
    RunItemIn,
    RunKind,
    Severity,
    Usage,
    Verdict,
)
from app.services.batch import BatchOptions, BatchWorker
from app.services.itemjudge import Judged, verdict_row
from app.services.uploads import Upload
from tests.benchmarks.drafts import item
from tests.postgres import embedded

RUBRIC = RubricRef(name="outreach", version="1")
JUDGE = JudgeRef(digest="b" * 64, model="in-process", adapter=None, engine="none", ruleset="0")
FINDING = Finding(
    check="capacity.overcommitment",
    severity=Severity.CRITICAL,
    passed=False,
    detail="More engineers are promised than are free.",
    evidence=[Evidence(field="body", start=4, end=40)],
)
USAGE = Usage(prompt_tokens=321, completion_tokens=13, cached_tokens=256)
LATENCY = Latency(total=5.0, queue=0.0, model=5.0)
CRITERIA = [
    CriterionResult(id=name, judged_by=JudgedBy.BOTH, score=4.5, p_fail=0.1, passed=name != "capacity")
    for name in ("grounding", "capacity", "tone", "ask", "confidence")
]


class SleepingJudge:
    """Takes its time and says the same of everything."""

    ready = True
    rubrics: Collection[str] = (RUBRIC.name,)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.calls = 0

    def ref(self, rubric: str) -> JudgeRef:
        return JUDGE

    async def judge(self, item: Claimed) -> Judged:
        self.calls += 1
        await asyncio.sleep(self._seconds)
        return Judged(self._row(item, Outcome.JUDGED), Outcome.JUDGED, latency_s=self._seconds)

    def unjudged(self, item: Claimed, outcome: Outcome, detail: str) -> Judged:
        return Judged(self._row(item, outcome), outcome, detail)

    def _row(self, item: Claimed, outcome: Outcome) -> dict[str, object]:
        judged = outcome is Outcome.JUDGED
        verdict = Verdict.model_construct(
            id=str(new_id()),
            created_at=datetime.now(UTC),
            run_id=str(item.held.run_id),
            task_id=item.task_id,
            rubric=RUBRIC,
            judge=JUDGE,
            outcome=outcome,
            passed=False if judged else None,
            score=4.5 if judged else None,
            p_fail=0.1 if judged else None,
            criteria=CRITERIA if judged else [],
            findings=[FINDING],
            abstained=False,
            reason=None,
            notes=[],
            finish_reason="stop",
            usage=USAGE,
            latency_ms=LATENCY,
            action=Action.REVISE,
            decision_source=DecisionSource.RULES,
        )
        return verdict_row(item, verdict, '{"s":[5,4,5,4,5]}')


async def fill(db: Database, owner: KeyInfo, count: int, *, reuse: bool = True) -> str:
    """A closed run of ``count`` items; returns its id."""
    with Upload(RunKind.JUDGED) as upload:
        for number in range(count):
            value = item(number)
            upload.add_item(number + 1, RunItemIn.model_validate(value), value)
        async with db.transaction() as conn:
            request = RunCreate(name="bench", system="bench", reuse=reuse)
            run = await runs.create(conn, owner.tenant_id, request, RUBRIC, owner.key_id)
            await runs.begin_upload(conn, owner.tenant_id, run.id)
            await items.take_in(conn, owner.tenant_id, run.id, upload.blocks())
            digests = upload.task_digests()
            await runs.take_upload(conn, owner.tenant_id, run.id, RunKind.JUDGED, digests, close_after=True)
    return run.id


async def measure(url: str, count: int, concurrency: int, seconds: float) -> None:
    db = Database(url, pool_size=8, statement_timeout_ms=60_000, fresh_plans=True)
    async with db.transaction() as conn:
        owner, _ = await keys.create_key(conn, tenant="bench", name="bench", scopes=list(Scope))
    run_id = await fill(db, owner, count)
    judge = SleepingJudge(seconds)
    worker = BatchWorker(db, judge, BatchOptions(concurrency=concurrency))
    began, cpu = time.perf_counter(), time.process_time()
    working = asyncio.create_task(worker.run())
    while True:
        await asyncio.sleep(0.05)
        async with db.reading() as conn:
            run = await runs.get(conn, owner.tenant_id, run_id)
        assert run is not None
        if run.status == "completed":
            break
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    worker.stop()
    await working
    await db.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} items, {concurrency} at once, judge {seconds * 1000:g} ms: {took:.2f} s, "
        f"{count / took:,.0f} items/s; "
        f"worker CPU {cpu / took:.0%} of a core ({cpu / count * 1e6:.0f} us an item), {memory:.0f} MB; "
        f"calls {judge.calls}, late {worker.tally.late}"
    )
    assert run.counts.judged == count == judge.calls


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_queue")
    parser.add_argument("--items", type=int, default=30_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--judge-ms", type=float, default=5.0)
    parser.add_argument("--database-url", help="a migrated database; else an embedded one, with fsync on")
    args = parser.parse_args()
    if args.database_url:
        uvloop.run(measure(args.database_url, args.items, args.concurrency, args.judge_ms / 1000))
        return
    from app.db import migrate

    with embedded(durable=True) as url:
        migrate.upgrade(url)
        uvloop.run(measure(url, args.items, args.concurrency, args.judge_ms / 1000))


if __name__ == "__main__":
    main()
