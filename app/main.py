"""Composition root of the HTTP service: settings in, a wired application out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from app import __version__
from app.api import comparisons, dashboard, gate, judges, ops, problems, receipts, verdicts
from app.api import openapi as openapi_document
from app.api.dependencies import Authenticator, Limits, Services
from app.api.middleware import RequestFrame
from app.db import idempotency, keys, migrate
from app.db.engine import Database
from app.errors import ConfigurationError, PresendError, SetupError
from app.judge.calibration import Calibration, parse_calibration
from app.judge.identity import ModelIdentity
from app.judge.policy import Policy, parse_policy
from app.judge.rubric import Rubric, parse_rubric
from app.llm import JudgeClient, LlmSettings
from app.services.breaker import Breaker
from app.services.comparisons import Comparing
from app.services.engine import EngineMonitor
from app.services.judging import EngineState, Judge
from app.services.once import Once
from app.services.receipts import Receipts
from app.services.scoring import Scoring
from app.services.slots import Slots
from app.settings import Settings
from app.telemetry import Metrics, configure_logging

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
    app.add_middleware(RequestFrame, metrics=services.metrics)
    problems.install(app)
    for router in (
        gate.router,
        verdicts.router,
        receipts.router,
        comparisons.router,
        judges.router,
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
    policy = load_policy(settings.policy)
    rubrics = load_rubrics(settings.rubric)
    default_rubric = next(reversed(rubrics))
    metrics = Metrics()
    client = JudgeClient(
        LlmSettings(
            base_url=settings.vllm_base_url or "http://127.0.0.1:8001/v1",
            model=settings.judge_model,
            api_key=settings.vllm_api_key.get_secret_value() if settings.vllm_api_key else None,
            max_connections=settings.model_slots * 2,
        )
    )
    db = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool)
    state = EngineState(model=ModelIdentity(settings.judge_model))
    breaker = Breaker(settings.breaker_failures, settings.breaker_open_s)
    judge = Judge(
        policy=policy,
        rubrics=rubrics,
        default_rubric=default_rubric,
        calibration=load_calibration(settings.judge_calibration, settings.adapter),
        client=client,
        slots=Slots(settings.model_slots, settings.gate_slots, settings.max_waiting),
        breaker=breaker,
        engine=state,
        metrics=metrics,
    )
    once = Once(db, metrics)
    signer = _receipts(settings)
    services = Services(
        db=db,
        judge=judge,
        scoring=Scoring(judge, db, once, signer, metrics, settings.store_drafts),
        comparing=Comparing(judge, db, once, settings.store_drafts),
        receipts=signer,
        metrics=metrics,
        authenticator=Authenticator(db),
        limits=Limits(settings.max_body_bytes, settings.deadline_ms),
        newest_revision=migrate.head(),
    )
    monitor = EngineMonitor(
        client=client,
        rubrics=rubrics,
        state=state,
        breaker=breaker,
        identify=lambda: read_manifest(settings.judge_manifest, settings.judge_model),
        loading=lambda: read_loading(settings.home / "run" / "engine.json"),
    )
    return Wiring(services, client, monitor)


def _receipts(settings: Settings) -> Receipts:
    secret = settings.receipt_key.get_secret_value().encode() if settings.receipt_key else b""
    try:
        return Receipts(secret, settings.receipt_ttl_s)
    except ValueError as error:
        raise ConfigurationError(f"PRESEND_RECEIPT_KEY does not fit: {error}.") from None


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The {what} {path} cannot be read: {type(error).__name__}.") from None


def load_policy(path: Path | None) -> Policy:
    """The vendor policy of a file, or the fictional default."""
    if path is not None:
        return parse_policy(_read(path, "policy"), str(path))
    shipped = resources.files("app.judge") / "vendors" / "kestrelworks.toml"
    return parse_policy(shipped.read_text(encoding="utf-8"), "kestrelworks.toml")


def load_rubrics(path: Path | None) -> dict[str, Rubric]:
    """The default rubric and, last, the one of the file: the last one is used when a request names none."""
    shipped = resources.files("app.judge") / "rubrics" / "default.toml"
    default = parse_rubric(shipped.read_text(encoding="utf-8"), "default.toml")
    rubrics = {default.name: default}
    if path is not None:
        own = parse_rubric(_read(path, "rubric"), str(path))
        rubrics.pop(own.name, None)
        rubrics[own.name] = own
    return rubrics


def load_calibration(path: Path | None, adapter: str) -> Calibration:
    """The calibration of a file, or the one shipped with the adapter; none for another adapter."""
    if path is not None:
        return parse_calibration(_read(path, "calibration"), str(path))
    shipped = resources.files("app") / "weights" / "calibration.json"
    if adapter == "shipped" and shipped.is_file():
        return parse_calibration(shipped.read_text(encoding="utf-8"), "calibration.json")
    return Calibration()


def read_manifest(path: Path | None, model: str) -> ModelIdentity:
    """Which weights serve, from the manifest that the merge wrote; unknown parts say so."""
    if path is None:
        return ModelIdentity(model)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        base, adapter, weights = manifest["base"], manifest["adapter"], manifest["weights"]
        return ModelIdentity(
            name=model,
            base=f"{base['name']}@{base['sha256'][:12]}",
            adapter=f"lora-r{adapter['rank']}@{adapter['sha256'][:12]}" if adapter else None,
            weights_digest=weights["sha256"],
            adapter_digest=adapter["sha256"] if adapter else "none",
            dtype=weights["dtype"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        _log.warning("manifest.unreadable", path=str(path))
        return ModelIdentity(model)


def read_loading(path: Path) -> str | None:
    """What the supervisor is doing about the engine, when it says so."""
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
        return f"{status['state']}: {status['detail']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
