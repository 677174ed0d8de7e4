"""What a draft promises of people: how many, on which stack, how senior.

Only promises count. A number that repeats the request, that is denied, or that belongs to a later phase is none, so an
honest partial offer, a phased ramp and a referral leave nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from app.judge.rules.headcount import REFUSED, Headcount
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import clauses, denied_before, word_set
from app.judge.rules.reading import FieldName, Reading, Sentence

_PEOPLE = (
    r"(?:engineers?|developers?|devs?|specialists?|experts?|people|folks|seniors?|mids?|juniors?|consultants?|"
    r"candidates?|profiles?|resources|"
    r"scientists?|architects?|contractors?|programmers?|coders?|hires|testers?|professionals|"
    r"\w+istas?|gophers?|rustaceans?|techies|heads|bodies)"
)
_BETWEEN = (
    r"(?:[\s-]{1,2}(?!of\b|for\b|to\b|and\b|from\b|days?\b|weeks?\b|months?\b|hours?\b|years?\b|roles?\b|open\b|"
    r"minutes?\b|more\b|yrs?\b|%|series\b)[\w+#./']{1,20}(?:,\s?[\w+#./]{1,20})?){0,6}?[\s-]{1,2}"
)
COUNTED = re.compile(rf"(?<![\w$€£.,/])({NUMBER}|both(?= \w))(?:\s?-\s?{NUMBER})?(?=[\s-]){_BETWEEN}{_PEOPLE}\b")
_GROUP = re.compile(
    rf"\b(?:team|squad|pod|group|crew|unit|bench) of (?:up to |about |around )?({NUMBER})\b|"
    rf"(?<![\w$.])({NUMBER})[\s-](?:person|engineer|developer|strong|member|people|dev)"
    r"(?:[\s-](?:engineering|development|\w+))? ?(?:team|squad|pod|group|crew)?\b|\b(?:all|the full|those|"
    rf"these) ({NUMBER})\b(?! (?:days|weeks|months|roles|points|of))"
)
_FREE = re.compile(
    r"\b(?:have|has|got|with|there are|holding|keep) (?:up to |at least |"
    rf"about )?({NUMBER})(?: \w[\w+#./-]{{0,18}}){{0,4}}? (?:free|available|ready|unallocated|open capacity|"
    r"on (?:the |our )?bench|to deploy|waiting|standing by)\b"
)
_BARE = re.compile(
    r"\b(?:can|could|will|'ll|able to|happy to|ready to|confirm(?:ed)?|commit(?:ting)?(?: to)?) (?:now |easily |"
    r"certainly |definitely |also |then )?(?:do|cover|supply|provide|deliver|staff|place|start|send|confirm|"
    r"offer|field|take|commit to|bring|deploy|put|assign|handle|give you|get you|support|fill) "
    rf"(?:all |the full |up to |you |with )?({NUMBER})\b(?!\s?(?:%|per ?cent|days?|weeks?|months?|hours?|years?|"
    rf"minutes?|"
    r"sprints?|times?|things|points|calls?|options|questions|examples|slots|references?|links?|names|lines|pages|"
    r"notes|documents|case|am|pm|o'clock|usd|dollars|or))"
)
# What is said of a request that is taken on: "is fine", "won't be a problem".
_EASY = (
    r"(?:(?:is|are|will be|would be|seems?|sounds) (?:also |all |quite |perfectly |absolutely |easily |"
    r"certainly |entirely |"
    r"something |well |both )?(?:no (?:trouble|problem|issue)|easy|easily|done|realistic|feasible|doable|"
    r"do-able|possible|fine|"
    r"ok|okay|manageable|(?:we|i)(?:'ll| can| will)|at your (?:disposal|service)|within (?:reach|our)|on their way)|"
    r"(?:isn't|aren't|won't be|is not|are not|will not be) (?:an? |any |going to be a )?(?:problem|issue|trouble))\b"
)
PROMISE = re.compile(
    r"\b(?:we|i|our \w+|team)\b[^.]{0,40}?(?:'ve|'ll|\b(?:can|could|will|have|has|are able|are ready|offer|provide|"
    r"guarantee|commit|confirm|propose|start|deploy|deliver|supply|staff))\b"
    r"|\b(?<!you )(?:can|could|will) (?:\w+ )?(?:supply|provide|staff|deploy|deliver|confirm|commit|cover|"
    r"place|start|"
    r"offer|assign|send)\b"
    r"|\b(?:confirm(?:ed|ing)?|ready|available|on standby|free|deploy(?:ed|able)?|can start|absolutely|"
    r"no problem|guaranteed|consider it done|yes|of course|sure|certainly|happy to|glad to)\b"
    rf"|\b(?:{_PEOPLE}|all (?:of )?(?:{NUMBER}|them)|they|both)(?: [\w+#.]+){{0,3}}? (?:will|'ll|can|"
    rf"could) (?:all |both )?"
    r"(?:be|join|start|begin|sit|work|arrive|report|lead|take|help|support|carry|cover|handle|run|own)\b"
    r"|\byou(?:'ll| will) (?:have|get)\b|\bcount on\b|\b(?:are|is) yours\b|\b(?:engineers|developers|"
    r"people) (?:here|with us|on our side)\b"
    rf"|\b{_EASY}"
)
# What is asked for stands alone as a number: "six is fine", "fifteen by spring won't be a problem".
_ELLIPTIC = re.compile(
    rf"(?<![\w$€£.,:/-])(?<!\bat )(?<!day )(?<!\byour )({NUMBER})(?: (?:of them|at once|now|by \w+(?: \w+)?|"
    rf"in \w+(?: \w+)?|within \w+ \w+))?,? "
    rf"{_EASY}|\b(?:you(?:'ll| will) (?:have|get)|count on|consider) (?:all |the |"
    rf"your )*({NUMBER})\b(?! (?:days|weeks|months|hours))"
)
# "Your team of twelve has shipped": the reader's own people.
_THEIR_GROUP = re.compile(r"\b(?:your|their|his|her)(?: [\w+#.-]+){0,2} $")
_HAS_DONE = re.compile(r" (?:has|have|had|did|does|carries|runs|ships)\b")
_WORKS = re.compile(r" works\b(?! (?:for|with|on|in|at)\b(?! us))")
_AGREED = re.compile(
    r"[\s,:]*(?:all )?(?:ready|available|standing by|no problem|agreed|done|works|yours|with pleasure)\b"
)
_REQUESTED = re.compile(
    r"\b(?:you (?:asked|need|want|requested|are looking|mentioned|were looking|would need|have)|your (?:request|"
    r"need|ask|requirement|open|team|roles?)|the request|asked for|request for|looking for|needs?|"
    r"if you|need of|requirement of|hiring|are open|requested|instead of|rather than|more than|full (?:request|"
    r"ask))"
)
_PART_OF = re.compile(
    r"(?<!\bteam )(?<!\bsquad )(?<!\bpod )(?<!\bgroup )(?<!\bcrew )(?<!\bunit )"
    r"\b(?:of|out of)(?: the| your| those| all)? $|^\W{0,2}for\b"
)
_LATER = re.compile(
    r"\b(?:remaining|rest|the other|additional|phased?|phasing|ramp(?:ed|ing)?|later|future|eventually|over time|"
    r"pipeline|further|next phase|second wave|would (?:need|require|take|have to)|"
    r"need(?:s)? (?:our|a|the) |scope|scoping|subject to|depend(?:s|ing)|explore|once (?:we|they|their|free)|"
    r"after (?:that|their|the (?:first|pilot|initial|current|next|project|engagement|scoping|call|"
    r"[a-z]+ one))|from (?:october|november|december|january|february|march|april|may|june|july|"
    r"august|september|q[1-4])|until|refer|partner)\b"
)
_SENIORITY = re.compile(r"\b(seasoned|veteran|senior|mid-level|mid|middle|junior|lead|principal|staff)s?\b")
_ALL_OF_LEVEL = re.compile(
    r"(?: (?:we|that|who|which|now|currently|have|has|are|is|free|available)){0,4},? (?:(?:and )?(?:all|both|"
    r"each)(?: of (?:them|whom))?"
    r"(?: (?:are|is))?|are(?: all| both)?) (senior|mid-level|mid|middle|junior)s?\b"
)
# What somebody else said or would do, and what is put as too much, is no promise.
_REPORTED = re.compile(
    r"\b(?:whether|(?:anyone|whoever) (?:who )?(?:promis|offer|tell|claim)\w*|(?:i|we) (?:saw|read|noticed|noted|"
    r"gather|heard)|you (?:wrote|said|told|say|think|hope)|(?:i|we) understand|imagine|suppose)\b"
)
_WISHED = re.compile(
    r"\b(?:would|'d) (?:love|like|be (?:glad|happy|delighted)) to\b[^.;]{0,80}\b(?:but|yet|however|though|only)\b"
)
BEYOND = re.compile(
    r"\b(?:(?:is|are|would be|seems?) (?:also |still |far |way )?(?:more than|beyond|too (?:many|much|soon)|"
    r"hard|difficult|"
    r"a stretch|out of (?:reach|the question)|ambitious)|in theory|for (?:some|other|larger|bigger) |"
    r"elsewhere|than we (?:can|have))"
)
_LEVEL = {
    "senior": "senior",
    "seasoned": "senior",
    "veteran": "senior",
    "lead": "senior",
    "principal": "senior",
    "staff": "senior",
    "mid": "mid",
    "mid-level": "mid",
    "middle": "mid",
    "junior": "junior",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A promise of ``count`` people.

    ``statement`` when it says how many are free rather than what will be given; ``elliptic`` when the number stands
    alone, so that only the request tells that people are meant.
    """

    count: int
    level: str | None
    sentence: Sentence
    start: int
    end: int
    statement: bool
    elliptic: bool = False

    @property
    def span(self) -> tuple[FieldName, int, int]:
        return (self.sentence.field, self.sentence.start + self.start, self.sentence.start + self.end)


