"""What the context says, in the shape that rules ask for.

Agents send facts as typed fields, as flat ``key: value`` strings inside the signal line, as nested extra keys, or as
prose. All become one :class:`Facts`. It refuses to infer: what the context does not say is unknown, an event flagged as
not detected stays denied whatever fields are left over, and an age is known only when stated or dated.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from app.judge.rules.context_fields import (
    DIGITS,
    StackFacts,
    Tier,
    flatten,
    integer,
    parse_line,
    rounds_in,
    segments_in,
    stack_facts,
    stacks_in,
    tier_of,
)
from app.judge.rules.dates import age_in
from app.judge.rules.events import DENIED_VALUES, Event, State, denied_in, event_in_prose
from app.judge.rules.numbers import NUMBER, find_money, value_of
from app.judge.rules.open_roles import open_roles_in, role_counts_in
from app.judge.rules.reading import lower
from app.schemas import Context, TaskType, ThreadStage

MAX_PAIRS = 2_000
MAX_FACT_CHARS = 40_000
_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}(?![\w])")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s?(?:%|percent\b|per cent\b)")
_FLAT = re.compile(r"(?:low|flat|weak|slow|none|declining|negative|unknown)\b")
_FLAGGED_OFF = re.compile(r"\bdetected[\"']?\s?[:=]\s?false")
_PROSPECT_KEYS = (
    *("prospect message", "prospect text", "prospect rejection", "last message", "reply text", "reply message"),
)
_OPT_OUT = re.compile(
    r"\b(?:opt(?:ed|ing)?[\s_-]?out|unsubscribe|do[\s_]not[\s_]contact|don't (?:contact|e-?mail|write)|"
    r"stop (?:contacting|e-?mailing|writing)|"
    r"remove (?:me|us)|no further (?:contact|e-?mails?|messages)|take (?:me|us) off|stop spamming|leave (?:me|"
    r"us) alone)\b"
)
_NO_EVENT = DENIED_VALUES | {"public", "private", "bootstrapped", "unfunded", "unknown", "ipo"}


@dataclass
class Facts:
    """The context, read once. Everything unknown is None or empty."""

    context: Context
    today: datetime.date | None
    pairs: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, context: Context, today: datetime.date | None) -> Facts:
        """Facts of ``context``; bounded in the number of pairs and characters that are read."""
        facts = cls(context, today)
        budget = MAX_FACT_CHARS
        brief = context.signal_brief
        sources: list[Iterator[tuple[str, str]]] = [parse_line(brief.signal_line)]
        if brief.model_extra:
            sources.append(flatten(brief.model_extra, ""))
        if context.extras:
            sources.append(flatten(context.extras, ""))
        for source in sources:
            for key, value in source:
                if len(facts.pairs) >= MAX_PAIRS or budget <= 0:
                    return facts
                text = lower(value)[:budget]
                facts.pairs.append((key, text))
                budget -= len(text) + len(key)
        return facts

    @property
    def kind(self) -> TaskType:
        return self.context.kind

    @property
    def cold(self) -> bool:
        return self.kind is TaskType.COLD

    @property
    def ready(self) -> bool:
        """The prospect asked to meet."""
        return self.context.thread_stage is ThreadStage.READY_TO_SCHEDULE

    @cached_property
    def text(self) -> str:
        """The signal line and every extra key, lower-case, keys included; the thread is apart."""
        return " \n ".join(f"{key} {value}" if key else value for key, value in self.pairs)

    @cached_property
    def prospect_text(self) -> str:
        """What the prospect wrote, lower-case."""
        said = [lower(m.content) for m in self.context.prior_thread if m.role == "prospect"]
        said += [v for k, v in self.pairs if k.startswith("reply") or k.endswith(_PROSPECT_KEYS)]
        return " \n ".join(said)

    def says(self, word: str) -> bool:
        """Whether the prospect's own name or words hold lower-cased ``word``, so that repeating it is no fault."""
        return word in self.context.company_name.lower() or word in self.prospect_text

    @cached_property
    def all_text(self) -> str:
        """Everything: signals, extras, thread, stacks, company; lower-case."""
        thread = [lower(m.content) for m in self.context.prior_thread]
        stacks = [f"{name} {stack.available} {stack.deploy_days}" for name, stack in self.stacks.items()]
        requests = [f"{r.stack} {r.requested_count} {r.lead_days or ''}" for r in self.context.capacity_request]
        return " \n ".join([lower(self.context.company_name), self.text, *thread, *stacks, *requests])

    @cached_property
    def has_signals(self) -> bool:
        """Whether the context holds any fact about the company beyond names and internal references."""
        return any(
            value
            and not re.search(r"\b(?:company|name|id|url|email|phone)\b", key)
            and not (not key and (value.startswith("ref=") or len(value.split()) < 4))
            for key, value in self.pairs
        )

    @cached_property
    def numbers(self) -> frozenset[int]:
        """Every whole number that the context holds, thread and stacks included."""
        found = (value_of(match.group()) for match in _NUMBER.finditer(self.all_text))
        return frozenset(number for number in found if number is not None)

    @cached_property
    def amounts(self) -> tuple[float, ...]:
        """Every sum that the context holds; a bare number counts under a key about money."""
        found = [money.amount for money in find_money(self.all_text)]
        for key, value in self.pairs:
            if re.search(r"\b(?:amount|usd|eur|funding|price|rate|budget|acv|low|high|revenue|arr)\b", key):
                found += [float(n) for n in DIGITS.findall(value.replace(",", "")) if len(n) < 15]
        return tuple(amount for amount in found if amount > 0)

    @cached_property
    def percentages(self) -> frozenset[float]:
        found = {float(n) for n in _PERCENT.findall(self.all_text)}
        for key, value in self.pairs:
            if re.search(r"\b(?:percent(?:age)?|pct|share|cut|rate|ratio)\b", key):
                found |= {float(n) for n in DIGITS.findall(value) if len(n) < 6}
        return frozenset(found)

    @cached_property
    def rounds(self) -> frozenset[str]:
        """Funding rounds named by the context: ``seed``, ``a`` ... ``h``. Segment names do not count."""
        found: set[str] = set()
        texts = [f"{value}" for key, value in self.pairs if "segment" not in key and "icp" not in key]
        for text in [*texts, *(lower(m.content) for m in self.context.prior_thread)]:
            found |= rounds_in(text)
        return frozenset(found)

    @cached_property
    def funding(self) -> Event:
        event = self._event("funding")
        rounds = [v for k, v in self.pairs if k.endswith("funding rounds") or k == "funding rounds"]
        if event.state is State.UNKNOWN and rounds:
            count = integer(rounds[0])
            if count is not None:
                return Event(State.HAPPENED if count > 0 else State.DENIED, event.days_ago)
        if event.state is State.UNKNOWN and self.rounds:
            return Event(State.HAPPENED, event.days_ago)
        return event

    @cached_property
    def weak_funding(self) -> bool:
        """Whether the context marks its funding facts as hardly trusted."""
        for key, value in self.pairs:
            if key.endswith("funding confidence"):
                return value in {"low", "none", "insufficient signal", "insufficient_signal", "unverified", "unknown"}
        return False

    @cached_property
    def layoff(self) -> Event:
        return self._event("layoff")

    @cached_property
    def leader(self) -> Event:
        return self._event("leadership")

    def _event(self, kind: str) -> Event:
        """State and age of one kind of event: an explicit flag wins, then keyed values, then prose."""
        flag: State | None = None
        state = State.UNKNOWN
        days: int | None = None
        stems = {
            "funding": ("funding", "fundraise", "investment round"),
            "layoff": ("layoff", "layoffs", "restructur"),
            "leadership": ("leadership", "cto tenure", "new leader", "appointment"),
        }[kind]
        if not any(stem in self.text for stem in stems) and event_in_prose(kind, self.text, state) is State.UNKNOWN:
            return Event(State.UNKNOWN)
        for key, value in self.pairs:
            if not key:
                state = event_in_prose(kind, value, state)
                continue
            if not any(stem in key for stem in stems):
                if len(value.split()) > 3 and "segment" not in key:
                    state = event_in_prose(kind, value, state)
                continue
            if re.search(r"\b(?:days|age|tenure)\b", key) and (number := integer(value)) is not None:
                days = number
                if kind == "leadership":
                    state = State.HAPPENED
            elif _FLAGGED_OFF.search(value):
                flag = State.DENIED
            elif "confidence" in key or "source" in key or "score" in key:
                continue
            elif value in DENIED_VALUES and re.search(
                r"(?:detected|event|flag|signal|news|change|changes|layoffs?|funding)$", key
            ):
                flag = State.DENIED
            elif value in {"true", "yes", "detected"}:
                flag = flag or State.HAPPENED
            elif value not in _NO_EVENT and value != "0" and not key.endswith("rounds"):
                denied = denied_in(kind, value)
                state = State.DENIED if denied and state is State.UNKNOWN else State.HAPPENED
            days = self._age(value) if days is None and kind in {"funding", "layoff"} else days
        if flag is not State.DENIED and days is None and kind == "funding":
            days = self._signal_age
        return Event(flag if flag is not None else state, days)

    def _age(self, value: str) -> int | None:
        return age_in(value, self.today)

    @cached_property
    def _signal_age(self) -> int | None:
        for key, value in self.pairs:
            if key.endswith(("signal age days", "signal days ago")):
                return integer(value)
            if key.endswith("signal date"):
                return self._age(value)
        prose = [value for key, value in self.pairs if not key]
        prose += [lower(m.content) for m in self.context.prior_thread if m.role == "prospect"]
        for value in prose:
            if re.search(r"\b(?:raised|closed|funding|series)\b", value):
                age = self._age(value)
                if age is not None:
                    return age
        return None

    @cached_property
    def open_roles(self) -> int | None:
        """Open roles, from a key or from prose; the first engineering count wins."""
        return open_roles_in(self.pairs)

    @cached_property
    def role_counts(self) -> frozenset[int]:
        """Every number of roles that the context states."""
        known = self.open_roles
        return role_counts_in(self.all_text) | (frozenset() if known is None else {known})

    @cached_property
    def ai_score(self) -> int | None:
        """AI maturity 0-3, from a key or from prose."""
        for key, value in self.pairs:
            if (
                re.search(r"\bai\b", key)
                and re.search(r"\b(?:maturity|score|readiness)\b", key)
                and "confidence" not in key
            ):
                number = integer(value)
                if number is not None:
                    return number
        match = re.search(r"\bai (?:maturity|readiness)(?: score| level)?(?: is| of|:|=)?\s?(\d)\b", self.text)
        return int(match.group(1)) if match else None

    @cached_property
    def velocity(self) -> str | None:
        """What a key about hiring or engineering velocity says: ``high``, ``low``, ``flat`` ..."""
        for key, value in self.pairs:
            if "velocity" in key and "confidence" not in key and len(value) < 40:
                return value
        return None

    @property
    def flat(self) -> bool:
        """Whether the context gives a velocity that is no growth."""
        return self.velocity is not None and _FLAT.match(self.velocity) is not None

    @cached_property
    def tier(self) -> Tier | None:
        """The signal's confidence tier, or the one that a confidence word or number implies."""
        given = self.context.signal_brief.signal_confidence_tier
        if given is not None:
            return Tier(given)
        for key, value in self.pairs:
            if key in {"confidence", "signal confidence", "signal confidence tier", "overall confidence"}:
                if value in {tier.value for tier in Tier}:
                    return Tier(value)
                return tier_of(value)
        return None

    @cached_property
    def segments(self) -> frozenset[int]:
        """Segments that the context stands for: the typed one, or those that its words name."""
        found = {self.context.icp_segment} if self.context.icp_segment else set()
        for key, value in self.pairs:
            if "segment" in key and "confidence" not in key:
                found |= segments_in(value)
        return frozenset(found)

    @cached_property
    def segment_confidence(self) -> float | None:
        for key, value in self.pairs:
            if key.endswith(("segment confidence", "icp confidence")):
                if value in {"low", "none"}:
                    return 0.3
                number = re.fullmatch(r"0?\.\d{1,4}|[01](?:\.0+)?", value)
                return float(value) if number else None
        return None

    @cached_property
    def contact_names(self) -> tuple[str, ...]:
        """Names of the person written to, lower-case; placeholders are left out."""
        found = []
        for key, value in self.pairs:
            if re.search(r"\b(?:contact|prospect|recipient|lead|first)\b.*\bname\b", key) and "company" not in key:
                name = value.strip()
                if name and name not in {"there", "none", "unknown", "team", "n/a"} and len(name) < 80:
                    found.append(name)
        return tuple(found)

    @cached_property
    def opted_out(self) -> bool:
        """Whether the prospect asked not to be written to, or a flag says so."""
        for key, value in self.pairs:
            if "opt out" in key and value not in DENIED_VALUES and "channels" not in key:
                return True
            if "opt out" in key and re.search(r"\b(?:e-?mail|all|any)\b", value):
                return True
            if "disqualifier" in key and _OPT_OUT.search(value):
                return True
            if key in {"do not contact", "unsubscribed"} and value not in DENIED_VALUES:
                return True
        return bool(_OPT_OUT.search(self.prospect_text))

    @cached_property
    def disqualifiers(self) -> tuple[str, ...]:
        """Reasons in the context not to pitch at all, as the context words them."""
        return tuple(value for key, value in self.pairs if "disqualif" in key and value not in DENIED_VALUES)

    @cached_property
    def stacks(self) -> dict[str, StackFacts]:
        """Capacity by stack: typed records first, then "<stack> engineers: N" keys about what is free."""
        found: dict[str, StackFacts] = {}
        summary = self.context.bench_summary
        for name, record in summary.stacks.items() if summary else ():
            found[name.strip().lower()] = stack_facts(name.strip().lower(), record)
        for key, value in self.pairs:
            keyed = re.search(r"\b(?:bench|capacity|available)\b.*?\b([a-z+#.]{1,20})(?: available)? engineers?$", key)
            count = integer(value) if keyed else None
            if keyed and count is not None and keyed.group(1) not in {"available", "total", "above"}:
                found.setdefault(keyed.group(1), StackFacts(keyed.group(1), count))
            elif "capacity" in key and "request" not in key:
                for stack in stacks_in(value):
                    found.setdefault(stack.name, stack)
        return found

    @cached_property
    def deploy_days(self) -> int | None:
        """Soonest start, in days, that the context gives for every stack."""
        for key, value in self.pairs:
            if re.search(r"\b(?:deployment minimum|minimum (?:lead|deployment)|time to deploy|lead time)\b", key):
                return integer(value)
        return None
