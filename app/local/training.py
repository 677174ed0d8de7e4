"""Runs a command of ``app.training`` in the engine environment, as a child, and shows its progress.

What preference training needs beside the engine is installed when it is first needed, so that `presend up` stays light.
The child's JSON lines become a bar; anything else that it prints is its result and is printed as it is; its sentence of
failure becomes a :class:`SetupError`. Interrupted, the child is asked to stop, and it goes on another time.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import SetupError
from app.local.children import LOG_BYTES, Nursery, Spec, last_words, run_to_end
from app.local.environment import HERE, Environment, ensure_extra
from app.local.home import Home
from app.local.model import engine_env, only_the_package

PACKAGE = "app.training"
REQUIREMENTS = HERE / "engine_requirements_train.txt"
NEEDED = ("trl", "datasets", "scipy")
INSTALLING = "installing what training needs"
PROGRESS_EVERY_S = "0.5"
USAGE_CODE = 2
KILLED_CODES = (137, -9)
_PREFERENCE = "lower --batch, --max-tokens or --rank, or add --checkpointing"
LOWER = {
    "train": "lower --pack-tokens",
    "preference": _PREFERENCE,
    "ablate": _PREFERENCE,
    "latency": "lower --tokens",
    "evaluate": "leave out --base-model",
}
"""What takes less memory, per command; of the others only other programs can be closed."""


@dataclass(frozen=True)
class Told:
    """One progress line of a child; ``done`` and ``total`` only where it counts something."""

    step: str
    state: str
    note: str = ""
    done: int | None = None
    total: int | None = None
    error: str = ""


Shown = Callable[[Told], None]
Printed = Callable[[str], None]


def read_line(line: str) -> Told | None:
    """A progress line, or None for anything else, which is output."""
    try:
        told = json.loads(line)
        if not isinstance(told, dict) or "step" not in told or "state" not in told:
            return None
        state = str(told["state"])
        note = str(told.get("note", ""))
        if state == "done":
            note = _facts(told)
        done, total = told.get("done"), told.get("of")
        counted = isinstance(done, int) and isinstance(total, int)
        return Told(
            str(told["step"]),
            state,
            note,
            done if counted else None,
            total if counted else None,
            str(told.get("error", "")),
        )
    except (ValueError, TypeError):
        return None


def _facts(told: Mapping[str, Any]) -> str:
    """Seconds and plain facts of a finished step."""
    parts = [f"{told['seconds']:.0f} s"] if isinstance(told.get("seconds"), int | float) else []
    for key, value in told.items():
        if key not in ("step", "state", "seconds") and isinstance(value, str | int | float):
            parts.append(f"{key.replace('_', ' ')} {value}")
    return ", ".join(parts)


async def install(place: Environment, nursery: Nursery, home: Home, tell: Callable[[str], None]) -> None:
    """Make sure that the engine environment can train on preferences.

    Raises
    ------
    SetupError
        When the installer fails, or the environment is someone else's and lacks what is needed.
    """
    await ensure_extra(place, REQUIREMENTS, NEEDED, nursery, home.log("train-install"), tell)


async def run(
    module: str,
    arguments: Sequence[str],
    place: Environment,
    nursery: Nursery,
    home: Home,
    shown: Shown,
    printed: Printed,
    *,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run ``python -m app.training.MODULE`` to its end.

    Raises
    ------
    SetupError
        With the child's own sentence, or its last words and where its log is.
    """
    name = f"model-{module}"
    failed: list[str] = []

    def each(line: str) -> None:
        told = read_line(line)
        if told is None:
            printed(line)
        elif told.error:
            failed.append(told.error)
        else:
            shown(told)

    variables = engine_env(place) | {"PYTHONPATH": str(only_the_package(home)), "PRESEND_PROGRESS_S": PROGRESS_EVERY_S}
    # -P: the folder that the user is in must not be searched for modules; it may hold another `app`.
    command = (str(place.python), "-P", "-m", f"{PACKAGE}.{module}", *arguments)
    spec = Spec(
        name,
        command,
        variables | dict(env or {}),
        home.log(name),
        cwd=Path.cwd(),
        stop_signal=signal.SIGINT,
        grace_s=20.0,
    )
    since = _size(spec.log)
    code = await run_to_end(nursery, spec, each)
    if code == 0:
        return
    if failed:
        raise SetupError(failed[-1])
    if code in KILLED_CODES:
        also = f", or {LOWER[module]}" if module in LOWER else " and run it again"
        raise SetupError(
            f"`{PACKAGE}.{module}` was killed, most likely because memory ran out; close other programs{also}."
        )
    words = last_words(spec.log, of="error:" if code == USAGE_CODE else "Error", since=since) or f"exit code {code}"
    if code == USAGE_CODE:
        raise SetupError(f"{words.partition('error: ')[2] or words}; --help lists the options.")
    raise SetupError(f"`{PACKAGE}.{module}` ended with an error: {words} The whole log: {spec.log}")


def _size(log: Path) -> int:
    """Where the log of the next run begins; a large one is set aside by then."""
    size = log.stat().st_size if log.exists() else 0
    return 0 if size > LOG_BYTES else size
