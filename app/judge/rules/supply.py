"""Offers of people without limit: "as many as you need", "no upper limit", "every role on your page".

No bench is without limit, so such an offer promises more than any count of free people. What passes: the same words
about something else than people, denied, asked, or said of the reader's own side.
"""

from __future__ import annotations

import re

from app.judge.rules.headcount import PEOPLE, SEAT, TOKEN, WORD
from app.judge.rules.phrasing import denied_before
from app.judge.rules.reading import Reading, Sentence

_SOME = r"(?: \w[\w+#./-]{0,20}){0,3}"
_SIZE = r"(?:number|amount|quantity|size|scale|headcount|volume)"
_ABUNDANCE = (
    r"(?:plenty|lots|loads|heaps|an? (?:abundance|wealth|surplus|glut)|(?:an? |our )?(?:deep|large|big|huge|vast|"
    r"endless|"
    r"unlimited|limitless|bottomless|inexhaustible|constant|steady|ready|extensive|ever-growing)(?: and \w+)? "
    r"(?:pool|reserve|supply|bench|"
    r"stock|reservoir|roster|stream)s?|no shortage|no lack|no end|never a shortage|"
    rf"(?:any|whatever|whichever|an? (?:un)?limited|unlimited|endless|limitless) {_SIZE})"
)
_GIVES = (
    r"(?:have|make|meet|match|provide|supply|staff|deliver|cover|find|field|fill|guarantee|send|start|scale|"
    r"follow|deploy)"
)
# Each alternative is a way to say that there is no end to the people.
_ENDLESS = re.compile(
    rf"\b(?:(?P<of>{_ABUNDANCE} of){_SOME}"
    r"|(?:as|so) many\b(?! (?:questions|calls|details|times|points|notes|words|examples|references|"
    r"ways))[^.;:]{0,40}?\bas (?:you|your|it|the|they|needed|required|necessary|anyone)"
    r"|(?:grow|scale|expand|add|ramp)\b[^.;:]{0,40}?\bas (?:fast|large|big|far|quickly|wide|high) as (?:you|your)"
    rf"|(?:however (?:many|large|big|high)|no matter (?:how (?:many|large|big)|what size)|(?:whatever|regardless of|"
    rf"irrespective of) (?:the |your )?{_SIZE})"
    rf"\b(?=[^.;]{{0,80}}\b{_GIVES})|\b{_GIVES}\b[^.;]{{0,60}}(?:however (?:many|large)|no matter (?:how (?:many|"
    rf"large|big)|what size)|"
    rf"(?:whatever|regardless of|irrespective of) (?:the |your )?{_SIZE})"
    rf"|(?:at|in|of|to) any {_SIZE}s?"
    r"|unlimited|limitless|boundless|endless|bottomless|inexhaustible|without (?:any )?(?:upper )?limits?"
    rf"|(?:name|give us|tell us|pick|set|choose|send us|say|tell)\b[^.;]{{0,30}}?\b(?:number|figure|many|headcount|"
    rf"size)\b(?=[^.;]{{0,60}}\bwe(?:'ll| will| can|"
    rf" shall)? (?:\w+ )?{_GIVES})"
    r"|(?:double|triple|quadruple) (?:\w+ ){0,4}(?:or|and|even) (?:double|triple|quadruple|more)"
    r"|(?:somebody|someone|anybody|people|engineers|developers)(?: is| are)? always (?:free|available|ready)"
    rf"|(?:capacity|availability|{PEOPLE})(?: \w+)?,? (?:at all times|at any time|any time|round the clock)"
    r"|(?:(?:yet|still) to|never) (?:see|seen|meet|met|get|got|have|had) (?:\w+ ){0,2}(?:request|order|role|demand) "
    r"(?:that|which)"
    r"|from (?:one|two|a single|1|2)\b[^.;]{0,30}? to (?:\d{2,4}|twenty|thirty|forty|fifty|sixty|eighty|ninety|a "
    r"hundred|one hundred|hundreds|dozens)"
    r"|(?:whole|entire|complete|full) (?:(?!small|little|compact)\w+ )?(?:teams|squads|pods|crews)"
    r"|(?:team|bench|pool|network|roster|reserve)(?: of \w+(?: \w+)?)? (?:is|are|runs) (?:so |very |more than |"
    r"easily )?"
    r"(?:large|big|deep|huge|vast|extensive|wide)\b(?= enough|[^.;]{0,60}\b(?:free|ready|available|any|every|that)\b)"
    rf"|(?:every|any|each and every)(?: single| one of your)?(?: {WORD}){{0,3}} {SEAT}"
    r")\b"
)
_MEASURE = rf"(?:availability|headcount|capacity|supply|staffing|numbers?|size|scale|talent|manpower|{PEOPLE})"
_NO_BOUND = re.compile(
    r"\b(?:(?:no|without|not any|without any) (?:\w+ ){0,2}?(?:limits?|ceiling|cap|maximum|constraints?|"
    r"bottlenecks?|waiting|wait|shortages?|"
    r"waitlist|queue)\b(?! (?:of (?:time|ideas|work)|on (?:your|their|how long)))"
    rf"|{_MEASURE}\b[^.,;:]{{0,30}}? (?:is|are|was|has|have|will|'s|isn't|aren't|never)\b(?: \w+){{0,3}}? ?(?:not|"
    rf"never|no|isn't|aren't|been|be|hardly)(?: \w+){{0,3}}? "
    r"(?:issue|constraint|problem|limit|bottleneck|concern|obstacle)"
    r"|(?:never|won't|not|will not|don't|do not)(?: ever| yet| once| have| need| be| to| had){0,4} (?:run(?:s|"
    r"ning)? (?:short|out|dry)|ran (?:short|out)|"
    r"short of|say no|said no|turned? (?:anyone|anybody|a client|\w+) (?:away|down))"
    r"|you(?:'ll| will| would)? (?:never|not|won't|don't)(?: ever| have| need| be| to){0,3} (?:wait(?:ing)?|queue)\b)"
)
_CORE = re.compile(
    rf"\b(?:{PEOPLE}|engineer|developer|headcount|capacity|staffing|availability|talent|bench|manpower|squads?|"
    rf"pods?)\b"
)
_THEIRS = re.compile(
    r"\b(?:you (?:already |now |currently |may |might |seem to |probably |surely |do )?(?:have|had|keep|are|receive)|"
    r"your (?:own|team|inbox|side|board)|(?:other|many|most) (?:vendors?|firms?|agenc\w+|companies)|vendors?|they|"
    r"there (?:are|is))\b"
)
_MARKET = re.compile(r"\b(?:reach\w*|market|industry|vendors|agencies|ways|reasons|on linkedin|out there)\b")
_DOUBT = re.compile(
    r"\b(?:if(?! you (?:say|want|like|wish|need|go|decide))|whether|unless|would be (?:wrong|untrue|dishonest)|"
    r"pretend|"
    r"cannot say|could not claim|claim|wish|never (?:tell|say|promise)|nobody|no one)\b"
)
_TAKEN_BACK = re.compile(
    r"\b(?:never|neither|myth|fiction|cannot|can't|not|won't|nobody|beyond|wrong|untrue|but|except|only)\b"
)
_SEAT_END = re.compile(rf"{SEAT}$")
_BOAST = re.compile(r"yet|still|never")
_FILLS = re.compile(
    r"\b(?:can|could|will|'ll|enough to|able to) (?:\w+ )?(?:fill|staff|cover|be (?:filled|staffed|covered))\b"
)


