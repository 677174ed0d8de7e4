"""Composition root of the batch worker: settings in, runs judged. `presend worker`, or ``python -m app.worker``.

Any number may run on one database, on any number of machines. A worker asks the engine through slots of its own, fewer
than the engine has, so that the gate keeps its share. SIGTERM drains: what is being judged is finished and stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import structlog
import uvloop

from app.db.engine import Database
from app.errors import ConfigurationError, PresendError
from app.services.batch import BatchOptions, BatchWorker
from app.services.itemjudge import RunJudge
from app.services.wiring import JudgeParts, assemble
from app.settings import Settings, load_settings
from app.telemetry import Metrics, configure_logging

_CONNECTIONS = 6
_STATEMENT_TIMEOUT_MS = 30_000
_REPORT_S = 30.0
_NICENESS = 5
"""On one machine, what the gate needs goes before what can wait."""
_log = structlog.get_logger("presend.worker")


def judge_parts(settings: Settings, *, slots: int, kept_for_gate: int, max_waiting: int) -> JudgeParts:
    """What the settings say about the judge."""
    return JudgeParts(
        policy=settings.policy,
        rubric=settings.rubric,
        calibration=settings.judge_calibration,
        adapter=settings.adapter,
        model=settings.judge_model,
        manifest=settings.judge_manifest,
        engine_report=settings.home / "run" / "engine.json",
        base_url=settings.vllm_base_url or "http://127.0.0.1:8001/v1",
        api_key=settings.vllm_api_key.get_secret_value() if settings.vllm_api_key else None,
        slots=slots,
        kept_for_gate=kept_for_gate,
        max_waiting=max_waiting,
        breaker_failures=settings.breaker_failures,
        breaker_open_s=settings.breaker_open_s,
    )


def run(settings: Settings) -> None:
    """Work until a signal says stop.

    Raises
    ------
    ConfigurationError
        Naming what is missing or wrong; nothing was started.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    os.nice(_NICENESS)
    uvloop.run(work(settings))


async def work(settings: Settings) -> None:
    """One worker, from its first claim to its drain."""
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL is not set. Point the worker at the database of the API.")
    assembled = assemble(
        judge_parts(settings, slots=settings.batch_slots, kept_for_gate=0, max_waiting=settings.batch_slots),
        Metrics(),
    )
    db = Database(
        settings.database_url.get_secret_value(),
        pool_size=_CONNECTIONS,
        statement_timeout_ms=_STATEMENT_TIMEOUT_MS,
        fresh_plans=True,
    )
    worker = BatchWorker(
        db,
        RunJudge(assembled.judge),
        BatchOptions(
            concurrency=settings.batch_slots,
            lease_s=settings.batch_lease_s,
            drain_s=settings.drain_s,
            keep_inputs=settings.store_drafts,
        ),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    watching = [asyncio.create_task(assembled.monitor.watch()), asyncio.create_task(_report(worker))]
    _log.info("worker.started", slots=settings.batch_slots, lease_s=settings.batch_lease_s)
    try:
        await worker.run()
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await assembled.client.aclose()
        await db.close()


async def _report(worker: BatchWorker) -> None:
    """Now and then, when something was done: what."""
    told = 0
    while True:
        await asyncio.sleep(_REPORT_S)
        tally = worker.tally
        if tally.judged + tally.reused != told:
            told = tally.judged + tally.reused
            _log.info(
                "worker.tally",
                judged=tally.judged,
                reused=tally.reused,
                retried=tally.retried,
                late=tally.late,
                taken_back=tally.taken_back,
                outcomes=dict(tally.outcomes),
            )


def main() -> None:
    """``python -m app.worker``: settings from the environment, one sentence on standard error when they do not do."""
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run(load_settings())
    except PresendError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
