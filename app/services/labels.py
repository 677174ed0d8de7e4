"""Labels from people: one by one from a reviewer's hand, or a file of them. A label is never changed, only followed.

Labels on what is not there are refused by line; of a file, the good lines are kept or all are refused, as the caller
says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import labels
from app.db.engine import Database
from app.db.keys import Principal
from app.errors import Fault, InvalidInput, NotFound
from app.schemas import Label, LabelIn, LabelsResult, LineFault, OnError
from app.services.deadline import Deadline
from app.services.once import IdempotencyKey, Once, Reply

MAX_LABELS = 20_000
"""Labels in one request."""
_NOTHING = "names nothing of yours; give the id of a verdict, or a run and one of its tasks"


@dataclass(frozen=True)
class Labels:
    """Labels of one tenant at a time."""

    db: Database
    once: Once

    async def add_one(
        self, principal: Principal, label: LabelIn, deadline: Deadline, key: IdempotencyKey | None
    ) -> Reply:
        """Store one label and answer with it."""

        async def write(conn: AsyncConnection) -> tuple[int, bytes]:
            stored, _ = await labels.insert(conn, principal.tenant_id, [label], principal.key_id)
            if not stored:
                raise NotFound("There is no such verdict, or no such task in that run.")
            return 201, stored[0].model_dump_json().encode()

        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            return attempt if isinstance(attempt, Reply) else await attempt.commit_answer(write)

    async def add_many(
        self,
        principal: Principal,
        given: Sequence[tuple[int, LabelIn]],
        faults: Sequence[LineFault],
        deadline: Deadline,
        *,
        on_error: OnError,
        key: IdempotencyKey | None,
    ) -> Reply:
        """Store the labels of a file, each with its line's number; ``faults`` are of lines that did not fit."""
        bad = {fault.line for fault in faults}
        if not given and not bad:
            raise InvalidInput("The upload is empty; send at least one label.")

        async def write(conn: AsyncConnection) -> tuple[int, bytes]:
            found = list(faults)
            stored: list[Label] = []
            if not (found and on_error == "refuse"):
                stored, missing = await labels.insert(
                    conn, principal.tenant_id, [label for _, label in given], principal.key_id
                )
                found += [LineFault(line=given[at][0], path="label", message=_NOTHING) for at in missing]
            rejected = len({fault.line for fault in found})
            if found and (on_error == "refuse" or not stored):
                named = tuple(Fault(f"line {f.line}: {f.path}", f.message) for f in found[:100])
                what = "line does" if rejected == 1 else "lines do"
                raise InvalidInput(f"{rejected} {what} not fit; nothing was stored.", named)
            found.sort(key=lambda fault: fault.line)
            result = LabelsResult(
                received=len(given) + len(bad), accepted=len(stored), rejected=rejected, errors=found[:100]
            )
            return 200, result.model_dump_json(exclude_none=True).encode()

        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            return attempt if isinstance(attempt, Reply) else await attempt.commit_answer(write)
