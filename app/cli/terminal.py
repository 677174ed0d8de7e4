"""Where the commands print: a terminal as wide as it is, a file or a pipe without a width, so that nothing is cut."""

from __future__ import annotations

import os
import sys

from rich.console import Console

_UNBOUNDED = 10_000


def console() -> Console:
    """Standard output for tables and sentences; ``COLUMNS`` sets another width."""
    free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_UNBOUNDED if free else None)
