"""Capacity: a draft may promise only people who are free, on that stack, that senior, that soon.

The order of tests for a stack is: unknown, promised elsewhere, too few, too few of that seniority, too late. Requests
on one stack are added up. What passes: confirming the free number and declining the rest, a phased ramp, a referral.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.acceptance import accepted, counted, soon
from app.judge.rules.context_fields import StackFacts, note_withholds
from app.judge.rules.facts import Facts
from app.judge.rules.headcount import find_headcounts
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.offers import TRIGGERS, Offer, find_offers, offer_of
from app.judge.rules.open_promises import OpenPromises
from app.judge.rules.phrasing import denied_before
from app.judge.rules.promised import doubted
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.stack_words import STACK_WORDS, names_of
from app.judge.rules.starts import find_starts
from app.judge.rules.supply import find_unlimited

_ACCEPTS = re.compile(
    r"\bwe (?:can|could|will|are able to|'ll) (?:easily |certainly |definitely |absolutely |fully |gladly |"
    r"happily )?(?:cover|support|deliver|do|meet|handle|staff|provide|supply|fulfil+|accommodate|commit to|take) "
    r"(?:on )?(?:it|this|that|them|these|those|all|everything|both|your|the (?:full|whole|entire|request|team|"
    r"need))\b"
    r"|\b(?:no problem|absolutely|consider it done|fully commit|full team (?:is )?available|ready to deploy|"
    r"(?:can|will|could) start (?:them|the team|right away|immediately)|"
    r"have the (?:capacity|people|team|engineers)|(?:capacity|engineers?|team) (?:is|are) (?:confirmed|ready|"
    r"secured|guaranteed|available)|"
    r"happy to confirm|excited to confirm|(?:can|will) confirm (?:the|your|that|availability)|let's (?:get|"
    r"do) (?:it|started|the paperwork))\b"
)
_LIMIT = re.compile(
    r"\b(?:already committed|not (?:currently )?(?:available|free|on)|cannot|can't|can not|unable|"
    r"don't (?:currently )?have|do not (?:currently )?have|no (?:free|available|senior|current)|"
    r"at capacity|outside (?:our|what)|beyond (?:our|what)|only|partial|remaining|rest|phased?|ramp|refer|"
    r"delivery lead|should not promise|shouldn't promise|won't (?:promise|commit)|"
    r"will not (?:promise|commit)|not commit|short of|exceeds?|exceed|limited|fewer|less than|gap|earliest|"
    r"rather than|decline|not the)\b"
)
_ONLY_SENIORS = re.compile(r"\bonly (?:\w+ )?(?:seniors?|seasoned|veterans?)\b")
_AVAILABLE = re.compile(
    r"\b(?:(?:is|are|'s|'re) (?:currently |now |fully |also )?(?:available|free|ready)|can (?:start|join|begin)|"
    r"available (?:to start|now|immediately)|"
    r"start (?:immediately|right away|now|today|next week|tomorrow)|ready to (?:start|join|go))\b"
)
_HONEST_DATE = re.compile(
    r"\b(?:committed|until|through|earliest|wraps? up|rolls? off|after (?:that|the|her|his|their)|"
    r"engagement ends|will be (?:available|free)|(?:from|on|by|in) (?:january|february|march|april|may|june|july|"
    r"august|september|october|november|december|q[1-4])|after (?:fulfilling|finishing|completing|wrapping)|"
    r"not (?:free|available))\b"
)
_OWN_TIME = re.compile(
    rf"\b{NUMBER}(?: ?(?:-|to|or) ?{NUMBER})? (?:business |working |calendar )?(?:days?|weeks?|months?)\b|"
    rf"\bfortnight\b|"
    r"\b(?:january|february|april|june|july|august|september|october|november|december|q[1-4]|(?:in|from|by|"
    r"of) (?:march|may))\b|"
    r"\b(?:later|after)\b"
)
_OFFERED_STACK = re.compile(r"[a-z0-9+#.]+")
_TOLD = TRIGGERS | STACK_WORDS


# Numbers that may count people: no durations, shares, hours or dates.
_SAID = re.compile(
    rf"(?<!within )(?<!in )(?<!at )(?<![\w.:$€£]){NUMBER}(?!\w|[:%]|[\s-](?:business |working )?(?:days?|"
    rf"weeks?|months?|hours?|years?|am|pm)\b)"
)


def _stack_words(facts: Facts) -> frozenset[str]:
    """Words that name the stacks which are listed or asked for."""
    asked = (request.stack.strip().lower() for request in facts.context.capacity_request)
    return STACK_WORDS.union(word for name in (*facts.stacks, *asked) for word in names_of(name))


def _asked(facts: Facts) -> frozenset[int]:
    """Every number of people that was asked for, in the request or in the prospect's words."""
    requests = facts.context.capacity_request
    counts = [request.requested_count for request in requests]
    said = {value_of(match.group()) for match in _SAID.finditer(facts.prospect_text)}
    leads = {request.lead_days for request in requests}
    return frozenset(count for count in {*counts, sum(counts), *said} - leads if count is not None and count > 1)


