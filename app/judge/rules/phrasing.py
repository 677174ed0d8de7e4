"""How a sentence is meant: asserted, asked, conditional, or denied.

Rules that forbid claims must let honest wording pass, so each of them asks here before it fires. Sentences are
lower-cased; positions are within the sentence.
"""

from __future__ import annotations

import re

# The verb, not the month.
_MAY = r"(?<!in )(?<!since )(?<!until )(?<!last )(?<!\d )may(?! \d)"
_HEDGE = re.compile(
    r"\b(?:(?<!as )if|whether|wonder(?:ing)?|curious|"
    rf"{_MAY}|might|could be|could reflect|could mean|perhaps|possibly|maybe|"
    r"appears? to|appears?|seems? to|seems?|suggests?|suggested|suggesting|looks? (?:like|as)|likely|unclear|unsure|"
    r"not sure|not certain|cannot tell|can't tell|cannot see|can't see|can not tell|hard to tell|hard to know|do "
    r"not know|don't know|i would not assume|wouldn't assume|not assume|don't want to assume|without assuming|from "
    r"the outside|correct me|tell me if|in case|assuming|would not presume|not clear|guess|i imagine|reportedly|"
    r"could you (?:confirm|clarify|share)|can you (?:confirm|clarify|share)|is it|are you|is that|does that|do you|"
    r"unverified|conflicting|estimated?|incomplete|outdated|flagged|cannot (?:verify|confirm)|(?:can't|could not|"
    r"couldn't) (?:verify|confirm)|unconfirmed|(?:would|do|will) not (?:read|build|make) (?:too )?(?:much|anything|"
    r"a lot) (?:in|into|of|out)|as a question|rather not|will not cite|won't cite|skip the (?:number|figure))\b"
)
_CONDITION = re.compile(
    rf"\b(?:if|whether|wonder(?:ing)?|curious|{_MAY}|might|perhaps|possibly|maybe|unclear|unsure|cannot tell|can't "
    rf"tell|"
    r"not sure|(?:do|don't) know|assum\w+|did you|have you|is there|was there|are there|were there|any|in case|"
    r"unverified)\b"
)
_DENIAL = re.compile(
    r"\b(?:not|no|never|none|nothing|cannot|can't|won't|don't|doesn't|didn't|isn't|aren't|wasn't|haven't|hasn't|"
    r"shouldn't|wouldn't|couldn't|without|rather than|instead of|unable|avoid|decline|beyond|exceeds?|exceeding|"
    r"outside|nor|neither|short of|more than we|before we|until)\b"
)
_CLAUSE = re.compile(
    r"[,;:()]\s|\s-\s|\s(?:but|however|although|though|while|yet|whereas|so)\s|\sand\s(?=(?:we|i|our|you|they|the|"
    r"if|would|could)\b)"
)
_WORD = re.compile(r"[a-z][a-z'-]*")


def word_set(text: str) -> frozenset[str]:
    """The words of a plain list, as rules keep them."""
    return frozenset(text.split())


def holds_any(text: str, words: frozenset[str]) -> bool:
    """Whether one of ``words`` stands in the sentence: asked before a long pattern is searched in it."""
    return not words.isdisjoint(_WORD.findall(text))


def at_words(pattern: str) -> re.Pattern[str]:
    """``pattern`` compiled so that the word boundary before its branches is tested once, not once for each.

    A long list of branches that all begin with ``\\b`` is searched several times faster so. Other branches stay as they
    are, after the rest.
    """
    branches: list[str] = []
    depth = start = i = 0
    in_class = False
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            branches.append(pattern[start:i])
            start = i + 1
        i += 1
    branches.append(pattern[start:])
    words = [branch.removeprefix(r"\b") for branch in branches if branch.startswith(r"\b")]
    others = [branch for branch in branches if not branch.startswith(r"\b")]
    return re.compile("|".join([rf"\b(?:{'|'.join(words)})", *others] if words else others))


def hedged(sentence: str) -> bool:
    """Whether the sentence asks, conditions or marks itself as uncertain."""
    return sentence.rstrip().rstrip("\"')]").endswith("?") or _HEDGE.search(sentence) is not None


def hedged_before(sentence: str, position: int) -> bool:
    """Whether a condition or doubt governs what stands at ``position``.

    A question mark at the end does not: "after your layoffs, is delivery slow?" takes the layoffs for granted. Nor does
    "looks like" in front of an offer.
    """
    return _CONDITION.search(sentence, 0, position) is not None


def denied_before(sentence: str, position: int, reach: int = 60) -> bool:
    """Whether a denial stands in the same clause, before ``position``."""
    start = max(0, position - reach)
    for cut in _CLAUSE.finditer(sentence, start, position):
        start = cut.end()
    return _DENIAL.search(sentence, start, position) is not None


def clauses(sentence: str) -> list[tuple[int, str]]:
    """The clauses of a sentence with their positions."""
    found = []
    start = 0
    for cut in _CLAUSE.finditer(sentence):
        if cut.start() > start:
            found.append((start, sentence[start : cut.start()]))
        start = cut.end()
    if start < len(sentence):
        found.append((start, sentence[start:]))
    return found
