"""Claims about the reader's company that the context words otherwise or does not know.

A person's title and month, "tripled" and "from two to seven" of the open roles, a sum written out, a season,
a backer, a business figure. As everywhere, nothing fires where the context is silent on the whole subject and the
draft only asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.dates import MONTHS
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, WORDS, value_of
from app.judge.rules.phrasing import at_words, denied_before, hedged, word_set
from app.judge.rules.reading import Hit, Reading

_TITLE = re.compile(
    r"\b(?:(?P<short>c[tfeiomp]o)\b|chief (?P<chief>technology|technical|financial|executive|operating|information|"
    r"product|"
    r"marketing)(?: officer)?|(?:s?vp|vice president|head|director)(?: of)?,? (?P<of>engineering|product|technology|"
    r"data|finance|"
    r"operations|people|marketing|sales)|(?P<director>engineering|product|technical|finance) director)\b"
)
_CHIEF = {"technical": "cto", "technology": "cto", "financial": "cfo", "executive": "ceo", "operating": "coo"}
_CHIEF |= {"information": "cio", "product": "cpo", "marketing": "cmo"}
_PERSON = re.compile(r"\b[A-Z][a-z'-]{1,20} [A-Z][a-zA-Z'-]{1,20}\b")
_MONTH_SAID = re.compile(
    rf"\b(?:in|last|since|back in|from|of|this|during|early|late|mid)[ -](?P<month>{'|'.join(MONTHS)})\b"
)
_SEASON = re.compile(
    r"\b(?:last|this|back in the|back in|in the|since the|over the|during the|early|late) (?P<season>spring|summer|"
    r"autumn|fall|"
    r"winter)\b"
)
_SEASONS = {
    "winter": (11, 0, 1, 2),
    "spring": (2, 3, 4, 5),
    "summer": (5, 6, 7, 8),
    "autumn": (8, 9, 10, 11),
    "fall": (8, 9, 10),
}
_DATED = re.compile(
    r"\b(?:raise[ds]?|raising|closed|round|series [a-h]|funding|seed|[a-h] round|joined|started|appointed|hired|open "
    r"since|posted|"
    r"listed|laid off|lay-?offs?|promoted|came on board|have been open|been open)\b"
)
_AGED = re.compile(r"\b20\d\d-(\d\d)\b")
_ROLE = r"(?:roles?|positions?|openings?|vacanc(?:y|ies)|postings?|posts|seats|hiring)"
_GREW = re.compile(
    rf"\b(?P<by>doubl|tripl|trebl|quadrupl)(?:ed|ing)\b|\b(?:twice|three times|four times) as many (?:\w+ )?{_ROLE}\b"
)
_TIMES = {"doubl": 2.0, "tripl": 3.0, "trebl": 3.0, "quadrupl": 4.0}
_FROM_TO = re.compile(rf"\bfrom ({NUMBER}) (?:\w+ ){{0,3}}?to ({NUMBER})\b")
_ROLE_SAID = re.compile(rf"\b{_ROLE}\b")
_UNIT = "|".join(
    sorted((word for word in WORDS if word.isalpha() and word not in {"no", "both", "zero"}), key=len, reverse=True)
)
_SPELLED = re.compile(
    rf"\b(?P<n>\d{{1,3}}(?:\.\d)?|(?:{_UNIT})(?:-(?:{_UNIT}))?)(?P<half>[- ]and[- ]a[- ]half)?[- ](?P<scale>million|"
    rf"billion)\b"
)
_ABOUT_MONEY = re.compile(
    r"\b(?:rais\w+|round|series|seed|funding|valuation|closed|capital|invest\w+|congrat\w*|fund(?:ed|ing)?|dollars?|"
    r"euros?)\b"
)
_LETTER = re.compile(r"\b(?:series[- ])?([a-h])[- ](?:round|series|raise)\b")
_BACKED = re.compile(
    r"\b(?:[Ww]ith|[Ff]rom|[Bb]y|[Nn]ow that) (?P<after>[A-Z][\w&-]{2,30}(?: [A-Z][\w&-]{1,30})?)(?:'s)? (?:is |now "
    r")?(?:on board|behind "
    r"you|as (?:an? |your |the )?(?:new |lead )?(?:investor|backer)|on your (?:board|cap table)|leading|in the round|"
    r"money)\b"
)
# The verb first and the name before it after: a search that began at every capital letter took a tenth of all rules.
_LED = re.compile(r" (?:led|backed|co-led|put money into|invested in) (?:your|the|you)\b")
_LEADER = re.compile(r"\b(?P<led>[A-Z][\w&-]{2,30}(?: [A-Z][\w&-]{1,30})?)$")
_METRIC = at_words(
    r"\b(?:you|your \w+|company)(?:'ve| have| has)? (?:just |recently |more than |almost |nearly )?(?:doubled|"
    r"tripled|grew|grown|"
    r"increased|raised|cut|halved) (?:your |its |the )?(?P<verb>revenue|turnover|sales|profits?|arr|traffic|user "
    r"base|customer base|"
    r"market share|valuation|output)\b"
    r"|\b(?:your |the )?(?P<noun>revenue|turnover|sales|profits?|arr|traffic|churn|attrition|market share|"
    r"valuation)(?: at [\w ]{1,20}|"
    r" has| have| is| are| was)? (?:doubled|tripled|grew|grown|rose|risen|fell|fallen|dropped|up|down|jumped|hit|"
    r"reached|passed)\b"
)
_DID = at_words(
    r"\b(?:you|your (?:team|company|firm))(?:'ve| have| has| had)? (?:just |recently |also |already "
    r")?(?:(?P<did>launched|acquired|bought|won|"
    r"merged|rebranded|relocated|released|shipped|rolled out|went public|floated)|(?P<opened>opened) (?:a|"
    r"an|your|the) (?:\w+ )?"
    r"(?:office|hub|site|store|branch|warehouse|factory|plant|lab))\b"
    r"|\bhaving (?:just |recently )?(?P<having>launched|acquired|bought|won|merged|opened|released|shipped|moved|"
    r"gone public)\b"
    r"|\b(?:with|after|since|following|now that) (?:the|your) (?:recent |new )?(?P<noun>ipo|merger|acquisition|"
    r"takeover|flotation|"
    r"rebrand|relocation|listing)\b"
    r"|\byou (?:lost|cut|shed|slashed|let go of?|dropped)\b[^.?!]{0,20}\bof your (?P<cut>staff|team|workforce|people|"
    r"headcount|engineers)\b"
)
_CUT_KNOWN = re.compile(r"lay-?off|laid off|restruct|reduc|cut|redundan|downsiz|headcount|let go")
_PLACES = re.compile(
    rf"(?<![\w$€£.,])({NUMBER})\+? (?:\w+ )?(countries|cities|markets|continents|offices|branches|warehouses|"
    rf"factories|hubs|"
    r"depots|sites)\b"
)
_CROWD = re.compile(
    r"\b(?:(?:half )?an? (?:half )?|(?:one|two|three|four|five|several|\d{1,3}(?:\.\d)?) )(?:million|billion|hundred "
    r"thousand)s?(?: of)? "
    r"(?:\w+ )?(?:users|customers|subscribers|downloads|orders|members|patients|merchants|drivers|parcels|shipments|"
    r"people|players)\b"
)
_HIRED = re.compile(
    rf"\byou(?:'ve|'re| have| are)? (?:just |recently |also |currently )?(?:hired|hiring|recruited|recruiting|added|"
    rf"looking)(?: for)? "
    rf"(?:about |around |roughly |over |nearly |almost |another )?({NUMBER}) (?:\w+ ){{0,3}}?(?:seats|people|"
    rf"engineers|developers|hires|"
    r"spots|heads|staff|specialists)\b"
)
_QUOTED = re.compile(
    rf"\byou(?:'ve| have)? (?:wrote|said|mentioned|told us|told me|noted)\b[^.?!,;]{{0,30}}? ({NUMBER}) (?!(?:days|"
    rf"weeks|months|hours|"
    rf"years|minutes|ways|things|points|questions)\b)[a-z]{{3,15}}s\b"
)
_AREA_ROLES = re.compile(
    r"\b(back-?end|front-?end|data|mobile|platform|security|devops|embedded|ml|qa|infrastructure) (?:\w+ )?(?:roles|"
    r"positions|openings|"
    r"vacancies|posts)\b"
)
_TITLE_WORDS = word_set("cto ceo cfo coo cpo cmo chief vp svp vice head director")
_GREW_WORDS = word_set("doubled tripled trebled quadrupled doubling tripling twice times from")
_DATE_WORDS = frozenset(MONTHS) - {"may"} | frozenset(_SEASONS)
_SUM_WORDS = word_set("million billion round series raise")
_DID_WORDS = word_set(
    "launched acquired bought won merged rebranded relocated released shipped rolled public floated opened having "
    "ipo merger acquisition takeover flotation rebrand relocation listing lost cut shed slashed dropped let doubled "
    "tripled "
    "grew grown increased revenue turnover sales profit profits arr traffic churn attrition share valuation"
)
_PLACE_WORDS = word_set("countries cities markets continents offices branches warehouses factories hubs depots sites")
_HIRED_WORDS = word_set("hired hiring recruited recruiting added looking")
_QUOTED_WORDS = word_set("wrote said mentioned told noted")
_ROLE_WORDS = word_set("roles positions openings vacancies posts postings seats hiring")
_CROWD_WORDS = word_set("million millions billion thousand")


def claimed(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """Each claim that the context contradicts, or does not hold where only it could."""
    if not facts.has_signals:
        return
    for words, check in _CHECKS:
        if not reading.words.isdisjoint(words):
            yield from check(reading, facts)


def _titled(match: re.Match[str]) -> str:
    chief = match.group("chief")
    return match.group("short") or (_CHIEF[chief] if chief else match.group("of") or match.group("director"))


def _persons(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """A person of the context under another title."""
    for name in dict.fromkeys(_PERSON.findall(reading.body.text[: reading.core[1]])):
        known = name.lower()
        if known not in facts.text:
            continue
        near = [part for part in re.split(r"[.;\n]", facts.text) if known in part]
        titles = {_titled(found) for part in near for found in _TITLE.finditer(part)}
        for sentence in reading.sentences:
            title = _TITLE.search(sentence.text) if titles and known in sentence.text else None
            if (
                title
                and _titled(title) not in titles
                and not sentence.asks
                and not denied_before(sentence.text, title.start())
            ):
                detail = "The draft gives a person another title than the context."
                yield Hit("grounding.event_absent", detail, (sentence.at(title),))


def _months(text: str) -> set[int]:
    found = {index for index, month in enumerate(MONTHS) if re.search(rf"\b{month[:3]}(?:{month[3:]}|t)?\b", text)}
    return found | {int(month) - 1 for month in _AGED.findall(text)}


def _dates(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """A month or a season of an event, where the context dates its events and none of them then."""
    known: set[int] | None = None
    if not (_MONTH_SAID.search(reading.joined) or _SEASON.search(reading.joined)):
        return
    people = [
        name.lower() for name in _PERSON.findall(reading.body.text[: reading.core[1]]) if name.lower() in facts.text
    ]
    for sentence in reading.sentences:
        text = sentence.text
        match = _MONTH_SAID.search(text) or _SEASON.search(text)
        if match is None or sentence.asks or not (_DATED.search(text) or any(name in text for name in people)):
            continue
        known = _months(facts.all_text) if known is None else known
        month = match.groupdict().get("month")
        then = {MONTHS.index(month)} if month else set(_SEASONS[match.group("season")])
        if month is None and match.group("season") in facts.all_text:
            continue
        if known and not known & then and not denied_before(text, match.start()):
            yield Hit("grounding.date", "The draft dates an event otherwise than the context.", (sentence.at(match),))


def _growth(reading: Reading, facts: Facts) -> Iterator[Hit]:
    if reading.words.isdisjoint(_ROLE_WORDS):
        return
    now = facts.open_roles
    for sentence, match in reading.hits(_GREW):
        by = _TIMES.get(match.group("by") or "", 2.0 if match.group().startswith("twice") else 3.0)
        if now is None or not _ROLE_SAID.search(sentence.text) or hedged(sentence.text):
            continue
        if not any(0.85 * by <= now / other < 1.4 * by for other in facts.numbers if 0 < other < now):
            detail = "The draft gives the open roles another growth than the context."
            yield Hit("grounding.count", detail, (sentence.at(match),))
    for sentence, match in reading.hits(_FROM_TO):
        numbers = {value_of(match.group(1)), value_of(match.group(2))} - {None}
        if now is not None and _ROLE_SAID.search(sentence.text) and not sentence.asks and not numbers <= facts.numbers:
            yield Hit("grounding.count", "The draft counts other roles than the context.", (sentence.at(match),))


def _sums(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """A sum in words beside talk of funding, and a round named by its letter alone."""
    for sentence, match in reading.hits(_SPELLED):
        text = sentence.text
        if not _ABOUT_MONEY.search(text) or denied_before(text, match.start()):
            continue
        amount = _spelled(match)
        # Words round more than digits do: "around two million" may be 2.1.
        known_sums = (*facts.amounts, *(_spelled(found) for found in _SPELLED.finditer(facts.all_text)))
        if amount and facts.amounts and not any(abs(amount - known) <= 0.1 * known for known in known_sums):
            yield Hit(
                "grounding.amount", "The draft states a sum that the context does not hold.", (sentence.at(match),)
            )
    for sentence, match in reading.hits(_LETTER):
        article = match.group(1) == "a" and not match.group().startswith("series")
        if article or not facts.rounds or match.group(1) in facts.rounds:
            continue
        if not denied_before(sentence.text, match.start()):
            detail = "The draft names a funding round that the context does not hold."
            yield Hit("grounding.round", detail, (sentence.at(match),))


def _spelled(match: re.Match[str]) -> float:
    stated = match.group("n")
    count = float(stated) if stated[0].isdigit() else float(value_of(stated) or 0)
    return (count + (0.5 if match.group("half") else 0)) * (1e9 if match.group("scale") == "billion" else 1e6)


def _backers(reading: Reading, facts: Facts) -> Iterator[Hit]:
    text = reading.body.text[: reading.core[1]]
    leaders = (_LEADER.search(text, max(0, verb.start() - 64), verb.start()) for verb in _LED.finditer(text))
    for match in (*_BACKED.finditer(text), *filter(None, leaders)):
        group = match.lastgroup or "led"
        words = re.findall(r"[\w-]+", match.group(group).lower())
        if not any(word in facts.all_text for word in words) and not {"who", "they", "that", "what", "she", "he"} & set(
            words
        ):
            detail = "The draft names a backer whom the context does not name."
            yield Hit("grounding.event_absent", detail, (("body", *match.span(group)),))


def _events(reading: Reading, facts: Facts) -> Iterator[Hit]:
    for pattern in (_DID, _METRIC):
        for sentence, match in reading.hits(pattern):
            said = match.group(match.lastgroup or 0)
            if match.groupdict().get("cut"):
                known = _CUT_KNOWN.search(facts.all_text) is not None or 2 in facts.segments
            else:
                known = said[:5] in facts.all_text
            if not known and not hedged(sentence.text) and not denied_before(sentence.text, match.start()):
                detail = "The draft asserts an event that the context does not mention."
                yield Hit("grounding.event_absent", detail, (sentence.at(match),))


def _places(reading: Reading, facts: Facts) -> Iterator[Hit]:
    for sentence, match in reading.hits(_PLACES):
        number = value_of(match.group(1))
        about_them = re.search(r"\byour?\b", sentence.text) and not re.search(r"\b(?:we|our|us)\b", sentence.text)
        if number and number > 1 and number not in facts.numbers and about_them and not hedged(sentence.text):
            yield Hit("grounding.count", "The draft counts what the context does not.", (sentence.at(match),))


def _crowds(reading: Reading, facts: Facts) -> Iterator[Hit]:
    for sentence, match in reading.hits(_CROWD):
        counted = re.search(r"million|billion|\d{6}|\d,\d{3}|\d ?[km]\b|thousand", facts.all_text)
        told = counted is not None and match.group().split()[-1] in facts.all_text
        if not told and re.search(r"\byour?\b", sentence.text) and not hedged(sentence.text):
            yield Hit("grounding.count", "The draft counts what the context does not.", (sentence.at(match),))


def _hires(reading: Reading, facts: Facts) -> Iterator[Hit]:
    for sentence, match in reading.hits(_HIRED):
        number = value_of(match.group(1))
        if number is not None and number not in facts.numbers and not hedged(sentence.text):
            yield Hit(
                "grounding.count", f"The draft counts {number} hires; the context does not.", (sentence.at(match),)
            )


def _quotes(reading: Reading, facts: Facts) -> Iterator[Hit]:
    for sentence, match in reading.hits(_QUOTED):
        number = value_of(match.group(1))
        if number is not None and number > 1 and number not in facts.numbers and not hedged(sentence.text):
            yield Hit(
                "grounding.count", f"The draft quotes a {number} that the context does not hold.", (sentence.at(match),)
            )


def _areas(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """Roles of another kind than those that the context counts."""
    stated = {found.replace("-", "") for found in _AREA_ROLES.findall(facts.text)}
    for sentence, match in reading.hits(_AREA_ROLES) if stated else ():
        area = match.group(1).replace("-", "")
        if area not in facts.all_text.replace("-", "") and not hedged(sentence.text):
            yield Hit("grounding.count", "The draft speaks of other roles than the context.", (sentence.at(match),))


_CHECKS = (
    (_TITLE_WORDS, _persons),
    (_DATE_WORDS, _dates),
    (_GREW_WORDS, _growth),
    (_SUM_WORDS, _sums),
    (word_set("led backed co-led invested board investor backer behind leading money"), _backers),
    (_DID_WORDS, _events),
    (_PLACE_WORDS, _places),
    (_CROWD_WORDS, _crowds),
    (_HIRED_WORDS, _hires),
    (_QUOTED_WORDS, _quotes),
    (_ROLE_WORDS, _areas),
)
