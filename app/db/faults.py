"""What Postgres, psycopg and the pool raise, turned into Presend's errors. The only place that does it.

Postgres quotes values in its messages ("Key (name)=(...) already exists", "Failing row contains (...)"), so none of
its text is ever passed on: a sentence is chosen by SQLSTATE, and the original is emptied before it can be logged.
"""

from __future__ import annotations

import psycopg
from sqlalchemy import exc as sa

from app.errors import PresendError, StoreUnavailable

DRIVER_ERRORS = (sa.SQLAlchemyError, psycopg.Error)

_LOST = ("The connection to the database was lost.", 1.0)
_UNREACHABLE = ("The database cannot be reached.", 2.0)
_STARTING = ("The database is starting up.", 2.0)
_FULL = ("The database takes no more connections.", 1.0)
_UNMIGRATED = (
    "The database has no Presend tables of this version; run `presend db upgrade` against it.",
    10.0,
)

# SQLSTATE or its class -> sentence, seconds after which another try makes sense
_BY_STATE: dict[str, tuple[str, float]] = {
    "57P03": _STARTING,
    "57P01": _LOST,
    "57P02": _LOST,
    "57P05": _LOST,
    "08": _LOST,
    "25P03": ("The database ended a transaction that stood idle.", 1.0),
    "53300": _FULL,
    "53100": ("The disk of the database is full.", 60.0),
    "53": ("The database has run out of memory or other resources.", 5.0),
    "57014": ("The database took too long over a statement.", 1.0),
    "55P03": ("A lock in the database was not free in time.", 1.0),
    "40001": ("Two transactions collided in the database.", 0.1),
    "40P01": ("Two transactions collided in the database.", 0.1),
    "25006": ("The database is read-only at present.", 5.0),
    "42P01": _UNMIGRATED,
    "42703": _UNMIGRATED,
    "28": ("The database refused the user or password of its URL.", 10.0),
    "3D000": ("The database named in the URL does not exist.", 10.0),
    "58": ("The database has a fault of its own.", 5.0),
    "XX": ("The database has a fault of its own.", 5.0),
}

# libpq gives no SQLSTATE when connecting fails, so its English text is all there is; unknown text is _UNREACHABLE.
_BY_TEXT: tuple[tuple[str, tuple[str, float]], ...] = (
    ("the database system is starting up", _STARTING),
    ("the database system is in recovery mode", _STARTING),
    ("not yet accepting connections", _STARTING),
    ("the database system is shutting down", ("The database is shutting down.", 2.0)),
    ("too many clients", _FULL),
    ("remaining connection slots", _FULL),
    ("authentication failed", _BY_STATE["28"]),
    ("Connection refused", ("The database refused the connection; nothing listens at its address.", 2.0)),
)


class StatementRefused(PresendError):
    """Postgres refused a statement: a constraint, a type, a bug. Says which, never with what value."""

    slug, title, status = "store-refused", "The database refused a statement", 500


def translate(error: BaseException) -> PresendError:
    """The error to raise in place of one of ``DRIVER_ERRORS``; empties ``error`` of its text."""
    answer = _answer(error)
    _scrub(error)
    return answer


def _answer(error: BaseException) -> PresendError:
    if isinstance(error, sa.TimeoutError):
        return StoreUnavailable("All connections to the database are in use.", retry_after_s=1.0)
    driver = error.orig if isinstance(error, sa.StatementError) and error.orig is not None else error
    state = getattr(driver, "sqlstate", None)
    if isinstance(state, str):
        known = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
        if known is not None:
            return StoreUnavailable(known[0], retry_after_s=known[1])
    elif isinstance(driver, psycopg.OperationalError | psycopg.InterfaceError):
        sentence, wait = _by_text(str(driver))
        return StoreUnavailable(sentence, retry_after_s=wait)
    if isinstance(error, sa.DBAPIError) and error.connection_invalidated:
        return StoreUnavailable(_LOST[0], retry_after_s=_LOST[1])
    return StatementRefused(_refusal(driver, state))


def _by_text(text: str) -> tuple[str, float]:
    for fragment, known in _BY_TEXT:
        if fragment in text:
            return known
    if 'FATAL:  database "' in text and "does not exist" in text:
        return _BY_STATE["3D000"]
    if "connection" in text and ("closed" in text or "lost" in text or "terminat" in text):
        return _LOST
    return _UNREACHABLE


def _refusal(driver: BaseException, state: str | None) -> str:
    what = type(driver).__name__ + (f", {state}" if state else "")
    if isinstance(driver, psycopg.Error):
        where = driver.diag.constraint_name or driver.diag.table_name
        if where:
            what += f", {where}"
    return f"The database refused a statement ({what})."


def _scrub(error: BaseException) -> None:
    """Empty an exception, its original, causes and contexts of whatever text the server or driver put there."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen or not isinstance(one, (*DRIVER_ERRORS, UnicodeError)):
            continue
        seen.add(id(one))
        if isinstance(one, sa.StatementError):
            waiting.append(one.orig)
            one.params = None
            one.detail = []
        if not isinstance(one, UnicodeError):
            one.args = (f"{type(one).__name__} (text withheld)",)
        waiting += [one.__cause__, one.__context__]
