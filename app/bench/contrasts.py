"""Contrast sets: the same words with the other label, so that no word gives a label away.

Beside each minimal pair (one situation, two drafts) stand drafts that are right for the other's reason. Where facts
decide, the draft stays and the situation turns: the amount that was wrong is what the facts say, the bench has the
people, the event that the pitch needs has happened, the invented detail is confirmed. Where words decide, the situation
stays and the sentence turns: the same words put so that they press, boast or promise nothing. The idea is that of
Gardner et al., "Evaluating Models' Local Decision Boundaries via Contrast Sets", 2020.

Of the sentences those are drawn about which the words are wrong (adversarial filtering: Sakaguchi et al.,
"WinoGrande", 2020; Le Bras et al., "Adversarial Filters of Dataset Biases", 2020). How violating a sentence looks
stands in the banks, so that what is drawn does not hang on the last digits of a fit; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from app.bench.banks import Bank, Counterpart
from app.bench.moves import PITCH_BREAKS, PITCH_WORD, Move, mention_scores, nearest, shows, tone
from app.bench.scenarios import GRADES, NOW, Scenario, Stack

Plan = dict[str, Move]
Tell = Callable[[Scenario], dict[str, Any]]
"""Writes the context of a scenario in the manner of the group's own."""
_SLOT_OF = {"millions": "amount"}
"""The slot of a phrase that shows a value, where it is not the value's own name."""
_TIERED = ("funding", "layoff", "leader", "gap")
_NOTES = ("research_note", "fact_check", "reviewer_note")
_REVERSED, _REFUTED, _DENYING = 0.6, 0.5, 0.8
"""How often an honest draft is told in a situation that makes it wrong; how often a detail is refuted as well."""


@dataclass(frozen=True)
class Contrast:
    """A draft of the pair, ``of`` the honest or the violating side, as ``plan`` scores it in ``context``.

    ``partner`` is what it makes a pair with: the draft that it came from, or the contrast before it.
    """

    of: Literal["clean", "broken"]
    partner: Literal["origin", "before"]
    scenario: Scenario
    context: dict[str, Any]
    plan: Plan


def of_pair(
    s: Scenario, context: dict[str, Any], clean: Plan, broken: Plan, way: str, bank: Bank, tell: Tell, rng: Random
) -> Iterator[Contrast]:
    """The contrasts of one minimal pair; ``way`` is how ``broken`` violates, as ``criterion:how``."""
    criterion, _, how = way.partition(":")
    slot = next(slot for slot, move in broken.items() if criterion in move.breaks)
    move = broken[slot]
    if move.phrase in bank.counterparts:
        yield from _reworded(s, context, broken, slot, way, bank, rng)
    if way == "coordination:link":
        ready = replace(s, stage="ready_to_schedule")
        yield Contrast("broken", "origin", ready, tell(ready), broken | {slot: _scored(move, {})})
    elif way in ("grounding:invented", "confidence:infer"):
        yield from _noted(s, context, broken, slot, bank, rng)
    elif way == "grounding:trap":
        plan = broken | {slot: _scored(move, {"confidence": None, "segment": None, "tone": None})}
        yield Contrast("broken", "origin", s, _detected(context), plan)
    elif way == "confidence:state":
        high = replace(s, tier="high")
        yield Contrast("broken", "origin", high, tell(high), broken | {slot: _scored(move, {})})
    elif criterion == "capacity" and move.right_if and s.bench is not None:
        yield from _staffed(s, broken, slot, tell)
    elif criterion == "segment":
        yield from _called_for(s, clean, broken, int(how), tell)
    elif criterion == "grounding" and move.right_if:
        yield from _true_value(s, clean, broken, slot, tell)


