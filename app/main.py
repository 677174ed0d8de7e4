"""Composition root of the HTTP service: settings in, a wired application out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from app import __version__
from app.api import comparisons, dashboard, gate, judges, labels, ops, problems, receipts, runs, statistics, verdicts
from app.api import openapi as openapi_document
from app.api.dependencies import Authenticator, Limits, Services
from app.api.middleware import RequestFrame
from app.db import idempotency, keys, migrate
from app.db.engine import Database
from app.errors import ConfigurationError, PresendError, SetupError
from app.llm import JudgeClient
from app.services.comparisons import Comparing
from app.services.engine import EngineMonitor
from app.services.labels import Labels
from app.services.once import Once
from app.services.receipts import Receipts
from app.services.runs import Runs
from app.services.scoring import Scoring
from app.services.wiring import assemble, load_policy
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.worker import judge_parts

__all__ = ["Wiring", "create_app", "load_policy", "run", "wire"]

_HOUSEKEEPING_S = 15.0
_log = structlog.get_logger("presend")


@dataclass(frozen=True)
class Wiring:
    """What the lifespan must start and stop."""

    services: Services
    client: JudgeClient
    monitor: EngineMonitor


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings. Connects to nothing before its lifespan starts."""
    wiring = wire(settings)
    services = wiring.services

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(wiring.monitor.watch()), asyncio.create_task(_housekeeping(services))]
        # What starting made stays: without this a full collection walks all of it and stops every request for 0.1 s.
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            app.state.draining = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await wiring.client.aclose()
            await services.db.close()

    app = FastAPI(title="Presend", version=__version__, lifespan=lifespan, redirect_slashes=False)
    app.state.services = services
    app.state.draining = False
    app.state.watchers = 0
    app.add_middleware(RequestFrame, metrics=services.metrics)
    problems.install(app)
    for router in (
        gate.router,
        verdicts.router,
        receipts.router,
        comparisons.router,
        judges.router,
        runs.router,
        labels.router,
        statistics.router,
        ops.router,
        dashboard.router,
    ):
        app.include_router(router)
    openapi_document.install(app)
    return app


def wire(settings: Settings) -> Wiring:
    """Build every part, passing settings down.

    Raises
    ------
    ConfigurationError
        Naming what is missing or wrong; nothing was started.
    """
    if settings.database_url is None:
        raise ConfigurationError(
            "DATABASE_URL is not set. Point it at a Postgres >= 14, or use `presend up`, which brings one."
        )
    if settings.receipt_key is None:
        raise ConfigurationError(
            "PRESEND_RECEIPT_KEY is not set. Give it a random secret of 32 characters, the same on every replica."
        )
    metrics = Metrics()
    assembled = assemble(
        judge_parts(
            settings,
            slots=settings.model_slots,
            kept_for_gate=settings.gate_slots,
            max_waiting=settings.max_waiting,
        ),
        metrics,
    )
    judge = assembled.judge
    db = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool)
    once = Once(db, metrics)
    signer = _receipts(settings)
    services = Services(
        db=db,
        judge=judge,
        scoring=Scoring(judge, db, once, signer, metrics, settings.store_drafts),
        comparing=Comparing(judge, db, once, settings.store_drafts),
        runs=Runs(db, judge, once),
        labels=Labels(db, once),
        receipts=signer,
        metrics=metrics,
        authenticator=Authenticator(db),
        limits=Limits(settings.max_body_bytes, settings.deadline_ms, settings.max_upload_bytes),
        newest_revision=migrate.head(),
    )
    return Wiring(services, assembled.client, assembled.monitor)


def _receipts(settings: Settings) -> Receipts:
    secret = settings.receipt_key.get_secret_value().encode() if settings.receipt_key else b""
    try:
        return Receipts(secret, settings.receipt_ttl_s)
    except ValueError as error:
        raise ConfigurationError(f"PRESEND_RECEIPT_KEY does not fit: {error}.") from None


async def _housekeeping(services: Services) -> None:
    """Now and then: write down which keys were used, drop old idempotency keys."""
    while True:
        await asyncio.sleep(_HOUSEKEEPING_S)
        used = services.authenticator.take_used()
        try:
            async with services.db.transaction() as conn:
                if used:
                    await keys.touch(conn, used)
                await idempotency.prune(conn)
        except PresendError as error:
            _log.warning("housekeeping.postponed", slug=error.slug)


class _Server(uvicorn.Server):
    """Uvicorn that says it is draining, and goes on answering for a while, before it stops listening."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, unready_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._unready_s = unready_s
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Flip /readyz first. SIGTERM stops after the pause, a second one or Ctrl-C at once; the exit code is 0."""
        self._app.state.draining = True
        if sig == signal.SIGTERM and self._stop_at is None:
            self._stop_at = time.monotonic() + self._unready_s
        elif sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop now."""
        return await super().on_tick(counter) or (self._stop_at is not None and time.monotonic() >= self._stop_at)


def run(settings: Settings) -> None:
    """Serve until a signal says stop.

    Raises
    ------
    SetupError
        When the address is in use.
    """
    configure_logging(settings.log_level, json=settings.log_json)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=65_536,
    )
    server = _Server(config, app, settings.unready_s)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            sock = config.bind_socket()
        except SystemExit:
            raise SetupError(
                f"Port {settings.port} on {settings.host} is in use or not allowed; choose another with --port."
            ) from None
        server.run(sockets=[sock])
    if server.started is False:
        raise SetupError("The service did not start; the log has the cause.")
