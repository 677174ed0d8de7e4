"""Pricing: only public bands; totals, discounts, terms and outcomes are for a human."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.bargains import BARGAINS
from app.judge.rules.disclaimed import money_left_open, of_others
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import CURRENCY, find_money, same_amount
from app.judge.rules.open_prices import totals
from app.judge.rules.open_terms import commitments, reductions
from app.judge.rules.phrasing import at_words, denied_before, word_set
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.terms import ROUTED, TERMS

_ABOUT_THEM = re.compile(
    r"\b(?:rais\w+|round|series|seed|funding|arr|revenue|valuation|capital|invest\w+|congrat\w*|budget|"
    r"you (?:spend|pay))\b"
)
_PRICED = re.compile(
    r"\b(?:price\w*|pricing|cost\w*|rate|rates|fee|fees|per (?:month|engineer|hour|day|year|week)|/ ?(?:month|mo|"
    r"hour|hr|engineer)|monthly|hourly|total|quote\w*|package|contract|engagement|charge\w*|budget|for (?:the|a|"
    r"your|all|\d+)|flat|month)\b"
)
_TOTAL = re.compile(
    r"\b(?:total (?:of|cost|price|contract value|project (?:cost|price)|investment|fee|engagement)|all-in|"
    r"in total|whole (?:project|engagement)|entire (?:project|engagement)|full (?:project|engagement|scope)|"
    r"for (?:the |all )?(?:\w+ )?phases?|(?:for|of) (?:the|a|your) (?:full|whole|entire|complete) (?:team|squad|"
    r"group|build)|overall|"
    r"fixed (?:price|fee) of|(?:\d+|six|twelve|three|"
    r"nine)[- ]month (?:contract|engagement|project|commitment))\b"
)
_DISCOUNT = re.compile(
    r"\b(?:discount\w*|(?:\d{1,2} ?% off)|special (?:price|pricing|rate|offer|deal)|(?:waive|waiving|"
    r"drop) (?:the |our |your )?(?:\w+ )?fees?|free (?:trial|month|week|pilot|engineer|sprint|consultation|"
    r"of charge)|first (?:month|week|sprint) (?:is )?(?:free|on us)|no charge|price match|beat any (?:price|"
    r"quote)|best price|lowest price|"
    r"(?:\d{1,2} ?%|half|twice) (?:cheaper|less expensive|lower|less than)|(?:save|saving|savings of|"
    r"cut) (?:you )?(?:up to |at least |over )?\d{1,2} ?%|cost savings?|half[- ]price)\b"
)
# A draft without any of these comes down on no price.
_CHEAPER_WORDS = word_set(
    "adjust apply beat below better cent charge charging cheaper complimentary cost credit cut down drop dropped "
    "early-bird fall falls fifth forgiven founder founders free friendlier friends-and-partners gave give gratis "
    "half halve house introductory knock lower loyalty match minus off partner partners pay percent preferential "
    "preferred quarter rebate rebates reduce reduced reduction shave tenth third trim undercut waive waived "
)
_SHARE = (
    r"(?:\d{1,2}(?:[.,]\d)? ?(?:%|per ?cent)|(?:five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|"
    r"fifty)"
    r"(?:[- ]five)? per ?cent|a (?:fifth|quarter|third|tenth|half))"
)
_OWN_PRICE = r"(?:prices?|rates?|fees?|invoices?|list|quotes?|bill|tariffs?)"
# The ways to come down on a price without the word: a share off, a lower rate, a fee that falls away, something
# for nothing.
_CHEAPER = at_words(
    rf"\b{_SHARE}(?: \w+)? off\b|\b{_SHARE}(?: \w+)? (?:below|under|less than|lower than|cheaper than|beneath|better "
    rf"than)"
    rf"(?: \w+){{0,2}}? (?:{_OWN_PRICE}|it|that|them|standard|market|usual|theirs)\b|\bminus {_SHARE}|"
    r"\brebates?\b"
    r"|\b(?:i|we|'ll|can|could|may|to|would|will|'d) (?:\w+ )?(?:reduce|lower|drop|waive|knock|shave|trim|halve|"
    r"come down|go below|"
    rf"undercut|adjust|cut)\b[^.?!]{{0,30}}\b{_OWN_PRICE}\b"
    r"|\b(?:fees?|charges?|minimum|deposit)\b[^.?!]{0,30}\b(?:waived|dropped|forgiven|not apply|fall(?:s)? away)\b"
    r"|\b(?:lower|reduced|introductory|preferential|preferred|cheaper|friendlier|loyalty|early[- ]bird|founders?|"
    r"partners?) "
    rf"(?:\w+ )?{_OWN_PRICE}\b"
    rf"|\b(?:small|modest|one-off|further|slight) (?:price )?reduction\b|\b{_OWN_PRICE} (?:that )?we (?:gave|"
    rf"give|keep for) "
    r"|\b(?:match|beat|undercut|better) (?:any|every|the|your|their|whatever|what) (?:\w+ ){0,2}?(?:quotes?|"
    r"prices?|offers?|rates?|bids?)\b"
    r"|\b(?:first|second|third|initial|next|trial|pilot|discovery|onboarding|set-?up|opening|last|extra) "
    r"?(?:(?:two|three|four|\d) )?"
    r"(?:months?|weeks?|sprints?|phases?|days?|workshops?|audits?)? (?:is|are|would be|will be|comes?|'s) (?:\w+ "
    r")?(?:free|gratis|"
    r"complimentary)\b(?! (?:from|in|on|at|until|now|next|after|as))"
    r"|\b(?:at|for) no (?:extra |additional )?(?:cost|charge)\b|\bon the house\b|\bfree of (?:charge|cost)\b|"
    r"\bcomplimentary\b"
    r"|\bfree (?:hours|days|weeks|months|onboarding|set-?up|audit|workshop|phase|work)\b|\bwithout charging\b"
    r"|\bcredit (?:you|your|\w+ with)\b|\byou(?:'d| would| will|'ll)? (?:only )?pay (?:nothing|half)\b"
    rf"|\b(?:take|takes|knock|shave) off (?:another |a further )?{_SHARE}"
)
_WHOLE = (
    r"(?:(?<![\w.,$€£])\d{1,3}(?:[.,]\d{3})+(?![\d%])|(?<![\w.,$€£])\d{2,4} ?(?:k|grand)\b|\b\d{1,3} thousand\b|"
    r"\b(?:a hundred(?: and)? )?(?:ten|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|a "
    r"hundred)(?:[- ]"
    r"(?:one|two|three|four|five|six|seven|eight|nine))? (?:thousand|grand|k)\b|"
    r"\b(?:a )?(?:quarter|half|third) (?:of )?a million\b|\b(?:one|two|three|a) million\b)"
)
_SUM = re.compile(r"\d[.,]\d{3}|\d ?k\b|thousand|million|grand\b")
_ENDS = (
    r"(?=\s*(?:$|[.,;:!?)-]|(?:for|all|in|to|and|at|if|over|per|tops|max|plus|or|altogether|together|with|before)\b))"
)
# A sum without a currency is a price where the sentence counts or charges.
_BARE = at_words(
    rf"\b(?:total|price\w*|costs?|costing|charg\w+|invoice|budget|flat|fixed|all[- ]in|estimate|ballpark|"
    rf"come(?:s)? to|"
    rf"coming to|amounts?|be at|would pay|pay us|offer|engagement|quote\w*|package|fee|bill|asks?|do (?:it|this|"
    rf"that) for)\b"
    rf"[^?!;\n]{{0,60}}?(?P<sum>{_WHOLE})"
    rf"|\b(?:exceed\w*|set(?:s)? you back|land\w*|looking at|reckon\w*|expect|figure|ball-?park|somewhere|makes?|"
    rf"between|"
    rf"spend|runs? (?:you|to|at)|comes? (?:in|out|up)|ends? up|in the region|order of|north of|under|around|roughly|"
    rf"about|"
    rf"whole thing|capped at|at most|maximum)\b[^?!;\n]{{0,25}}?(?P<sum3>{_WHOLE}){_ENDS}"
    rf"|(?P<sum2>{_WHOLE})[^.?!;\n]{{0,20}}\b(?:for (?:the|a) (?:first |whole |full )?(?:year|half-year|quarter|"
    rf"project|work|build|"
    r"release|migration|team|lot)|in total|all in|all told|for everything)\b"
)
_THEIR_FIGURES = re.compile(
    r"\b(?:users|customers|employees|people|staff|requests|records|lines|downloads|orders|rows|events|merchants|"
    r"stores|tickets)\b"
)
_COMMIT = re.compile(
    r"\b(?:(?:let's|we can|i can|i'll|we'll) (?:get|send|start|prepare|draft|begin) (?:you )?(?:over )?(?:the |"
    r"a |your )?(?:paperwork|contract|msa|sow|statement of work|agreement)|sign (?:the |a |this )?(?:contract|"
    r"agreement|sow)|contract (?:is )?(?:ready|attached)|(?:we|i) (?:will|can|'ll|promise to) (?:definitely |"
    r"absolutely )?deliver (?:\w+ ){0,6}?by (?:next |the end of )?(?:month|week|q[1-4]|friday|january|february|"
    r"march|april|may|june|july|august|september|october|november|december)|"
    r"no (?:minimum|long-term) (?:commitment|contract)|cancel any ?time|money[- ]back|refund)\b"
)
_DECLINED = re.compile(
    r"(?:,? \w+){0,3}? (?:(?:is|are)(?: not\b(?! (?:a|an) )|n't\b)|(?:is|are) (?:something|nothing|"
    r"a (?:question|matter)|"
    r"for (?:our|the|my|a))\b|can't\b|cannot\b|(?:aren't|isn't)\b(?! (?:a|an) ))"
)
_CHEAPEST = re.compile(r"(?:best|lowest) price")
# "Whether there is room for a lower price is for our lead to say" leaves the matter open.
_LEFT_OPEN = re.compile(
    r"\b(?:whether|ask\w*(?: \w+){1,4} (?:about|for|if)|(?:asked?|question\w*|raised|wrote|mail|message|note|"
    r"heard) (?:about|for|on|of)|you "
    r"mention(?:ed)?)\b"
)
# "About the rebate: I have no mandate to grant one" answers no behind the matter it names.
_ANSWERED_NO = re.compile(
    r"^(?:about|as for|as to|regarding|concerning|on) [^:,?!]{3,60}[:,][^?!]{0,80}?\b(?:no|not|cannot|can't)\b"
)
_PUBLIC = re.compile(r"\b(?:public|published|listed?|same for everyone)\b")


# What turns a topic into an offer: a verb that gives governs it, or it has a size.
_GRANTED = re.compile(
    r"\b(?:offer\w*|giv\w+|gets?|appl\w+|approv\w+|take|have|receiv\w+|grant\w*|arrang\w+|extend\w*|includ\w+|mak\w+|"
    r"add\w*|agree\w*|allow\w*|provid\w+|do|deserve|here is|here's|there is|there's|with|sweeten\w*)"
    r"(?: (?!about|on|regarding|question|answer|rais|what|you ask)[\w-]+){0,3} discount"
    r"|\bdiscounts? (?:of|is yours|applies|is (?:possible|available|included|fine|ok|yours))\b|\d ?%|\bpercent\b"
)


def _only_named(text: str, facts: Facts) -> bool:
    """Whether a discount is only the topic that the prospect brought up, and nothing in its sentence grants one."""
    return "discount" in facts.prospect_text and _GRANTED.search(text) is None


class Pricing:
    """Checks ``pricing.*``."""

    def __init__(self, policy: Policy) -> None:
        bands = policy.pricing.bands
        self._band_names = tuple(band.name.lower() for band in bands)
        self._bands = tuple(
            (band.low, band.high, re.compile(rf"\b{re.escape(band.name.lower())}s?\b")) for band in bands
        )

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        found = list(self._set_phrases(reading, facts))
        yield from found
        if not found and not money_left_open(reading.lower_body):
            yield from self._open(reading, facts)

    def _open(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A second look, where no set phrase was found."""
        for sentence, start, end in totals(reading, facts, self._band_names):
            span = (sentence.field, sentence.start + start, sentence.start + end)
            yield Hit("pricing.total", "The draft quotes a total; a human must scope it.", (span,))
        for sentence, match in reductions(reading):
            detail = "The draft offers a discount, a saving or something free."
            yield Hit("pricing.discount", detail, (sentence.at(match),))
        for sentence, match in commitments(reading):
            detail = "The draft commits to terms that a human must agree."
            yield Hit("pricing.commitment", detail, (sentence.at(match),))

    def _set_phrases(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._sums(reading, facts)
        yield from self._bare(reading, facts)
        yield from self._terms(reading)
        offers = [
            ("pricing.discount", _DISCOUNT, "The draft offers a discount, a saving or something free."),
            ("pricing.commitment", _COMMIT, "The draft commits to terms that a human must agree."),
        ]
        if "%" in reading.joined or not reading.words.isdisjoint(_CHEAPER_WORDS):
            offers.append(("pricing.discount", _CHEAPER, offers[0][2]))
        for check, pattern, detail in offers:
            for sentence, match in reading.hits(pattern):
                text = sentence.text
                if _DECLINED.match(text, match.end()) or (_CHEAPEST.match(match.group()) and _PUBLIC.search(text)):
                    continue
                if match.group().startswith("discount") and _only_named(text, facts):
                    continue
                if _LEFT_OPEN.search(text, 0, match.start()) or of_others(text) or _ANSWERED_NO.search(text):
                    continue
                if not denied_before(text, match.start()):
                    yield Hit(check, detail, (sentence.at(match),))

    def _sums(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, _ in reading.hits(CURRENCY):
            text = sentence.text
            total = _TOTAL.search(text)
            if (_ABOUT_THEM.search(text) and not _PRICED.search(text)) or of_others(text):
                continue
            bands = self._bands_of(text)
            for money in find_money(text):
                if not money.marked:
                    continue
                if any(same_amount(money.amount, known) for known in facts.amounts):
                    continue
                span = (sentence.field, sentence.start + money.start, sentence.start + money.end)
                if total and not denied_before(text, total.start()):
                    yield Hit("pricing.total", "The draft quotes a total; a human must scope it.", (span,))
                elif not any(low <= money.amount <= high for low, high in bands):
                    yield Hit("pricing.off_band", "The draft quotes a sum outside the public bands.", (span,))

    def _terms(self, reading: Reading) -> Iterable[Hit]:
        for check, words, pattern, detail in (*TERMS, *BARGAINS):
            if reading.words.isdisjoint(words):
                continue
            for sentence, match in reading.hits(pattern):
                text = sentence.text
                if sentence.asks or ROUTED.search(text) or of_others(text) or _LEFT_OPEN.search(text, 0, match.start()):
                    continue
                if not _DECLINED.match(text, match.end()) and not denied_before(text, match.start()):
                    yield Hit(check, detail, (sentence.at(match),))

    def _bare(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """Sums that carry no sign: "120k for the half-year", "a quarter of a million"."""
        for sentence, _ in reading.hits(_SUM):
            text = sentence.text
            match = _BARE.search(text)
            if match is None:
                continue
            name = next(name for name in ("sum", "sum2", "sum3") if match.group(name))
            stated = match.group(name)
            if (
                of_others(text)
                or _THEIR_FIGURES.search(text)
                or (_ABOUT_THEM.search(text) and not _PRICED.search(text))
                or stated in facts.all_text
                or (denied_before(text, match.start(name)) and "exceed" not in match.group())
                or CURRENCY.search(text)
            ):
                continue
            span = (sentence.field, sentence.start + match.start(name), sentence.start + match.end(name))
            yield Hit("pricing.total", "The draft quotes a total; a human must scope it.", (span,))

    def _bands_of(self, text: str) -> list[tuple[float, float]]:
        """The bands that a sentence names, or all when it names none."""
        named = [(low, high) for low, high, name in self._bands if name.search(text)]
        return named or [(low, high) for low, high, _ in self._bands]
