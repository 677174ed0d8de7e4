"""Numbers of people in nearly any wording: "nine bods with nothing on", "thirteen strong", "the trio", "quantity 8".

A number counts people here when a word for people, a stack or a group stands with it, or when it stands alone in a
sentence that speaks of people or repeats what was asked for. Whether it is promised is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.judge.rules.headcount import WORD
from app.judge.rules.numbers import NUMBER, value_of

WORKER = (
    r"(?:engineers?|developers?|devs?|programmers?|coders?|specialists?|experts?|people|persons?|folks?|guys|gals|lads|"
    r"chaps|bods?|hands|heads|bodies|souls|minds|brains|colleagues?|team-?mates?|team members?|members|contractors?|"
    r"freelancers?|consultants?|professionals?|pros?|practitioners?|full-?timers?|ftes?|staffers?|hires?|candidates?|"
    r"profiles?|resources?|seniors?|mids?|juniors?|veterans?|leads?|architects?|scientists?|researchers?|analysts?|"
    r"testers?|admins?|administrators?|technicians?|techies?|designers?|hackers?|\w{2,12}istas?|rubyists?|pythonists?|"
    r"gophers?|rustaceans?|sres?|dbas?|qas|sdets?|men|women|individuals?|joiners|starters|employees|operators|experts?|"
    r"wizards?|gurus?|talents?|teammates?|personnel|workers?|associates?|builders|hand|old hands?|names|placements|"
    r"assignees|newcomers|helpers|reinforcements|crew members|squad members)"
)
SEAT = r"(?:roles?|positions?|seats?|posts?|openings?|vacanc(?:y|ies)|spots?|places|slots|chairs?|desks?|jobs?)"
_COLLECTIVE = {
    "pair": 2,
    "duo": 2,
    "couple": 2,
    "brace": 2,
    "twosome": 2,
    "trio": 3,
    "threesome": 3,
    "quartet": 4,
    "foursome": 4,
    "quintet": 5,
    "fivesome": 5,
    "sextet": 6,
    "septet": 7,
    "octet": 8,
    "dozens": 24,
    "scores": 40,
    "hundreds": 200,
    "thousands": 2000,
}
_GATHERED = "|".join(_COLLECTIVE)
_NUMBER = re.compile(
    rf"(?<![\w$€£.,:/%#-])(?:(?P<n>{NUMBER})|(?P<group>{_GATHERED})|(?P<one>an?(?= )|another|our(?= )))(?![\w%$€£/:]|"
    rf"[.,]\d|"
    r"(?:st|nd|rd|th)\b)"
)
_ADJ = (
    rf"(?:(?!(?:one|two|three|four|five|six|seven|eight|nine|ten|each|all|both|\d{{1,3}}|and|plus|then|when|where|while"
    rf"|than|my|him|them|had|has|have|per|until|once|every)\b){WORD})"
)
_NOUN = re.compile(
    rf"(?:-(?:plus|odd|ish|something))?(?:[\s-]{{1,2}}|(?: of| upon dozens(?: of)?| or (?:so|more)|"
    rf"\+)? (?:of )?(?:the |our |your |these |those |my )?)"
    rf"(?:{_ADJ},?[\s-]){{0,4}}(?:(?P<worker>{WORKER})|(?P<seat>{SEAT}))(?![\w'-])"
)
_SINGLE = re.compile(
    r" (?:[\w+#./-]{1,20},? ){0,4}?(?:engineer|developer|dev|programmer|coder|specialist|expert|person|contractor|"
    r"consultant|full-?timer|fte|architect|scientist|researcher|analyst|tester|technician|lead|senior|hand|bod|"
    r"rubyist|gopher|rustacean|\w{2,12}ista|professional|pro|practitioner|admin|sre|dba|veteran)(?![\w'-])"
)
_STACK_END = re.compile(
    rf"[\s-](?:of (?:the |our )?)?({_ADJ}(?: {_ADJ}){{0,2}})(?=\s*(?:$|[,.;:!)(+&]|-\s|"
    r"(?:of|for|to|and|from|with|at|by|in|on|or|as|is|are|was|were|will|would|can|could|if|that|who|we|you|they|i|"
    r"because|so|ready|free|available|starting|now|plus|today|tomorrow|next|this|within|could|yours|here)\b))"
)
_STRONG = re.compile(r"[\s-](?:strong|person|persons|man|head|people|engineer|developer|dev|member|tester|seat|fte)\b")
_ALONE = re.compile(
    r"\s*(?:$|[,.;:!)]|-\s|\+|(?:in|within|by|from|with|at|on|of (?:them|those|these|ours|whom|the|your)|for|to|now|"
    r"today|"
    r"starting|"
    r"beginning|ready|available|free|is|are|can|could|will|would|as|right|immediately|fits|works|you|and|plus|or more|"
    r"come|comes|joins?|follow|start|arrive|land|"
    r"strong|if|idle|unassigned|waiting|yes|yours|no (?:problem|trouble|issue)|all|confirmed|agreed|then|up|more)\b)"
)
_UNIT_BEFORE = re.compile(
    r"(?:\b(?:in|within|at|day|days|week|month|phase|section|point|page|version|series|step|room|q|level|no|tier|no\.|"
    r"item|number one|year|since|until|after|january|february|march|april|may|june|july|august|september|october|"
    r"november|december|one to|every|vat|chapter|round|sprint|release|[a-z]+day)|[$€£])\s$"
)
_UNIT_AFTER = re.compile(
    r"[\s-]?(?:%|per ?cent|percent|minutes?|mins?|hours?|days?|weeks?|months?|years?|quarters?|times?|k\b|euros?|eur|"
    r"usd|"
    r"dollars?|pounds|points?|steps?|phases?|waves?|pages?|questions?|calls?|o'clock|am\b|pm\b|clients?|projects?|"
    r"sites?)"
)
_GROUP_BEFORE = re.compile(
    r"\b(?:team|squad|pod|group|crew|unit|core|number|quantity|qty|total|headcount|complement|x|count|figure|strength|"
    r"line-?up|pool|reserve|cell|batch|contingent|cohort|party|detachment|allocation|roster|band|workforce|guild|"
    r"practice|delegation|collective|formation|outfit|unit)s?(?: of| is|:)?(?: up to| about| around| at least| all|"
    r" the)*\s$"
)
_FRACTION = re.compile(
    r"\b(?P<part>three[ -]quarters|two[ -]thirds|half|four[ -]fifths|(?:9|8|7|6)0 ?(?:%|percent|per cent)|"
    r"ninety percent|"
    r"eighty percent|most|nearly all|almost all|the bulk|the majority|all|double|twice|triple|three times) "
    rf"(?:of )?(?:(?:the|those|these|your|that) )?(?P<whole>{NUMBER})(?!\w)"
)
_SQUADS = re.compile(
    rf"(?<![\w.,$€£])(?P<many>{NUMBER})(?: [\w+#.-]{{1,20}}){{0,3}}? (?:squads|pods|crews|teams of (?:ours|engineers|"
    rf"developers|our)|"
    rf"full teams|delivery teams|whole teams|complete teams) of (?P<size>{NUMBER})\b"
)
_TIMES = re.compile(
    r"(?P<stack_a>\.?[a-z][a-z0-9.+#]{0,18})(?: (?:people|engineers|developers|"
    r"devs))? ?[x×*:] ?(?P<a>\d{1,3})(?![\w%/.,:]*\d)|"
    r"(?<![\w.])(?P<b>\d{1,3}) ?[x×] ?(?P<stack_b>\.?[a-z][a-z0-9.+#]{0,18})"
)
_SHARE = (
    ("three", 0.75),
    ("two", 2 / 3),
    ("half", 0.5),
    ("four", 0.8),
    ("9", 0.9),
    ("ninety", 0.9),
    ("8", 0.8),
    ("eighty", 0.8),
    ("7", 0.7),
    ("6", 0.6),
    ("double", 2.0),
    ("twice", 2.0),
    ("triple", 3.0),
    ("most", 0.51),
    ("the ", 0.51),
    ("nearly", 0.9),
    ("almost", 0.9),
    ("all", 1.0),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of people; ``alone`` when no word beside it says so, ``seats`` when it counts open seats.

    ``named`` is the word before a group ("the Go pair"), ``further`` says that they come on top of others.
    """

    count: int
    start: int
    end: int
    alone: bool = False
    seats: bool = False
    further: bool = False
    named: str = ""


