"""Children under their guard: exit codes, asking, killing, and that nothing outlives a supervisor that was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.errors import SetupError
from app.local.children import LOG_BYTES, Child, Nursery, Spec, last_words, open_log, run_to_end

ROOT = Path(__file__).parents[3]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FAMILY = (
    "import subprocess, sys, time\n"
    "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "two = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
    "print(one.pid, two.pid, flush=True)\n"
    "time.sleep(60)\n"
)


def spec(tmp_path: Path, code: str, **rest) -> Spec:
    return Spec("child", (sys.executable, "-c", code), dict(os.environ), tmp_path / "child.log", **rest)


def gone(pids: list[int], within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while any(psutil.pid_exists(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("code", "expected"), [("", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_code_is_the_programs(tmp_path: Path, code: str, expected: int) -> None:
    assert asyncio.run(run_to_end(Nursery(), spec(tmp_path, code))) == expected


def test_a_program_that_is_not_there_is_a_sentence_in_the_log(tmp_path: Path) -> None:
    missing = Spec("child", ("/nowhere/program",), {}, tmp_path / "child.log")
    assert asyncio.run(run_to_end(Nursery(), missing)) == 127
    assert last_words(missing.log) == "/nowhere/program cannot be started: No such file or directory."


def test_lines_are_handed_over_and_errors_logged(tmp_path: Path) -> None:
    seen: list[str] = []
    code = "import sys; print('one'); print('two'); print('three', file=sys.stderr)"
    assert asyncio.run(run_to_end(Nursery(), spec(tmp_path, code), seen.append)) == 0
    assert seen == ["one", "two"]
    assert last_words(tmp_path / "child.log") == "three"


def test_lines_of_a_program_without_a_pipe_are_refused(tmp_path: Path) -> None:
    async def ask() -> None:
        child = await Child.start(spec(tmp_path, ""))
        try:
            await child.lines(print)
        finally:
            await child.wait()

    with pytest.raises(ValueError, match="piped=True"):
        asyncio.run(ask())


def test_stopping_asks_with_the_programs_own_signal(tmp_path: Path) -> None:
    listen = "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(5))"
    code = f"{listen}; print('up', flush=True); time.sleep(60)"

    async def stop() -> int:
        child = await Child.start(spec(tmp_path, code, stop_signal=signal.SIGINT))
        await said(tmp_path, "up")
        await child.stop()
        return await child.wait()

    assert asyncio.run(stop()) == 5


def test_a_program_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    async def stop() -> tuple[int, float]:
        child = await Child.start(spec(tmp_path, STUBBORN, grace_s=0.5))
        await said(tmp_path, "up")
        began = time.monotonic()
        await child.stop()
        return await child.wait(), time.monotonic() - began

    code, seconds = asyncio.run(stop())
    assert code == 137
    assert 0.4 < seconds < 5


def test_killing_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    async def kill() -> float:
        nursery = Nursery()
        child = await nursery.start(spec(tmp_path, STUBBORN, grace_s=60.0))
        await said(tmp_path, "up")
        began = time.monotonic()
        nursery.kill()
        await child.wait()
        return time.monotonic() - began

    assert asyncio.run(kill()) < 5


def test_descendants_end_with_the_program_in_whatever_group_they_are(tmp_path: Path) -> None:
    async def stop() -> list[int]:
        child = await Child.start(spec(tmp_path, FAMILY))
        pids = [int(pid) for pid in (await said(tmp_path, " ")).split()]
        await child.stop()
        return [*pids, child.pid]

    assert gone(asyncio.run(stop()))


def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, pathlib, sys\n"
        "from app.local.children import Child, Spec\n"
        "async def main():\n"
        f"    log = pathlib.Path({str(tmp_path / 'child.log')!r})\n"
        f"    child = await Child.start(Spec('child', (sys.executable, '-c', {FAMILY!r}), dict(os.environ), log))\n"
        "    print(child.pid, flush=True)\n"
        "    await child.wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as supervisor:
        assert supervisor.stdout is not None
        guard = int(supervisor.stdout.readline())
        family = [int(pid) for pid in asyncio.run(said(tmp_path, " ")).split()]
        program = [child.pid for child in psutil.Process(guard).children()]
        assert len(program) == 1
        supervisor.kill()
        supervisor.wait()
        assert gone([guard, *program, *family])


def test_the_program_ends_when_its_guard_is_killed(tmp_path: Path) -> None:
    async def kill() -> list[int]:
        child = await Child.start(spec(tmp_path, "print('up', flush=True); import time; time.sleep(60)"))
        await said(tmp_path, "up")
        programs = [program.pid for program in psutil.Process(child.pid).children()]
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        return programs

    programs = asyncio.run(kill())
    assert len(programs) == 1
    until = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in programs):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_cancelled_wait_stops_the_program(tmp_path: Path) -> None:
    async def cancel() -> list[int]:
        nursery = Nursery()
        task = asyncio.create_task(run_to_end(nursery, spec(tmp_path, FAMILY)))
        pids = [int(pid) for pid in (await said(tmp_path, " ")).split()]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pids

    assert gone(asyncio.run(cancel()))


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    with open_log(log) as fresh:
        fresh.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "child.log.1").stat().st_size == LOG_BYTES + 1


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"child\.log cannot be written"):
        open_log(tmp_path / "missing" / "child.log")


def test_last_words_prefer_what_is_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_text("first\nValueError: no such thing\nbye\n\n")
    assert last_words(log) == "bye"
    assert last_words(log, of="Error") == "ValueError: no such thing"
    assert last_words(log, of="absent") == "bye"
    assert last_words(tmp_path / "missing.log") == ""


async def said(tmp_path: Path, wanted: str) -> str:
    """The child's log once it holds ``wanted``."""
    log = tmp_path / "child.log"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        text = log.read_text() if log.exists() else ""
        if wanted in text and text.endswith("\n"):
            return text
        await asyncio.sleep(0.02)
    raise AssertionError(f"the child did not say {wanted!r}")
