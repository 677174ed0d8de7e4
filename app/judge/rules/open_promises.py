"""Promises of people in open wording: the second look of "capacity", after its set phrases found nothing.

The first look knows how an offer is put; this one reads what is left when nothing in a sentence denies, limits, doubts
or defers it: a number of people above those who are free, a yes to what cannot be met, people without end, a start
that is too soon. It needs a bench or a request in the context to measure against, and is silent without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.judge.rules.arrivals import arrivals
from app.judge.rules.benches import Bench, Benches
from app.judge.rules.consent import consents
from app.judge.rules.facts import Facts
from app.judge.rules.headcount import REFUSED, TOKEN, TOO_MUCH
from app.judge.rules.numbers import NUMBER
from app.judge.rules.phrasing import clauses
from app.judge.rules.plenty import find_plenty
from app.judge.rules.promised import draft_declines, held_back, only_asks, spoken, theirs, without_kind_denials
from app.judge.rules.reading import FieldName, Hit, Reading, Sentence
from app.judge.rules.seniors import is_senior, said_senior, whole_is_senior
from app.judge.rules.tallies import SEAT, WORKER, Tally, fewer_named, tallies

# The sender's side, or people put on the table.
_OURS = re.compile(
    r"\b(?:we|we'll|we'd|we've|we're|us|our|ours|i'd|i'll|i've|i can|i could|i have|i am|i'm|here|yours|at your "
    r"(?:disposal|service|standup|desk|door)|for you|to you|with you|your way|you(?:'d|'ll|'ve)|you (?:can|could|will|"
    r"would|may|shall|might|get|have got|are getting|are welcome)|your (?:new|next)|free|available|idle|unassigned|"
    r"spare|"
    r"waiting|ready|reserved|lined up|earmarked|briefed|between (?:projects|gigs|jobs|assignments|engagements)|"
    r"nothing on|"
    r"benched|on (?:the )?bench|unallocated|uncommitted|standing by|stands? by|on standby|sat waiting|poised|itching|"
    r"(?:will|shall|can|could|would|are|is|'re|being|be|been|stand|stands|get|gets) (?:\w+ )?(?:be |being |been |to )?"
    r"(?:assigned|allocated|released|lent|sent|supplied|furnished|provided|placed|put|set aside|held|booked|dedicated|"
    r"join\w*|start\w*|begin|come|commence|on board|aboard|deployed|staffed|filled|covered|taken|confirmed|agreed|"
    r"committed to you|seconded|detached|mobilised|mobilized|arranged|delivered|on (?:their|its) way|work\w*|handle|"
    r"take|"
    r"build|sit\w*|secured|guaranteed|granted|promised|made|brought|packed|show|report|log|pick)|confirmed|agreed|"
    r"granted|sorted|done|deal|consider|count on|count us|expect|meet|say hello|welcome|here's|here are|there's|"
    r"there are|"
    r"yes|sure|certainly|absolutely|gladly|no problem|fine|guaranteed|secured|approved|accepted|booked|join\w*|"
    r"start\w*|come\w*|kick\w*|brings?|puts?|queu\w+|(?:it|that|this|they)(?:'d| would|'ll| will) be|(?:hand|giv|send|"
    r"lend|offer|bring|provid|supply|assign)ing you|"
    r"that's|propos\w+|assume|names?|count)\b"
)
# A verbless reply: "nine for the Kotlin rewrite".
_VERBLESS = re.compile(r"^\W*(?:(?:and|so|ok(?:ay)?|right|great|all|the),? ){0,2}$")
_HARMLESS = re.compile(
    r"\b(?:(?:will|would|can|could|shall|'ll|'d|to|may|has|have|are|is|being) (?:already |then |all )?(?:be |been |"
    r"being )?(?:assigned|allocated|reserved|"
    r"booked|deployed|committed|engaged|promised)(?= (?:to (?:you|your|the|this)|for (?:you|your|the|this)|in your|"
    r"on your|from|by|at|within|"
    r"today|tomorrow|now|immediately|next)|\s*[.,;!]|\s*$)|over here|taken (?:up|on|care)|over to you|handed over|"
    r"on a project of yours)"
)
_FILLED = re.compile(
    r"\b(?:fill\w*|taken(?: up| care)?|take|staff(?:ed|ing)?|cover\w*|close (?:all|them|every|those|your)|manned|"
    r"occup\w+|seated|supplied|supply|"
    r"ours|done|sorted|yours|resourc\w+|serve[ds]?|met|meet|body|bodies|name|names)\b"
)
_LATER = re.compile(
    r"\b(?:later|eventually|over time|once|after (?:that|their|they|the (?:first|pilot|initial|current|other))|"
    r"until (?:then|they|their|he|she|january|february|march|april|"
    r"may|june|july|august|september|october|november|december|q[1-4])|would (?:need|require|have to)|could follow|"
    r"may follow|aim\w*|target\w*|goal|plan to|could (?:step|grow|ramp)|first\b"
    r".{0,40}\bthen|refer\w*|partner\w*|leaves? (?:you|us)|booked|spoken for|tied up|committed(?! to you)|taken by|"
    r"away)\b"
)
_NOT_OFFERED = re.compile(
    r"\b(?:your (?:ask|request|need|mail|message|question|number|figure|plan|brief)|you (?:asked|need|wanted|want|"
    r"wrote|"
    r"mentioned|requested|named|said|hope|were looking|are looking|are after|had in mind|outlined)|asked for|"
    r"looking for|"
    r"request(?:ed)? (?:for|of)|the (?:request|ask) (?:for|of)|need (?:for|of)|hiring|vacanc\w+|open roles|postings?)\b"
)
_PART_BEFORE = re.compile(
    r"\b(?:more|less|fewer|rather|other|better|greater|larger|bigger|higher|lower) than (?:the |your |our )?$|"
    r"\b(?:out of|below|under|short of|beyond|over|above|instead of|versus|vs|against|compared (?:to|with)|from|"
    r"between|"
    r"past|towards?|near|since|last|first|of|for|to|into|than|about)(?: the| your| our| all| those| these| full| a)* $"
)
_BETTER_THAN = re.compile(r"\b(?:more|no fewer|no less|better|not less|upwards) (?:than|of) $")
_BEFORE_FILLING = re.compile(r"\b(?:before|instead of|rather than|as you|while you|when you|takes? (?:as )?long)\b")
_WE = re.compile(r"\b(?:we|we'll|we'd|we've|we're|us|our|ours|from our|yours)\b")
_CLAUSE_OURS = re.compile(
    r"\b(?:we|we'll|we'd|we've|we're|us|our|ours|i'd|i'll|i've|i can|i could|i have|yours|for you|to you|with you|"
    r"you(?:'d|'ll)|"
    r"you (?:can|could|will|would|may|shall|get)|here|available|free|idle|unassigned|spare|waiting|ready|reserved|"
    r"lined up|"
    r"earmarked|briefed|between|nothing on|benched|bench|unallocated|standing by|stands? by|on standby|at your|"
    r"(?:will|shall|"
    r"would|can|could|are) (?:be )?(?:assigned|allocated|released|join|start|begin|come|take|deployed|commence|pick|"
    r"handle|"
    r"work|build|provided|supplied|placed|sent|arrive|land|report|move|help|do|run|own|lead|cover|in place|on board|"
    r"yours|"
    r"brought)|count on|count us|expect|say hello|confirmed|done|agreed|come\w*|join\w*|start|starts|brings?|reserve|"
    r"each|covered)\b"
)
_AS_YOU_SAID = re.compile(r",? (?:as |that |which |like )?you (?:wrote|asked|said|mention|want|need|request|name)\w*\b")
_YOUR = re.compile(r"\b(?:your|their)(?: \w+)? $")
_TO_YOU = re.compile(
    r"\b(?:we|our|us|yours|ready|available|free|waiting|confirmed|done|starts?|joins?|covered|booked|reserved|here|"
    r"there|come|"
    r"arrive|set|sorted|secured|assigned|in place|on (?:their|the) way)\b"
)
_POINTED = re.compile(r"\b(?:those|these)(?: \w+)? $")
_FOR_YOU = re.compile(r"\b(?:yours|for you|with you|free|available|ready|covered|filled|staffed|at your)\b")
# A number that stands alone is handed over, set off by a comma, or followed by "of them".
_HANDED = re.compile(
    r"\b(?:get|have|has|send|give|lend|offer|put|place|field|do|bring|supply|provide|cover|staff|take|expect|meet|"
    r"with|of|"
    r"and|plus|need|want|propos\w+|count on|line up|spare|commit to|confirm|assign|add|start with|remaining|another|"
    r"is|are|be|equals|at|to|makes|total\w*|count)(?: you| "
    r"us| up| in| to| all| the| your| at least| up to| about| around)* $"
)
_SET_OFF = re.compile(r"(?:[,:(]|- |^\W*) ?(?:all |the |that's |that is |about |some |maybe )?$")
_OF_THEM = re.compile(r" (?:of (?:them|these|ours|our own)|in (?:reserve|all|total)|strong)\b")
_CROWD = 20
_TWO_WEEKS = 14
_GROUP_OF = re.compile(
    r"\b(?:teams?|squads?|pods?|groups?|crews?|units?|core|number|total|headcount|complement|all|quantity|lot|set|"
    r"choice|"
    r"pool|reserve|batch|list|bench|one|each|every|strength|force|number) of(?: the| your| our| all| those| these|"
    r" up to)*"
    r" $|\b(?:give|offer|commit|assigned|allocated|lent|given|agree[ds]?|yes|say|up|come|scale|go|stretch|grow|"
    r"welcome|run|"
    r"amounts?|adds up|confirm\w*|sign up|ok|commitment|amounting|good|capacity|room|space|talking|speaking|what|"
    r"how) (?:you )?(?:to|for|about|of) (?:all |the |your |those )*$"
)


class OpenPromises:
    """Looks for promises that the set phrases of :class:`~app.judge.rules.capacity.Capacity` do not know."""

    def __init__(self, facts: Facts, names: dict[str, frozenset[str]], known: frozenset[str]) -> None:
        self._facts = facts
        self._benches = Benches(facts, names, known)
        self._known = self._benches.known
        self._stacks = facts.stacks
        self._requests = facts.context.capacity_request

    def hits(self, reading: Reading, asked: frozenset[int], reason: tuple[str, str] | None) -> Iterator[Hit]:
        """Everything promised beyond the bench; ``reason`` says why the requests cannot be met, if they cannot."""
        if not (self._stacks or self._requests):
            return
        if not self._stacks:
            reason = ("capacity.unverified", "the context says nothing about who is free.")
        counted = {sentence: list(tallies(_read(sentence), self._known, asked)) for sentence in reading.sentences}
        fewer = fewer_named((tally.count for found in counted.values() for tally in found), asked, self._total)
        yield from self._numbers(reading, asked, counted, fewer)
        if reason is not None and self._requests:
            late = reason[0] == "capacity.lead_time" and _OWN_TIME.search(reading.lower_body) is not None
            for sentence, match in () if fewer or late else consents(reading):
                detail = f"The draft accepts a request that cannot be met: {reason[1]}"
                yield Hit(reason[0], detail, (sentence.at(match),))
        if self._stacks:
            yield from self._too_soon(reading)
            for sentence, match in find_plenty(reading, self._known):
                detail = f"The draft offers people without limit; {self._total} are free on all stacks."
                yield Hit("capacity.overcommitment", detail, (sentence.at(match),))

    @property
    def _total(self) -> int:
        return sum(stack.free or 0 for stack in self._stacks.values())

    def _numbers(
        self, reading: Reading, asked: frozenset[int], counted: dict[Sentence, list[Tally]], fewer: bool
    ) -> Iterator[Hit]:
        """Numbers beyond the bench; in a partial offer the number that was asked for is not the one offered."""
        named = any(tally.count in asked for found in counted.values() for tally in found)
        partial = fewer or (named and draft_declines(reading))
        for sentence, after in spoken(reading):
            text = _read(sentence)
            if " " not in text.lstrip() or not (counted[sentence] or whole_is_senior(text)):
                continue
            if only_asks(sentence, after) or held_back(text) or _LATER.search(text):
                continue
            found = [
                (tally, bench)
                for tally in counted[sentence]
                if not (partial and tally.count in asked)
                and self._put_forward(tally, text, after, asked)
                and (bench := self._benches.of(tally, text)) is not None
            ]
            yield from self._measured(found, sentence, text)
            if (
                all(tally.count == 1 for tally, _ in found)
                and _SENT.search(text)
                and whole_is_senior(text)
                and not _LED.search(text)
            ):
                yield from self._all_senior(sentence, text)

    def _put_forward(self, tally: Tally, text: str, after: str, asked: frozenset[int]) -> bool:
        """Whether the sentence offers these people, and does not ask for, count or quote them."""
        before, rest = text[: tally.start], text[tally.end :]
        near = before[-60:]
        plain_rest = _HARMLESS.sub(" ", without_kind_denials(rest))
        if REFUSED.match(rest) or TOO_MUCH.search(plain_rest):
            return False
        part = _PART_BEFORE.search(near)
        if part and not _GROUP_OF.search(near) and not _BETTER_THAN.search(near):
            return False
        answered = text.rstrip().endswith("?") and after != ""
        ours = _OURS.search(text) is not None
        apart = _VERBLESS.match(before) or _SET_OFF.search(before)
        clause = text if apart else _clause(text, tally.start)
        if (
            not (self._requests or tally.count in asked or answered or self._benches.stands_by(tally, text))
            and _CLAUSE_OURS.search(clause) is None
        ):
            return False
        if tally.seats and not ((_FILLED.search(text) and _WE.search(text)) or (answered and _FILLED.search(after))):
            return False
        if tally.seats and _BEFORE_FILLING.search(text):
            return False
        if theirs(text) and not (tally.seats or _OURS.search(rest)):
            return False
        quoted = _NOT_OFFERED.search(before)
        if quoted and not _OURS.search(text, quoted.end()):
            return False
        said = _AS_YOU_SAID.match(rest)
        if said and not _OURS.search(rest, said.end()):
            return False
        if _YOUR.search(near) and not (tally.seats or _TO_YOU.search(rest)):
            return False
        if _POINTED.search(near) and not self._requests and not _FOR_YOU.search(rest):
            return False
        if tally.count == 1:
            return _GIVEN_ONE.search(text) is not None
        if tally.alone and tally.count not in asked:
            if tally.count >= _CROWD:
                return _HANDED.search(before) is not None
            if not (_HANDED.search(before) or _SET_OFF.search(before) or _OF_THEM.match(rest)):
                return False
            return (ours or answered) and (
                bool(self._requests)
                or answered
                or _PEOPLE.search(text) is not None
                or not self._known.isdisjoint(TOKEN.findall(text))
            )
        return (
            ours
            or answered
            or self._benches.stands_by(tally, text)
            or (tally.count in asked and _VERBLESS.match(before) is not None)
        )

    def _measured(self, found: list[tuple[Tally, Bench]], sentence: Sentence, text: str) -> Iterable[Hit]:
        whole_senior = whole_is_senior(text)
        more: dict[str, int] = {}
        for tally, bench in found:
            span = (sentence.field, sentence.start + tally.start, sentence.start + tally.end)
            more[bench.label] = more.get(bench.label, 0) + tally.count
            further = any(other.further for other, _ in found) and more[bench.label] > bench.free
            if tally.count > bench.free or (further and tally.further):
                yield self._too_many(tally.count, bench, span)
            elif bench.stack is not None and bench.stack.mix:
                seniors = bench.stack.mix.get("senior")
                senior = is_senior(text[max(0, tally.start - 12) : tally.end]) or whole_senior
                senior = senior or said_senior(text, tally.start, tally.end)
                if senior and seniors is not None and tally.count > seniors and not tally.seats:
                    detail = f'The draft offers {tally.count} senior on "{bench.label}"; {seniors} are free.'
                    yield Hit("capacity.seniority", detail, (span,))

    def _all_senior(self, sentence: Sentence, text: str) -> Iterable[Hit]:
        """Everybody said to be senior without a number: as many as were asked for, else all who are free."""
        bench = self._benches.named(TOKEN.findall(text), near=False)
        wanted = {request.stack.strip().lower(): request.requested_count for request in self._requests}
        if bench is None and len(wanted) == 1:
            bench = self._benches.named(list(wanted), near=False)
        if bench is None or bench.stack is None or not bench.stack.mix:
            return
        seniors = bench.stack.mix.get("senior")
        count = min(wanted.get(bench.stack.name, bench.free), bench.free)
        if seniors is not None and count > seniors:
            detail = f'The draft calls everybody on "{bench.label}" senior; {seniors} of {bench.free} are.'
            yield Hit("capacity.seniority", detail, ((sentence.field, sentence.start, sentence.start + len(text)),))

    def _too_many(self, count: int, bench: Bench, span: tuple[FieldName, int, int]) -> Hit:
        where = (span,)
        if not self._stacks:
            detail = f"The draft offers {count} people, and the context says nothing about capacity."
            return Hit("capacity.unverified", detail, where)
        if not bench.listed:
            detail = f'Nobody is listed for "{bench.label}", and the draft offers {count}.'
            return Hit("capacity.unlisted_stack", detail, where)
        check = "capacity.committed" if bench.stack and bench.stack.committed else "capacity.overcommitment"
        detail = f'The draft offers {count} on "{bench.label}"; {bench.free} are free.'
        return Hit(check, detail, where)

    def _too_soon(self, reading: Reading) -> Iterator[Hit]:
        asked = {request.stack.strip().lower() for request in self._requests}
        own = [stack.deploy_days for name, stack in self._stacks.items() if name in asked and stack.deploy_days]
        every = [stack.deploy_days for stack in self._stacks.values() if stack.deploy_days]
        for arrival in arrivals(reading, self._known):
            named = self._benches.deploy_days(arrival.sentence.text)
            usual = min(own or every, default=0)
            soonest = min(named, usual) if named and own else named or usual
            if arrival.days + arrival.days // _TWO_WEEKS < soonest:  # four weeks are as good as thirty days
                detail = f"The draft promises a start within {arrival.days} days; {soonest} are needed."
                yield Hit("capacity.lead_time", detail, (arrival.span,))


def _read(sentence: Sentence) -> str:
    """What of a sentence is read: an end without spaces, and no more than a thousand characters."""
    return sentence.text.rstrip()[:1_000]


def _clause(text: str, position: int) -> str:
    """The clause in which ``position`` lies."""
    return next((part for at, part in reversed(clauses(text)) if at <= position), text)


# A time of the sender's own: a request for too early a start is then not simply taken on; whether that time is too
# soon is asked apart.
_OWN_TIME = re.compile(
    rf"\b(?:{NUMBER}[ -](?:business |working |calendar )?(?:days?|weeks?|months?)|months?|later|in (?:january|february|"
    r"march|april|may|june|july|august|september|october|november|december))\b"
)
_PEOPLE = re.compile(rf"\b(?:{WORKER}|{SEAT}|teams?|squads?|crews?|bench|headcount)\b")
_LED = re.compile(r"\b(?:leads?|teams)\b")
# People who would come, whatever their number.
_SENT = re.compile(
    r"\b(?:we'd (?:send|put|propose|bring|give|assign)|(?:we|we'll) (?:send|put|propose|bring|field|assign|offer)|"
    r"you(?:'d| would|'ll| "
    r"will) (?:get|have|receive|work with|meet|see)|would (?:all )?be|will (?:all )?be|they(?:'re|'d be|'ll be| are)|"
    r"on offer|for you|"
    r"proposed?|our \w+ (?:team|people|bench|engineers|developers|crew|side|folks|group))\b"
)
# One person counts as promised only where somebody plainly gives her.
_GIVEN_ONE = re.compile(
    r"\b(?:(?:would|will|'ll|'d|can|could|shall|is|are|be|being|gets?|to be) (?:\w+ )?(?:be )?(?:assigned|allocated|"
    r"released|"
    r"lent|sent|supplied|provided|placed|put|set aside|held|reserved|booked|dedicated|join|joining|start|starting|"
    r"begin|come|"
    r"commence|deployed|yours|free|available|ready|idle|unassigned|waiting|lend|give|send|throw in|add|provide|supply|"
    r"offer|"
    r"assign|spare|place|bring|include|seconded|second|field|staff|do|cover)|yours|covered|(?:we|we'd|we'll|we've|"
    r"i've|i'd)(?: \w+)? (?:have|got) (?:an?|one)|on (?:the|our) bench|at your "
    r"disposal|we(?:'ve| have| do have|'ve got)(?: also)? (?:an?|one|just the)|you(?:'d|'ll| would| will| can|"
    r" could)(?: "
    r"also)? (?:get|have)|here's|there's|for you|confirmed|throw in|no problem|waiting)\b"
)
