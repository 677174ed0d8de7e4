"""What the engine is doing, in a small file: the supervisor writes it, the API reads it for /readyz.

A file, because the API is a process of its own that starts before the engine and may start again at any time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from app.local.home import Home, write_private


class EngineState(StrEnum):
    """How far the engine is. Only ``ready`` takes requests."""

    INSTALLING = "installing"
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass
class EngineReport:
    """Writes the file; keeps what was written last, so that a repeated report costs nothing."""

    home: Home
    state: EngineState | None = None
    detail: str = ""

    def clear(self) -> None:
        """Remove what an earlier run left."""
        self.home.engine_state.unlink(missing_ok=True)
        self.state, self.detail = None, ""

    def tell(self, state: EngineState, detail: str) -> None:
        """Write state and one plain sentence; ``since`` is when the file was written, ISO 8601 in UTC."""
        if (state, detail) == (self.state, self.detail):
            return
        self.state, self.detail = state, detail
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_private(self.home.engine_state, json.dumps({"state": state, "detail": detail, "since": now}) + "\n")
