"""Thread: nothing of another conversation, company or person may stand in the draft."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.hearsay import never_said, passed_on
from app.judge.rules.phrasing import at_words, denied_before, word_set
from app.judge.rules.reading import FieldName, Hit, Reading
from app.judge.rules.stack_words import STACK_WORDS
from app.judge.rules.strangers import strange_companies

_GREETED = re.compile(
    r"\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))[ ,]+(?:dr\.? |mr\.? |ms\.? |mrs\.? |"
    r"prof\.? )?([a-z][\w'-]{1,30})(?: ([a-z][\w'-]{1,30}))?\s?[,!:.\n-]"
)
_NO_NAME = word_set(
    "dr mr ms mrs prof lt col sir there team all everyone folks sir madam friend friends both again and the "
    "ma mam maam cto ceo vp engineering hiring founder founders manager head director lead leader"
)
_AT_COMPANY = re.compile(
    r"(?:\b(?:help|support|congratulations to|for|at|about|like|with|noticed|saw|that|with|"
    r"and)\s)(?P<name>[A-Z][\w&.-]{2,30}(?:\s(?:[A-Z][\w&.-]{1,30})){0,2})(?='s (?:recent|growth|team|"
    r"engineering|hiring|funding|roadmap|series|new)|\s(?:recently|has|is|just|raised|have) )"
)
# A company that the reader is said to be part of: "six roles are open at <name>", "glad to have you at <name>".
_READER_AT = re.compile(
    r"\b(?:you|[Yy]our (?:team|role|roles|engineers|plans|work|time|start)|team|everyone|[Rr]oles?|"
    r"[Oo]penings?|[Pp]ositions?|[Vv]acancies|"
    r"[Ll]ife|[Hh]iring|[Gg]rowth|CTO|CEO|Engineering)(?: (?:are|is|all|open|listed|now|currently))* at "
    r"(?P<name>[A-Z][\w&-]{2,30}(?: [A-Z][\w&-]{1,30}){0,2})"
)
_FIRM = r"(?P<name>[A-Z][\w&-]{2,30}(?: (?:& )?[A-Z][\w&-]{1,30}){0,2})"
# What the sender has with a company: mail, talks, a proposal, a team, its plans. In a draft to someone else it is
# a leak or a mix-up.
_DEALT_WITH = at_words(
    rf"\b(?:(?:[Ww]rote|[Ss]poke|[Tt]alked|[Pp]romised|[Ee]xplained|[Ss]ent|[Tt]old|[Pp]resented|[Mm]entioned|"
    rf"[Ww]rite) (?:\w+ )?(?:to|with) "
    rf"|[Tt]old |(?:[Pp]roposal|[Oo]ffer|[Qq]uote|[Nn]otes|[Dd]raft|[Ss]cope|[Ee]stimate|[Pp]lan) for "
    rf"|(?:[Rr]egards|[Gg]reetings|[Hh]ello|[Ww]elcome) to (?:everyone at |the (?:rest of the )?)|[Rr]est of the "
    rf"|[Dd]ear (?=\S{3, 30}(?: \S{2, 30})? team\b)"
    rf"|(?:the|The|your|Your|our|those|their) (?:\w+ )?(?:engineers|people|team|colleagues|plans|roadmap|release|"
    rf"releases|outage|staff|developers|hiring|"
    rf"situation|migration|launch|project|leadership|board) (?:at|from|of|over at) )"
    rf"{_FIRM}"
    rf"|\b(?:[Ff]or) (?P<prepared>[A-Z][\w&-]{{2,30}}(?: (?:& )?[A-Z][\w&-]{{1,30}}){{0,2}}),? we (?:have|had|"
    rf"\w+ed)\b"
    rf"|\b(?P<deals>[A-Z][\w&-]{{2,30}}(?: (?:& )?[A-Z][\w&-]{{1,30}}){{0,2}}) (?:has |have |had |also |just "
    rf"){{0,2}}(?:asked (?:us|me)|told (?:us|me)|"
    rf"sent (?:us|me)|shared with (?:us|me)|approached us|hired us|pays (?:its|their)|has its|handles its|is "
    rf"reviewing its|wants to move|"
    rf"raised, |would decide|needs a (?:second|new|team)|chose us|signed with us|is (?:now )?a client)"
)
# Words that open a sentence in capitals and are no firm.
_NO_FIRM = word_set(
    "all also another anyone april august both colleagues december each engineers everybody everyone february few "
    "friends hiring january july june just kindly madam many march may most next nobody nothing november october "
    "one others people please production reader readers september several she sir sirs somebody someone team "
    "teams that there they this what who whoever you "
)
_CONFIDED = re.compile(
    r"\b(?P<name>[A-Z][\w&-]{2,30}(?: [A-Z][\w&-]{2,30}){1,2}) (?:(?:has|have|just|recently) )?(?:told|"
    r"confided (?:in|to)|assured|informed) "
    r"(?:us|me)\b"
)
_SECRET = re.compile(
    r"\b(?:between (?:us|you and me|ourselves)\s?[,:]|off the record|in (?:strict )?confidence\b(?!-)|"
    r"confidentially|not (?:yet )?public yet|"
    r"please keep (?:this|that|it) (?:to yourself|quiet)|don't (?:quote (?:me|us|them|"
    r"him|her|this|that|it)\b|tell anyone))"
)
# "How that ends is not public yet": what the sender does not know either is no confidence.
_UNKNOWN = re.compile(r"(?:how|whether|when|what|who|which)\b[^?]*$")
_OTHER_PARTY = re.compile(
    r"\b(?:(?:your|the) (?:ceo|cto|cfo|co-?founder|founder|vp(?: of)?(?: engineering| eng)?|colleague|board|"
    r"head of \w+|manager|other \w+)(?:,? \w+)? (?:mentioned|said|told|shared|asked|noted|was|is (?:looking|"
    r"planning|concerned|discussing)|has (?:concerns|said|mentioned))|"
    r"(?:i|we) (?:heard|learned|understand|know|gather) from (?:your|the|another|a|our other) (?:\w+ "
    r"){0,2}?(?:ceo|cto|cfo|co-?founder|founder|vp|board|"
    r"head|manager|colleague|team|client|customer|company|firm|investor|competitor|contact|friend|source|"
    r"conversation|thread|call|chat|prospect)s?\b|(?:in|from) (?:another|"
    r"a separate|a different|the other|our other) (?:thread|conversation|chat|discussion)|as (?:discussed|"
    r"mentioned) with your (?!team\b)\w+|(?:spoke|talked|chatting|speaking|in touch) with your (?:ceo|cto|cfo|"
    r"co-?founder|founder|colleague|vp|head|board))\b"
)
_INVENTED = at_words(
    r"\bthanks? (?:you )?for (?:getting back|your (?:reply|response|interest|message|note|e-?mail|time (?:on|"
    r"during))|responding|replying)|\bas (?:we )?(?:discussed|agreed|promised)\b|"
    r"\b(?:our|the) (?:last|previous|recent|earlier) (?:call|conversation|chat|meeting|discussion)\b|"
    r"\bper our (?:call|conversation|discussion)\b|\bglad to hear (?:that|back)\b"
)
_LEAK_KEY = re.compile(
    r"\b(?:thread|other active|leak|cofounder|co-founder|ceo|founder|exit|equity|ma context|acquisition talks|"
    r"confidential|internal|private)\b"
)
_ID_KEY = re.compile(r"\bid$|\bthread id\b|other active thread$|recipient|severity|risk")
_TO_US = re.compile(
    r"\b(?:told|shared with|confided in|mentioned to|said to) (?:us|me)\b|\b(?:another|separate) (?:thread|chat|call)"
)
_IN_PUBLIC = re.compile(
    r"\b(?:podcast|radio|interview|newspaper|daily|paper|press|blog|post|report|release|statement|keynote|talk|panel|"
    r"conference|webinar|on stage|in public|publicly|on the record|earnings|announcement)\b"
)
_PARTY = re.compile(r"\b(?:ceo|cto|cfo|founder|board|colleague|head)\b")
_WORD = re.compile(r"\w+")
_SIGNATURE = re.compile(r"[A-Z][\w'-]{1,30}(?: [A-Z][\w'-]{1,30}){0,2}")
_STOP = word_set(
    "with from this that your they have wants company talks about discussion thread team currently looking"
)


class Thread:
    """Checks ``thread.*``."""

    def __init__(self, policy: Policy) -> None:
        self._vendor = frozenset({policy.vendor.name.lower(), *(alias.lower() for alias in policy.vendor.aliases)})

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._person(reading, facts)
        yield from self._company(reading, facts)
        if not set(_WORD.findall(facts.context.company_name.lower())) & _PLACEHOLDERS:
            yield from strange_companies(reading, facts, self._vendor)
        yield from self._leak(reading, facts)
        yield from passed_on(reading, facts)
        yield from never_said(reading, facts)

    def _person(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        greeted = _GREETED.match(reading.lower_body)
        contacts = facts.contact_names or _signed(facts)
        if not greeted or not contacts:
            return
        name = greeted.group(1)
        known = {part for contact in contacts for part in re.split(r"[\s'-]+", contact)}
        if (
            name in _NO_NAME
            or name in known
            or name.split("-")[0] in known
            or name in facts.context.company_name.lower()
        ):
            return
        if name in facts.prospect_text or any(name.startswith(part[:3]) for part in known if len(part) >= 3):
            return
        yield Hit(
            "thread.other_person",
            "The greeting names another person than the contact.",
            (("body", greeted.start(1), greeted.end(1)),),
        )

    def _company(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        own = set(_WORD.findall(facts.context.company_name.lower()))
        named = not own & _PLACEHOLDERS and " at " in reading.joined
        fields: tuple[tuple[FieldName, str], ...] = (("subject", reading.subject.text), ("body", reading.body.text))
        for field, source in fields:
            text = source[: reading.scan_chars]
            dealt = () if own & _PLACEHOLDERS else _DEALT_WITH.finditer(text)
            for match in (*_AT_COMPANY.finditer(text), *(_READER_AT.finditer(text) if named else ()), *dealt):
                group = match.lastgroup or "name"
                name = match.group(group).lower()
                words = set(_WORD.findall(name))
                if (
                    words & own
                    or words & _GENERIC
                    or words & _NO_FIRM
                    or words <= STACK_WORDS
                    or any(name in known for known in facts.contact_names)
                ):
                    continue
                if any(vendor in name or name in vendor for vendor in self._vendor):
                    continue
                if not all(word in facts.all_text for word in words):
                    detail = "The draft speaks of a company that the context does not know."
                    yield Hit("thread.other_company", detail, ((field, *match.span(group)),))

    def _confided(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """What another company said in confidence."""
        for sentence, match in reading.hits(_SECRET):
            if not denied_before(sentence.text, match.start()) and not _UNKNOWN.match(sentence.text.lstrip()):
                yield Hit("thread.leak", "The draft passes on a confidence.", (sentence.at(match),))
        if not (reading.words & {"told", "confided", "assured", "informed"}):
            return
        for match in _CONFIDED.finditer(reading.body.text[: reading.scan_chars]):
            if not all(word in facts.all_text for word in _WORD.findall(match.group("name").lower())):
                yield Hit("thread.leak", "The draft repeats what another company said.", (("body", *match.span()),))

    def _leak(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._confided(reading, facts)
        for sentence, match in reading.hits(_OTHER_PARTY):
            parties = _PARTY.findall(match.group())
            if any(part in facts.prospect_text for part in parties):
                continue
            # What a chief said in public, and the signal reports, is no other conversation.
            public = _IN_PUBLIC.search(sentence.text) or any(part in _signal(facts) for part in parties)
            if not public or _TO_US.search(sentence.text):
                detail = "The draft repeats what someone else said in another conversation."
                yield Hit("thread.leak", detail, (sentence.at(match),))
        if (
            facts.context.thread_stage == "cold_first_touch"
            and not facts.context.prior_thread
            and not facts.prospect_text
        ):
            known = re.search(r"\b(?:thread|reply|replied|message|conversation|email)\b", facts.text)
            for sentence, match in reading.hits(_INVENTED):
                if known or sentence.field == "subject" or denied_before(sentence.text, match.start()):
                    continue
                detail = "The draft answers a conversation that the context does not hold."
                yield Hit("thread.invented", detail, (sentence.at(match),))
        for key, value in facts.pairs:
            if not _LEAK_KEY.search(key) or _ID_KEY.search(key) or len(value) < 8:
                continue
            words = {w for w in re.findall(r"[a-z]{4,}|\d+%?", value) if w not in _STOP}
            shared = words & reading.words
            if (
                len(words) >= 2
                and len(shared) >= 2
                and len(shared) * 2 >= len(words)
                and not facts.context.prior_thread
            ):
                yield Hit("thread.leak", "The draft carries content of another conversation.")


_PLACEHOLDERS = word_set("unknown none null prospect company account test")
_GENERIC = word_set(
    "series ai ml cto ceo vp head engineering python java react node kubernetes team hi hello i we the our "
    "your monday tuesday wednesday thursday friday google aws azure llm devops data english africa ethiopia"
)


def _signal(facts: Facts) -> str:
    return facts.context.signal_brief.signal_line.lower()


def _signed(facts: Facts) -> tuple[str, ...]:
    """The name under the prospect's latest message, where no field of the context names the contact."""
    for message in reversed(facts.context.prior_thread):
        if message.role == "prospect":
            last = message.content.rstrip().rpartition("\n")
            found = _SIGNATURE.fullmatch(last[2].strip()) if last[1] else None
            return (found.group().lower(),) if found else ()
    return ()
