"""A running service for tests and benchmarks: the real program, a Postgres clone and a scripted engine.

Everything goes over real HTTP. Import the fixtures by name into a ``conftest.py``: ``service`` is shared by all tests
(a new tenant and a fresh script for each), ``start_service`` starts one with settings of its own, to be killed and
restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.db import keys, migrate
from app.db.engine import Database
from app.db.keys import Scope
from tests.fake_plugin import FakeVllm
from tests.fake_vllm import FakeEngine, listen, make_server
from tests.postgres import PostgresServer, shared_server, shared_template

ROOT = Path(__file__).resolve().parents[1]
RECEIPT_KEY = "a-receipt-key-for-tests-only-0123456789"
START_S = 40.0
ALL_SCOPES = frozenset(Scope)


@dataclass
class Caller:
    """One API key, used over a connection of its own. ``post`` and ``get`` return httpx responses."""

    client: httpx.Client
    key: str
    key_id: str
    tenant: str

    def call(self, method: str, path: str, headers: Mapping[str, str] | None = None, **rest: Any) -> httpx.Response:
        """Send one request with the key."""
        return self.client.request(
            method, path, headers={"Authorization": f"Bearer {self.key}", **(headers or {})}, **rest
        )

    def post(self, path: str, body: Any = None, *, once: str | None = None, **rest: Any) -> httpx.Response:
        """POST a JSON body; ``once`` is the idempotency key."""
        headers = {**rest.pop("headers", {}), **({"Idempotency-Key": once} if once else {})}
        return self.call("POST", path, headers, json=body, **rest)

    def raw(self, path: str, content: Any, **headers: str) -> httpx.Response:
        """POST bytes as they are, or an iterator of bytes as chunks."""
        return self.call("POST", path, {"Content-Type": "application/json", **headers}, content=content)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """GET with query parameters; those that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", path, params=given or None)

    def ok(self, response: httpx.Response) -> Any:
        """The JSON of an answer that must be 200."""
        assert response.status_code == 200, f"{response.status_code}: {response.text[:500]}"
        return response.json()


@dataclass
class Service:
    """The program, its database and its engine. ``log`` is everything that it has written."""

    database_url: str
    fake: FakeVllm
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    command: tuple[str, ...] = ("-m", "app.cli", "serve")
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the service."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the service has written to its standard error, over all its starts."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def start(self, *, ready: bool = True) -> Service:
        """Start the program and wait until it answers; with ``ready`` until the judge has joined too."""
        self.port = self.port or _free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url,
            "VLLM_BASE_URL": self.fake.url,
            "PRESEND_HOME": str(self.folder / "home"),
            "PRESEND_RECEIPT_KEY": RECEIPT_KEY,
            "PRESEND_ADAPTER": "none",  # a calibration fits the shipped weights, not the scripted engine
            "PRESEND_PORT": str(self.port),
            **self.settings,
        }
        with (self.folder / "log").open("ab") as log:
            command = [*self.prefix, sys.executable, *self.command]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log)
        self.wait_for("/readyz" if ready else "/healthz")
        return self

    def wait_for(self, path: str, status: int = 200, seconds: float = START_S) -> httpx.Response:
        """Ask until the answer has this status."""
        end = time.monotonic() + seconds
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    response = client.get(path)
                    if response.status_code == status:
                        return response
                assert self._process is not None
                assert self._process.poll() is None, f"the service ended:\n{self.log[-2000:]}"
                assert time.monotonic() < end, f"no {status} from {path}:\n{self.log[-2000:]}"
                time.sleep(0.03)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def terminate(self) -> None:
        """Ask the process to stop; see ``exit_code``."""
        assert self._process is not None
        self._process.terminate()

    def exit_code(self, seconds: float = 20.0) -> int:
        """Wait for the end of the process."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def close(self) -> None:
        """Stop the process, whatever state it is in."""
        for client in self._clients:
            client.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def caller(self, scopes: Collection[Scope] = ALL_SCOPES, tenant: str | None = None) -> Caller:
        """A new key, of a new tenant when none is named."""
        tenant = tenant or f"tenant-{uuid4().hex[:10]}"
        info, token = asyncio.run(_make_key(self.database_url, tenant, scopes))
        return Caller(self.client(), token, info.key_id, tenant)

    def client(self) -> httpx.Client:
        """A client without a key."""
        client = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)
        self._clients.append(client)
        return client

    def revoke(self, key_id: str) -> None:
        """Revoke a key behind the service's back, as another process would."""
        self.sql("UPDATE api_keys SET revoked_at = now() WHERE id = %s", key_id)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the service's database; its rows, when it has any."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            cursor = conn.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def metrics(self) -> dict[str, float]:
        """Samples as ``name{label="value",...}`` (labels in order of name), or ``name`` alone."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
        return found


async def _make_key(url: str, tenant: str, scopes: Collection[Scope]) -> tuple[keys.KeyInfo, str]:
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as conn:
            return await keys.create_key(conn, tenant=tenant, name="tests", scopes=scopes)
    finally:
        await database.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def fake_engine() -> Iterator[FakeVllm]:
    """A scripted engine on a thread, for one service."""
    sock = listen("127.0.0.1", 0)
    server = make_server(FakeEngine())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield FakeVllm(f"http://127.0.0.1:{sock.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        sock.close()


@contextlib.contextmanager
def service_with(
    fake: FakeVllm, *, prefix: tuple[str, ...] = (), server: PostgresServer | None = None, **settings: object
) -> Iterator[Service]:
    """A service that is not started yet, on a database of its own; ``settings`` are names without ``PRESEND_``."""
    if server is None:
        server, name = shared_server(), shared_server().create(shared_template())
    else:
        name = server.create()
        migrate.upgrade(server.url_of(name))
    environment = {f"PRESEND_{key.upper()}": str(value) for key, value in settings.items()}
    with tempfile.TemporaryDirectory(prefix="presend-service-") as folder:
        running = Service(server.url_of(name), fake, Path(folder), environment, prefix)
        try:
            yield running
        finally:
            running.close()
            server.drop(name)


class StartService(Protocol):
    """The ``start_service`` fixture."""

    def __call__(self, *, ready: bool = True, **settings: object) -> Service:
        """Start a service with an engine and a database of its own."""


@pytest.fixture
def start_service() -> Iterator[StartService]:
    """Starts services with their own engine, database and settings; all are gone after the test."""
    with contextlib.ExitStack() as stack:

        def start(*, ready: bool = True, **settings: object) -> Service:
            fake = stack.enter_context(fake_engine())
            fake.script(healthy=ready)
            service = stack.enter_context(service_with(fake, **settings)).start(ready=ready)
            fake.reset() if ready else fake.script(healthy=False)
            return service

        yield start


@pytest.fixture(scope="session")
def shared_service() -> Iterator[Service]:
    """One service for all tests; its breaker never opens."""
    with fake_engine() as fake, service_with(fake, breaker_failures=1_000_000, log_json="true") as service:
        yield service.start()


@pytest.fixture
def service(shared_service: Service) -> Service:
    """The shared service, its engine with an ``ok`` script and an empty log."""
    shared_service.fake.reset()
    return shared_service


@pytest.fixture
def agent(service: Service) -> Caller:
    """A caller of a new tenant with every scope."""
    return service.caller()
