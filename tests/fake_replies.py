"""What the scripted engine can say: the kinds of reply, a step of a script, the bytes of each completion.

Bodies are built once for each distinct step and kept, so that the fake costs next to nothing under load.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import orjson

KINDS = (
    "ok",
    "ok_after_drip",
    "429",
    "500",
    "502",
    "503",
    "queue_full",
    "400",
    "401",
    "404",
    "redirect",
    "hang",
    "slow_drip",
    "truncated",
    "repetition",
    "abort",
    "wrong_schema",
    "whitespace_loop",
    "refusal",
    "content_filter",
    "empty",
    "null_content",
    "no_choices",
    "out_of_range",
    "not_json",
    "prose",
    "two_objects",
    "missing_logprobs",
    "unreported_logprobs",
    "joined_tokens",
    "disconnect",
    "wrong_content_type",
    "gzip",
    "huge",
    "broken_envelope",
)
UNREPORTED = -9999.0


@dataclass(frozen=True)
class Step:
    """What to do with one request."""

    kind: str = "ok"
    latency_ms: float = 0.0
    scores: int | list[int] = 5
    confidence: float = 0.9
    winner: str = "1"
    reason: str = "The draft fits the facts."
    text: str | None = None
    finish_reason: str | None = None
    retry_after: str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; one of {', '.join(KINDS)}")


def step_from(value: dict[str, Any]) -> Step:
    """Read a step; an unknown key is a mistake in the test."""
    unknown = set(value) - {f.name for f in fields(Step)}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)} in a step")
    return Step(**value)


ERRORS: dict[str, tuple[int, str, str]] = {
    "429": (429, "Rate limit reached.", "RateLimitError"),
    "500": (500, "Grammar compilation failed.", "InternalServerError"),
    "502": (502, "Bad gateway.", "InternalServerError"),
    "503": (503, "No engine is available.", "ServiceUnavailableError"),
    "queue_full": (
        503,
        "The engine is currently busy and cannot accept new requests.",
        "ServiceUnavailableError",
    ),
    "400": (400, "The schema is not supported.", "BadRequestError"),
    "401": (401, "Unauthorized", "AuthenticationError"),
    "404": (404, "The model does not exist.", "NotFoundError"),
}


@lru_cache(maxsize=512)
def completion_body(
    *,
    kind: str,
    pairwise: bool,
    explain: bool,
    count: int,
    scores: int | tuple[int, ...],
    confidence: float,
    winner: str,
    reason: str,
    text: str | None,
    finish_reason: str | None,
    alternatives: int | None,
    model: str,
) -> bytes:
    """The whole reply, built once for each distinct script step.

    ``alternatives`` is how many tokens the caller asked to see at each position; None when it asked for no log-probs.
    """
    values = (scores,) * count if isinstance(scores, int) else scores
    tokens = _pairwise_tokens(winner) if pairwise else _score_tokens(values, explain, reason, kind == "joined_tokens")
    content: str | None = "".join(tokens)
    finish, refusal = "stop", None
    if kind == "truncated":
        tokens, finish = tokens[: max(1, len(tokens) // 2)], "length"
        content = "".join(tokens)
    elif kind == "whitespace_loop":
        tokens, finish = [*tokens[:3], *["\n"] * 40], "length"
        content = "".join(tokens)
    elif kind in {"repetition", "abort"}:
        tokens, finish = tokens[:4], kind
        content = "".join(tokens)
    elif kind == "content_filter":
        tokens, content, finish = [], None, "content_filter"
    elif kind == "refusal":
        tokens, content, refusal = [], None, "I cannot help with that."
    elif kind == "empty":
        tokens, content = [], ""
    elif kind == "null_content":
        tokens, content = [], None
    elif kind in _TEXTS:
        content = _TEXTS[kind](content or "", values)
        tokens = list(content)
    if text is not None:
        content, tokens = text, list(text)
    entries = None
    if alternatives is not None and kind != "missing_logprobs":
        entries = {"content": [_entry(t, confidence, kind == "unreported_logprobs", alternatives) for t in tokens]}
    return orjson.dumps(
        {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "system_fingerprint": "fake-engine",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": refusal},
                    "logprobs": entries,
                    "finish_reason": finish_reason or finish,
                }
            ],
            "usage": {
                "prompt_tokens": 321,
                "completion_tokens": len(tokens),
                "total_tokens": 321 + len(tokens),
                "prompt_tokens_details": {"cached_tokens": 256},
            },
        }
    )


_TEXTS: dict[str, Callable[[str, tuple[int, ...]], str]] = {
    "wrong_schema": lambda _, values: orjson.dumps({"scores": values, "verdict": "pass"}).decode(),
    "out_of_range": lambda _, values: orjson.dumps({"s": (9, *values[1:])}).decode(),
    "not_json": lambda *_: "The draft looks fine to me, five out of five.",
    "prose": lambda content, _: f"Here is my verdict: {content} I hope that helps.",
    "two_objects": lambda content, _: f"{content}{content}",
}


def _score_tokens(values: tuple[int, ...], explain: bool, reason: str, joined: bool) -> list[str]:
    tokens = ['{"', "s", '":['] if not joined else ['{"', "s", '":']
    for index, value in enumerate(values):
        if joined:
            tokens.append(f"[{value}" if index == 0 else f",{value}")
        else:
            tokens += [str(value)] if index == 0 else [",", str(value)]
    if not explain:
        return [*tokens, "]}"]
    spelled = orjson.dumps(reason).decode()
    return [*tokens, '],"', "reason", '":', *[spelled[i : i + 5] for i in range(0, len(spelled), 5)], "}"]


def _pairwise_tokens(winner: str) -> list[str]:
    return ['{"', "w", '":"', winner, '"}']


def _entry(token: str, confidence: float, unreported: bool, alternatives: int) -> dict[str, Any]:
    """One position: the token and as many of the likeliest as were asked; at a score only the digits are legal."""
    bare = token.strip("[,]")
    if len(bare) == 1 and bare in "12345":
        choices = [token.replace(bare, d) for d in "12345"]
    elif token in {"1", "2", "tie"}:
        choices = ["1", "2", "tie"]
    else:
        choices = [token]
    rest = (1.0 - confidence) / max(1, len(choices) - 1)
    top = []
    for choice in choices:
        p = 1.0 if len(choices) == 1 else confidence if choice == token else rest
        top.append((choice, UNREPORTED if unreported else max(UNREPORTED, math.log(p) if p > 0 else UNREPORTED)))
    top += [(f"<{n}>", UNREPORTED) for n in range(alternatives - len(top))]
    top.sort(key=lambda item: -item[1])
    chosen = next(value for choice, value in top if choice == token)
    return {
        "token": token,
        "logprob": chosen,
        "bytes": list(token.encode()),
        "top_logprobs": [{"token": t, "logprob": v, "bytes": list(t.encode())} for t, v in top[:alternatives]],
    }
