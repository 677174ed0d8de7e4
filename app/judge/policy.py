"""What one vendor allows: limits, booking, phrases, prices, thresholds, and how bad each failed check is.

A policy is a TOML file. It is read once, checked whole, and refused with every fault named by file and key. Nothing in
it is code: phrases are plain words with a small notation (see :class:`Phrases`), never regular expressions.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.errors import ConfigurationError, Fault
from app.judge.checks import CHECKS, CheckAction
from app.schemas import Severity

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*\.[a-z]{2,}(/[\w./-]*)?$", max_length=200)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
BookingRule = Literal["forbid", "allow_ask", "allow_link"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Vendor(_Section):
    """Who sends.

    ``aliases`` are further names that may stand in a draft; ``public_claims`` are sentences about the vendor that
    are public and true, so their figures are no boast.
    """

    name: Word
    aliases: tuple[Word, ...] = ()
    public_claims: tuple[Word, ...] = ()


class Limits(_Section):
    """Lengths in words, without greeting and signature; the subject in characters; asks per draft.

    ``flood_factor`` times the longest limit is what the rules read; a longer draft is held for a human.
    """

    cold_words: Annotated[int, Field(ge=10, le=5_000)] = 120
    warm_words: Annotated[int, Field(ge=10, le=5_000)] = 200
    re_engagement_words: Annotated[int, Field(ge=10, le=5_000)] = 100
    subject_chars: Annotated[int, Field(ge=10, le=1_000)] = 60
    minimum_words: Annotated[int, Field(ge=0, le=100)] = 4
    asks: Annotated[int, Field(ge=1, le=10)] = 1
    flood_factor: Annotated[float, Field(ge=2, le=1_000)] = 4


class Booking(_Section):
    """What may be offered before the prospect asked to meet: nothing, a question for a time, or a link."""

    before_ready: BookingRule = "forbid"
    link_domains: tuple[Domain, ...] = ()


class Phrases(_Section):
    """Lists of phrases, matched as whole words in any case.

    ``*`` ends a word with any ending, ``a/b`` is either word, a hyphen may be missing or a space in the draft, and
    ``...`` stands for up to four words.
    """

    banned: tuple[Word, ...] = ()
    superlatives: tuple[Word, ...] = ()
    filler_openers: tuple[Word, ...] = ()
    internal: tuple[Word, ...] = ()
    condescension: tuple[Word, ...] = ()
    guilt: tuple[Word, ...] = ()
    pressure: tuple[Word, ...] = ()
    boasting: tuple[Word, ...] = ()


class Band(_Section):
    """A price that is public: from ``low`` to ``high``, per ``unit``, in the policy's currency."""

    name: Word
    unit: Word
    low: Annotated[float, Field(gt=0)]
    high: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Band:
        if self.high < self.low:
            raise ValueError("high must not be below low")
        return self


class Pricing(_Section):
    """Public price bands; anything else is for a human."""

    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "USD"
    bands: tuple[Band, ...] = ()


class Signals(_Section):
    """Where a signal stops carrying a claim: days, open roles, AI maturity 0-3, segment confidence 0-1."""

    funding_days: Annotated[int, Field(ge=1, le=3_650)] = 180
    leadership_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    layoff_days: Annotated[int, Field(ge=1, le=3_650)] = 120
    hiring_roles: Annotated[int, Field(ge=1, le=1_000)] = 5
    ai_pitch_score: Annotated[int, Field(ge=0, le=3)] = 2
    segment_confidence: Probability = 0.6


class CriterionThresholds(_Section):
    """Thresholds of one rubric criterion; what is absent falls back to the model's own."""

    fail_at: Probability | None = None
    abstain_band: Annotated[float, Field(ge=0.0, le=0.5)] | None = None


