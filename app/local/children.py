"""Children of the supervisor: started under a guard, logged to a file, stopped in order, never left behind.

Refused: starting a program without a lifeline. See :mod:`app.local.guard` for what the lifeline does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.errors import SetupError

GUARD = Path(__file__).with_name("guard.py")
LOG_BYTES = 20_000_000
"""A log larger than this is set aside (one old copy is kept) when its child starts again."""


@dataclass(frozen=True)
class Spec:
    """What to run. ``env`` is the whole environment; ``user`` needs root; ``grace_s`` separates asking from killing."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 10.0
    user: str | None = None
    nice: int = 0

    def argv(self, lifeline: int) -> list[str]:
        """The command line of the guard that runs the program."""
        line = [sys.executable, "-I", "-S", str(GUARD), "--lifeline", str(lifeline)]
        line += ["--stop-signal", str(int(self.stop_signal)), "--kill-signal", str(int(self.kill_signal))]
        line += ["--grace", str(self.grace_s), "--nice", str(self.nice)]
        if self.user is not None:
            line += ["--user", self.user]
        return [*line, "--", *self.command]


class Child:
    """One running program. Made by :meth:`start` only."""

    def __init__(self, spec: Spec, process: asyncio.subprocess.Process, lifeline: int) -> None:
        self.spec = spec
        self._process = process
        self._lifeline = lifeline

    @classmethod
    async def start(cls, spec: Spec, *, piped: bool = False) -> Child:
        """Start the program; its output goes to the log, or with ``piped`` its standard output to :meth:`lines`."""
        held, given = os.pipe()
        try:
            with open_log(spec.log) as log:
                process = await asyncio.create_subprocess_exec(
                    *spec.argv(held),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if piped else log,
                    stderr=log,
                    cwd=spec.cwd,
                    env=dict(spec.env),
                    pass_fds=(held,),
                    start_new_session=True,
                    limit=1 << 20,
                )
        except BaseException:
            os.close(given)
            raise
        finally:
            os.close(held)
        return cls(spec, process, given)

    @property
    def pid(self) -> int:
        """Process id of the guard."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the guard, and so perhaps the program, is alive."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for the end; returns the exit code (128 + signal number when a signal ended it)."""
        code = await self._process.wait()
        self._let_go()
        return code

    async def lines(self, each: Callable[[str], None]) -> int:
        """Hand every line of a piped program's output to ``each``; returns the exit code."""
        if self._process.stdout is None:
            raise ValueError("the program was not started with piped=True")
        async for raw in self._process.stdout:
            each(raw.decode("utf-8", "replace").rstrip("\n"))
        return await self.wait()

    async def stop(self) -> None:
        """Ask the program to stop, and wait until its whole group has ended."""
        self._send(signal.SIGTERM)
        await self.wait()

    def kill(self) -> None:
        """End the program's group now."""
        self._send(signal.SIGQUIT)

    def _send(self, number: signal.Signals) -> None:
        if self.running:
            self._process.send_signal(number)

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


class Nursery:
    """Every child that is alive, so that all can be stopped or killed at once."""

    def __init__(self) -> None:
        self._alive: list[Child] = []

    async def start(self, spec: Spec, *, piped: bool = False) -> Child:
        """As :meth:`Child.start`, remembered."""
        self._alive = [child for child in self._alive if child.running]
        child = await Child.start(spec, piped=piped)
        self._alive.append(child)
        return child

    async def stop(self, *names: str) -> None:
        """Stop the children of these names, together; without names, all."""
        wanted = [child for child in self._alive if child.running and (not names or child.spec.name in names)]
        await asyncio.gather(*(child.stop() for child in wanted))

    def kill(self) -> None:
        """End every child now."""
        for child in self._alive:
            child.kill()


async def run_to_end(nursery: Nursery, spec: Spec, each: Callable[[str], None] | None = None) -> int:
    """Run a program to its end, stopping it when the caller is cancelled; returns the exit code."""
    child = await nursery.start(spec, piped=each is not None)
    try:
        return await (child.lines(each) if each is not None else child.wait())
    except asyncio.CancelledError:
        await child.stop()
        raise


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, mode 0600, setting a large one aside first."""
    try:
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise SetupError(f"The log file {path} cannot be written ({error.strerror}).") from error


def last_words(log: Path, *, of: str = "", since: int = 0) -> str:
    """The last line of a log that says something, preferring one that contains ``of``; at most 300 characters.

    ``since`` is the byte where this run began, for a log that holds older runs too.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 16_384))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    telling = [line for line in lines if of and of in line] or lines
    return telling[-1][:300] if telling else ""
