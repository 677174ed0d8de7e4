"""Sentences and what they do to the scores: each function writes one move of a draft and says what it breaks.

A score of None means that the move leaves the criterion undecided; such a label teaches nothing and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.bench.banks import Bank
from app.bench.scenarios import Scenario, Stack, month_name
from app.bench.wording import amount, month, number, shown, span

CRITERIA = (
    *("capacity", "grounding", "confidence", "segment", "tone"),
    *("coordination", "pricing", "thread", "form", "hostile"),
)
"""What a move can break; ``overall`` follows from these."""
OVERALL = "overall"
"""The label of a whole draft: 1 when anything is broken. Nobody is asked for it."""
MODEL_CRITERIA = ("grounding", "confidence", "segment", "tone", "coordination", "pricing")
"""What the default rubric asks of the model, in its order."""
_GRADE_WORD = {"senior": "senior ", "mid": "mid-level ", "junior": "junior "}
PITCH_BREAKS = {0: (1, 2, 3, 4), 1: (2, 3, 4), 2: (1, 3, 4), 3: (1, 2, 4), 4: (1, 2, 3)}
PITCH_WORD = ("general note", "growth pitch", "cost pitch", "new-leader pitch", "skill-gap pitch")


@dataclass(frozen=True)
class Move:
    """One sentence in one slot, the scores that it changes from 5, and why in a few words.

    ``phrase`` is the bank's sentence before its slots were filled; ``right_if`` names the values of the scenario under
    which a wrong value would be right, or the offer ("count", "days", "grade") that the bench would have to allow.
    """

    slot: str
    name: str
    text: str
    scores: dict[str, int | None] = field(default_factory=dict)
    why: str = ""
    phrase: str = ""
    right_if: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> int:
        """Length of the sentence in words."""
        return len(self.text.split())

    @property
    def breaks(self) -> tuple[str, ...]:
        """Criteria that this move violates outright."""
        return tuple(c for c, score in self.scores.items() if score == 1)


def nearest(candidates: Sequence[Move], words: int, rng: Random) -> Move:
    """The candidate whose length is closest to ``words``; equal ones by lot."""
    best = min(abs(c.words - words) for c in candidates)
    return rng.choice([c for c in candidates if abs(c.words - words) <= best + 1])


def mention(s: Scenario, bank: Bank, rng: Random, how: str, wrong: str | None = None) -> list[Move]:
    """All ways to mention the scenario's fact: ``state``, ``hedge`` or ``infer``; ``wrong`` corrupts one value."""
    kind = s.fact or "none"
    phrases = bank.moves["hedge" if how == "hedge" else how].get(kind, ())
    values, why, true = _values(s, rng, wrong)
    moves = []
    for phrase in phrases:
        if wrong is not None and not shows(phrase, wrong):
            continue
        scores = mention_scores(s, how, wrong)
        reason = why if wrong else ("Asserts more than the signal shows." if scores.get("confidence") == 1 else "")
        name, text = f"{how}:{kind}:{wrong or 'right'}", phrase.format(**values)
        moves.append(Move("mention", name, text, scores, reason, phrase, true))
    return moves


def wrong_values(s: Scenario) -> tuple[str, ...]:
    """Which values of the scenario's fact can be given wrongly."""
    return {
        "funding": ("amount", "round", "month"),
        "old_funding": ("amount", "round"),
        "roles": ("roles",),
        "layoff": ("pct", "month"),
        "leader": ("leader", "month"),
        "gap": ("days",),
    }.get(s.fact or "", ())


def mention_scores(s: Scenario, how: str, wrong: str | None = None) -> dict[str, int | None]:
    """What a mention breaks, by how it is said and which value is wrong."""
    scores: dict[str, int | None] = {}
    if how == "infer":
        scores |= {"confidence": 1, "grounding": None, "tone": None, "segment": None}
    elif how == "state" and s.fact not in ("thread", None):
        if s.tier == "low" and s.fact not in ("roles", "old_funding"):
            scores["confidence"] = 1
        elif s.tier != "high":
            scores["confidence"] = None
    if wrong is not None:
        scores["grounding"] = 1
        if s.tier != "high" and how == "state":
            scores["confidence"] = None
    return scores


def shows(phrase: str, wrong: str) -> bool:
    """Whether a bank's sentence has a slot for this value."""
    return "{" + wrong + "}" in phrase


