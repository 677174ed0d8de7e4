"""Memory that runs out, as one sentence that says what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import SetupError

_WORDS = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory"),
    *("defaultcpuallocator", "bad_alloc", "alloc_failed"),
)


@contextmanager
def memory_advice(lower: str) -> Iterator[None]:
    """Turn an out-of-memory error of torch or Python into a :class:`SetupError` that names what to lower."""
    try:
        yield
    except MemoryError as error:
        raise SetupError(f"Memory ran out; lower {lower}.") from error
    except RuntimeError as error:
        if any(word in str(error).casefold() for word in _WORDS):
            raise SetupError(f"Memory ran out; lower {lower}.") from error
        raise
