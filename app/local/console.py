"""What `presend up` says: a moving line on a terminal, plain lines anywhere else, and the banner."""

from __future__ import annotations

import json
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.status import Status

import app
from app.api.examples import GATE

PLAIN_EVERY_S = 15.0
"""Where nobody sees a moving line, progress of the same stage is repeated no more often than this."""


class Voice:
    """Says whole lines and shows progress. One for a process."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._status: Status | None = None
        self._bar: tuple[Progress, TaskID] | None = None
        self._stage = ""
        self._told_at = 0.0

    def say(self, line: str) -> None:
        """One line that stays."""
        self._console.print(line)

    def progress(self, stage: str, detail: str = "") -> None:
        """What is going on now. ``stage`` changes rarely, ``detail`` often."""
        text = f"{stage}: {detail}" if detail else stage
        if self._console.is_terminal:
            if self._bar is not None:
                self.quiet()
            if self._status is None:
                self._status = self._console.status("")
                self._status.start()
            self._status.update(text)
            return
        now = time.monotonic()
        if stage != self._stage or now - self._told_at >= PLAIN_EVERY_S:
            self._stage, self._told_at = stage, now
            self._console.print(f"… {text}")

    def bar(self, stage: str, done: int, total: int, note: str = "") -> None:
        """How far a counted stage is; on a terminal a bar with the time that is left."""
        if not self._console.is_terminal:
            self.progress(stage, f"{done} of {total} {note}".rstrip())
            return
        if self._status is not None or (self._bar is not None and stage != self._stage):
            self.quiet()
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            shown = Progress(*columns, TimeElapsedColumn(), Remaining(), console=self._console, transient=True)
            self._bar, self._stage = (shown, shown.add_task(stage, total=total)), stage
            shown.start()
        shown, task = self._bar
        shown.update(task, completed=done, total=total, description=f"{stage} {note}".rstrip())

    def quiet(self) -> None:
        """Take the moving line away."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._stage = ""


def example_request() -> str:
    """The honest draft of the documentation, as compact JSON without apostrophes: a shell can quote it."""
    compact = json.dumps(GATE["an honest partial offer"], ensure_ascii=True, separators=(",", ":"))
    return compact.replace("'", "\\u0027")


def curl(address: str, key: str) -> str:
    """A command that asks the gate about the example."""
    return (
        f"curl -sS {address}/v1/gate \\\n"
        f"  -H 'Authorization: Bearer {key}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{example_request()}'"
    )


def banner(address: str, key: str, key_file: str, loading: str, logs: str) -> str:
    """Everything that a person needs next; ``loading`` is one sentence."""
    return "\n".join(
        (
            "",
            f"Presend {app.__version__} answers at {address}  (interactive documentation: {address}/docs)",
            f"API key: {key}  (tenant default, all scopes; kept in {key_file})",
            "",
            "Ask it about a draft:",
            "",
            curl(address, key),
            "",
            loading,
            f"Logs are in {logs}. Ctrl-C stops everything.",
            "",
        )
    )