_WORD_BEFORE = re.compile(r"(\.?[a-z][\w+#.]*) $")
_ON_STACK = re.compile(r" (?:on|for|in|of) (?:the |your |our )?(\.?[a-z0-9+#]+(?:\.[a-z0-9+#]+)*)")
_LARGEST = 100
_FALLING = re.compile(r"-(\d{1,3})\b")
_FURTHER = re.compile(r"^\s?(?:more|further|additional|extra|others?)\b")
_FURTHER_BEFORE = re.compile(r"\b(?:another|further|additional|extra|plus|other|and then|remaining)\s$")


def tallies(text: str, names: frozenset[str], asked: frozenset[int]) -> Iterator[Tally]:
    """Every number of people in a lower-cased sentence; ``names`` are words of stacks, ``asked`` counts asked for."""
    for index, match in enumerate(_NUMBER.finditer(text)):
        if index >= 25:
            return
        tally = _tally(text, match, names, asked)
        if tally is not None:
            yield tally
    for times in _TIMES.finditer(text):
        count = int(times.group("a") or times.group("b"))
        if times.group("stack_a" if times.group("a") else "stack_b") in names and count > 0:
            yield Tally(count, times.start(), times.end())
    for squads in _SQUADS.finditer(text):
        groups, size = value_of(squads.group("many")) or 0, value_of(squads.group("size")) or 0
        if 1 < groups < 100:
            yield Tally(groups * size, squads.start(), squads.end())
    for part in _FRACTION.finditer(text):
        whole = value_of(part.group("whole"))
        share = next((share for word, share in _SHARE if part.group("part").startswith(word)), 0.0)
        if whole is not None and 1 < whole < 1_000 and whole * share >= 2:
            yield Tally(int(whole * share), part.start(), part.end())