class ModelThresholds(_Section):
    """When the model's P(fail) fails a draft, and how wide the band around it is in which it abstains."""

    fail_at: Probability = 0.5
    abstain_band: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    criteria: dict[str, CriterionThresholds] = Field(default_factory=dict)

    def fail_threshold(self, criterion: str) -> float:
        """P(fail) from which ``criterion`` fails."""
        own = self.criteria.get(criterion)
        return self.fail_at if own is None or own.fail_at is None else own.fail_at

    def band(self, criterion: str) -> float:
        """Half-width of the band around the threshold in which ``criterion`` abstains."""
        own = self.criteria.get(criterion)
        return self.abstain_band if own is None or own.abstain_band is None else own.abstain_band


class CheckPolicy(_Section):
    """How bad a failed check is, and what follows: rewrite, a human, or only a remark."""

    severity: Severity
    action: CheckAction


def _with_defaults(given: Any) -> Any:
    """The catalogue's severities and actions with those of the file laid over them; unknown ids are refused."""
    if not isinstance(given, dict):
        return given
    merged: dict[str, Any] = {
        spec.id: {"severity": spec.severity.value, "action": spec.action} for spec in CHECKS.values()
    }
    for check, own in given.items():
        if isinstance(own, BaseModel):
            own = own.model_dump()
        base = merged.get(check)
        merged[check] = {**base, **own} if base is not None and isinstance(own, dict) else own
    return merged


class Policy(_Section):
    """Everything that turns findings and a verdict into an action, for one vendor."""

    name: Word
    vendor: Vendor
    limits: Limits = Limits()
    booking: Booking = Booking()
    phrases: Phrases = Phrases()
    pricing: Pricing = Pricing()
    signals: Signals = Signals()
    model: ModelThresholds = ModelThresholds()
    checks: dict[str, CheckPolicy] = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _fill_checks(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {**data, "checks": _with_defaults(data.get("checks", {}))}

    @model_validator(mode="after")
    def _known_checks(self) -> Policy:
        unknown = sorted(set(self.checks) - set(CHECKS))
        if unknown:
            raise ValueError(f"checks: no check is called {', '.join(unknown)}; docs/rules.md lists them all")
        return self

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the content: equal policies have equal digests, whatever the file looked like."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def _expand(tree: Any, prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check tables keyed by full id, whether the file wrote ``[checks."tone.guilt"]`` or ``[checks.tone.guilt]``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        nested = isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values())
        if nested and ".".join((*prefix, key)) not in CHECKS:
            flat |= _expand(value, (*prefix, key))
        else:
            flat[".".join((*prefix, key))] = value
    return flat


def parse_policy(toml_text: str, source: str) -> Policy:
    """The policy in ``toml_text``; ``source`` is the file's name, for messages only.

    Raises:
        ConfigurationError: not TOML, or a key is missing, unknown or out of range; every fault is named.
    """
    try:
        tree = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("The policy file is not valid TOML.", (Fault(source, f"{error}"),)) from error
    if isinstance(tree.get("checks"), dict):
        tree["checks"] = _expand(tree["checks"])
    try:
        return Policy.model_validate(tree)
    except ValidationError as error:
        faults = tuple(
            Fault(f"{source}: {'.'.join(str(part) for part in fault['loc']) or 'whole file'}", _plain(fault))
            for fault in error.errors(include_url=False)
        )
        raise ConfigurationError("The policy file does not fit.", faults) from error


def _plain(fault: Any) -> str:
    """What would be right, in words."""
    match fault["type"]:
        case "missing":
            return "is missing and must be given"
        case "extra_forbidden":
            return "is not a key of a policy; remove it or correct its spelling"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _:
            message = str(fault["msg"])
            return message[:1].lower() + message[1:]


def default_policy() -> Policy:
    """The policy that ships with Presend, for the fictional vendor Kestrelworks."""
    name = "kestrelworks.toml"
    text = resources.files("app.judge").joinpath("vendors", name).read_text(encoding="utf-8")
    return parse_policy(text, name)