TRIGGERS = word_set(
    "engineers engineer developers developer devs specialists specialist team squad pod people folks seniors "
    "free available staff deploy confirm commit start cover deliver supply provide consultants candidates "
    "profiles talent capacity crew experts scientists architects contractors onboard "
    "headcount availability staffing role roles position positions seats teams squads pods"
)


def find_offers(reading: Reading) -> list[Offer]:
    """Every promise of a number of people in the draft."""
    found: list[Offer] = []
    for sentence in reading.sentences:
        if len(sentence.text) > 1_000:
            sentence = sentence._replace(text=sentence.text[:1_000])
        text = sentence.text
        for offset, clause in clauses(text):
            agreed = _AGREED.match(text, offset + len(clause)) or _WORKS.search(clause)
            if not (agreed or PROMISE.search(clause) or PROMISE.search(text[: offset + 1])):
                continue
            taken: set[int] = set()
            for pattern in (_FREE, COUNTED, _GROUP, _BARE, _ELLIPTIC):
                for match in islice(pattern.finditer(clause), 30):
                    number = next((g for g in match.groups() if g), None)
                    count = value_of(number) if number else None
                    position = match.start() + match.group().find(number or "")
                    if count is None or count == 0 or position in taken:
                        continue
                    taken.add(position)
                    if _is_promise(clause, match, text) and not REFUSED.match(text, offset + match.end()):
                        level = _SENIORITY.search(match.group()) or _ALL_OF_LEVEL.match(text, offset + match.end())
                        found.append(
                            Offer(
                                count,
                                _LEVEL[level.group(1)] if level else None,
                                sentence,
                                offset + match.start(),
                                offset + match.end(),
                                statement=bool(re.search(r"\b(?:free|available|unallocated)\b", clause))
                                or pattern is _FREE,
                                elliptic=pattern is _ELLIPTIC,
                            )
                        )
    return found