def _tally(text: str, match: re.Match[str], names: frozenset[str], asked: frozenset[int]) -> Tally | None:
    before, end = text[max(0, match.start() - 30) : match.start()], match.end()
    further = match.group().startswith("another") or _FURTHER_BEFORE.search(before) is not None
    further = further or _FURTHER.match(text, end) is not None
    if match.group("one"):
        single = _SINGLE.match(text, end)
        if match.group("one") == "our" and single and names.isdisjoint(re.findall(r"[a-z0-9.+#]+", single.group())):
            return None
        return Tally(1, match.start(), single.end(), further=further) if single else None
    if match.group("group"):
        count = _COLLECTIVE[match.group("group")]
        noun = _NOUN.match(text, end)
        word = _WORD_BEFORE.search(before)
        return Tally(
            count,
            match.start(),
            noun.end() if noun else end,
            alone=not noun and count > 8,
            named=word.group(1) if word else "",
        )
    count_said = value_of(match.group("n"))
    if count_said is None or not 0 < count_said < 1_000:
        return None
    count = 12 * count_said if text.startswith((" dozen ", " dozen."), end) else count_said
    falling = _FALLING.match(text, end)
    if falling and int(falling.group(1)) < count:
        return None
    if _UNIT_BEFORE.search(before) and not _NOUN.match(text, end):
        return None
    strong = _STRONG.match(text, end)
    if strong:
        return Tally(count, match.start(), strong.end(), further=further)
    noun = _NOUN.match(text, end)
    if noun:
        return Tally(count, match.start(), noun.end(), seats=noun.group("seat") is not None, further=further)
    named = _STACK_END.match(text, end)
    if named and names.intersection(re.findall(r"\.?[a-z0-9+#]+(?:\.[a-z0-9+#]+)*", named.group(1))[-1:]):
        return Tally(count, match.start(), named.end(), further=further)
    if count < 2:
        return None
    if _UNIT_AFTER.match(text, end):
        return None
    if _GROUP_BEFORE.search(before):
        return Tally(count, match.start(), end, further=further)
    if _ALONE.match(text, end) and (count <= _LARGEST or count in asked):
        stack = _ON_STACK.match(text, end)
        end = stack.end() if stack and stack.group(1) in names else end
        return Tally(count, match.start(), end, alone=count not in asked, further=further)
    return None


def fewer_named(counts: Iterable[int], asked: frozenset[int], free: int) -> bool:
    """Whether a number of people within those who are free is named beside the one asked for: that one is offered."""
    return any(1 <= count <= free and (count not in asked or count == 1) for count in counts)
