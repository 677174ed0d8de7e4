"""`presend up`: one machine, no setup. Postgres, the API, a worker, and in its own time the engine; ended together.

The API is up before the engine is even installed, and answers from the rules until the model joins. A child that ends
is started again. The first Ctrl-C stops everything in order (API and worker, engine, Postgres), the second ends it at
once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx

import app
from app.db import migrate
from app.db.engine import parse_url
from app.errors import PresendError, SetupError
from app.local import postgres
from app.local.backoff import Backoff
from app.local.children import Child, Nursery, Spec, last_words
from app.local.console import Voice, banner
from app.local.engine import CHILDREN as ENGINE_CHILDREN
from app.local.engine import HOST as ENGINE_HOST
from app.local.engine import Engine, EngineAddress
from app.local.first_key import first_key
from app.local.home import Home, kept_secret, only_one, open_home, write_private
from app.local.model import ModelSpec
from app.local.ports import claim, reachable
from app.local.state import EngineReport, EngineState
from app.settings import Settings

API, WORKER = "api", "worker"
API_START_S = 60.0
DRAIN_MARGIN_S = 5.0


def up(settings: Settings, voice: Voice | None = None) -> None:
    """Run until a signal stops it.

    Raises
    ------
    PresendError
        When something that is needed from the start cannot be had; everything started by then has ended.
    """
    asyncio.run(_Supervisor(settings, voice or Voice()).run())


class _Supervisor:
    def __init__(self, settings: Settings, voice: Voice) -> None:
        self._settings = settings
        self._voice = voice
        self._nursery = Nursery()
        self._watchers: list[asyncio.Task[None]] = []
        self._signals = 0

    async def run(self) -> None:
        """Hold the home, run everything, stop everything."""
        home = open_home(self._settings.home)
        with only_one(home):
            EngineReport(home).clear()
            home.address.unlink(missing_ok=True)
            body = asyncio.create_task(self._body(home))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._asked_to_stop, body)
            try:
                await body
            except asyncio.CancelledError:
                self._voice.quiet()
                self._voice.say("Stopping: the requests at hand are finished first; Ctrl-C again ends them.")
            finally:
                self._voice.quiet()
                for watcher in self._watchers:
                    watcher.cancel()
                await self._stop_all()
                EngineReport(home).clear()
                home.address.unlink(missing_ok=True)
        self._voice.say("Stopped.")

    def _asked_to_stop(self, body: asyncio.Task[None]) -> None:
        self._signals += 1
        if self._signals == 1:
            body.cancel()
        else:
            self._nursery.kill()

    async def _stop_all(self) -> None:
        """API and workers drain before what they lean on ends; Postgres is last."""
        await self._nursery.stop(API, WORKER)
        await self._nursery.stop(*ENGINE_CHILDREN)
        await self._nursery.stop()

    async def _body(self, home: Home) -> None:
        settings = self._settings
        port = claim(settings.host, settings.port)
        url = await self._database(home)
        key = await first_key(home, url)
        address = self._engine_address(home)
        here = f"http://{reachable(settings.host)}:{port}"
        env = child_env(settings, home, port, url, kept_secret(home.root / "receipt-key"), address)

        async def start_api() -> Child:
            self._voice.progress("starting the API")
            api = await self._nursery.start(child_spec(API, ("app.cli", "serve"), env, settings, home))
            await api_answers(api, f"{here}/healthz")
            return api

        if address is None and self._settings.vllm_base_url is None:
            EngineReport(home).tell(EngineState.ABSENT, "started without an engine")
        self._watch(await start_api(), start_api, "The API")
        self._voice.quiet()
        write_private(home.address, here + "\n")
        self._voice.say(banner(here, key, str(home.first_key), self._loading(address), str(home.logs)))
        await self._start_workers(env, home)
        if address is not None:
            engine = Engine(settings, home, address, f"{here}/readyz", self._nursery, self._voice)
            self._watchers.append(asyncio.create_task(engine.join()))
        # A watcher ends by a fault of ours only, which must not pass unseen.
        await asyncio.gather(*self._watchers)
        await asyncio.Event().wait()

    async def _start_workers(self, env: Mapping[str, str], home: Home) -> None:
        """The workers of batches, after the API: nobody waits for them."""
        spec = child_spec(WORKER, ("app.worker",), env, self._settings, home)

        async def start() -> Child:
            return await self._nursery.start(spec)

        for _ in range(self._settings.workers):
            self._watch(await start(), start, "A worker")

    async def _database(self, home: Home) -> str:
        """The URL of the migrated database: the one that is named, else the embedded one's."""
        given = self._settings.database_url
        if given is None:
            self._voice.progress("starting Postgres")
            place = postgres.find_place(home, self._voice.say)

            async def start() -> Child:
                return await postgres.start(place, self._nursery)

            self._watch(await start(), start, "Postgres")
            await asyncio.to_thread(migrate.upgrade, place.url)
            return place.url
        url = given.get_secret_value()
        where = parse_url(url)
        self._voice.progress("connecting to the database")
        try:
            await asyncio.to_thread(migrate.upgrade, url)
        except PresendError as error:
            place_name = f"{where.host or 'local socket'}, port {where.port or 5432}"
            raise SetupError(f"The database of DATABASE_URL ({place_name}) cannot be used: {error}") from error
        return url

    def _engine_address(self, home: Home) -> EngineAddress | None:
        """Where our own vLLM will be, or None when there is to be none."""
        settings = self._settings
        if settings.vllm_base_url is not None or settings.engine == "none":
            return None
        port = claim(ENGINE_HOST, settings.engine_port, option="PRESEND_ENGINE_PORT")
        return EngineAddress(port, kept_secret(home.root / "engine-key"))

    def _loading(self, address: EngineAddress | None) -> str:
        if address is not None:
            return (
                "Still loading: the judge model. Until it joins, the rules decide on drafts that they fail, and all"
                " others are held; this window says when it has joined, and GET /readyz what is going on."
            )
        if self._settings.vllm_base_url is not None:
            return f"The judge model is asked at {self._settings.vllm_base_url}."
        return (
            "Started without an engine: the rules decide on drafts that they fail, all others are held for a person,"
            " and runs wait."
        )

    def _watch(self, child: Child, start: Callable[[], Awaitable[Child]], what: str) -> None:
        self._watchers.append(asyncio.create_task(self._keep(child, start, what)))

    async def _keep(self, child: Child, start: Callable[[], Awaitable[Child]], what: str) -> None:
        """Start a child again whenever it ends."""
        backoff = Backoff()
        while True:
            began = time.monotonic()
            code = await child.wait()
            reason = f"{what} ended (exit code {code})"
            while True:
                delay = backoff.next(time.monotonic() - began)
                self._voice.quiet()
                self._voice.say(f"{reason} and starts again in {delay:.0f} s; see {child.spec.log}.")
                await asyncio.sleep(delay)
                try:
                    child = await start()
                    break
                except PresendError as error:
                    reason, began = f"{what} did not come back ({error})", time.monotonic()
            self._voice.quiet()
            self._voice.say(f"{what} is back.")


