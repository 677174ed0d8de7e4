"""A real `presend up` in a process of its own: started, watched, stopped, killed. The engine and the model are shared.

They come from the home that the settings name (PRESEND_HOME), where `make test` has put them; everything else lives in
a temporary home of the test's own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from app.local.home import Home
from app.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
ANSWER_S, READY_S, STOP_S = 60.0, 900.0, 30.0


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a `presend up` on ``home`` that shares engine and model with the settings' own home."""
    settings = load_settings()
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "VLLM_BASE_URL"}}
    env |= {
        "PRESEND_HOME": str(home),
        "PRESEND_ENGINE_VENV": str(settings.engine_venv or settings.home / "engine"),
        "PRESEND_MODELS_DIR": str(settings.models_dir or settings.home / "models"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }
    return env | dict(more or {})


@dataclass
class Up:
    """One running `presend up`."""

    process: subprocess.Popen[bytes]
    home: Home
    printed: Path

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.home.address.read_text().strip()

    @property
    def key(self) -> str:
        """The first API key."""
        return self.home.first_key.read_text().strip()

    @property
    def output(self) -> str:
        """Everything that it has printed."""
        return self.printed.read_text()

    def get(self, path: str) -> httpx.Response:
        """One request with the first key."""
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def post(self, path: str, body: Any) -> httpx.Response:
        """One request with the first key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=150)

    def until(self, true: Any, within: float, what: str) -> None:
        """Wait for a condition, as long as the process lives."""
        end = time.monotonic() + within
        while not true():
            assert self.process.poll() is None, f"presend up ended while waiting for {what}:\n{self.output}"
            assert time.monotonic() < end, f"no {what} within {within:.0f} s:\n{self.output}"
            time.sleep(0.1)

    def wait_for_answer(self) -> None:
        """Until the API answers."""
        self.until(self.home.address.exists, ANSWER_S, "answer of the API")

    def wait_for_model(self) -> None:
        """Until every part is ready, the model included."""
        self.until(lambda: self.get("/readyz").status_code == httpx.codes.OK, READY_S, "ready model")

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, list[str]]:
        """Signal the supervisor; returns its exit code and the processes that are left after it ended."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(STOP_S)
        return code, left_of(family)


def left_of(family: list[psutil.Process], within: float = 15.0) -> list[str]:
    """Command lines of those that are still there ``within`` seconds later."""
    _, alive = psutil.wait_procs(family, timeout=within)
    left = []
    for process in alive:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                left.append(" ".join(process.cmdline()))
        except psutil.NoSuchProcess:
            continue
    return left


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home of the test's own; not in pytest's folder, which Postgres's user may not enter."""
    with tempfile.TemporaryDirectory(prefix="presend-e2e-") as folder:
        yield Path(folder) / "home"


def start(home: Path, *options: str, more: Mapping[str, str] | None = None) -> Up:
    """Start `presend up` on a free port."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    printed = home / "printed"
    Home(home).address.unlink(missing_ok=True)  # one that was killed leaves it
    command = [sys.executable, "-m", "app.cli", "up", "--port", "0", *options]
    with printed.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(home, more),
            cwd=ROOT,
            start_new_session=True,
        )
    return Up(process, Home(home), printed)


@contextmanager
def running(home: Path, *options: str, more: Mapping[str, str] | None = None) -> Iterator[Up]:
    """A `presend up` whose API answers; killed at the end if the test has not stopped it."""
    up = start(home, *options, more=more)
    try:
        up.wait_for_answer()
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def refused(home: Path, *options: str, more: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A `presend up` that is expected to end by itself; returns its exit code and standard error."""
    command = [sys.executable, "-m", "app.cli", "up", *options]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=environment(home, more), cwd=ROOT, timeout=ANSWER_S
    )
    return ran.returncode, ran.stderr