def _echoes(offer: Offer, facts: Facts) -> bool:
    """Whether a number that stands alone repeats one that was asked for, and so counts people."""
    requests = facts.context.capacity_request
    if not requests:
        return False
    counts = [request.requested_count for request in requests]
    said = {value_of(match.group()) for match in _SAID.finditer(facts.prospect_text)}
    return offer.count in ({*counts, sum(counts)} | said) - {request.lead_days for request in requests}


# "Two engineers read your code for two weeks", "teams of three to five": the size of a service, nobody's start.
_REVIEW = re.compile(r"\b(?:review\w*|reading|read|audit\w*|assessment|second opinion)\b")
_TEAM_SIZE = re.compile(rf"\bteams,? (?:of )?{NUMBER}(?: to |-){NUMBER}\b")
_FEW = 3


def _is_a_size(offer: Offer) -> bool:
    text = offer.sentence.text
    return (offer.count <= _FEW and _REVIEW.search(text) is not None) or _TEAM_SIZE.search(text) is not None


class Capacity:
    """Checks ``capacity.*``."""

    def __init__(self, policy: Policy) -> None:
        self._ours = frozenset(re.findall(r"[a-z0-9]+", policy.vendor.name.lower()))

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        found = list(self._set_phrases(reading, facts))
        yield from found
        if not found and (facts.stacks or facts.context.capacity_request):
            named = {name: names_of(name) for name in facts.stacks}
            open_wording = OpenPromises(facts, named, _stack_words(facts))
            yield from open_wording.hits(reading, _asked(facts), infeasible(facts))

    def _set_phrases(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if not (reading.words & _TOLD or facts.context.capacity_request):
            return
        stacks = facts.stacks
        offers = [offer for offer in find_offers(reading) if not offer.elliptic or _echoes(offer, facts)]
        offers += self._plain_offers(reading, facts, offers)
        offers = [offer for offer in offers if not doubted(offer.sentence.text)]
        if not stacks:
            yield from self._unverified(offers, facts)
        else:
            named = {name: names_of(name) for name in stacks}
            by_stack: dict[str, list[Offer]] = defaultdict(list)
            for offer in offers:
                stack = self._stack_of(offer, named, facts)
                if stack is None:
                    yield from self._against_total(offer, stacks)
                elif stack not in stacks:
                    yield Hit(
                        "capacity.unlisted_stack",
                        f'Nobody is listed for "{stack}", and the draft offers {offer.count}.',
                        (offer.span,),
                    )
                else:
                    by_stack[stack].append(offer)
                    yield from self._against_stack(offer, stacks[stack])
            yield from self._summed(by_stack, stacks, facts)
            if not offers:
                yield from self._accepted(reading, facts)
            else:
                yield from self._accepted_late(reading, offers, facts)
            yield from self._taken_on(reading, offers, facts)
        yield from self._named(reading, facts)
        yield from self._lead_time(reading, facts, offers)
        yield from self._without_limit(reading, facts)

    def _plain_offers(self, reading: Reading, facts: Facts, known: list[Offer]) -> Iterable[Offer]:
        """Offers in no set phrase, where the context says what they must be measured against."""
        taken = {(offer.count, offer.sentence) for offer in known}
        for mention in find_headcounts(reading, _stack_words(facts), _asked(facts), self._ours):
            if (mention.count, mention.sentence) not in taken:
                yield offer_of(mention)

    def _named(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A person whom the context gives to someone else, offered as free now."""
        withheld = [v for k, v in facts.pairs if k.endswith("committed until") or ("note" in k and note_withholds(v))]
        if not withheld or _HONEST_DATE.search(reading.lower_body):
            return
        for sentence in reading.sentences:
            match = _AVAILABLE.search(sentence.text)
            if match and not denied_before(sentence.text, match.start()):
                yield Hit(
                    "capacity.committed", "The context gives this engineer to someone else.", (sentence.at(match),)
                )

    def _unverified(self, offers: list[Offer], facts: Facts) -> Iterable[Hit]:
        for offer in offers:
            if offer.count not in facts.numbers and offer.count > 1 and not _is_a_size(offer):
                yield Hit(
                    "capacity.unverified",
                    f"The draft offers {offer.count} people, and the context says nothing about capacity.",
                    (offer.span,),
                )

    def _stack_of(self, offer: Offer, named: dict[str, frozenset[str]], facts: Facts) -> str | None:
        """The stack of an offer: named in its words, else in its sentence, else the only one asked for."""
        words = set(_OFFERED_STACK.findall(offer.sentence.text[offer.start : offer.end]))
        nearby = set(_OFFERED_STACK.findall(offer.sentence.text))
        for pool in (words, nearby):
            hits = [name for name in named if name in pool] or [name for name, names in named.items() if names & pool]
            if len(hits) == 1:
                return hits[0]
            if len(hits) > 1:
                asked = [
                    name
                    for name in hits
                    if any(r.stack.strip().lower() == name for r in facts.context.capacity_request)
                ]
                return asked[0] if len(asked) == 1 else None
            unlisted = STACK_WORDS & pool
            if len(unlisted) == 1 and (stack := next(iter(unlisted))) in _OFFERED_STACK.findall(facts.prospect_text):
                return stack
        asked_for = {request.stack.strip().lower() for request in facts.context.capacity_request}
        if len(asked_for) == 1:
            return asked_for.pop()
        if not asked_for:
            written = set(_OFFERED_STACK.findall(facts.prospect_text))
            hits = [name for name in named if name in written]
            if len(hits) == 1:
                return hits[0]
        return next(iter(named)) if len(named) == 1 and not asked_for else None

    def _against_total(self, offer: Offer, stacks: dict[str, StackFacts]) -> Iterable[Hit]:
        known = [stack.free for stack in stacks.values()]
        if any(free is None for free in known):
            return
        total = sum(free or 0 for free in known)
        if offer.count > total:
            yield Hit(
                "capacity.overcommitment",
                f"The draft offers {offer.count} people; {total} are free on all stacks.",
                (offer.span,),
            )

    def _against_stack(self, offer: Offer, stack: StackFacts) -> Iterable[Hit]:
        if stack.committed:
            if offer.elliptic and _HONEST_DATE.search(offer.sentence.text):
                return
            yield Hit("capacity.committed", f'The engineers on "{stack.name}" are promised elsewhere.', (offer.span,))
            return
        if stack.available is None:
            return
        if offer.count > stack.available:
            check = "capacity.misreported" if offer.statement else "capacity.overcommitment"
            check = "capacity.unlisted_stack" if stack.available == 0 else check
            yield Hit(
                check, f'The draft offers {offer.count} on "{stack.name}"; {stack.available} are free.', (offer.span,)
            )
        elif offer.level and stack.mix and offer.level in stack.mix and offer.count > stack.mix[offer.level]:
            yield Hit(
                "capacity.seniority",
                f'The draft offers {offer.count} {offer.level} on "{stack.name}"; {stack.mix[offer.level]} are free.',
                (offer.span,),
            )

    def _summed(self, offers: dict[str, list[Offer]], stacks: dict[str, StackFacts], facts: Facts) -> Iterable[Hit]:
        """Offers that answer several requests on one stack, added up."""
        for name, made in offers.items():
            requested = [r.requested_count for r in facts.context.capacity_request if r.stack.strip().lower() == name]
            free = stacks[name].free
            if len(requested) < 2 or free is None:
                continue
            levels = {(offer.level, offer.count): offer for offer in made}
            total = sum(count for _, count in levels)
            if len(levels) > 1 and total > free and all(count <= free for _, count in levels):
                yield Hit(
                    "capacity.overcommitment",
                    f'The draft offers {total} in all on "{name}"; {free} are free.',
                    tuple(offer.span for offer in levels.values()),
                )

    def _accepted(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A yes without a number to a request that cannot be met, and no word about the limit."""
        reason = infeasible(facts)
        if reason is None or _LIMIT.search(reading.lower_body):
            return
        for sentence in reading.sentences:
            match = _ACCEPTS.search(sentence.text)
            if match and not denied_before(sentence.text, match.start()):
                yield Hit(
                    reason[0], f"The draft accepts a request that cannot be met: {reason[1]}", (sentence.at(match),)
                )

    def _taken_on(self, reading: Reading, offers: list[Offer], facts: Facts) -> Iterable[Hit]:
        """The same in freer words, and where the draft says of people only how senior or how soon.

        A sentence with a number beyond everybody free was found as an offer already.
        """
        reason = infeasible(facts)
        if reason is None or _LIMIT.search(_ONLY_SENIORS.sub(" ", reading.lower_body)):
            return
        found = [*accepted(reading, reason[0])]
        if reason[0] == "capacity.overcommitment":
            free = [stack.free or 0 for stack in facts.stacks.values()]
            found += counted(reading, _asked(facts), sum(free))
        elif reason[0] == "capacity.lead_time":
            found += soon(reading, facts.context.capacity_request, facts.stacks)
        most = sum(stack.free or 0 for stack in facts.stacks.values())
        weighed = {(offer.sentence.field, offer.sentence.start) for offer in offers if offer.count > most}
        for sentence, match in found:
            if (sentence.field, sentence.start) in weighed:
                continue
            detail = f"The draft accepts a request that cannot be met: {reason[1]}"
            yield Hit(reason[0], detail, (sentence.at(match),))

    def _accepted_late(self, reading: Reading, offers: list[Offer], facts: Facts) -> Iterable[Hit]:
        """The requested people promised, and no word on when, although they cannot come in time."""
        reason = infeasible(facts)
        if reason is None or reason[0] != "capacity.lead_time" or _LIMIT.search(reading.lower_body):
            return
        asked = {request.requested_count for request in facts.context.capacity_request}
        late = [offer for offer in offers if not offer.statement and offer.count in asked]
        if late and not _OWN_TIME.search(reading.lower_body):
            yield Hit(reason[0], f"The draft accepts a request that cannot be met: {reason[1]}", (late[0].span,))

    def _lead_time(self, reading: Reading, facts: Facts, offers: list[Offer]) -> Iterable[Hit]:
        days = [stack.deploy_days for stack in facts.stacks.values() if stack.deploy_days is not None]
        asked = {r.stack.strip().lower() for r in facts.context.capacity_request}
        own = [s.deploy_days for name, s in facts.stacks.items() if name in asked and s.deploy_days is not None]
        soonest = min(own or days, default=facts.deploy_days)
        if not soonest:
            return
        for start in find_starts(reading, frozenset(offer.sentence for offer in offers)):
            if start.days < soonest:
                yield Hit(
                    "capacity.lead_time",
                    f"The draft promises a start within {start.days} days; {soonest} are needed.",
                    (start.span,),
                )

    def _without_limit(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """People promised without limit, although the people who are free are counted or not known at all."""
        for sentence, match in find_unlimited(reading, _stack_words(facts)):
            if not facts.stacks:
                detail = "The draft offers people without limit, and the context says nothing about capacity."
                yield Hit("capacity.unverified", detail, (sentence.at(match),))
            elif any(stack.free is not None for stack in facts.stacks.values()):
                total = sum(stack.free or 0 for stack in facts.stacks.values())
                detail = f"The draft offers people without limit; {total} are free on all stacks."
                yield Hit("capacity.overcommitment", detail, (sentence.at(match),))


def infeasible(facts: Facts) -> tuple[str, str] | None:
    """Why the requests cannot be met, as (check, reason), or None when they can be or when nothing was asked for."""
    stacks = facts.stacks
    totals: dict[str, int] = defaultdict(int)
    for request in facts.context.capacity_request:
        name = request.stack.strip().lower()
        totals[name] += request.requested_count
        stack = stacks.get(name)
        if stack is None:
            return "capacity.unlisted_stack", f'nobody is listed for "{name}".'
        if stack.committed:
            return "capacity.committed", f'the engineers on "{name}" are promised elsewhere.'
        if stack.available is not None and totals[name] > stack.available:
            return "capacity.overcommitment", f'{totals[name]} asked for on "{name}", {stack.available} free.'
        level = request.seniority
        if level and stack.mix is not None and stack.mix.get(level, 0) < request.requested_count:
            return (
                "capacity.seniority",
                f'{request.requested_count} {level} asked for on "{name}", {stack.mix.get(level, 0)} free.',
            )
        if request.lead_days is not None and stack.deploy_days is not None and stack.deploy_days > request.lead_days:
            return "capacity.lead_time", f"asked for within {request.lead_days} days, possible in {stack.deploy_days}."
    return None