def of_clean(
    s: Scenario, context: dict[str, Any], clean: Plan, bank: Bank, tell: Tell, rng: Random
) -> Iterator[Contrast]:
    """The honest draft where it is wrong: with a weaker signal, fewer people, or a remark that denies and presses."""
    mention, offer = clean["mention"], clean.get("offer")
    if s.fact in _TIERED and s.tier == "high" and mention.name.startswith("state:") and rng.random() < _REVERSED:
        low = replace(s, tier="low")
        why = "Asserts more than the signal shows."
        plan = clean | {"mention": _scored(mention, mention_scores(low, "state"), why)}
        yield Contrast("clean", "origin", low, tell(low), _unsure(plan, "pitch", "segment"))
    if offer is not None and offer.right_if and s.bench is not None and rng.random() < _REVERSED:
        record = s.bench.get(s.stack) or Stack(0, 14)
        count = int(offer.right_if["count"])
        gone = replace(record, listed=rng.randrange(count), mix=None, note="")
        fewer = replace(s, bench=s.bench | {s.stack: gone})
        why = f"Promises {count} {s.stack}; the facts show {gone.free} free."
        yield Contrast("clean", "origin", fewer, tell(fewer), clean | {"offer": _scored(offer, {"capacity": 1}, why)})
    if (remark := clean.get("remark")) is not None and rng.random() < _DENYING:
        broken = rng.choice(tone(s, bank, rng, bad=True))
        again = honest_looking([bank.counterparts[p][1] for p in bank.moves["tone"][broken.name]])
        turned = nearest([_said(broken, p, s) for p in again], remark.words, rng)
        yield Contrast("clean", "origin", s, context, clean | {"remark": turned})


def _reworded(
    s: Scenario, context: dict[str, Any], broken: Plan, slot: str, way: str, bank: Bank, rng: Random
) -> Iterator[Contrast]:
    """An honest sentence in the words of violations, and a violating one in the words of honest sentences."""
    move = broken[slot]
    criterion, _, how = way.partition(":")
    kind = bank.moves[criterion][move.name if criterion == "tone" else how]
    honest = [_said(move, p, s, honest=True) for p in violating_looking([bank.counterparts[p][0] for p in kind])]
    turned = nearest(honest, move.words, rng)
    yield Contrast("broken", "origin", s, context, broken | {slot: turned})
    if again := [p for one in kind for p in bank.counterparts[one][1:]]:
        back = nearest([_said(move, p, s) for p in honest_looking(again)], turned.words, rng)
        yield Contrast("broken", "before", s, context, broken | {slot: back})


def _said(move: Move, phrase: str, s: Scenario, *, honest: bool = False) -> Move:
    """The move in other words, honest or as violating as it was."""
    text = phrase.format(vendor=s.vendor, company=s.company, other=s.other, first=s.first)
    if honest:
        return Move(move.slot, f"{move.name}:counterpart", text, phrase=phrase)
    return replace(move, name=f"{move.name}:returned", text=text, phrase=phrase)


def _true_value(s: Scenario, clean: Plan, broken: Plan, slot: str, tell: Tell) -> Iterator[Contrast]:
    """The facts say what the violating draft says, and so not what the honest one says, where it says it."""
    move, before = broken[slot], clean["mention"]
    (value, told), *more = move.right_if.items()
    if more or (value == "month" and told > NOW):
        return
    true = replace(s, **move.right_if)
    how = move.name.partition(":")[0]
    context = tell(true)
    yield Contrast("broken", "origin", true, context, broken | {slot: _scored(move, mention_scores(true, how))})
    if shows(before.phrase, _SLOT_OF.get(value, value)):
        said = before.name.partition(":")[0]
        wrong = _scored(before, mention_scores(true, said, value), "States a value that the facts do not hold.")
        yield Contrast("clean", "before", true, context, clean | {"mention": wrong})


def _noted(
    s: Scenario, context: dict[str, Any], broken: Plan, slot: str, bank: Bank, rng: Random
) -> Iterator[Contrast]:
    """A note confirms what was made up, and may be followed by one that refutes it."""
    move = broken[slot]
    unsure: dict[str, int | None] = {c: None for c in ("tone", "segment") if move.scores.get(c, 5) is None}
    fine = broken | {slot: _scored(move, unsure)}
    yield Contrast("broken", "origin", s, context | _note(s, move, "confirmed", bank, rng), fine)
    if rng.random() < _REFUTED:
        yield Contrast("broken", "before", s, context | _note(s, move, "refuted", bank, rng), broken)


