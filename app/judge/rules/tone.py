"""Tone: the policy's phrase lists, and the shapes of talking down, guilt, pressure and boasting that lists miss."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.lexicon import Lexicon
from app.judge.rules.phrasing import at_words, denied_before
from app.judge.rules.reading import Hit, Reading

_DETAIL = {
    "tone.banned_phrase": '"{}" is on the list of banned phrases.',
    "tone.superlative": '"{}" is a superlative about the vendor.',
    "tone.condescension": '"{}" talks down to the reader.',
    "tone.guilt": '"{}" makes the reader feel guilty.',
    "tone.pressure": '"{}" presses the reader.',
    "tone.boasting": '"{}" boasts with what nobody can check.',
}
_CONDESCENDING = at_words(
    r"\byou(?:r team|r company|r engineers)?(?:'re| are)? (?:clearly |obviously |still |simply |just |really )?"
    r"(?:struggling with|missing (?:a|the|basic|key|critical)|not (?:mature|serious|ready|doing|keeping)|lacking|"
    r"lacks?|behind (?:your|the|on|in)|"
    r"losing (?:ground|out|the)|wasting|stuck (?:in|with)|out of your depth|incapable|outdated|immature)\b"
    r"|\bwhy (?:are|is|do|does|have|haven't|hasn't|aren't|isn't) (?:you|your \w+)(?: \w+)? (?:still|not|struggling)\b"
    r"|\b(?:held together (?:with|by)|amateur\w*|embarrass\w*|naive(?! questions?)|clueless|incompeten\w*)\b"
    r"|\byou (?:really |simply |just )?(?:need|must|have|ought) to (?:catch up|wake up|act|fix|address|modernize|"
    r"get serious|start taking|understand|realize)\b"
    r"|\b(?:significant|serious|critical|glaring|obvious|major|clear|concerning) (?:capability |ai |skills? |"
    r"maturity |engineering |talent |technical )*gaps?\b"
    r"|\b(?:no|any) (?:serious|real|competent|smart) (?:company|cto|team|leader|engineering \w+)\b"
    r"|\byour (?:peers|competitors|rivals) (?:are|have) (?:all |already |far |way |miles )+(?:ahead|doing|done|"
    r"building|built|deploying|moved|adopted|solved|passed|investing)\b"
    r"|\b(?:are|is) (?:far |way |well )?ahead of you\b"
)
# Belittling: a comparison downwards, a reproach, a lesson nobody asked for, a sector that is all ahead.
_BELITTLING = at_words(
    r"\b(?:even|any) (?:an? |the )?(?:small(?:er)?|junior|first-year|beginners?|students?|interns?|child|"
    r"half-decent|decent|novice)\b"
    r"[^.!?]{0,30}\b(?:would|could|can|should|knows?|has|have)\b"
    r"|\b(?:you|your \w+) (?:really )?(?:should|ought to) have (?:known|seen|noticed|done|fixed|solved|caught|"
    r"thought)\b"
    r"|\b(?:anyone|anybody|everyone|everybody)(?: [\w-]+){0,3} (?:would have (?:known|seen|noticed)|"
    r"can see (?:it|that)|knows that)\b"
    r"|\byou(?:'ve| have)? (?:got|get|made) (?:it|this|that|all of it) (?:all )?wrong\b|\byour \w+ (?:is|"
    r"are) (?:such )?a (?:mess|joke|disaster)\b"
    r"|\bbuilt by (?:students|amateurs|interns|children|a child)\b"
    r"|\b(?:explain|spell|put|break)\b[^.!?]{0,50}\b(?:in (?:very |really )?(?:simple|easy|basic) (?:terms|"
    r"words)|slowly|(?:you|even you) can "
    r"(?:follow|understand))\b|\bbeginner'?s? guide\b|\bfor dummies\b"
    r"|\b(?:shocking|astonishing|surprising|baffling|embarrassing|hard to believe) (?:that|how)\b[^.!?]{0,40}\byou\w*"
    r"|\b(?:surprising|shocking) that a (?:company|team|firm)\b"
    r"|\b(?:most|every|all|other) (?:serious|real|modern|grown-up|professional) (?:compan|firm|team|"
    r"organi[sz]ation)\w+\b"
    r"|\b(?:years|miles|decades|light[- ]years) behind\b|\bleft you behind\b"
    r"|\b(?:all|every one|each)(?: of)? your (?:competitors?|rivals?|peers?)\b|"
    r"\bevery (?:one of your )?competitors? (?:has|does|have)\b"
    r"|\bi doubt (?:that )?(?:you|your \w+) (?:can|could|is able|are able|knows?|has the|have the)\b"
)
# "You obviously know your own question best": what looks down on nobody.
_RESPECT = re.compile(
    r" (?:know (?:your|the|this|more|best|better|all)\b|do(?:n't| not) need (?:me|us|anyone|an outsider) to)"
)
_GUARANTEE = at_words(
    r"\b(?:we |i |our \w+ )?(?:(?:can |will |'ll |do )?guarantee[sd]?\b|promise (?:you|that|to)\b)|"
    r"\b(?:risk[- ]free|no risk|zero risk|100 ?% (?:satisf\w+|success))\b"
    r"|\bguaranteed (?:delivery|results?|savings?|success|roi|quality|start)\b|\bconsider it done\b|"
    r"\bwe can handle (?:everything|anything|any stack)\b"
)
_BOAST = at_words(
    r"\b(?:over |more than )?\d[\d,]{1,6}\+? (?:happy |satisfied |global |enterprise )?(?:clients|customers|"
    r"companies|engineers placed|placements|projects delivered)\b"
    r"|\b\d{1,3} ?% (?:retention|client satisfaction|satisfaction|success rate|client retention)\b"
    r"|\b(?:the|our) (?:most talented|best|finest|smartest|brightest|greatest|top) (?:engineers|developers|"
    r"people|talent|team|minds)\b"
    r"|\b(?:exceed|surpass) (?:all )?your expectations\b|\bindustry leaders?\b|\b(?:incredible|amazing|"
    r"unbelievable|explosive|phenomenal|game changing) "
    r"(?:\w+ ){0,2}(?:growth|journey|opportunity|savings|results|talent|team|engineers|value|story)\b|"
    r"\btake (?:\w+ ){1,4}to the next level\b"
    r"|\bwe(?:'re| are) (?:the best|different|number one|#1)\b"
)
_SCARE = at_words(
    r"\b(?:before|or) (?:your )?(?:competitors?|rivals?|someone else) (?:do|does|beat|take|win|get)\b|"
    r"\bthe clock is ticking\b|\bwindow is closing\b"
    r"|\b(?:offer|slots?|spots?) (?:ends?|expires?|closes?|are (?:going|filling))\b|\bdon't (?:miss|let (?:your|"
    r"this))\b|\brisk (?:falling|being left|losing)\b|\bleft behind\b"
    r"|\bjust (?:say|reply|respond) yes\b|\byou(?:'d| would) be (?:crazy|foolish|mad) (?:to|not)\b"
)
_FOLLOWUP = re.compile(
    r"\b(?:(?<!your )(?:\d+(?:st|nd|rd|th)|second|third|fourth|fifth|final|last) (?:follow[- ]?up|attempt|try|time "
    r"(?:i|we)|(?:email|e-mail|note)(?! (?:on|about|regarding)\b))|following up again|"
    r"(?:follow|check|circl|reach)\w* (?:up |in |back |out )?(?:yet )?again\b|i(?:'ve|"
    r" have) (?:already )?(?:emailed|e-mailed|written|reached out|messaged) (?:you )?(?:several|many|multiple|"
    r"two|three|\d+|a few) times|"
    r"since you (?:haven't|have not|didn't|did not) (?:repl|respond|answer|get back))"
)


class Tone:
    """Checks ``tone.*``."""

    def __init__(self, policy: Policy) -> None:
        phrases = policy.phrases
        self._claims = " ".join(policy.vendor.public_claims).lower()
        self._phrases = Lexicon(
            {
                "tone.banned_phrase": phrases.banned,
                "tone.superlative": phrases.superlatives,
                "tone.condescension": phrases.condescension,
                "tone.guilt": phrases.guilt,
                "tone.pressure": phrases.pressure,
                "tone.boasting": phrases.boasting,
            }
        )

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for found in self._phrases.find(reading):
            text = reading.lowered(found.field)
            word = text[found.start : found.end]
            if found.check == "tone.condescension" and _RESPECT.match(text, found.end):
                continue
            if found.check == "tone.pressure" and _unhurried(text, found.start, found.end):
                continue
            if not facts.says(word):
                detail = _DETAIL[found.check].format(found.phrase)
                yield Hit(found.check, detail, ((found.field, found.start, found.end),))
        for check, pattern, detail in _SHAPES:
            for sentence, match in reading.hits(pattern):
                if check == "tone.boasting" and match.group() in self._claims:
                    continue
                if not denied_before(sentence.text, match.start()):
                    yield Hit(check, detail, (sentence.at(match),))


# An order to the reader stands at the head of its clause; "so that questions do not wait" hurries nobody.
_ORDER = re.compile(r"(?:^|[.!?,;:\n(-]\s{0,3}|\b(?:so|please|and|but|then|you) )$")
_SCARCE = re.compile(r"\b(?:prices?|rates?|discounts?|deals?|available|free|only|special|places|spots|valid)\b")


def _unhurried(text: str, start: int, end: int) -> bool:
    """Whether a phrase of haste is said of work instead: what does not wait, what lasts for a limited time."""
    phrase = text[start:end]
    if phrase.endswith("wait"):
        return _ORDER.search(text[max(0, start - 12) : start]) is None
    bounded = phrase.startswith("limited") and text[max(0, start - 6) : start] == "for a "
    return bounded and _SCARCE.search(text[max(0, start - 90) : end + 40]) is None


_SHAPES = (
    ("tone.condescension", _CONDESCENDING, "The wording talks down to the reader."),
    ("tone.condescension", _BELITTLING, "The wording belittles the reader."),
    ("tone.guarantee", _GUARANTEE, "The draft guarantees an outcome."),
    ("tone.boasting", _BOAST, "The vendor praises itself with what nobody can check."),
    ("tone.pressure", _SCARE, "The wording presses with fear or urgency."),
    ("tone.guilt", _FOLLOWUP, "The draft counts its own earlier attempts."),
)
