"""What the sender had from others, and a conversation that never was, in the words that people use for them.

"Your recruiter let slip", "we were told by your former lead", "a competitor of yours told us" pass on a confidence; "
""per
your request" and "great talking to you" answer mail that nobody sent. A public source (a talk, a post, a page) excuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import at_words, denied_before, word_set
from app.judge.rules.reading import Hit, Reading

_ROLE = (
    r"(?:ceo|cto|cfo|coo|co-?founder|founder|vp|board(?: member)?|head of \w+|manager|leads?|recruiter|developers?|"
    r"engineers?|colleagues?|employees?|investors?|directors?|assistant|people|hr|architect|designer|insider|contact|"
    r"partner|accountant|lawyer|staff|team mates?|teammates?|office|somebody|someone|backers?)"
)
_SAYS = (
    r"(?:told|says|said|tells|let slip|lets slip|let on|confided|admitted|confirmed|wrote|mentioned|complained|thinks|"
    r"hinted|leaked|whispered|revealed|shared|calls (?:it|the|your)|claims)"
)
_PARTY = r"(?:competitors?|rivals?|clients?|customers?|prospects?|firm|company|vendor|investors?|source)"
_HEARD = at_words(
    rf"\b(?:your|their) (?:former |ex-?|own |old |previous |\w+ )?(?:{_ROLE}|ex-?{_ROLE})(?: in \w+| \w+)?(?: has| "
    rf"have| had|"
    rf" also| just| privately| quietly| recently| once)* {_SAYS}\b"
    rf"|\b(?:told|informed|tipped off|briefed|assured) by (?:(?:your|a|an|the|one of|some)\b[^.?!]{{0,25}}?\b{_ROLE}\b|"
    rf"(?:a|another|one of) [^.?!]{{0,15}}\b{_PARTY}\b|someone|somebody)"
    rf"|\b(?:i|we)(?:'ve| have)? (?:\w+ )?(?:heard|hear|learnt|learned|gather|understand|know|found out|picked up|"
    rf"got wind)\b"
    rf"[^.?!]{{0,15}}? (?:from|through|via) (?:(?:one|some|two) of )?(?:your|another|a|an|the|someone|somebody)\b"
    rf"(?=(?: \w+){{0,3}}? (?:{_ROLE}|{_PARTY})\b)"
    rf"|\b(?:a|one|another|an)(?: of (?:your|our|the))? (?:\w+ )?(?:competitors?|rivals?|prospects?)\b(?: of (?:ours|"
    rf"yours|"
    rf"mine))?[^.?!]{{0,30}}?\b(?:told|confided|wrote to us|shared with us|asked us|is (?:quietly|secretly|about to|"
    rf"planning)|"
    rf"(?:he|she|they) told)\b"
    rf"|\b(?:a|one|another)(?: of our)? (?:\w+ )?(?:{_PARTY})\b[^.?!]{{0,40}}?\b(?:quietly|secretly|privately|is "
    rf"about to|are "
    rf"about to|is losing|lost its|will (?:drop|fire|leave)|preparing (?:layoffs|to)|bleeding)\b"
    rf"|\b(?:from|in|quoting|mix(?:ing|ed) up) (?:another|a different|a second) (?:thread|mail|e-?mail|chat|inbox|"
    rf"conversation)\b"
    r"|\blet (?:it )?slip\b|\b(?:i|we) asked around\b|\brumou?rs? (?:has it|says?|is|have it)\b|\bword (?:has it|is "
    r"that|on the "
    r"street)\b|\bthrough the grapevine\b|\ba little bird\b|\bbehind (?:closed doors|their back)\b"
    rf"|\b(?:our|my) (?:talks?|calls?|conversations?|work|exchange|chats?) with (?:your|a|another|one of your) "
    rf"(?:\w+ )?"
    rf"(?:competitors?|rivals?|{_ROLE})\b"
    rf"|\bas your (?:{_ROLE})(?: in \w+| \w+)? (?:\w+ )?(?:wrote|said|told|put it|mentioned|explained)\b"
    rf"|\bwe know from (?:a|another|one)(?: of our)? (?:{_PARTY})\b"
)
_HEARD_WORDS = word_set(
    "quoting told says said tells slip confided admitted confirmed wrote mentioned complained thinks hinted leaked "
    "whispered "
    "revealed   claims informed tipped briefed assured heard hear learnt learned gather   "
    " "
    " wind competitor competitors rival rivals prospect quietly secretly privately  losing preparing "
    " "
    " rumour rumor rumours rumors grapevine bird talks   bleeding"
)
_ROLES_SAID = re.compile(rf"\b{_ROLE}\b")
_KEPT = re.compile(
    r"\b(?:stays? with us|cannot|can't|could not|not (?:share|tell|repeat|pass)|never (?:share|repeat))\b"
)
_PUBLIC = re.compile(
    r"\b(?:page|posts?|posted|blog|podcast|talk|article|interview|site|website|release|report|adverts?|ads?|listings?|"
    r"careers|linkedin|conference|github|readme|changelog|keynote|webinar|newsletter|announce\w*|press|public\w*|stage|"
    r"panel|tweet\w*|video|news)\b"
)
_MAIL = (
    r"(?:questions?|request|enquiry|inquiry|mail|e-?mail|message|note|letter|call|visit|ask|reply|comments?|feedback)"
)
_ANSWERED = at_words(
    rf"\b(?:following(?: up)?(?: on)?|further to|in (?:response|answer|reply|reference) to|regarding|as per|per|with "
    rf"(?:reference|"
    rf"regard) to|referring to|re|returning to|back to|on|about|answering) your (?:\w+ )?{_MAIL}\b"
    r"|\bthank(?:s| you)(?: \w+){0,2} for (?:sending|writing|calling|asking|coming back|the (?:\w+ )?(?:call|chat|"
    r"spec|brief|"
    r"note|intro|details|meeting|conversation|mail|message|document|documents|list|update|reply|question)|sharing "
    r"(?:it|this|"
    r"that|the)|your (?:\w+ )?(?:mail|question|call|feedback|thoughts|quick|kind|answer|questions))\b"
    r"|\b(?:good|great|nice|lovely|pleasure|wonderful|enjoyed|delighted)(?: to have)?(?: to)? (?:talking|speaking|"
    r"chatting|"
    r"meeting|seeing|catching up|hear(?:ing)? (?:from you|back)|(?:spoken|talked|met))\b"
    r"|\b(?:when|since|as|after|where|last time) we (?:last )?(?:met|spoke|talked|chatted|caught up)\b"
    r"|\bas (?:you )?(?:asked|requested|wished)\b|\bas (?:we|i) (?:agreed|promised|said|mentioned|told you|discussed|"
    r"explained|wrote)\b"
    r"|\bsince you (?:wrote|asked|said|told|mentioned)\b"
    r"|\byou (?:asked|told|requested|replied|promised) (?:me|us)?\b"
    r"|\byou (?:said|wrote|mentioned|noted|explained|let me know|confirmed)\b(?! (?:on|in|at|to (?:your|the|all)) )"
    r"|\b(?:our|the) (?:recent |last |first |earlier )?(?:call|conversation|chat|meeting|discussion|exchange) "
    r"(?:last|on|of|"
    r"yesterday|this|we had)\b"
    r"|\bi (?:promised|owe) you\b|\bas (?:promised|agreed|requested|discussed)\b"
)
_ANSWERED_WORDS = word_set(
    "following further response answer reply reference regarding per referring re returning thanks thank talking "
    "speaking "
    "chatting meeting seeing catching hear hearing spoken talked met spoke chatted caught asked requested wished "
    "agreed promised "
    "said mentioned told discussed explained wrote replied noted confirmed     "
    "exchange owe "
    "answering  "
)
_SAID_BY_YOU = re.compile(
    r"\b(?:you (?:\w+ )?(?:told|wrote|mentioned|said|asked|noted|explained|named|complained)|your (?:last |latest |"
    r"first )?(?:mail|"
    r"e-?mail|message|note|reply))\b"
)
_SAID_WORDS = word_set(
    "told wrote mentioned said asked noted explained named complained mail email e-mail message note reply"
)
_PROPER = re.compile(
    r"(?<=[\w,:] )(?!(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri)[a-z]*\b)[A-Z][\w+#.&-]{2,}"
)
_COUNTED = re.compile(rf"(?<![\w.,$€£])({NUMBER})(?= [a-z])")
_SENT = re.compile(
    r"\bthank(?:s| you)(?: \w+){0,2} for (?:sending|sharing|forwarding|the|your)(?: me| us)?(?: over| across| "
    r"through)? ?(?:the|your|"
    r"a|that)? ?(?:\w+ )?(?P<thing>specs?|specification|brief|deck|slides|list|cv|diagram|repo|repository|requirements|"
    r"documents?|contract|draft|invite|screenshots?|video|link|files?)\b"
)


def passed_on(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """What somebody said to the sender alone."""
    if reading.words.isdisjoint(_HEARD_WORDS):
        return
    for sentence, match in reading.hits(_HEARD):
        text = sentence.text
        if _PUBLIC.search(text) or _KEPT.search(text) or denied_before(text, match.start()):
            continue
        roles = _ROLES_SAID.findall(match.group())
        if roles and any(role in facts.all_text for role in roles):
            continue  # the context speaks of that person, and so may the draft
        if sentence.asks:
            continue
        yield Hit(
            "thread.leak", "The draft repeats what someone else said in another conversation.", (sentence.at(match),)
        )


def never_said(reading: Reading, facts: Facts) -> Iterator[Hit]:
    """An answer to mail that never came, or words that the prospect did not write."""
    silent = facts.cold and not facts.context.prior_thread and not facts.prospect_text
    if silent and not reading.words.isdisjoint(_ANSWERED_WORDS):
        known = re.search(
            r"\b(?:thread|reply|replied|message|conversation|email|event|met|call|says?|said|quoted?|podcast|interview|talk|"
            r"webinar|keynote|bio|profile)\b",
            facts.text,
        )
        for sentence, match in reading.hits(_ANSWERED):
            if known or sentence.field == "subject" or sentence.asks or _PUBLIC.search(sentence.text):
                continue
            if not denied_before(sentence.text, match.start()) and not re.search(
                r"\bif\b", sentence.text[: match.start()]
            ):
                detail = "The draft answers a conversation that the context does not hold."
                yield Hit("thread.invented", detail, (sentence.at(match),))
    if not facts.prospect_text or reading.words.isdisjoint(_SAID_WORDS | {"thanks", "thank"}):
        return
    for sentence, match in reading.hits(_SENT):
        if match.group("thing")[:4] not in facts.all_text and not denied_before(sentence.text, match.start()):
            yield Hit("thread.invented", "The draft thanks for something that was not sent.", (sentence.at(match),))
    for sentence, match in reading.hits(_SAID_BY_YOU):
        text = sentence.text
        if sentence.field == "subject" or sentence.asks or _PUBLIC.search(text) or denied_before(text, len(text)):
            continue
        if not re.match(
            r"[^,;:.]{0,40}?\b(?:that|about|nine|\w+ is|are|need|want|have)\b|[^.]{0,5}", text[match.end() :]
        ):
            continue
        source = reading.body.text[sentence.start + match.end() : sentence.start + len(text)]
        source = re.split(r"[;:]| - |, (?:and|but|so|which|here|we|i|our|the)\b", source)[0]
        strange = [word for word in _PROPER.findall(source) if word.lower().strip(".") not in facts.all_text]
        numbers = [value_of(found) for found in _COUNTED.findall(source.lower())]
        counts = match.group().startswith("you ")
        if strange or any(
            counts and number is not None and number > 1 and number not in facts.numbers for number in numbers
        ):
            detail = "The draft gives the prospect words that the thread does not hold."
            yield Hit("thread.invented", detail, (sentence.at(match),))
