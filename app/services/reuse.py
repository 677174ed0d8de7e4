"""Taking over verdicts: the same draft and context under the same judge is judged once.

What is stored already is looked up for a whole claim at once; of equal items in one worker's hands one is judged and
the others wait for it. Two workers may still judge the same input in the same moment: both verdicts are true, only one
call is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import queue, runs
from app.db.engine import Database
from app.db.queue import Claimed, Finished
from app.schemas import Outcome, Verdict
from app.services.itemjudge import ItemJudge

Input = tuple[UUID, str, str]


@dataclass(frozen=True)
class Sorted:
    """Claimed items: those whose verdict is known, and those to be judged; the rest wait for one of these."""

    known: list[tuple[Claimed, Verdict]]
    to_judge: list[Claimed]


class Reuse:
    """Knows which inputs are being judged in this worker, and who waits for each."""

    def __init__(self, db: Database, judge: ItemJudge) -> None:
        self._db = db
        self._judge = judge
        self._followers: dict[Input, list[Claimed]] = {}
        self._leads: dict[object, Input] = {}
        self._told: set[tuple[UUID, str]] = set()

    async def sort(self, claimed: Sequence[Claimed]) -> Sorted:
        """Look the items' inputs up, and note on their runs who judges them."""
        groups: dict[tuple[UUID, str], list[Claimed]] = {}
        for item in claimed:
            groups.setdefault((item.held.tenant_id, item.rubric), []).append(item)
        known: list[tuple[Claimed, Verdict]] = []
        to_judge: list[Claimed] = []
        for (tenant_id, rubric), items in groups.items():
            judge = self._judge.ref(rubric)
            for run_id in {item.held.run_id for item in items}:
                if (run_id, judge.digest) not in self._told:
                    async with self._db.transaction() as conn:
                        await runs.judged_by(conn, tenant_id, run_id, judge)
                    self._told.add((run_id, judge.digest))
            digests = sorted({item.input_digest for item in items if item.reuse})
            found: dict[str, Verdict] = {}
            if digests:
                async with self._db.reading() as conn:
                    found = await queue.judged_before(conn, tenant_id, digests, judge.digest)
            for item in items:
                if not item.reuse:
                    to_judge.append(item)
                elif (verdict := found.get(item.input_digest)) is not None:
                    known.append((item, verdict))
                elif self._lead(item, (tenant_id, judge.digest, item.input_digest)):
                    to_judge.append(item)
        return Sorted(known, to_judge)

    def _lead(self, item: Claimed, key: Input) -> bool:
        """Whether the item is the first of its input; otherwise it waits for the one that is."""
        if (waiting := self._followers.get(key)) is not None:
            waiting.append(item)
            return False
        self._followers[key] = []
        self._leads[item.held] = key
        return True

    def followers(self, item: Claimed) -> list[Claimed]:
        """The items that waited for this one, which leads no more."""
        key = self._leads.pop(item.held, None)
        return [] if key is None else self._followers.pop(key, [])

    def promote(self, item: Claimed) -> list[Claimed]:
        """This one leads no more and brought no judgement: the next of its input leads, and is to be judged."""
        key = self._leads.pop(item.held, None)
        waiting = [] if key is None else self._followers.pop(key, [])
        if key is None or not waiting:
            return []
        self._followers[key] = waiting[1:]
        self._leads[waiting[0].held] = key
        return waiting[:1]

    def verdict_of(self, ended: Finished) -> Callable[[], Verdict] | None:
        """Reads the verdict of an item that has just ended; None where it holds no judgement to take over."""
        if ended.verdict["outcome"] != Outcome.JUDGED.value:
            return None
        document: str = ended.verdict["document"]
        return lambda: Verdict.model_validate_json(document)
