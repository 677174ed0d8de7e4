"""Situations: what is true about a prospect, and the context that an agent would send about it.

A scenario knows the truth as numbers; its context states the same in one of several messy forms. Drafts are written
from the numbers, so that a label never depends on reading text back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from app.bench.banks import Bank
from app.bench.wording import month, shown

NOW = 33
"""October 2026, counted from January 2024 as month 0."""
_TITLES = ("CTO", "VP Engineering", "Head of Platform", "Chief Technology Officer")
GRADES = ("senior", "mid", "junior")


@dataclass(frozen=True)
class Stack:
    """Free engineers of one stack; ``free`` counts nobody when the note says that they are promised elsewhere."""

    listed: int
    days: int
    mix: dict[str, int] | None = None
    note: str = ""
    committed: bool = False

    @property
    def free(self) -> int:
        """People that may honestly be promised."""
        return 0 if self.committed else self.listed


@dataclass(frozen=True)
class Request:
    """What the prospect asked for."""

    count: int
    grade: str | None
    lead_days: int | None


@dataclass(frozen=True)
class Scenario:
    """The truth. ``fact`` names the fact that a draft may lean on; None where nothing is known.

    ``also`` is one more event that the context tells of and that no draft mentions.
    """

    family: str
    company: str
    vendor: str
    other: str
    first: str
    sender: str
    segment: int
    stage: str
    tier: str | None
    fact: str | None
    stack: str
    skill: str
    topic: str
    leader: str
    title: str
    peer: str
    round: str
    millions: int
    month: int
    roles: int
    pct: int
    days: int
    ai_score: int
    bench: dict[str, Stack] | None
    request: Request | None
    price_topic: bool = False
    trap: bool = False
    also_funded: bool = False
    also: str | None = None
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Cold, reply or again: which subjects and asks fit."""
        return {"cold_first_touch": "cold", "re_engagement": "again"}.get(self.stage, "reply")


def _bench(rng: Random, bank: Bank, stack: str) -> dict[str, Stack]:
    others = rng.sample([s for s in bank.lists["stacks"] if s != stack], k=rng.choice((0, 1, 1, 2)))
    found: dict[str, Stack] = {}
    for name in (stack, *others):
        mix = None
        listed = rng.randint(2, 7)
        if rng.random() < 0.6:
            senior = rng.randint(1, max(1, listed - 1))
            mid = rng.randint(0, listed - senior)
            mix = {"senior": senior, "mid": mid, "junior": listed - senior - mid}
        note = rng.choice(("", "", "", "confirmed this week", "uncommitted until further notice"))
        found[name] = Stack(listed, rng.choice((7, 10, 14, 14, 21, 28)), mix, note)
    return found


def _request(rng: Random, bench: dict[str, Stack] | None, stack: str) -> Request:
    have = bench[stack] if bench and stack in bench else Stack(2, 14)
    over = rng.random() < 0.65
    count = have.listed + rng.randint(2, 8) if over else max(2, have.listed - rng.randint(0, 2))
    grade = rng.choice(GRADES) if have.mix and rng.random() < 0.4 else None
    lead = rng.choice((None, 7, 14, 30, have.days + 7))
    return Request(count, grade, lead)


def _funding(s: Scenario, rng: Random) -> Scenario:
    return replace(s, fact="funding", segment=1, stage="cold_first_touch", tier=rng.choice(("high", "high", "medium")))


def _weak_funding(s: Scenario, rng: Random) -> Scenario:
    return replace(s, fact="funding", segment=0, stage="cold_first_touch", tier=rng.choice(("low", "low", "medium")))


def _stale_funding(s: Scenario, rng: Random) -> Scenario:
    past = rng.randint(0, NOW - 8)
    tier = rng.choice(("high", "medium", "low"))
    return replace(s, fact="old_funding", segment=0, stage="cold_first_touch", tier=tier, month=past)


def _many_roles(s: Scenario, rng: Random) -> Scenario:
    tier = rng.choice(("high", "high", "medium"))
    return replace(
        s,
        fact="roles",
        segment=rng.choice((0, 1)),
        stage="cold_first_touch",
        tier=tier,
        roles=rng.randint(6, 18),
        also_funded=True,
    )


def _few_roles(s: Scenario, rng: Random) -> Scenario:
    tier = rng.choice(("medium", "low", "low", None))
    return replace(s, fact="roles", segment=0, stage="cold_first_touch", tier=tier, roles=rng.randint(1, 4))


def _trap(s: Scenario, rng: Random) -> Scenario:
    return replace(_few_roles(s, rng), trap=True)


def _layoff(s: Scenario, rng: Random) -> Scenario:
    return replace(s, fact="layoff", segment=2, stage="cold_first_touch", tier=rng.choice(("high", "medium", "low")))


def _layoff_and_funding(s: Scenario, rng: Random) -> Scenario:
    return replace(_layoff(s, rng), also_funded=True)


def _leader(s: Scenario, rng: Random) -> Scenario:
    return replace(s, fact="leader", segment=3, stage="cold_first_touch", tier=rng.choice(("high", "medium", "low")))