def child_env(
    settings: Settings,
    home: Home,
    port: int,
    database_url: str,
    receipt_key: str,
    engine: EngineAddress | None,
) -> dict[str, str]:
    """Everything that the API and the workers must know: the user's environment, and what was started for them."""
    # A relative path means the user's folder, and children run in the home.
    paths = {f"PRESEND_{name.upper()}": value for name, value in settings if isinstance(value, Path)}
    env = dict(os.environ) | {name: str(path.expanduser().absolute()) for name, path in paths.items()}
    env |= {
        "PRESEND_HOME": str(home.root),
        "PRESEND_HOST": settings.host,
        "PRESEND_PORT": str(port),
        "PRESEND_DATABASE_URL": database_url,
        # The same code as this process, wherever it was started from.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(app.__file__).parent.parent), env.get("PYTHONPATH")))),
    }
    if settings.receipt_key is None:
        env["PRESEND_RECEIPT_KEY"] = receipt_key
    if engine is not None:
        env |= {"PRESEND_VLLM_BASE_URL": engine.base_url, "PRESEND_VLLM_API_KEY": engine.key}
        if settings.judge_manifest is None:
            env["PRESEND_JUDGE_MANIFEST"] = str(ModelSpec.of(settings, home).manifest)
    return env


def child_spec(name: str, module: tuple[str, ...], env: Mapping[str, str], settings: Settings, home: Home) -> Spec:
    """How a child of this same code is started: this interpreter, a module and its arguments."""
    grace_s = settings.unready_s + settings.drain_s + DRAIN_MARGIN_S
    return Spec(name, (sys.executable, "-m", *module), env, home.log(name), cwd=home.root, grace_s=grace_s)


async def api_answers(api: Child, url: str) -> None:
    """Wait until the API answers.

    Raises
    ------
    SetupError
        With the API's own last words when it ends or stays silent.
    """
    until = time.monotonic() + API_START_S
    async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
        while api.running:
            try:
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                # Not listening yet.
                await asyncio.sleep(0.05)
            if time.monotonic() > until:
                await api.stop()
                raise SetupError(f"The API does not answer after {API_START_S:.0f} s; see {api.spec.log}.")
    raise SetupError(f"The API did not start: {last_words(api.spec.log)}")
