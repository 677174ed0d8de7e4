"""Time-ordered ids (UUIDv7, RFC 9562), so that the primary key is also the order of a list.

Within one process every id is greater than the one before it, even when the clock stands still or steps back.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_TICKS_PER_MS = 1 << 12
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62


class _Sequence:
    """The last tick given out; a tick is 1/4096 of a millisecond since 1970 (RFC 9562, section 6.2, method 3)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> int:
        now = time.time_ns() * _TICKS_PER_MS // 1_000_000
        with self._lock:
            self._last = max(now, self._last + 1)
            return self._last


_sequence = _Sequence()


def new_id() -> uuid.UUID:
    """A UUIDv7 greater than any that this process has made before; 62 of its bits are random."""
    millis, fraction = divmod(_sequence.tick(), _TICKS_PER_MS)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=(millis << 80) | _VERSION | (fraction << 64) | _VARIANT | random)


def floor_id(at: datetime) -> uuid.UUID:
    """The smallest id that could have been made at ``at`` (timezone-aware): a bound for ``id >=`` and ``id <``."""
    millis = max(0, int(at.timestamp() * 1000))
    return uuid.UUID(int=min(millis, (1 << 48) - 1) << 80)


def made_at(identifier: uuid.UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond, in UTC."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def parse_id(text: str) -> uuid.UUID | None:
    """The id that ``text`` spells in its usual form (36 characters), else None: a strange id is simply not found."""
    try:
        identifier = uuid.UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text.lower() else None
