"""Whom a number of people is measured against: the stack its words name, else the one asked for, else everybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from app.judge.rules.context_fields import StackFacts
from app.judge.rules.facts import Facts
from app.judge.rules.headcount import TOKEN
from app.judge.rules.phrasing import word_set
from app.judge.rules.tallies import WORKER, Tally

# Words that are also everyday words, and so name a stack only beside one for people.
_EVERYDAY = word_set("go react swift unity spark rust flutter node ruby unreal sap embedded java scala perl ml qa")
_MORE_STACKS = word_set(
    "servicenow workday magento shopify wordpress drupal symfony svelte ember hadoop airflow blockchain fpga verilog "
    "matlab fortran mainframe abap delphi tableau dynamics oracle sharepoint hubspot netsuite haskell ocaml zig lua "
    "julia webflow contentful vmware cisco aws azure gcp"
)
_KIN = {
    "pythonistas": "python",
    "pythonista": "python",
    "pythonists": "python",
    "rubyists": "ruby",
    "rubyist": "ruby",
    "gophers": "go",
    "gopher": "go",
    "golang": "go",
    "rustaceans": "rust",
    "rustacean": "rust",
    "djangonauts": "python",
    "testers": "qa",
    "tester": "qa",
    "testing": "qa",
    "sdets": "qa",
    "sres": "infra",
    "sre": "infra",
    "platform": "infra",
    "kubernetes": "infra",
    "devops": "infra",
    "mobile": "android",
    "analysts": "data",
    "etl": "data",
}
_MOBILE = ("ios", "android")
# Stacks of which people of one often know another.
_FAMILIES = tuple(
    map(
        word_set,
        (
            "c++ cpp c embedded unreal unity c# .net dotnet rust firmware game games graphics",
            "data kafka spark flink databricks snowflake airflow hadoop sql scala python dbt etl java analytics search",
            "infra kubernetes terraform devops sre aws azure gcp platform cloud go security",
            "ml pytorch python data mlops ai vision nlp",
            "ios swift android kotlin flutter mobile",
            "javascript js typescript react angular vue node node.js frontend front-end fullstack full-stack nestjs "
            "svelte "
            "web backend",
            "java kotlin scala spring jvm backend",
            "php laravel symfony wordpress magento shopify web backend",
            "ruby rails web backend",
            "python django fastapi flask backend web",
            "elixir erlang",
            "qa testing automation",
        ),
    )
)
_TOPIC = re.compile(
    r"\W*(?:and |as for |on |for |in )?(?:the )?(\.?[a-z0-9+#]+(?:\.[a-z0-9+#]+)*)(?:'s|:|,| is| are| too| as well|"
    r" (?:piece|side|work|module|part|job|task|project|integration|"
    r"app|rewrite|migration|stream|component|end))\b"
)
_BESIDE = re.compile(
    rf"(?:^|(?<=[\s(]))(\.?[a-z][a-z0-9+#.]{{0,18}}) (?:{WORKER}|teams?|crews?|squads?|group|pair|duo|trio|quartet|"
    rf"bench|talent|"
    r"piece|side|seats?|roles?)\b"
)
_NEAR = 30


@dataclass(frozen=True, slots=True)
class Bench:
    """Whom a number is measured against: a label, how many are free, and the one stack when it is one."""

    label: str
    free: int
    stack: StackFacts | None
    listed: bool


class Benches:
    """Finds the bench for a number; ``names`` are the words of each listed stack, ``known`` all words of stacks."""

    def __init__(self, facts: Facts, names: dict[str, frozenset[str]], known: frozenset[str]) -> None:
        self._facts = facts
        self._names = names
        self.known = known | _KIN.keys() | frozenset(_MORE_STACKS)
        self._stacks = facts.stacks
        self._requests = facts.context.capacity_request

    def stands_by(self, tally: Tally, text: str) -> bool:
        return not self.known.isdisjoint(TOKEN.findall(text[max(0, tally.start - _NEAR) : tally.end]))

    def of(self, tally: Tally, text: str) -> Bench | None:
        """Whom the number is measured against: its own words, then the sentence's, then the request, then everybody."""
        if not self._stacks:
            return Bench("anybody", 0, None, listed=False)
        words = TOKEN.findall(text[max(0, tally.start - 1) : tally.end])
        own = self.named([*words, tally.named], near=True)
        if own is not None:
            return own
        beside = [found.group(1) for found in _BESIDE.finditer(text) if found.group(1) in self.known]
        topic = _TOPIC.match(text)
        beside += [topic.group(1)] if topic and topic.group(1) in self.known else []
        nearby = self.named(beside, near=True) or self.named(TOKEN.findall(text), near=False)
        wanted = list(dict.fromkeys(request.stack.strip().lower() for request in self._requests))
        if wanted:
            stacks = [self._stacks.get(name) for name in wanted]
            if all(stack is None for stack in stacks):
                return nearby or Bench(wanted[0], 0, None, listed=False)
            asked_for = self._sum([stack for stack in stacks if stack is not None])
            return max((bench for bench in (nearby, asked_for) if bench), key=lambda bench: bench.free, default=None)
        if nearby is not None:
            return nearby
        said = self.named(TOKEN.findall(self._facts.prospect_text), near=False)
        return said if said is not None and said.listed else self._sum(list(self._stacks.values()))

    def named(self, tokens: list[str], near: bool) -> Bench | None:
        """The stacks that words name; one that nobody is listed for only where the words stand ``near`` the number."""
        pool = {*tokens, *(_KIN[token] for token in tokens if token in _KIN)}
        if "mobile" in pool:
            pool.update(_MOBILE)
        hits = [name for name in self._names if name in pool] or [
            name for name, names in self._names.items() if names & pool
        ]
        if hits:
            return self._sum([self._stacks[name] for name in hits])
        others = {_KIN.get(word, word) for word in pool & self.known} - {"mobile"}
        for word in sorted(others):
            said = word in self._said
            if (near or said) and (said or not self._related(word)):
                return Bench(word, 0, None, listed=False)
        return None

    @cached_property
    def _said(self) -> frozenset[str]:
        """What was asked for, in the request or in the prospect's words."""
        asked = {request.stack.strip().lower() for request in self._requests}
        return frozenset(asked | (set(TOKEN.findall(self._facts.prospect_text)) - _EVERYDAY))

    def _related(self, word: str) -> bool:
        """Whether people of a listed stack may well know ``word`` too."""
        listed = frozenset(part for names in self._names.values() for part in names).union(
            *(re.split(r"[\s_/-]+", name) for name in self._names)
        )
        return any(word in family and not family.isdisjoint(listed) for family in _FAMILIES)

    @staticmethod
    def _sum(stacks: list[StackFacts]) -> Bench | None:
        if not stacks or any(stack.free is None for stack in stacks):
            return None
        free = sum(stack.free or 0 for stack in stacks)
        return Bench(", ".join(stack.name for stack in stacks), free, stacks[0] if len(stacks) == 1 else None, True)

    def deploy_days(self, text: str) -> int | None:
        bench = self.named(TOKEN.findall(text), near=False)
        return bench.stack.deploy_days if bench is not None and bench.stack is not None else None
