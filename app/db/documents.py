"""Models as the JSON text that a column takes, and rows written with it.

Verdicts hold text from a model, and Postgres cannot hold NUL or half a surrogate pair: each is stored as U+FFFD,
because losing a verdict over one character would be worse. What a caller sent is refused instead; it must come back as
it was.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from app.db.ids import parse_id
from app.errors import Fault, InvalidInput
from app.schemas import Context, Draft

_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def insert_of(target: sa.Table, **json_columns: type[sa.JSON]) -> sa.Insert:
    """INSERT of one row; JSON columns take JSON text, since pydantic has written it already."""
    values: dict[str, Any] = {column.name: sa.bindparam(column.name) for column in target.columns}
    for name, kind in json_columns.items():
        values[name] = sa.cast(sa.bindparam(name, type_=sa.Text()), kind)
    return sa.insert(target).values(values)


def own_id(text: str, what: str) -> UUID:
    """The UUID that the field ``what`` spells; ``InvalidInput`` when it spells none."""
    identifier = parse_id(text)
    if identifier is None:
        raise InvalidInput("An id does not have the form of one.", (Fault(what, "is a UUID"),))
    return identifier


def storable(text: str) -> str:
    """``text`` with U+FFFD for what Postgres cannot hold: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def document_text(model: BaseModel) -> str:
    """JSON of a verdict or pairwise judgement, every field written out."""
    try:
        written = model.model_dump_json()
    except PydanticSerializationError:
        return _cleaned(model)
    return _cleaned(model) if "\\u0000" in written else written


def _cleaned(model: BaseModel) -> str:
    return to_json(_clean(model.model_dump())).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    return value


def input_text(model: Draft | Context | None) -> str | None:
    """JSON of what was sent, with exactly the fields that were sent, in their order."""
    if model is None:
        return None
    try:
        return model.model_dump_json(exclude_unset=True)
    except PydanticSerializationError:
        raise InvalidInput("The text holds half a surrogate pair, which is no character.") from None
