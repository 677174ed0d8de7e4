"""Weak signals that a draft tells as fact, in open wording: a second look where the set phrases found nothing.

The burden is reversed: on a low tier, or none, a sentence that repeats a particular of the signal (a sum, a round, a
share, a month, an age, a name) or tells its event of the reader must mark its doubt somewhere: in itself, or in the
sentence before or after where that speaks of the claim. Saying where one has read it is no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.context_fields import ROUND
from app.judge.rules.dates import MONTHS
from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import find_money
from app.judge.rules.open_dates import EVENT_WORDS, MONTH_WORDS, months_in
from app.judge.rules.phrasing import clauses, denied_before, hedged
from app.judge.rules.reading import Reading, Sentence

_PERCENT = re.compile(r"(\d{1,3})(?:\.\d{1,2})?\s?(?:%|percent\b|per cent\b|pc\b)")
_DAYS = re.compile(r"\b(\d{2,3})[ -]days?\b|\bday (\d{2,3})\b")
NAME = re.compile(r"\b[A-Z][a-z'-]{1,20} (?:[a-z]{2,3} )?[A-Z][a-z'-]{1,20}\b")
_MONEY_SIGN = re.compile(r"[$€£]|\d\s?(?:m|mn|k|bn|million|billion)\b|\bmillion\b")
# Doubt beyond what every rule takes for a hedge: hearsay, one's own belief, a source that may err.
_DOUBT = re.compile(
    r"\b(?:apparently|supposedly|allegedly|purported\w*|presumably|rumou?r\w*|word (?:is|has it|on the street)|"
    r"grapevine|hearsay|(?:i|we) (?:believe|think|gather|understand|take it|suppose|reckon|hear|heard|presume|have "
    r"it)(?! you for)|so (?:i|we) (?:hear|gather|am told|was told)|told (?:me|us)|i am told|i'm told|as far as|so "
    r"far as|unless|am i right|was it|is (?:it|this|that) (?:right|true|so|the case)|second[- ]hand|third[- ]hand|"
    r"(?:is|are|was|were|been) (?:said|reported|rumou?red|believed|thought|understood|supposed|mentioned)(?! by "
    r"you)|(?:said|reported|rumou?red|believed|thought|understood|supposed|claimed) to (?:have|be)|(?:one|a|an|some|"
    r"the|my|another|any|single|only) (?:[\w'-]+ ){0,3}?(?:reports?|articles?|listings?|databases?|sources?|"
    r"profiles?|items?|piece|blog|tweet|snippets?|chart|table|podcast|episode|column|thread|forum|comments?|tip|"
    r"filing|snapshot|cache|spreadsheet|acquaintance|friend|customer|recruiter|journalist|insider|contact of \w+|"
    r"aggregators?|trackers?|directory|rumou?rs?|headlines?|scraper|feed|forum|website|sites?|bulletin|"
    r"newsletter)\b(?! (?:is|was) (?:clear|firm|certain))|(?:one|a|an|some|single|lone|old|only) (?:[\w'-]+ "
    r")?(?:posts?|postings?|copy|line|comment|mention)|(?:(?<!as )if|whether|might|perhaps|maybe|probably|possibly|"
    r"conceivably|potentially|roughly speaking)|could (?:well )?(?:be|have)|can't swear|cannot swear|wouldn't swear|"
    r"would not swear|won't swear|not (?:been )?(?:able to )?(?:verif\w+|confirm\w*|check\w*|sure|certain)|no "
    r"(?:confirmation|proof|second source|idea)|haven't (?:verified|confirmed|checked|seen)|have not (?:verified|"
    r"confirmed|checked|seen)|sounds? (?:like|as)|stand to be corrected|stands? corrected|open to correction|"
    r"correct me|put me right|set me straight|(?:do|please|you can|just) tell me|tell me (?:if|whether|when|where|"
    r"so|otherwise)|thin (?:evidence|source|sourcing)|weak (?:signal|source|evidence)|unofficial\w*|so the (?:story|"
    r"rumou?r|report) goes|to my knowledge|by (?:one|some) accounts?|scuttlebutt|gossip|speculat\w+|claims?|"
    r"doubt\w*|questions?|ask\w*|hint\w*|impression|believe|assum\w+|grain of salt|pinch of salt|unsubstantiated|"
    r"supposing|provided|would (?:make|put)|errors?|to back it up|single record|misremember\w*|alleged|stor(?:y|"
    r"ies)|tells it|doing the rounds|half caught|'s word|swore|overheard|(?:like|want|rather|prefer) to hear|hear "
    r"(?:it |that )?from you|low confidence|tentative\w*|check (?:with|first)|confirm|somebody|someone|unnamed|"
    r"anonymous|citing|posted (?:something|about|that)|by that name|wrong|stops? at|(?:last|latest|newest) (?:\w+ "
    r"){0,2}?(?:i|that i|on record|published|listed)|only (?:know|knew|found|have|see|saw)|incomplete|public "
    r"(?:data|records?)|on record|is old|out of date|possible|untrue|old news|suggested|mistaken|no longer|nothing "
    r"(?:else|more|to go on|further|newer)|the figure (?:i|that i) (?:saw|read|found|have))\b|\?\)|^\W*(?:[\w'.-]+ "
    r"){1,3}(?:writes|wrote|reports|reported|says|said) (?:that|of|about)\b"
)
# A neighbour that takes the claim back or asks whether it holds; a hedge about another matter does not.
_AROUND = re.compile(
    r"^\W*(?:right|correct|true|yes|no|accurate|so)\?|\b(?:is|was|are|were|have i got|do i have|did i (?:get|read|"
    r"catch)|am i|would)(?: that|this|it|these|they|those|there)?[^.?!]{0,30}\b(?:right|correct|true|accurate|so|"
    r"current|still|up to date|anything (?:to|in|behind) it|you|settled|outdated)\b[^.!]{0,20}\?|\b(?:may|might|"
    r"could|can) (?:well )?(?:be|have|get|only guess)\b[^.?!]{0,30}\b(?:wrong|mistaken|off|out|outdated|mixed|"
    r"misread|stale|old|settled|inaccurate|confus\w+|that|it|you|guess|true|different)\b|\b(?:wrong|correct me|put "
    r"me right|unconfirmed|not confirmed|no (?:second source|other confirmation|confirmation)|not (?:sure|certain|"
    r"able to (?:verify|confirm))|can(?:not|'t) (?:verify|confirm|vouch|swear|say (?:if|whether|for))|(?:could not|"
    r"couldn't|haven't|have not) (?:verif\w+|confirm\w*)|if (?:that|this|it|so|not)(?:'s| is| has| was| holds)?\b|"
    r"whether (?:that|this|it|the \w+) (?:is|was|holds|stands)|you(?: will|'ll| would|'d) know|take (?:it|that|"
    r"this) with|one (?:source|mention|article|report)|only (?:source|evidence)|rumou?r\w*|hearsay|jokes?|may have "
    r"been|things get printed|not to be trusted|unreliable|whichever of you|old news|long settled|a guess|"
    r"guess(?:ing)?|no longer|second[- ]hand|misremember\w*|didn't ask|did not ask|half caught|how (?:he|she|they) "
    r"knew|not yours|stress)\b"
)
# The event told of the reader without a particular: "you let people go", "your new technical head arrived".
_TOLD = {
    "layoff": re.compile(
        r"\b(?:you|[\w&'.-]+|company|team|they) (?:have |has |had |'ve |just |recently )*(?:laid off|let (?:\w+ "
        r"){1,6}?go|cut (?:back|jobs|staff|roles|\w+ (?:jobs|roles|people|positions))|shed|axed|parted with|made "
        r"(?:\w+ ){1,4}?redundant|shrank|shrunk|downsized|restructured|slimmed down|lost (?:\w+ ){0,3}?(?:people|"
        r"staff|engineers|colleagues|jobs|roles|of (?:your|its|the)))\b|\b(?:your|the|this|that) (?:\w+ "
        r"){0,2}?(?:lay-?offs?|restructuring|redundancies|job cuts|downsizing|reduction in (?:force|staff|"
        r"headcount))\b"
    ),
    "funding": re.compile(
        r"\b(?:you|you've|company) (?:have |has |had |just |recently |successfully )*(?:raised|closed|secured|"
        r"landed|banked|pulled in|brought in|picked up|took (?:on|in)|completed)\b[^.?!]{0,60}?\b(?:round|series|"
        r"seed|funding|capital|million|money|investment|raise)\b|\byour (?:\w+ ){0,3}?(?:raise|funding|round|"
        r"fundraise|series [a-h]|seed)\b"
    ),
    "leader": re.compile(
        r"\b(?:your|the) new (?:\w+ ){0,2}?(?:cto|vp|chief|head|leader|technical (?:lead|head|director)|director)\b|"
        r"\b(?:you|you've|company) (?:have |has |just |recently )*(?:hired|appointed|named|brought in|installed|"
        r"recruited|landed|got) (?:\w+ ){0,3}?(?:cto|vp|chief|head of|leader|director|technical)\b|\b(?:since|now "
        r"that|when) you (?:joined|started|took|became|arrived|stepped)\b"
    ),
}
# Beside a month that the signal gives, these words tell its event.
_DATED = {
    "layoff": EVENT_WORDS["layoff"],
    "funding": EVENT_WORDS["funding"],
    "leader": re.compile(r"\b(?:cto|vp|chief|head of|leader|director|appointment|in charge)\b"),
    "gap": re.compile(
        r"\b(?:unfilled|empty|vacan\w+|stood|nobody|no one|without an?|still (?:open|missing)|missing|never (?:been "
        r")?filled|unstaffed|since)\b"
    ),
}
_OFFER = re.compile(
    r"\b(?:may i|might i|could (?:we|i)|can (?:we|i)|shall (?:we|i)|would (?:it|you|a|an)|should (?:we|i)|(?:may|"
    r"might|could|would|can) be (?:of )?(?:use\w*|interest\w*|help\w*|worth|handy|welcome|timely|a (?:good|natural)|"
    r"some)|(?:we|i)(?:'d|'ll| would| could| can| will| might| may)? (?:like|love|offer|suggest|propose|help|send|"
    r"show|gladly|be glad|be happy|put|take|bring|lend|do|run|look)|(?:worth|interested in|open to) (?:a|an|"
    r"\w+ing))\b"
)
_OWN = re.compile(
    r"\b(?:can|could|able to|ready to) (?:join|start|begin)\b|\blead time\b|\bavailable\b|\b(?:our (?:clients?|"
    r"customers?|teams?|engineers?|own)|clients of ours|we (?:raised|closed|hired))\b"
)


_WHETHER = re.compile(r"\b(?:ask|know|hear|learn) (?:if|whether)\b|\btell me (?:if|whether)\b")
# A month that dates what was published dates no event.
_MONTH = f"(?:{'|'.join(MONTHS)})"
_MONTHLY = re.compile(
    rf"\b{_MONTH}(?:'s|,?) (?:post|posts|talk|blog|letter|report|issue|release|notes|newsletter|article|interview|"
    r"keynote|webinar|edition)\b|\b(?:post|talk|blog|letter|report|issue|notes|newsletter|article|interview|paper|"
    rf"programme) (?:of|from|in) (?:\d{{1,2}} )?{_MONTH}\b"
)
_TITLE = re.compile(r"\b(?:chief|head|officer|vice|president|series|engineering|new|open|product|director)\b")


def told_flat(reading: Reading, facts: Facts) -> Iterator[Sentence]:
    """Sentences of the body that tell a weak signal as fact."""
    particulars, months = _particulars(reading, facts)
    kinds = [kind for kind in _TOLD if _happened(kind, facts)]
    dated = [kind for kind in _DATED if months and _DATED[kind].search(facts.text)]
    if not particulars and not kinds and not dated:
        return
    company = facts.context.company_name.lower()
    sentences = [sentence for sentence in reading.sentences if sentence.field == "body"]
    for place, sentence in enumerate(sentences):
        text = sentence.text.replace(company, "company") if company else sentence.text
        text = _MONTHLY.sub(" ", text)
        named = any(piece in text for piece in particulars) or (
            any(month in text for month in months) and any(_DATED[kind].search(text) for kind in dated)
        )
        found = None if named else next((m for kind in kinds if (m := _TOLD[kind].search(text))), None)
        if not (named or found) or _OWN.search(text):
            continue
        claim = _without_offer(text)
        if doubted(claim) or _WHETHER.search(text):
            continue
        if found and denied_before(text, found.start()):
            continue
        before = sentences[place - 1].text if place else ""
        after = sentences[place + 1].text if place + 1 < len(sentences) else ""
        joined = before.rstrip().endswith(";") and doubted(before)
        joined = joined or (text.rstrip().endswith(";") and doubted(after))
        if not (joined or _AROUND.search(after) or _AROUND.search(before)):
            yield sentence


def doubted(text: str) -> bool:
    """Whether a sentence marks what it tells as unsure, in any of the ways known here."""
    return hedged(text) or _DOUBT.search(text) is not None


def _without_offer(text: str) -> str:
    """The sentence without what it offers: "may I send a review?" casts no doubt on what stands before it."""
    parts = clauses(text)
    kept = [part for _, part in parts if not _OFFER.search(part)]
    if not kept or len(kept) == len(parts):
        return text
    return ", ".join(kept)


def _happened(kind: str, facts: Facts) -> bool:
    event = {"layoff": facts.layoff, "funding": facts.funding, "leader": facts.leader}[kind]
    return event.state is State.HAPPENED


def _particulars(reading: Reading, facts: Facts) -> tuple[frozenset[str], frozenset[str]]:
    """Pieces of the draft's own text that repeat a particular of the signal, and its months and names apart."""
    line, text, found = facts.text, reading.lower_body, set()
    months: set[str] = set()
    if "%" in text or "per" in text:
        shares = {match.group(1) for match in _PERCENT.finditer(line)}
        found |= {match.group() for match in _PERCENT.finditer(text) if match.group(1) in shares}
    if _MONEY_SIGN.search(text):
        sums = [money.amount for money in find_money(line)]
        for money in find_money(text):
            if any(abs(money.amount - known) <= 0.03 * known for known in sums):
                found.add(text[money.start : money.end])
    rounds = {match.group() for match in ROUND.finditer(line)}
    found |= {match.group() for match in ROUND.finditer(text) if match.group() in rounds}
    if "day" in text:
        days = {match.group(1) for match in _DAYS.finditer(line)}
        found |= {m.group() for m in _DAYS.finditer(text) if (m.group(1) or m.group(2)) in days}
    if not reading.words.isdisjoint(MONTH_WORDS):
        known = months_in(line)
        months = {word for word in reading.words & MONTH_WORDS if len(word) > 3 and months_in(word) & known}
    company = facts.context.company_name.lower()
    for match in NAME.finditer(facts.context.signal_brief.signal_line):
        name = match.group().lower()
        if name in text and name not in company and not _TITLE.search(name):
            months.add(name)
    said = facts.prospect_text
    return frozenset(one for one in found if one not in said), frozenset(one for one in months if one not in said)
