"""Fixtures around the scripted engine: ``fake_vllm`` in a thread, ``fake_vllm_process`` on a core of its own.

Import the fixtures by name into a ``conftest.py``. Each test starts with an ``ok`` script and an empty log.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fake_vllm import FakeEngine, listen, make_server

ROOT = Path(__file__).resolve().parents[1]
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FRESH: dict[str, Any] = {
    "default": {"kind": "ok"},
    "healthy": True,
    "hang_health": False,
    "version": "0.32.0",
    "owned_by": "vllm",
    "refuse_priority": False,
    "keep_bodies": True,
    "model": "presend-judge",
}


@dataclass(frozen=True)
class FakeVllm:
    """The handle a test holds: where the fake listens, and its two controls."""

    root: str

    @property
    def url(self) -> str:
        """The base URL for an OpenAI client."""
        return f"{self.root}/v1"

    def script(self, **script: Any) -> None:
        """Set what comes next, as in ``fake_vllm``'s docstring: ``script(default={"kind": "hang"})``."""
        self._call("/_script", json.dumps(script).encode())

    def always(self, kind: str, **step: Any) -> None:
        """Answer every request this way."""
        self.script(default={"kind": kind, **step})

    def then(self, *steps: dict[str, Any]) -> None:
        """Answer the next requests this way, one step each, then the default."""
        self.script(queue=list(steps))

    def log(self) -> dict[str, Any]:
        """What arrived: received, completed, cancelled, active, max_active, by_kind, requests."""
        value = json.loads(self._call("/_log"))
        assert isinstance(value, dict)
        return value

    def reset(self) -> None:
        """An ``ok`` script and an empty log."""
        self.script(**_FRESH)
        self._call("/_reset")

    def wait_for(self, seconds: float = 3.0, **counts: int) -> dict[str, Any]:
        """Wait until the log shows these counts (``cancelled=1``): a hang-up takes a moment to be seen."""
        deadline = time.monotonic() + seconds
        while True:
            log = self.log()
            if all(log[name] == value for name, value in counts.items()):
                return log
            if time.monotonic() > deadline:
                raise AssertionError(f"expected {counts}, the log says { {n: log[n] for n in counts} }")
            time.sleep(0.01)

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        with _LOCAL.open(urllib.request.Request(self.root + path, data=body), timeout=10) as response:  # noqa: S310
            data = response.read()
        assert isinstance(data, bytes)
        return data


@pytest.fixture(scope="session")
def fake_vllm_thread() -> Iterator[FakeVllm]:
    """One fake for the whole session, on a thread."""
    sock = listen("127.0.0.1", 0)
    server = make_server(FakeEngine())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    handle = FakeVllm(f"http://127.0.0.1:{sock.getsockname()[1]}")
    try:
        yield handle
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        sock.close()


@pytest.fixture
def fake_vllm(fake_vllm_thread: FakeVllm) -> FakeVllm:
    """The session's fake, reset."""
    fake_vllm_thread.reset()
    return fake_vllm_thread


@pytest.fixture
def fake_vllm_process() -> Iterator[FakeVllm]:
    """A fake in a process of its own, for measurements."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fake_vllm", "--port", "0", "--forget-bodies"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the fake engine did not start"
            yield FakeVllm(address.removesuffix("/v1"))
        finally:
            process.terminate()
            process.wait(timeout=10)