def _note(s: Scenario, move: Move, kind: str, bank: Bank, rng: Random) -> dict[str, Any]:
    phrase = rng.choice(bank.moves["note"][kind])
    return {rng.choice(_NOTES): phrase.format(text=move.text, company=s.company)}


def _staffed(s: Scenario, broken: Plan, slot: str, tell: Tell) -> Iterator[Contrast]:
    """The bench holds the people that the draft promises, in time."""
    move, bench = broken[slot], s.bench or {}
    record = bench.get(s.stack) or Stack(0, 14)
    listed, days = max(record.listed, int(move.right_if["count"])), min(record.days, int(move.right_if["days"]))
    grade = move.right_if["grade"]
    mix = {**dict.fromkeys(GRADES, 0), grade: listed} if grade else None
    staffed = replace(s, bench=bench | {s.stack: Stack(listed, days, mix)})
    yield Contrast("broken", "origin", staffed, tell(staffed), broken | {slot: _scored(move, {})})


def _called_for(s: Scenario, clean: Plan, broken: Plan, pitched: int, tell: Tell) -> Iterator[Contrast]:
    """An event happened beside the fact that the draft mentions, and it calls for the pitch that was wrong."""
    event = {2: "layoff", 3: "leader", 4: "gap"}.get(pitched)
    if event is None or s.fact is None or s.trap or (s.also_funded and event == "layoff"):
        return
    facts = {s.fact, *(("funding",) if s.also_funded else ())}
    if {"layoff", "funding"} <= facts | {event} or segment_of(facts | {event}) != pitched:
        return
    after = replace(s, also=event, segment=pitched, ai_score=max(2, s.ai_score) if event == "gap" else s.ai_score)
    context = tell(after)
    yield Contrast("broken", "origin", after, context, broken | {"pitch": _scored(broken["pitch"], {})})
    before = int(clean["pitch"].name.removeprefix("pitch:"))
    if before in PITCH_BREAKS[pitched]:
        why = f"Makes a {PITCH_WORD[before]} where the facts call for a {PITCH_WORD[pitched]}."
        plan = clean | {"pitch": _scored(clean["pitch"], {"segment": 1, "grounding": None}, why)}
        yield Contrast("clean", "before", after, context, plan)


def segment_of(facts: set[str]) -> int:
    """The segment that a set of facts calls for, the first that holds: 2, 3, 4, 1, 2, 0."""
    if {"layoff", "funding"} <= facts:
        return 2
    order = (("leader", 3), ("gap", 4), ("funding", 1), ("layoff", 2))
    return next((segment for fact, segment in order if fact in facts), 0)


def _scored(move: Move, scores: dict[str, int | None], why: str = "") -> Move:
    return replace(move, scores=scores, why=why)


def _unsure(plan: Plan, slot: str, criterion: str) -> Plan:
    move = plan[slot]
    return plan | {slot: replace(move, scores=move.scores | {criterion: None})}


def _detected(value: Any) -> Any:
    """The context with its undetected event detected, in whichever form it tells it."""
    if isinstance(value, dict):
        return {k: True if k.endswith("detected") and v is False else _detected(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_detected(one) for one in value]
    if isinstance(value, str):
        return value.replace("detected false", "detected true").replace("detected: False", "detected: True")
    return value


def honest_looking(sentences: Sequence[Counterpart]) -> list[str]:
    """The half of the sentences whose words look the more honest."""
    return [one.says for one in _ordered(sentences)[: (len(sentences) + 1) // 2]]


def violating_looking(sentences: Sequence[Counterpart]) -> list[str]:
    """The half of the sentences whose words look the more violating."""
    return [one.says for one in _ordered(sentences)[len(sentences) // 2 :]]


def _ordered(sentences: Sequence[Counterpart]) -> list[Counterpart]:
    return sorted(sentences, key=lambda one: (one.looks, one.says))
