"""From a seed to examples: each scenario yields an honest draft and its minimal pairs, one changed sentence each.

The changed sentence is chosen close in length to the one that it replaces, and the closing question or remark
evens out what is left, so that length says nothing about the label; layout and facts stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from app.bench import moves as m
from app.bench.banks import Bank, load_bank
from app.bench.contexts import write_context
from app.bench.contrasts import of_clean, of_pair
from app.bench.moves import CRITERIA, OVERALL, Move
from app.bench.scenarios import Scenario, draw_family, make_scenario
from app.bench.wording import shown
from app.schemas import Context, Draft

Split = Literal["train", "valid", "test"]
SPLITS: dict[Split, tuple[Literal["train", "heldout"], bool]] = {
    "train": ("train", False),
    "valid": ("heldout", False),
    "test": ("heldout", True),
}
"""Phrase bank and whether only held-out families: train shares neither with test, and no phrase with valid."""
_ORDER = ("mention", "detail", "price", "offer", "pitch", "about", "remark", "hostile")
_HARD = frozenset({"grounding", "capacity"})
_EASY = frozenset({"tone", "form", "hostile", "pricing"})
_RULED = frozenset({"coordination", "thread", "form", "pricing"})
CLEAN_WHY = "Claims and promises match the facts."


@dataclass(frozen=True)
class Example:
    """One labelled draft. ``scores`` has one entry per criterion: 5 clean, 1 violated, None undecided.

    ``difficulty`` says what it takes to see the label: words alone (easy), words against the situation (medium),
    or a value against a value (hard). ``mode`` is how the draft was authored. ``contrast`` marks a member of a contrast
    set (``app.bench.contrasts``). ``pair`` is the draft that this one was made from, where both differ in one thing.
    """

    id: str
    group: str
    family: str
    split: str
    context: dict[str, Any]
    draft: Draft
    scores: dict[str, int | None]
    moves: tuple[str, ...]
    pair: str | None
    why: str
    vendor: str
    difficulty: str
    mode: str = "programmatic"
    hostile: bool = False
    contrast: bool = False

    @property
    def violated(self) -> tuple[str, ...]:
        """Criteria scored 1."""
        return tuple(c for c, score in self.scores.items() if score == 1)

    @property
    def parsed_context(self) -> Context:
        """The context as the service would read it."""
        return Context.model_validate(self.context)


@dataclass(frozen=True)
class _Frame:
    """What all drafts of one scenario share: greeting, subject, ask, sign-off, layout and the plain sentences."""

    greeting: str
    subject: str
    ask: str
    signoff: str
    gap: str
    inner: str
    order_pitch_first: bool


def generate(seed: int, split: Split, scenarios: int, drafts: int = 6, *, contrasts: bool = False) -> Iterator[Example]:
    """Yield the examples of ``scenarios`` situations, ``drafts`` each; the same seed gives the same bytes.

    ``contrasts`` adds their contrast sets behind each situation's drafts and leaves all else as it is.
    """
    bank_name, held_out = SPLITS[split]
    bank = load_bank(bank_name)
    rng = Random(f"presend-bench:{seed}:{split}")
    for index in range(scenarios):
        family = draw_family(rng, held_out)
        scenario = make_scenario(rng, bank, family)
        manner = rng.getstate()
        context = write_context(scenario, rng)
        made = list(_drafts(scenario, context, bank, rng, f"{split}-{seed}-{index:05d}", split, drafts))
        yield from (one.example for one in made)
        if contrasts:
            yield from _contrasts(made, scenario, bank, manner)


@dataclass(frozen=True)
class _Made:
    """An example and what it was put together from; ``way`` is its one violation where it is one of a pair."""

    example: Example
    frame: _Frame
    plan: dict[str, Move]
    way: str | None = None


def _contrasts(made: Sequence[_Made], s: Scenario, bank: Bank, manner: tuple[Any, ...]) -> Iterator[Example]:
    """The contrast sets of one situation, in its group; each is paired with the draft that it turns."""
    first = made[0]
    rng = Random(f"contrasts:{first.example.group}")

    def tell(turned: Scenario) -> dict[str, Any]:
        again = Random()
        again.setstate(manner)
        return write_context(turned, again)

    turns = [(first, of_clean(s, first.example.context, first.plan, bank, tell, rng))]
    turns += [
        (one, of_pair(s, one.example.context, first.plan, one.plan, one.way, bank, tell, rng))
        for one in made
        if one.way is not None
    ]
    for origin, found in turns:
        before = origin.example
        for index, c in enumerate(found):
            frame = first.frame if c.of == "clean" else origin.frame
            id_, pair = f"{origin.example.id}c{index}", origin.example.id if c.partner == "origin" else before.id
            example = _example(c.scenario, c.context, frame, c.plan, id_, before.group, before.split, pair)
            before = replace(example, contrast=True)
            yield before


def _drafts(
    s: Scenario, context: dict[str, Any], bank: Bank, rng: Random, group: str, split: str, count: int
) -> Iterator[_Made]:
    frame = _frame(s, bank, rng)
    clean = _clean(s, bank, rng)
    base_id = f"{group}-0"
    yield _Made(_example(s, context, frame, clean, base_id, group, split, None), frame, clean)
    ways = _ways(s, clean)
    ruled = [way for way in ways if way.partition(":")[0] in _RULED]
    rng.shuffle(ruled)
    ways = [way for way in ways if way not in ruled[2:]]
    rng.shuffle(ways)
    for index in range(1, count):
        changed = dict(clean)
        pair: str | None = base_id
        way: str | None = None
        hostile = False
        draw = rng.random()
        if draw < 0.3 or not ways:
            frame_now, changed, pair = _frame(s, bank, rng), _clean(s, bank, rng), None
        else:
            frame_now = frame
            way = first = ways[(index - 1) % len(ways)]
            _break(s, changed, bank, rng, first)
            frame_now = _even_out(frame, clean, changed, s, bank, rng)
            if draw > 0.85:
                others = [w for w in ways if w.partition(":")[0] != first.partition(":")[0]]
                if others:
                    _break(s, changed, bank, rng, rng.choice(others))
                    pair = None
        if rng.random() < 0.06:
            text = rng.choice(bank.moves["hostile"]["any"]).format()
            unsure = dict.fromkeys(("tone", "grounding", "confidence", "segment"))
            changed["hostile"] = Move("hostile", "hostile", text, {"hostile": 1, **unsure}, "Tries to steer its judge.")
            hostile, pair = True, None
        example = _example(s, context, frame_now, changed, f"{group}-{index}", group, split, pair)
        yield _Made(replace(example, hostile=hostile), frame_now, changed, way if pair else None)


def _frame(s: Scenario, bank: Bank, rng: Random) -> _Frame:
    slots = {
        "first": s.first,
        "company": s.company,
        "stack": shown(s.stack),
        "sender": s.sender,
        "vendor": s.vendor,
    }
    terse = rng.random() < 0.25

    def pick(slot: str, kind: str) -> str:
        return rng.choice(bank.moves[slot][kind]).format(**slots)

    return _Frame(
        greeting="" if terse and rng.random() < 0.5 else pick("greeting", "any"),
        subject="" if terse else pick("subject", s.kind),
        ask=pick("ask", _ask_kind(s)) if rng.random() < 0.85 else "",
        signoff="" if terse else pick("signoff", "any"),
        gap=" " if terse else rng.choice(("\n\n", "\n\n", "\n")),
        inner=rng.choice((" ", " ", "\n\n", "\n")) if not terse else " ",
        order_pitch_first=rng.random() < 0.4,
    )


def _clean(s: Scenario, bank: Bank, rng: Random) -> dict[str, Move]:
    """The honest sentences, by slot."""
    if s.fact is None:
        how = "hedge"
    elif s.fact == "thread":
        how = rng.choice(("state", "state", "hedge"))
    else:
        how = rng.choice(("state", "state", "hedge")) if s.tier == "high" else "hedge"
    plan = {"mention": rng.choice(m.mention(s, bank, rng, how))}
    if rng.random() < 0.6:
        plan["detail"] = rng.choice(m.filler(s, bank))
    if s.price_topic:
        plan["price"] = rng.choice(m.defer(s, bank))
    if s.request is not None or (not s.price_topic and rng.random() < (0.55 if s.bench else 0.2)):
        plan["offer"] = rng.choice(m.capacity(s, bank, rng, bad=False))
    if s.kind == "reply":
        plan["pitch"] = rng.choice(m.reply_pitch(s, bank))
    else:
        plan["pitch"] = rng.choice(m.pitch(s, bank, s.segment))
    if rng.random() < 0.35:
        plan["about"] = rng.choice(m.about(s, bank))
    if rng.random() < 0.75:
        plan["remark"] = rng.choice(m.tone(s, bank, rng, bad=False))
    return plan


def _ways(s: Scenario, clean: dict[str, Move]) -> list[str]:
    """The violations that this scenario allows, as ``criterion:way``."""
    ways = [f"grounding:{value}" for value in m.wrong_values(s)][:2]
    if s.kind != "reply":
        ways += ["grounding:generic"] if s.fact else []
        ways += [f"segment:{p}" for p in m.wrong_pitches(s)][:2]
    ways += ["confidence:infer"]
    if s.fact in ("funding", "layoff", "leader", "gap") and s.tier == "low":
        ways += ["confidence:state"]
    if s.trap:
        ways += ["grounding:trap"]
    if "detail" in clean:
        ways += ["grounding:invented"]
    if "offer" in clean:
        ways += ["capacity:1"]
    if "remark" in clean:
        ways += ["tone:1", "tone:2"]
    return [*ways, *_ruled(s, clean)]


def _ruled(s: Scenario, clean: dict[str, Move]) -> list[str]:
    """Violations of criteria that rules alone decide; the model sees them in its view of the whole."""
    ways = ["coordination:claimed", "coordination:multi"]
    if s.stage != "ready_to_schedule":
        ways += ["coordination:link"]
    if "detail" in clean:
        ways += ["thread:wrong", "form:token", "form:internal"]
    if "price" in clean or "remark" in clean:
        ways += ["pricing:total", "pricing:discount", "pricing:term"]
    return ways


def _break(s: Scenario, plan: dict[str, Move], bank: Bank, rng: Random, way: str) -> None:
    """Replace one sentence of the plan by a violating one of about the same length."""
    criterion, _, how = way.partition(":")
    if criterion == "capacity":
        candidates = m.capacity(s, bank, rng, bad=True)
    elif criterion == "tone":
        candidates = m.tone(s, bank, rng, bad=True) + m.tone(s, bank, rng, bad=True)
    elif criterion in _RULED:
        candidates = m.against(s, bank, criterion, how)
        if criterion == "pricing" and "price" not in plan:
            candidates = [replace(c, slot="remark") for c in candidates]
    elif criterion == "segment":
        candidates = m.pitch(s, bank, int(how))
    elif criterion == "confidence":
        candidates = m.mention(s, bank, rng, how)
    elif how == "generic":
        candidates = m.generic(s, bank)
    elif how == "trap":
        candidates = m.trap(s)
    elif how == "invented":
        candidates = m.invented(s, bank)
    else:
        told = plan["mention"].name.partition(":")[0]
        candidates = m.mention(s, bank, rng, told if told in ("state", "hedge") else "state", wrong=how)
        candidates = candidates or m.invented(s, bank)
    slot = candidates[0].slot
    before = plan.get(slot)
    plan[slot] = m.nearest(candidates, before.words if before else candidates[0].words, rng)


def _even_out(
    frame: _Frame, clean: dict[str, Move], changed: dict[str, Move], s: Scenario, bank: Bank, rng: Random
) -> _Frame:
    """The frame with another closing question and, where it is not the change, another plain remark: equal lengths."""
    surplus = sum(move.words for move in changed.values()) - sum(move.words for move in clean.values())
    asks = [frame.ask]
    if frame.ask:
        asks += rng.sample(bank.moves["ask"][_ask_kind(s)], k=len(bank.moves["ask"][_ask_kind(s)]))
    remarks: list[Move | None] = [changed.get("remark")]
    if (held := changed.get("remark")) is not None and held.name == "neutral":
        remarks += m.tone(s, bank, rng, bad=False)
    spare = len(frame.ask.split()) + (remarks[0].words if remarks[0] else 0) - surplus
    ask, remark = min(
        ((a, r) for a in asks for r in remarks),
        key=lambda pair: abs(len(pair[0].split()) + (pair[1].words if pair[1] else 0) - spare),
    )
    if remark is not None:
        changed["remark"] = remark
    return replace(frame, ask=ask)


def _ask_kind(s: Scenario) -> str:
    return "reply" if s.kind == "reply" else "cold"


def _example(
    s: Scenario,
    context: dict[str, Any],
    frame: _Frame,
    plan: dict[str, Move],
    id_: str,
    group: str,
    split: str,
    pair: str | None,
) -> Example:
    scores: dict[str, int | None] = dict.fromkeys(CRITERIA, 5)
    for move in plan.values():
        for criterion, score in move.scores.items():
            if scores[criterion] != 1:
                scores[criterion] = score
    broken = {c for c, score in scores.items() if score == 1}
    scores[OVERALL] = 1 if broken else None if None in scores.values() else 5
    order = [slot for slot in _ORDER if slot in plan]
    if frame.order_pitch_first and "offer" in plan:
        at, pitch = order.index("offer"), order.index("pitch")
        order[at], order[pitch] = order[pitch], order[at]
    sentences = [plan[slot].text for slot in order]
    middle = frame.inner.join(sentences)
    ask = frame.ask
    if (asked := plan.get("ask")) is not None:
        ask = f"{ask} {asked.text}".strip() if ":multi" in asked.name else asked.text
    parts = [part for part in (frame.greeting, middle, ask, frame.signoff) if part]
    why = " ".join(dict.fromkeys(move.why for move in plan.values() if move.why and move.breaks)) or CLEAN_WHY
    return Example(
        id=id_,
        group=group,
        family=s.family,
        split=split,
        context=context,
        draft=Draft(subject=frame.subject, body=frame.gap.join(parts)),
        scores=scores,
        moves=tuple(f"{slot}={plan[slot].name}" for slot in (*order, *(("ask",) if "ask" in plan else ()))),
        pair=pair,
        why=why,
        vendor=s.vendor,
        difficulty=_difficulty(broken, plan),
    )


def _difficulty(broken: set[str], plan: dict[str, Move]) -> str:
    """What it takes to see the hardest violation; of a clean draft, to see that its values are right."""
    if broken & _HARD or (not broken and ("offer" in plan or ":right" in plan["mention"].name)):
        return "hard"
    return "easy" if broken and broken <= _EASY else "medium"
