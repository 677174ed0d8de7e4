"""Sums for a piece of work in open wording: a second look, where the set phrases of pricing found nothing.

A round sum without a currency, in digits or words, is a total wherever nothing counts, denies or hands over, and where
the context does not hold it. A sum in a currency inside a public band is one when it stands for a piece of work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.disclaimed import disclaimed
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import CURRENCY, find_money, same_amount, value_of
from app.judge.rules.phrasing import at_words
from app.judge.rules.reading import Reading, Sentence

_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_TEENS = r"(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
_TENS = rf"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ]{_ONES})?)"
_SPOKEN = rf"(?:(?:an?|{_ONES}|couple of) hundred(?: and)?(?: (?:{_TENS}|{_TEENS}|{_ONES}))?|{_TENS}|{_TEENS}|{_ONES})"
_COIN = (
    r"(?:dollars?|euros?|pounds?|francs?|usd|eur|gbp|chf|sek|nok|dkk|pln|kronor|kroner|crowns?|zloty\w*|quid|bucks?|"
    r"net|netto|plus vat|sterling)"
)
_AFTER = (
    rf"(?=\s*(?:$|[.,;:!?)–€$£-]|{_COIN}\b|(?:for|all|in|to|and|at|if|over|per|tops|max|plus|or|altogether|together|"
    rf"with|"
    r"before|by|from|depending|give|up|would|will|is|should|gets?|covers?|buys?|does|on|flat|fixed|once|until|"
    r"through|including|inclusive|excluding|ex|so|start|end|soup|as|upfront|due|a (?:month|year|quarter|piece))\b))"
)
_BARE = at_words(
    rf"\b(?:{_SPOKEN}[- ](?:thousand|grand|k)|(?:half|a quarter of|a third of|three quarters of) a million|(?:low|"
    rf"mid|middle|high|upper)?[- ]?(?:five|six|seven)[- ]figures?(?: sum| number| amount)?|\d{{1,3}}(?:[.,]\d)?(?: "
    rf"?k| grand| thousand)|\d{{1,3}}[.,' ]\d{{3}}(?![\d.,%])|(?:an?|one|1) million(?! (?:dollars|euros|pounds))|"
    rf"(?:an?|{_ONES}) hundred[- ](?:thousand|grand|k))\b{_AFTER}"
)
_GLANCE = re.compile(r"\d[.,' ]\d{3}|\d ?k\b|thousand|million|grand\b|figures?\b| k\b|-k\b")
_COUNTED = re.compile(
    r"\b(?:users|customers|employees|people|staff|requests|records|lines|downloads|orders|rows|events|merchants|"
    r"stores|tickets|roles?|vacanc\w+|openings|messages|sessions|parcels|trucks|vehicles|shipments|hours|tests|"
    r"commits|devices|sensors|stars|subscribers|members|readers|visitors|reviews|tonnes?|km|miles|rps|qps|tps|"
    r"copies|schools|pharmacies|filers|households|accounts|titles|songs|flights|rooms|beds|students|teachers|"
    r"doctors|clinics|drivers|journeys|trips|transactions|payments (?:a|per)|queries|inhabitants|cities|countries|"
    r"years)\b"
)
_WORK = at_words(
    r"\b(?:phases?|stages?|discovery|assessment|audit|mvp|prototype|project|portal|rebuild|rewrite|migration|build|"
    r"app|integration|module|workshop|review|proof of concept|poc|pilot|release|version|milestone|redesign|port|"
    r"work|everything|whole|entire|complete|lot|engagement|scope|start to finish|end to end|soup to nuts|all[- ]in|"
    r"altogether|all told|in all|overall|flat|fixed|lump|one-off|sum|total\w*|bill of|invoice|come[s]? to|comes? "
    r"out|budget (?:about|around|roughly|for)|set (?:you|them) back|run you|amounts? to|add(?:s|ed)? up|multipl\w+|"
    r"(?:two|three|four|six|nine|twelve|eighteen|\d{1,2})[- ](?:weeks?|months?|years?|sprints?)|a year|the year|the "
    r"quarter|per (?:project|phase|sprint)|half-year|half a year|deposit|ballpark|estimate|quote|squad|through "
    r"(?:june|july|december|march|the))\b"
)
_RATE = re.compile(
    r"\b(?:per|an?|each|every|/) ?(?:month|mo|hour|hr|day|engineer|developer|person|head|seat)\b|/ ?(?:month|mo|"
    r"hour|hr|day)|\b(?:monthly|hourly|daily|rates?|bands?|range|ranges|published|public|price list|starts? (?:at|"
    r"from)|between|from (?:[$€£]|usd|eur|gbp)|page|site)\b"
)
_PUT = re.compile(
    r"\b(?:costs?|costing|price\w*|charge|fee|pay|budget|looking at|call it|lands?|reckon|expect|figures?|ballpark|"
    r"about|around|roughly|somewhere|sits?|that's|it's|that'd|you'd|we'd|you would|we would|i'd|under|between|say|"
    r"stands|plus|less than|within|up to|north|south|shy|shade)\b"
)
_TIMES = re.compile(
    r"\b(?:(?:for|over|times|across|x|by) (?:the (?:first |full |whole )?)?(?:\d{1,2}|two|three|four|five|six|nine|"
    r"twelve|eighteen|a) (?:months?|weeks?|years?|quarters?|sprints?)|multipl\w+|makes|equals|adds? up|comes to|in "
    r"all|altogether|in total)\b"
)


def totals(reading: Reading, facts: Facts, bands: tuple[str, ...]) -> Iterator[tuple[Sentence, int, int]]:
    """Sums that stand for a piece of work, with their places in the sentence; ``bands`` are the public bands' names."""
    if _GLANCE.search(reading.lower_body) is None and CURRENCY.search(reading.lower_body) is None:
        return
    for sentence in reading.sentences:
        text = sentence.text[:600]
        if sentence.field != "body" or (_GLANCE.search(text) is None and CURRENCY.search(text) is None):
            continue
        if (
            disclaimed(text)
            or _COUNTED.search(text)
            or any(all(word in text for word in name.split()) for name in bands)
        ):
            continue
        priced = CURRENCY.search(text) is not None and any(money.marked for money in find_money(text))
        if priced:
            yield from _in_a_currency(sentence, text, facts)
            continue
        bare = _BARE.search(text)
        if bare and not _known(bare.group(), facts) and (_WORK.search(text) or _PUT.search(text)):
            yield sentence, *bare.span()


def _known(stated: str, facts: Facts) -> bool:
    """Whether the context holds the sum, in these words or as a number."""
    if stated in facts.all_text:
        return True
    digits = re.match(r"(\d{1,3}(?:[.,' ]\d{3})|\d{1,3})", stated)
    if digits is None:
        spoken = value_of(re.sub(r"[- ](?:thousand|grand|k)$", "", stated))
        return spoken is not None and any(same_amount(spoken * 1_000, amount) for amount in facts.amounts)
    value = float(re.sub(r"\D", "", digits.group()))
    value = value if value >= 1_000 else value * 1_000
    return value in facts.numbers or any(same_amount(value, amount) for amount in facts.amounts)


def _in_a_currency(sentence: Sentence, text: str, facts: Facts) -> Iterator[tuple[Sentence, int, int]]:
    """Sums with a currency beside a word for a piece of work; a rate is one only when it is multiplied out."""
    if _WORK.search(text) is None or (_RATE.search(text) and not _TIMES.search(text)):
        return
    for money in find_money(text):
        if money.marked and money.amount >= 100 and not any(same_amount(money.amount, at) for at in facts.amounts):
            yield sentence, money.start, money.end
