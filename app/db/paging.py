"""Keyset cursors over ids: where the last page ended, not how many rows came before it.

A cursor is opaque to callers and says nothing that its holder has not seen; each query names the tenant all the same.
"""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

from app.errors import Fault, InvalidInput

MAX_PAGE = 500


def page_size(limit: int) -> int:
    """``limit``, or ``InvalidInput`` when it is outside 1 to ``MAX_PAGE``."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput("The page size does not fit.", (Fault("limit", f"is 1 to {MAX_PAGE}"),))
    return limit


def cursor_after(identifier: UUID) -> str:
    """The cursor of the page that begins behind this id."""
    return base64.urlsafe_b64encode(identifier.bytes).rstrip(b"=").decode()


def position(cursor: str) -> UUID:
    """The id behind which the page begins; ``InvalidInput`` when the cursor did not come from here."""
    try:
        identifier = UUID(bytes=base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        identifier = None
    if identifier is None or cursor_after(identifier) != cursor:
        raise InvalidInput("The cursor is not one of ours.", (Fault("cursor", "is the next_cursor of a page"),))
    return identifier
