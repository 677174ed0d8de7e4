"""Progress of a long command as one JSON line per step on stdout, and failures as one plain sentence.

A supervisor reads the lines to show what is going on; a person can read them too. Nothing else may be printed to
stdout by a command that uses this module.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.errors import PresendError

_QUIET_S = 15.0
QUIET_VARIABLE = "PRESEND_PROGRESS_S"
"""Seconds between progress lines where nobody sees a bar; a caller that draws one sets it low."""


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """Print a ``start`` line, run the body, print a ``done`` line with seconds and whatever the body recorded."""
    began = time.monotonic()
    emit({"step": name, "state": "start"})
    facts: dict[str, Any] = {}
    yield facts
    emit({"step": name, "state": "done", "seconds": round(time.monotonic() - began, 2), **facts})


@contextmanager
def progress(name: str, total: int, done: int = 0) -> Iterator[Callable[[int, str], None]]:
    """A bar on a terminal, else a JSON line at most every 15 s; call the result with (advance, note)."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as shown:
            task = shown.add_task(name, total=total, completed=done)
            yield lambda advance, note: shown.update(task, advance=advance, description=f"{name} {note}".strip())
        return
    state = {"done": done, "last": time.monotonic()}
    quiet_s = _quiet_seconds()

    def tell(advance: int, note: str) -> None:
        state["done"] += advance
        if time.monotonic() - state["last"] >= quiet_s or state["done"] >= total:
            state["last"] = time.monotonic()
            emit({"step": name, "state": "progress", "done": int(state["done"]), "of": total, "note": note})

    yield tell


def _quiet_seconds() -> float:
    try:
        return max(0.0, float(os.environ.get(QUIET_VARIABLE, _QUIET_S)))
    except ValueError:
        return _QUIET_S


def emit(line: dict[str, Any]) -> None:
    """Print one JSON line at once."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def run_command(work: Callable[[], None]) -> int:
    """Run a command's body; turn the faults that a user can mend into one sentence and exit code 1."""
    try:
        work()
    except PresendError as error:
        return _failed(str(error))
    except ModuleNotFoundError as error:
        return _failed(f"The Python package {error.name!r} is missing; run this with the engine environment's python.")
    except MemoryError:
        return _failed("Memory ran out; close other programs and run it again.")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _failed(f"The disk is full: nothing could be written to {error.filename or 'the output folder'}.")
        return _failed(f"{error.strerror or error}: {error.filename or 'a file'}.")
    except KeyboardInterrupt:
        return _failed("Stopped by the user; the same command goes on from the last checkpoint.", code=130)
    return 0


def _failed(sentence: str, code: int = 1) -> int:
    emit({"step": "failed", "state": "error", "error": sentence})
    print(sentence, file=sys.stderr, flush=True)
    return code