def offer_of(mention: Headcount) -> Offer:
    """A number of people put forward, with the seniority that stands beside it."""
    text = mention.sentence.text
    level = _SENIORITY.search(text, mention.start, mention.end) or _ALL_OF_LEVEL.match(text, mention.end)
    return Offer(
        mention.count,
        _LEVEL[level.group(1)] if level else None,
        mention.sentence,
        mention.start,
        mention.end,
        statement=False,
        elliptic=mention.alone,
    )


def _is_promise(clause: str, match: re.Match[str], sentence: str) -> bool:
    before = clause[: match.start()]
    if _THEIR_GROUP.search(before) and _HAS_DONE.match(clause, match.end()):
        return False
    if denied_before(clause, match.start(), 80) or re.search(
        r"\b(?:not|isn't|aren't|won't)\b(?! (?:be )?(?:an? |any )?(?:problem|issue|trouble))|\b(?:can't|"
        r"cannot|couldn't)\b|"
        r"\bno longer\b|\b(?:committed|allocated|engaged|reserved|booked|tied up|unavailable)\b(?! (?:to|"
        r"for) (?:you|your|start))",
        clause[match.end() : match.end() + 40],
    ):
        return False
    if re.search(r"\b(?:of your own|yourself|yourselves)\b", sentence):
        return False
    if _WISHED.search(sentence) or _REPORTED.search(before) or BEYOND.search(clause, match.end(), match.end() + 60):
        return False
    if re.search(r"\b(?:only|just) (?:have )?$", before) and not re.search(r"\bcan\b", before):
        return True
    if _PART_OF.search(before) or _REQUESTED.search(before) or _REQUESTED.search(match.group()):
        return False
    after = clause[match.end() : match.end() + 60]
    if re.match(
        r"\s?(?:you (?:asked|need|requested|want|mentioned)|as requested|is (?:above|beyond|more)|"
        r"would (?:exceed|be))",
        after,
    ):
        return re.match(
            r"\s?(?:you (?:asked|need|requested|want|mentioned)|"
            r"as requested)",
            after,
        ) is not None and bool(
            re.search(r"\b(?:can|will|'ll|confirm|have|provide|staff|deliver|cover|start)\b", before)
        )
    return not _LATER.search(clause) and not sentence.rstrip().endswith("?")