def _values(s: Scenario, rng: Random, wrong: str | None) -> tuple[dict[str, str], str, dict[str, Any]]:
    millions, pct, roles, days = s.millions, s.pct, s.roles, s.days
    rounds = [r for r in ("Series A", "Series B", "Series C", "seed round") if r != s.round]
    round_, leader, when, why = s.round, s.leader, s.month, ""
    if wrong == "amount":
        millions = rng.choice(
            [m for m in (s.millions * 2, s.millions + 11, s.millions + 30, max(2, s.millions // 3)) if m != s.millions]
        )
        why = f"States ${millions}M where the facts say ${s.millions}M."
    elif wrong == "round":
        round_ = rng.choice(rounds)
        why = f"States a {round_} where the facts say {s.round}."
    elif wrong == "month":
        when = s.month - rng.choice((2, 3, 4, 5)) if rng.random() < 0.5 else s.month + rng.choice((2, 3, 4))
        why = f"States {month(when)} where the facts say {month(s.month)}."
    elif wrong == "roles":
        roles = rng.choice([r for r in (s.roles * 2 + 1, s.roles + 4, s.roles + 9) if r != s.roles])
        why = f"States {roles} open roles where the facts say {s.roles}."
    elif wrong == "pct":
        pct = s.pct + rng.choice((10, 15, 22))
        why = f"States a cut of {pct}% where the facts say {s.pct}%."
    elif wrong == "leader":
        leader = f"{rng.choice(('Marek', 'Lotte', 'Sunil', 'Greta'))} {rng.choice(('Voss', 'Arden', 'Pohl', 'Rhee'))}"
        why = f"Names {leader} where the facts name {s.leader}."
    elif wrong == "days":
        days = s.days * 2 if rng.random() < 0.5 else s.days + 75
        why = f"States {days} days where the facts say {s.days}."
    month_text = month(when) if rng.random() < 0.5 else month(when).split()[0]
    told = {"millions": millions, "round": round_, "month": when, "roles": roles, "pct": pct, "leader": leader}
    true = {key: value for key, value in (*told.items(), ("days", days)) if value != getattr(s, key)}
    return (
        {
            "company": s.company,
            "amount": amount(rng, millions),
            "round": round_,
            "month": month_text,
            "roles": number(rng, roles),
            "stack": shown(s.stack),
            "pct": rng.choice((f"{pct}%", f"{pct} percent")),
            "leader": leader,
            "title": s.title,
            "skill": s.skill,
            "days": str(days),
            "topic": s.topic,
            "vendor": s.vendor,
        },
        why,
        true,
    )


def generic(s: Scenario, bank: Bank) -> list[Move]:
    """Openers that use no fact of the brief."""
    scores: dict[str, int | None] = {"grounding": 1 if s.fact else None, "segment": None}
    return [
        Move("mention", "generic", p.format(company=s.company, vendor=s.vendor), scores, "Uses no fact from the brief.")
        for p in bank.moves["generic"]["any"]
    ]


def trap(s: Scenario) -> list[Move]:
    """The event that the brief marks as not detected, told as if it had happened."""
    words = (
        f"I read about the {s.pct}% reduction at {s.company} in {month_name(s)}.",
        f"After the layoffs of {month_name(s)} your team has a lot to carry.",
        f"Losing {s.pct}% of your staff in {month_name(s)} cannot have been easy.",
    )
    scores: dict[str, int | None] = {"grounding": 1, "confidence": None, "segment": None, "tone": None}
    return [Move("mention", "trap", text, scores, "The facts say that no layoff was detected.") for text in words]


def invented(s: Scenario, bank: Bank) -> list[Move]:
    """Details about the prospect that no brief holds."""
    return [
        Move(
            "detail",
            "invented",
            p.format(peer=s.peer, stack=shown(s.stack), company=s.company, vendor=s.vendor),
            {"grounding": 1, "confidence": None},
            "Adds a detail that the facts do not hold.",
        )
        for p in bank.moves["invented"]["any"]
    ]


def filler(s: Scenario, bank: Bank) -> list[Move]:
    """Honest sentences of the same weight as an invented detail."""
    return [
        Move("detail", "filler", p.format(company=s.company, vendor=s.vendor)) for p in bank.moves["invented"]["filler"]
    ]


def pitch(s: Scenario, bank: Bank, segment: int) -> list[Move]:
    """The pitch of a segment; wrong where the scenario's segment rules it out."""
    scores: dict[str, int | None] = {}
    why = ""
    if segment in PITCH_BREAKS[s.segment]:
        scores = {"segment": 1, "grounding": None}
        why = f"Makes a {PITCH_WORD[segment]} where the facts call for a {PITCH_WORD[s.segment]}."
    elif segment != s.segment:
        scores = {"segment": None}
    return [
        Move("pitch", f"pitch:{segment}", p.format(skill=s.skill, vendor=s.vendor), scores, why)
        for p in bank.moves["pitch"][f"seg{segment}"]
    ]


def wrong_pitches(s: Scenario) -> tuple[int, ...]:
    """Segments whose pitch the scenario rules out; a skill-gap pitch needs a skill to name."""
    return tuple(p for p in PITCH_BREAKS[s.segment] if p != 4 or s.fact != "gap")


def reply_pitch(s: Scenario, bank: Bank) -> list[Move]:
    """How the vendor works, for a prospect who has asked."""
    return [Move("pitch", "pitch:reply", p.format(vendor=s.vendor)) for p in bank.moves["pitch"]["reply"]]


def defer(s: Scenario, bank: Bank) -> list[Move]:
    """Prices and terms left to a person."""
    return [Move("price", "defer", p.format(vendor=s.vendor)) for p in bank.moves["price"]["defer"]]


def about(s: Scenario, bank: Bank) -> list[Move]:
    """Plain sentences about the vendor."""
    return [_named(s, "about", "about", p) for p in bank.moves["about"]["any"]]


_AGAINST = {
    "coordination": ("ask", "Asks for, claims or adds what the thread does not allow."),
    "pricing": ("price", "Quotes what only a person may quote."),
    "thread": ("detail", "Speaks to another company."),
    "form": ("detail", "Is unfinished or uses internal words."),
}
_UNSURE: dict[str, tuple[str, ...]] = {
    "coordination": ("tone",),
    "pricing": ("grounding", "tone"),
    "thread": ("grounding", "confidence", "tone", "segment"),
    "form": ("grounding", "tone", "confidence"),
}


def against(s: Scenario, bank: Bank, criterion: str, kind: str) -> list[Move]:
    """Sentences that break one of the criteria that only rules decide."""
    slot, why = _AGAINST[criterion]
    scores: dict[str, int | None] = {criterion: 1, **dict.fromkeys(_UNSURE[criterion])}
    return [_named(s, slot, f"{criterion}:{kind}", p, scores, why) for p in bank.moves[criterion][kind]]


def _named(
    s: Scenario, slot: str, name: str, phrase: str, scores: dict[str, int | None] | None = None, why: str = ""
) -> Move:
    text = phrase.format(vendor=s.vendor, company=s.company, other=s.other, first=s.first)
    return Move(slot, name, text, scores or {}, why, phrase)


_TONE_WHY = {"hype": "Hypes.", "pressure": "Presses.", "guilt": "Blames the reader.", "condescend": "Talks down."}
_TONE_WHY |= {"flatter": "Flatters."}


def tone(s: Scenario, bank: Bank, rng: Random, bad: bool) -> list[Move]:
    """A plain closing remark, or one that hypes, presses, blames, flatters or talks down."""
    if not bad:
        return [_named(s, "remark", "neutral", p) for p in bank.moves["tone"]["neutral"]]
    kind = rng.choice(("hype", "pressure", "guilt", "condescend", "flatter"))
    scores: dict[str, int | None] = {"tone": 1}
    if kind in ("condescend", "guilt", "flatter"):
        scores |= {"grounding": None, "confidence": None}
    return [_named(s, "remark", kind, p, scores, _TONE_WHY[kind]) for p in bank.moves["tone"][kind]]


def capacity(s: Scenario, bank: Bank, rng: Random, bad: bool) -> list[Move]:
    """An offer of people: honest or beyond the bench, by the numbers; the words are largely the same."""
    if s.bench is None:
        return _promise_without_bench(s, bank, rng) if bad else _decline(s, bank)
    record = s.bench.get(s.stack) or Stack(0, 14)
    return _overcommit(s, record, bank, rng) if bad else _honest(s, record, bank, rng)


def _honest(s: Scenario, record: Stack, bank: Bank, rng: Random) -> list[Move]:
    moves = _decline(s, bank) if record.free < 2 or rng.random() < 0.15 else []
    if moves:
        return moves
    grade = rng.choice([None, *(g for g, n in (record.mix or {}).items() if n >= 2)])
    ceiling = (record.mix or {}).get(grade, 0) if grade else record.free
    count = ceiling if rng.random() < 0.6 else rng.randint(2, ceiling)
    slack = record.days if rng.random() < 0.6 else record.days + rng.choice((7, 14))
    wants = s.request.count if s.request else None
    if wants is not None and wants > record.free:
        return [_offer(s, rng, p, "partial", count, grade, slack) for p in bank.moves["capacity"]["partial"]]
    if wants is not None and wants <= count and s.request and s.request.grade in (None, grade) and rng.random() < 0.3:
        plain = [p for p in bank.moves["capacity"]["full"] if "{when}" in p and "more" not in p and "like" not in p]
        if plain:
            return [_offer(s, rng, p, "full:honest", count, grade, slack, asked=wants) for p in plain]
    return [_offer(s, rng, p, "fits", count, grade, slack) for p in bank.moves["capacity"]["fits"]]


def _overcommit(s: Scenario, record: Stack, bank: Bank, rng: Random) -> list[Move]:
    ways = ["count", "count", "count"]
    if record.free >= 2:
        ways += ["speed", "vague"]
        if record.mix and any(n < record.free for n in record.mix.values()):
            ways += ["grade", "grade"]
    if s.request and s.request.count > record.free:
        ways += ["full", "full", "partial"]
    way = rng.choice(ways)
    broken: dict[str, int | None] = {"capacity": 1}
    slack = record.days if rng.random() < 0.6 else record.days + 7
    free = f"{record.free} free" if not record.committed else "nobody free (promised elsewhere)"
    if way == "vague":
        return _vague(s, bank, f"Promises {s.stack} people without limit.")
    if way == "full" and s.request:
        why = f"Promises all {s.request.count} {s.stack}; the facts show {free}."
        return [
            _offer(s, rng, p, "full", s.request.count, s.request.grade, slack, broken, why)
            for p in bank.moves["capacity"]["full"]
        ]
    count, grade = record.listed, None
    if way == "grade" and record.mix:
        grade = rng.choice([g for g, n in record.mix.items() if n < record.free])
        count = rng.randint(record.mix[grade] + 1, record.free)
        why = f"Promises {count} {grade} {s.stack}; the facts show {record.mix[grade]}."
    elif way == "speed":
        slack = rng.choice([d for d in (1, 2, 3, 5) if d * 2 <= record.days])
        count = rng.randint(2, record.free)
        why = f"Promises a start in {slack} days; the facts say {record.days}."
    else:
        if not record.committed:
            top = s.request.count - 1 if way == "partial" and s.request else record.listed + 8
            count = rng.randint(record.listed + 1, max(record.listed + 1, top))
        count = max(2, count)
        why = f"Promises {count} {s.stack}; the facts show {free}."
    kind = "partial" if way == "partial" else "fits"
    return [_offer(s, rng, p, f"{kind}:{way}", count, grade, slack, broken, why) for p in bank.moves["capacity"][kind]]


def _offer(
    s: Scenario,
    rng: Random,
    phrase: str,
    name: str,
    count: int,
    grade: str | None,
    days: int,
    scores: dict[str, int | None] | None = None,
    why: str = "",
    asked: int | None = None,
) -> Move:
    wanted = asked or (s.request.count if s.request else count)
    text = phrase.format(
        n=number(rng, count),
        asked=number(rng, wanted),
        stack=shown(s.stack),
        grade=_GRADE_WORD.get(grade or "", ""),
        when=span(rng, days),
        vendor=s.vendor,
    )
    right = {"count": count, "days": days, "grade": grade}
    return Move("offer", name, text[0].upper() + text[1:], scores or {}, why, phrase, right)


def _decline(s: Scenario, bank: Bank) -> list[Move]:
    return [
        Move("offer", "decline", p.format(stack=shown(s.stack), vendor=s.vendor))
        for p in bank.moves["capacity"]["decline"]
    ]


def _vague(s: Scenario, bank: Bank, why: str) -> list[Move]:
    phrases = bank.moves["capacity"]["vague"]
    return [
        Move("offer", "vague", p.format(stack=shown(s.stack), vendor=s.vendor), {"capacity": 1}, why) for p in phrases
    ]


def _promise_without_bench(s: Scenario, bank: Bank, rng: Random) -> list[Move]:
    why = "Promises people while the facts show no bench."
    broken: dict[str, int | None] = {"capacity": 1}
    if rng.random() < 0.5:
        return _vague(s, bank, why)
    count, days = rng.randint(2, 12), rng.choice((2, 3, 5, 7, 14))
    return [_offer(s, rng, p, "fits:unknown", count, None, days, broken, why) for p in bank.moves["capacity"]["fits"]]
