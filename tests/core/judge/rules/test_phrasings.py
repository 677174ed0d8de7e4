"""Rules over sentences written before anyone looked at how the rules read: what is found, and what passes.

``phrasings.jsonl`` holds violations and their honest look-alikes. Half A was read while the rules were improved; of
half B only the rates were. ``phrasings_later.jsonl`` is by two hands who came later; only its half A was read, and only
the requests in it changed a rule. ``phrasings_capacity.jsonl`` is on capacity alone: hands a and c were read
while the open readings were written, of b and d only the rates were looked at; c and d are refusals by one writer.
``phrasings_open.jsonl`` is on coordination and pricing: hand a was read while their open readings were written, of b
only the rates were looked at. ``phrasings_told.jsonl`` is on confidence, segment and dates: hands a, d and e were
read, of b and c only the rates, k was looked at once, when the rules were done; f wrote honest sentences on terms,
which were read.
``python -m tests.core.judge.rules.test_phrasings [--later | --capacity | --open | --told]`` prints the rates.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.judge.decision import blocking
from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

TODAY = datetime.date(2026, 3, 2)
OWN_CHECKS = {"pricing": ("pricing.", "coordination.legal")}
"""A legal promise is priced work as much as coordination."""
GREETED = re.compile(r"(?:Hi|Hello|Dear|Lena)\b")


@dataclass(frozen=True)
class Phrasing:
    """One sentence in its context."""

    criterion: str
    violation: bool
    sentence: str
    context: dict[str, Any]
    hand: str = ""

    @property
    def half(self) -> str:
        """The hand that wrote it where that is known; else A, which was read, or B, which was not."""
        return self.hand.upper() or "AB"[hashlib.sha256(self.sentence.encode()).digest()[0] % 2]


FIRST, LATER, CAPACITY = "phrasings.jsonl", "phrasings_later.jsonl", "phrasings_capacity.jsonl"
OPEN, TOLD = "phrasings_open.jsonl", "phrasings_told.jsonl"


def load(name: str = FIRST) -> list[Phrasing]:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Phrasing(row["criterion"], row["kind"] == "violation", row["sentence"], row["context"], row.get("hand", ""))
        for row in rows
    ]


def stopped_by(phrasing: Phrasing, rules: Ruleset) -> list[str]:
    """The checks that stop the draft."""
    body = phrasing.sentence if GREETED.match(phrasing.sentence) else f"Hi Lena,\n\n{phrasing.sentence}"
    known = {
        "company_name": "Orla Freight",
        "icp_segment": 1,
        "thread_stage": "cold_first_touch",
        **phrasing.context,
    }
    draft = Draft(subject="Backend work at Orla Freight", body=f"{body}\n\nBest,\nSam")
    found = rules.check(draft, Context.model_validate(known), today=TODAY)
    return [finding.check for finding in blocking(found, default_policy())]


def right(phrasing: Phrasing, rules: Ruleset) -> bool:
    """A violation is found by its own criterion; honest wording is stopped by nothing.

    What a hand wrote about one criterion may fail another, so its honest wording is held against its own alone.
    """
    stopped = stopped_by(phrasing, rules)
    own = OWN_CHECKS.get(phrasing.criterion, (f"{phrasing.criterion}.",))
    by_own = any(check.startswith(own) for check in stopped)
    if phrasing.violation:
        return by_own
    return not (by_own if phrasing.hand else stopped)


def rates(name: str = FIRST) -> dict[tuple[str, str, bool], tuple[int, int]]:
    """(right, all) by half, criterion and whether it is a violation."""
    rules = Ruleset(default_policy())
    counts: dict[tuple[str, str, bool], list[bool]] = defaultdict(list)
    for phrasing in load(name):
        counts[phrasing.half, phrasing.criterion, phrasing.violation].append(right(phrasing, rules))
    return {key: (sum(hits), len(hits)) for key, hits in counts.items()}


FLOORS = {
    "capacity": (0.90, 0.96),
    "coordination": (0.93, 1.0),
    "grounding": (0.88, 0.92),
    "pricing": (0.95, 1.0),
    "thread": (0.95, 1.0),
}
"""Per criterion what is found at least, and what passes at least, on both halves together."""
LATER_FLOORS = {"capacity": (0.55, 0.8), "coordination": (0.58, 0.97), "pricing": (0.58, 0.91)}
"""The same in wording that no rule was made for: how far patterns reach, and that they stop little that is honest."""


@pytest.mark.parametrize(("name", "floors"), [(FIRST, FLOORS), (LATER, LATER_FLOORS)])
def test_no_criterion_falls_back(name: str, floors: dict[str, tuple[float, float]]) -> None:
    reached: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for (_, criterion, violation), counts in rates(name).items():
        reached[criterion, violation] = [a + b for a, b in zip(reached[criterion, violation], counts, strict=True)]
    below = {
        (criterion, violation): (hits, total)
        for (criterion, violation), (hits, total) in reached.items()
        if hits / total < floors[criterion][not violation]
    }
    assert below == {}


CAPACITY_FLOORS = {"A": (0.96, 0.97), "B": (0.7, 0.93), "C": (0.0, 0.93), "D": (0.0, 0.87)}
"""Per hand what is found at least, and what passes at least: B and D tell how far the open readings reach."""


def test_open_wording_of_capacity_does_not_fall_back() -> None:
    below = {
        (half, violation): (hits, total)
        for (half, _, violation), (hits, total) in rates(CAPACITY).items()
        if hits / total < CAPACITY_FLOORS[half][not violation]
    }
    assert below == {}


OPEN_FLOORS = {
    ("A", "coordination"): (0.95, 0.97),
    ("A", "pricing"): (0.95, 0.97),
    ("B", "coordination"): (0.7, 0.96),
    ("B", "pricing"): (0.78, 0.93),
}
"""The same per hand and criterion: B tells how far the open readings of coordination and pricing reach."""


def test_open_wording_of_coordination_and_pricing_does_not_fall_back() -> None:
    below = {
        (half, criterion, violation): (hits, total)
        for (half, criterion, violation), (hits, total) in rates(OPEN).items()
        if hits / total < OPEN_FLOORS[half, criterion][not violation]
    }
    assert below == {}


TOLD_FLOORS = {
    "read": {"confidence": (0.53, 0.99), "segment": (0.78, 0.98), "grounding": (0.68, 0.94)},
    "unread": {"confidence": (0.5, 0.96), "segment": (0.52, 0.97), "grounding": (0.5, 0.88)},
    "terms": {"coordination": (0.0, 0.94), "pricing": (0.0, 0.94)},
}
"""Per group of hands and criterion what is found at least, and what passes at least."""


def test_open_wording_of_what_is_told_does_not_fall_back() -> None:
    group = dict.fromkeys("ADE", "read") | dict.fromkeys("BCK", "unread") | {"F": "terms"}
    reached: dict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for (half, criterion, violation), counts in rates(TOLD).items():
        key = (group[half], criterion, violation)
        reached[key] = [a + b for a, b in zip(reached[key], counts, strict=True)]
    below = {
        key: (hits, total)
        for key, (hits, total) in reached.items()
        if hits / total < TOLD_FLOORS[key[0]][key[1]][not key[2]]
    }
    assert below == {}


FILES = {"--later": LATER, "--capacity": CAPACITY, "--open": OPEN, "--told": TOLD}

if __name__ == "__main__":
    chosen = next((FILES[option] for option in sys.argv if option in FILES), FIRST)
    for (half, criterion, violation), (hits, total) in sorted(rates(chosen).items()):
        print(f"{half} {criterion:13} {'found ' if violation else 'passed'} {hits:2}/{total:<2} {hits / total:.2f}")
    if "--misses" in sys.argv:
        checker = Ruleset(default_policy())
        for one in load(chosen):
            if one.half == "A" and not right(one, checker):
                kind = "violation" if one.violation else "honest"
                print(one.criterion, kind, "|", one.sentence, "|", *stopped_by(one, checker))
