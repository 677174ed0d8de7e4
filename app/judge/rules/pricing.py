"""Pricing: only public bands; totals, discounts, terms and outcomes are for a human."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import CURRENCY, find_money, same_amount
from app.judge.rules.phrasing import denied_before
from app.judge.rules.reading import Hit, Reading

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
    r"for (?:the |all )?(?:\w+ )?phases?|fixed (?:price|fee) of|(?:\d+|six|twelve|three|"
    r"nine)[- ]month (?:contract|engagement|project|commitment))\b"
)
_DISCOUNT = re.compile(
    r"\b(?:discount\w*|(?:\d{1,2} ?% off)|special (?:price|pricing|rate|offer|deal)|(?:waive|waiving|"
    r"drop) (?:the |our |your )?(?:\w+ )?fees?|free (?:trial|month|week|pilot|engineer|sprint|consultation|"
    r"of charge)|first (?:month|week|sprint) (?:is )?(?:free|on us)|no charge|price match|beat any (?:price|"
    r"quote)|best price|lowest price|"
    r"(?:\d{1,2} ?%|half|twice) (?:cheaper|less expensive|lower|less than)|(?:save|saving|savings of|"
    r"cut) (?:you )?(?:up to |at least |over )?\d{1,2} ?%|cost savings?)\b"
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
_PUBLIC = re.compile(r"\b(?:public|published|listed?|same for everyone)\b")


class Pricing:
    """Checks ``pricing.*``."""

    def __init__(self, policy: Policy) -> None:
        bands = policy.pricing.bands
        self._bands = tuple(
            (band.low, band.high, re.compile(rf"\b{re.escape(band.name.lower())}s?\b")) for band in bands
        )

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._sums(reading, facts)
        for check, pattern, detail in (
            ("pricing.discount", _DISCOUNT, "The draft offers a discount, a saving or something free."),
            ("pricing.commitment", _COMMIT, "The draft commits to terms that a human must agree."),
        ):
            for sentence, match in reading.hits(pattern):
                text = sentence.text
                if _DECLINED.match(text, match.end()) or (_CHEAPEST.match(match.group()) and _PUBLIC.search(text)):
                    continue
                if not denied_before(text, match.start()):
                    yield Hit(check, detail, (sentence.at(match),))

    def _sums(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, _ in reading.hits(CURRENCY):
            text = sentence.text
            total = _TOTAL.search(text)
            if _ABOUT_THEM.search(text) and not _PRICED.search(text):
                continue
            for money in find_money(text):
                if not money.marked:
                    continue
                if any(same_amount(money.amount, known) for known in facts.amounts):
                    continue
                span = (sentence.field, sentence.start + money.start, sentence.start + money.end)
                if total and not denied_before(text, total.start()):
                    yield Hit("pricing.total", "The draft quotes a total; a human must scope it.", (span,))
                elif not self._in_band(money.amount, text):
                    yield Hit("pricing.off_band", "The draft quotes a sum outside the public bands.", (span,))

    def _in_band(self, amount: float, text: str) -> bool:
        """Whether a sum lies in the band that its sentence names, or in any when it names none."""
        named = [(low, high) for low, high, name in self._bands if name.search(text)]
        return any(low <= amount <= high for low, high in named or [(low, high) for low, high, _ in self._bands])
