"""From a draft and its scores to the exact tokens that the engine will see and decode.

The prompt is the service's own (``app.judge.prompt.render``) through the model's own chat template; the answer is
the compact JSON that guided decoding permits, ended by the end-of-turn token. Anything else would train one text
and serve another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from app.bench.moves import OVERALL
from app.judge.prompt import render
from app.judge.rubric import MAX_SCORE, MIN_SCORE, REASON_KEY, SCORES_KEY, Criterion, Rubric, parse_rubric
from app.schemas import Context, Draft, JudgedBy

WHOLE = Criterion(
    id=OVERALL,
    judged_by=JudgedBy.MODEL,
    title="Could be sent as it is",
    ask="a careful sales lead would send it as it is, with these facts",
    anchor_1="Would be stopped: something in it is untrue, unfounded, unfitting, pushy or unfinished.",
    anchor_3="Would be sent after a second look.",
    anchor_5="Would be sent without a change.",
)
"""Asked for in training alone: half of all drafts fail as a whole, which starts the learning."""


def default_rubric() -> Rubric:
    """The rubric that ships with the package."""
    path = files("app.judge").joinpath("rubrics/default.toml")
    return parse_rubric(path.read_text(encoding="utf-8"), "default.toml")


def rubric_of(asked: Sequence[str]) -> Rubric:
    """The shipped rubric with these questions to the model alone, the one about the whole draft among them if asked."""
    rubric = default_rubric()
    criteria = tuple(c for c in (*rubric.model_criteria, WHOLE) if c.id in asked)
    return Rubric(name=rubric.name, version=rubric.version, title=rubric.title, criteria=criteria)


def answer_text(scores: Sequence[int], reason: str | None = None) -> str:
    """The compact JSON of a verdict, as guided decoding without whitespace produces it."""
    value: dict[str, Any] = {SCORES_KEY: list(scores)}
    if reason is not None:
        value[REASON_KEY] = reason
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def prompt_ids(tokenizer: Any, rubric: Rubric, draft: Draft, context: Context, *, explain: bool = False) -> list[int]:
    """Token ids of the whole prompt, up to and including the assistant's opening."""
    prompt = render(rubric, draft, context, explain=explain)
    text = tokenizer.apply_chat_template(list(prompt.messages), add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def answer_ids(tokenizer: Any, scores: Sequence[int], reason: str | None = None) -> list[int]:
    """Token ids of the answer and the end of the turn."""
    ids = list(tokenizer(answer_text(scores, reason), add_special_tokens=False).input_ids)
    return [*ids, int(tokenizer.eos_token_id)]


def digit_ids(tokenizer: Any) -> list[int]:
    """The token ids of ``1`` to ``5``, in that order."""
    found = [tokenizer(str(k), add_special_tokens=False).input_ids for k in range(MIN_SCORE, MAX_SCORE + 1)]
    return [int(ids[0]) for ids in found]