def _gap(s: Scenario, rng: Random) -> Scenario:
    tier = rng.choice(("high", "medium", "low"))
    return replace(s, fact="gap", segment=4, stage="cold_first_touch", tier=tier, ai_score=rng.choice((2, 3)))


def _silent(s: Scenario, rng: Random) -> Scenario:
    return replace(s, fact=None, segment=0, stage="cold_first_touch", tier=rng.choice(("none", "none", None)))


def _reply(s: Scenario, rng: Random) -> Scenario:
    topic = f"{shown(s.stack)} engineers"
    return replace(s, fact="thread", stage="reply_active", segment=rng.randint(0, 4), topic=topic)


def _committed(s: Scenario, rng: Random) -> Scenario:
    bench = dict(s.bench or {})
    note = rng.choice(("all committed to another client", "not available before spring", "on hold for a renewal"))
    bench[s.stack] = replace(bench[s.stack], note=note, committed=True)
    return replace(_reply(s, rng), bench=bench)


def _missing_stack(s: Scenario, rng: Random) -> Scenario:
    bench = dict(s.bench or {})
    record = bench.pop(s.stack)
    if rng.random() < 0.6 or not bench:
        bench[s.stack] = replace(record, listed=0, mix=None)
    return replace(_reply(s, rng), bench=bench)


def _price(s: Scenario, rng: Random) -> Scenario:
    return replace(_reply(s, rng), price_topic=True, request=None)


def _ready(s: Scenario, rng: Random) -> Scenario:
    return replace(_reply(s, rng), stage="ready_to_schedule", topic=f"the {shown(s.stack)} team")


def _again(s: Scenario, rng: Random) -> Scenario:
    made = rng.choice((_funding, _many_roles, _leader))(s, rng)
    return replace(made, stage="re_engagement")


_Family = Callable[[Scenario, Random], Scenario]
_NEEDS_BENCH = {"reply", "committed", "missing_stack", "ready"}
FAMILIES: dict[str, _Family] = {
    "fresh_funding": _funding,
    "weak_funding": _weak_funding,
    "stale_funding": _stale_funding,
    "many_roles": _many_roles,
    "few_roles": _few_roles,
    "event_not_detected": _trap,
    "layoff": _layoff,
    "new_leader": _leader,
    "skill_gap": _gap,
    "silent": _silent,
    "reply": _reply,
    "missing_stack": _missing_stack,
    "ready": _ready,
    "re_engagement": _again,
    "layoff_and_funding": _layoff_and_funding,
    "committed": _committed,
    "price_question": _price,
}
HELD_OUT_FAMILIES = frozenset({"layoff_and_funding", "committed", "price_question"})
TRAIN_FAMILIES = tuple(name for name in FAMILIES if name not in HELD_OUT_FAMILIES)
_TIMES = {"reply": 6, "missing_stack": 2, "ready": 1, "few_roles": 2}
"""How often a family is drawn, where not once: replies carry most of the capacity questions."""


def draw_family(rng: Random, held_out: bool) -> str:
    """A family's name; held-out families come only when asked for."""
    names = sorted(HELD_OUT_FAMILIES) if held_out else list(TRAIN_FAMILIES)
    return rng.choices(names, weights=[_TIMES.get(name, 1) for name in names])[0]


def make_scenario(rng: Random, bank: Bank, family: str) -> Scenario:
    """Draw one situation of a family, its truth only; ``app.bench.contexts`` writes the context."""
    pick = {key: rng.choice(values) for key, values in bank.lists.items()}
    stack = pick["stacks"]
    with_bench = family in _NEEDS_BENCH or rng.random() < 0.4
    bench = _bench(rng, bank, stack) if with_bench else None
    company = f"{pick['companies_a']} {pick['companies_b']}"
    blank = Scenario(
        family=family,
        company=company,
        vendor=pick["vendors"],
        other=pick["others"],
        first=pick["first_names"],
        sender=pick["senders"],
        segment=0,
        stage="cold_first_touch",
        tier=rng.choice(("high", "medium", "low", None)),
        fact=None,
        stack=stack,
        skill=pick["skills"],
        topic=rng.choice(bank.moves["topics"]["any"]).format(stack=shown(stack)),
        leader=f"{rng.choice(bank.lists['first_names'])} {pick['last_names']}",
        title=rng.choice(_TITLES),
        peer=pick["peers"],
        round=rng.choice(("Series A", "Series A", "Series B", "seed round", "Series C")),
        millions=rng.randint(3, 48),
        month=NOW - rng.randint(0, 5),
        roles=rng.randint(2, 9),
        pct=rng.choice((8, 10, 12, 15, 18, 20, 25, 30)),
        days=rng.randint(60, 160),
        ai_score=rng.choice((0, 1, 1, 2)),
        bench=bench,
        request=None,
    )
    made = FAMILIES[family](blank, rng)
    if made.price_topic:
        made = replace(made, topic=rng.choice(bank.moves["topics"]["price"]))
    elif made.kind == "reply" and made.bench is not None:
        bench_before = blank.bench if family == "missing_stack" else made.bench
        made = replace(made, request=_request(rng, bench_before, stack))
    return made


def month_name(scenario: Scenario, *, with_year: bool = True) -> str:
    """The month of the scenario's dated fact."""
    full = month(scenario.month)
    return full if with_year else full.split()[0]
