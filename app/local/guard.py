"""Runs one program and answers for all that it starts. The supervisor starts this file, never the program itself.

It exists because a supervisor can be killed without a word: then the lifeline (a pipe that only the supervisor holds
open) closes, and the guard ends the program's whole process group. The kernel ends the program if the guard is killed.
It imports nothing but the standard library, since it is run as a file by an isolated interpreter.

TERM asks the program to stop, and ends its group when ``--grace`` seconds are over; QUIT ends it now.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LAST_WAIT_S, ORPHAN_WAIT_S = 5.0, 2.0
LOOK_S = 0.02


def main(argv: list[str]) -> int:
    """Run the program to its end; returns its exit code, or 128 + the signal that ended it."""
    given = _parse(argv)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    asked: set[int] = set()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, lambda received, _frame: asked.add(received))
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        program = _start(given)
    except OSError as error:
        sys.stderr.write(f"{given.command[0]} cannot be started: {error.strerror}.\n")
        return 127
    _watch(program, given, woken, asked)
    code = int(program.wait())
    _signal_group(program.pid, signal.SIGKILL)
    _bury()
    return code if code >= 0 else 128 - code


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("--lifeline", type=int, required=True, help="descriptor of a pipe; its end of file means stop")
    parser.add_argument("--stop-signal", type=int, default=int(signal.SIGTERM), help="asks the program to stop")
    parser.add_argument("--kill-signal", type=int, default=int(signal.SIGKILL), help="ends it now")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between the two")
    parser.add_argument("--user", help="run the program as this user (we are root)")
    parser.add_argument("--nice", type=int, default=0, help="how far to step back behind others")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(argv)


def _start(given: argparse.Namespace) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    us = os.getpid()
    if libc is not None:
        # What the program leaves behind becomes our child, in whatever process group it is.
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def before_exec() -> None:
        os.nice(given.nice)
        if libc is not None:
            # After the change of user, because that change would clear it.
            libc.prctl(PR_SET_PDEATHSIG, given.stop_signal)
            if os.getppid() != us:
                os._exit(1)

    # This process has one thread, so running Python between fork and exec is safe here.
    return subprocess.Popen(
        given.command,
        process_group=0,
        user=given.user,
        group=_group_of(given.user),
        extra_groups=[] if given.user else None,
        preexec_fn=before_exec,
    )


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def _watch(program: subprocess.Popen[bytes], given: argparse.Namespace, woken: int, asked: set[int]) -> None:
    """Return when the program has ended, having stopped it when asked to."""
    watched = [given.lifeline, woken]
    kill_at: float | None = None
    last_at: float | None = None
    while program.poll() is None:
        times = [at for at in (kill_at, last_at) if at is not None]
        wait = max(0.0, min(times) - time.monotonic()) if times else None
        ready, _, _ = select.select(watched, [], [], wait)
        if woken in ready:
            os.read(woken, 512)
        cut = given.lifeline in ready
        if cut:
            watched.remove(given.lifeline)
        now = time.monotonic()
        if (cut or asked & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}) and kill_at is None and last_at is None:
            _signal(program.pid, given.stop_signal)
            kill_at = now + given.grace
        asked -= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
        if last_at is None and (signal.SIGQUIT in asked or (kill_at is not None and now >= kill_at)):
            _signal_group(program.pid, given.kill_signal)
            kill_at, last_at = None, now + LAST_WAIT_S
        elif last_at is not None and now >= last_at:
            _signal_group(program.pid, signal.SIGKILL)
            last_at = now + LAST_WAIT_S


def _bury() -> None:
    """Wait for everything that the program left behind; kill what has not ended by itself soon."""
    until = time.monotonic() + ORPHAN_WAIT_S
    while True:
        try:
            gone, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if gone:
            continue
        if time.monotonic() > until:
            for pid in _children():
                _signal(pid, signal.SIGKILL)
        time.sleep(LOOK_S)


def _children() -> list[int]:
    us = os.getpid()
    try:
        with open(f"/proc/{us}/task/{us}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