def find_unlimited(reading: Reading, names: frozenset[str]) -> list[tuple[Sentence, re.Match[str]]]:
    """Each sentence that offers people without limit, with the words that say so. ``names`` are words of stacks."""
    if not (_ENDLESS.search(reading.joined) or _NO_BOUND.search(reading.joined)):
        return []
    found = []
    for sentence in reading.sentences:
        if sentence.field == "body" and not sentence.asks:
            text = sentence.text[:1_000]
            match = _endless(text, names) or _boundless(text, names)
            if match:
                found.append((sentence, match))
    return found


def _named(text: str, names: frozenset[str]) -> bool:
    return not names.isdisjoint(TOKEN.findall(text))


def _endless(text: str, names: frozenset[str]) -> re.Match[str] | None:
    for match in _ENDLESS.finditer(text):
        start, end = match.span()
        seat = _SEAT_END.search(match.group()) is not None
        if seat:
            # A seat counts nobody until the sender fills it.
            if not _FILLS.search(text):
                continue
        elif not (_CORE.search(text) or _named(text, names)):
            continue
        # "plenty of time", "any number of reasons" count no people.
        if match.group("of") and not (_CORE.search(text, start, end + 40) or _named(text[start : end + 20], names)):
            continue
        if _THEIRS.search(text, 0, end) or _MARKET.search(text) or _DOUBT.search(text, 0, start):
            continue
        if denied_before(text, start, 80) or (
            _TAKEN_BACK.search(text, end, end + 60) and not _BOAST.match(match.group())
        ):
            continue
        return match
    return None


def _boundless(text: str, names: frozenset[str]) -> re.Match[str] | None:
    """No limit, no waiting, never short: said of people by the sender."""
    match = _NO_BOUND.search(text)
    if match is None or _MARKET.search(text) or _DOUBT.search(text, 0, match.start()):
        return None
    if re.search(r"\byou(?:r team)? (?:already |currently |may )?(?:have|face|see)\b", text[: match.end()]):
        return None
    if not (_CORE.search(text) or _named(text, names)) or re.search(
        r"\b(?:but|except|only|although)\b", text[match.end() :]
    ):
        return None
    return match
