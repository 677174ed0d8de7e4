"""The boundary: what the model sent becomes a typed outcome, and numbers only when it is a whole verdict.

Guided decoding is a strong habit of the engine, not a guarantee: answers are cut off, loop on whitespace, are
refused or come from a server that ignored the schema. So everything is checked again here. Nothing is
repaired: no search for a brace, no default, no clamp.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.judge.rubric import MAX_SCORE, MIN_SCORE, REASON_KEY, SCORES_KEY, Rubric
from app.schemas import Outcome, Usage

MAX_REASON_CHARS = 600
_DIGITS = frozenset(str(score) for score in range(MIN_SCORE, MAX_SCORE + 1))
MISSING_LOGPROB = -1_000.0
"""Log-probs at or below this are the engine's mark for a legal token that it did not report."""


@dataclass(frozen=True)
class TokenLogprob:
    """One decoded token, its text, and the log-probabilities of the most likely tokens at its place."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class RawAnswer:
    """What came back from the model, before anyone believed it."""

    text: str | None
    finish_reason: str | None
    refusal: str | None = None
    tokens: tuple[TokenLogprob, ...] | None = None
    usage: Usage | None = None
    model: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class ScoreDistribution:
    """P(k) for k = 1..5 at one score, renormalised over the digits, and the mass they carried before."""

    p: tuple[float, float, float, float, float]
    mass: float

    @property
    def expected(self) -> float:
        """Sum of p_k k, in 1..5."""
        return min(float(MAX_SCORE), max(float(MIN_SCORE), sum(p * k for k, p in enumerate(self.p, start=1))))

    @property
    def p_fail(self) -> float:
        """P(1) + P(2) + P(3)/2: a doubtful score is half a failure. Uncalibrated."""
        return min(1.0, self.p[0] + self.p[1] + 0.5 * self.p[2])


@dataclass(frozen=True)
class ModelVerdict:
    """The typed outcome of one answer. Scores and distributions are in rubric order, and only when judged."""

    outcome: Outcome
    detail: str
    scores: tuple[int, ...] = ()
    distributions: tuple[ScoreDistribution, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


class DuplicateKey(ValueError):
    """JSON with the same key twice says two things at once."""


def read_answer(answer: RawAnswer, rubric: Rubric, *, explain: bool, delimiter: str | None = None) -> ModelVerdict:
    """Decide what an answer is. Only a whole, valid verdict with log-probs at every score is ``judged``."""
    if answer.refusal or answer.finish_reason == "content_filter":
        return ModelVerdict(Outcome.REFUSED, "the model declined to answer")
    text = answer.text or ""
    if answer.finish_reason == "length":
        return ModelVerdict(Outcome.TRUNCATED, "the answer reached the token limit before it was whole")
    if answer.finish_reason == "abort":
        return ModelVerdict(Outcome.CANCELLED, "the engine aborted the request")
    if not text.strip():
        return ModelVerdict(Outcome.EMPTY, "the answer held no text")
    if answer.finish_reason != "stop":
        ending = _word(answer.finish_reason)
        return ModelVerdict(Outcome.TRUNCATED, f"the engine ended the answer with {ending}")
    parsed = read_verdict_text(text, rubric, explain=explain)
    if parsed.outcome is not Outcome.JUDGED:
        return parsed
    distributions = score_distributions(answer.tokens, text, len(rubric.model_criteria))
    if isinstance(distributions, str):
        return ModelVerdict(Outcome.SCHEMA_MISMATCH, f"log-probs: {distributions}")
    reason = parsed.reason
    notes: tuple[str, ...] = ()
    if reason is not None and delimiter is not None and delimiter in reason:
        reason, notes = None, ("the model's reason repeated the prompt's marker and was withheld",)
    return ModelVerdict(Outcome.JUDGED, "judged", parsed.scores, distributions, reason, notes)


def read_verdict_text(text: str, rubric: Rubric, *, explain: bool) -> ModelVerdict:
    """Read the text of an answer: a whole JSON verdict of this rubric, or the reason why it is none.

    Prose around the JSON, a second object, a repeated key, a score that is not an integer 1-5, a missing or
    an extra key, a reason before the scores: none of these is a verdict.
    """
    try:
        value = json.loads(text, object_pairs_hook=unique_object, parse_constant=_no_constant)
    except DuplicateKey:
        return ModelVerdict(Outcome.SCHEMA_MISMATCH, "the answer repeats a key")
    except (ValueError, RecursionError):
        return ModelVerdict(Outcome.UNPARSEABLE, "the answer is not one JSON value")
    expected = [SCORES_KEY, REASON_KEY] if explain else [SCORES_KEY]
    # In this order: scores that follow a reason were argued for, and their log-probs stand elsewhere.
    if not isinstance(value, dict) or list(value) != expected:
        return ModelVerdict(Outcome.SCHEMA_MISMATCH, f"the answer must be an object with {expected}")
    scores = value[SCORES_KEY]
    count = len(rubric.model_criteria)
    if not isinstance(scores, list) or len(scores) != count or any(type(s) is not int for s in scores):
        return ModelVerdict(Outcome.SCHEMA_MISMATCH, f"`{SCORES_KEY}` must be {count} integers")
    if any(not MIN_SCORE <= score <= MAX_SCORE for score in scores):
        return ModelVerdict(Outcome.OUT_OF_RANGE, f"a score lies outside {MIN_SCORE}-{MAX_SCORE}")
    reason = value.get(REASON_KEY)
    if explain and not isinstance(reason, str):
        return ModelVerdict(Outcome.SCHEMA_MISMATCH, f"`{REASON_KEY}` must be a string")
    if reason is not None:
        reason = " ".join("".join(c if c.isprintable() else " " for c in reason).split())[:MAX_REASON_CHARS]
    return ModelVerdict(Outcome.JUDGED, "judged", tuple(scores), (), reason)


def score_distributions(
    tokens: Sequence[TokenLogprob] | None, text: str, count: int
) -> tuple[ScoreDistribution, ...] | str:
    """Read the five digit probabilities at each score, or say why they cannot be read.

    Positions come from the concatenated token text, never from token indices: a tokenizer may join a digit
    with a bracket. Only the text up to the last score must be spelled by the tokens: in a reason behind it one
    character may be split over several tokens, and an end token may follow. Under a grammar the log-probs
    are already renormalised over legal tokens; ``mass`` records what the digits carried of it.
    """
    if not tokens:
        return "the engine sent none"
    starts = _score_offsets(text, count)
    if starts is None:
        return "the scores could not be found in the answer"
    if not "".join(token.text for token in tokens).startswith(text[: starts[-1] + 1]):
        return "their tokens do not spell the answer"
    found: list[ScoreDistribution] = []
    offset, wanted = 0, iter(starts)
    at = next(wanted)
    for token in tokens:
        end = offset + len(token.text)
        while offset <= at < end:
            distribution = _digits_at(token, at - offset)
            if distribution is None:
                return "no digit carries any probability at a score"
            found.append(distribution)
            following = next(wanted, None)
            if following is None:
                return tuple(found)
            at = following
        offset = end
    return "the scores lie behind the last token"


def _digits_at(token: TokenLogprob, index: int) -> ScoreDistribution | None:
    before, after = token.text[:index], token.text[index + 1 :]
    by_digit = [0.0] * (MAX_SCORE - MIN_SCORE + 1)
    seen: set[str] = set()
    for text, logprob in (*token.top, (token.text, token.logprob)):
        digit = text[index : index + 1]
        if text in seen or text[:index] != before or text[index + 1 :] != after or digit not in _DIGITS:
            continue
        seen.add(text)
        if math.isfinite(logprob) and logprob > MISSING_LOGPROB:
            by_digit[int(digit) - MIN_SCORE] += math.exp(min(logprob, 0.0))
    mass = sum(by_digit)
    if mass <= 0.0:
        return None
    one, two, three, four, five = (p / mass for p in by_digit)
    return ScoreDistribution((one, two, three, four, five), min(1.0, mass))


def _score_offsets(text: str, count: int) -> tuple[int, ...] | None:
    start = text.find("[")
    end = text.find("]", start)
    if start < 0 or end < 0:
        return None
    offsets = tuple(i for i in range(start, end) if text[i].isdigit())
    return offsets if len(offsets) == count else None


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """``object_pairs_hook`` that refuses a repeated key."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise DuplicateKey
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _word(finish_reason: str | None) -> str:
    known = {"repetition", "tool_calls", "function_call"}
    return finish_reason if finish_reason in known else "no usable finish_reason"
