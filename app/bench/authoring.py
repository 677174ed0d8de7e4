"""Tasks that a language model writes and another one marks: the prompts, the shapes of the answers, the thresholds.

A generator gets a seed task and rewrites its honest draft so that it breaks exactly one criterion, or stays honest; a
judge of another model family then marks the task (not the draft) for coherence, verifiability and rubric clarity, and
a task is accepted when each mark is at least 3. Models of one family prefer each other's text, so that one family is
never asked for both (Li et al. 2025, "Preference Leakage"). Pure: ``app.services.synthesis`` asks the endpoints.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from app.bench.tasks import Difficulty, Mode, Quality, Task
from app.bench.texts import facts_of
from app.bench.words import words_of
from app.errors import InvalidInput
from app.schemas import Draft
from app.schemas.core import Strict

ACCEPTED_FROM = 3
"""The least mark of each dimension with which a task is accepted."""
LENGTH_SLACK = 0.25
"""How far, as a share, a rewritten body may differ from its honest partner in words: length must not tell the label."""

_FAMILIES: tuple[tuple[str, str], ...] = (
    (r"qwen|qwq", "qwen"),
    (r"llama|vicuna|alpaca|hermes", "llama"),
    (r"mi[sx]tral|ministral|codestral|magistral", "mistral"),
    (r"gemma|gemini|palm", "google"),
    (r"gpt|davinci|^o[1345](?:-|$)", "openai"),
    (r"claude", "anthropic"),
    (r"deepseek", "deepseek"),
    (r"\bphi", "phi"),
    (r"smollm", "smollm"),
    (r"command|aya", "cohere"),
    (r"granite", "granite"),
    (r"grok", "xai"),
    (r"glm", "glm"),
    (r"kimi|moonshot", "kimi"),
)


class Left(StrEnum):
    """Why a job brought no task. Those of the endpoint come from ``Outcome``."""

    NO_JSON = "no_json"
    WRONG_SHAPE = "wrong_shape"
    UNCHANGED = "unchanged"
    LENGTH = "length"
    RULES_DISAGREE = "rules_disagree"
    JUDGE_NO_JSON = "judge_no_json"
    JUDGE_WRONG_SHAPE = "judge_wrong_shape"
    BELOW_THRESHOLD = "below_threshold"


@dataclass(frozen=True)
class Asked:
    """One criterion as it is told to a model: its id, its title, and what breaks and what keeps it."""

    id: str
    title: str
    broken: str
    kept: str


@dataclass(frozen=True)
class Job:
    """One task to be written: from which seed, and which criterion it breaks; None for another honest draft."""

    seed: Task
    breaks: Asked | None
    criteria: tuple[Asked, ...]

    @property
    def id(self) -> str:
        """The id of the task to be."""
        name = self.breaks.id if self.breaks else "honest"
        return f"syn-{hashlib.sha256(self.seed.line().encode()).hexdigest()[:10]}-{name}"


class _Written(Strict):
    subject: Annotated[str, StringConstraints(max_length=1_000)]
    body: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    why: Annotated[str, StringConstraints(min_length=1, max_length=600)]


WRITTEN_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"subject": {"type": "string"}, "body": {"type": "string"}, "why": {"type": "string"}},
    "required": ["subject", "body", "why"],
    "additionalProperties": False,
}
_MARK = {"type": "integer", "minimum": 1, "maximum": 5}
MARKS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"coherence": _MARK, "verifiability": _MARK, "rubric_clarity": _MARK},
    "required": ["coherence", "verifiability", "rubric_clarity"],
    "additionalProperties": False,
}


def family_of(model: str) -> str | None:
    """The family that a model's name tells, None for a name that tells none."""
    name = model.casefold().rpartition("/")[2]
    return next((family for pattern, family in _FAMILIES if re.search(pattern, name)), None)


def two_families(
    generator: str, judge: str, generator_family: str | None = None, judge_family: str | None = None
) -> tuple[str, str]:
    """The families of generator and judge, as named or as their names tell.

    Raises
    ------
    InvalidInput
        When a family is unknown, or both are one family.
    """
    found: list[str] = []
    for role, model, named in (("generator", generator, generator_family), ("judge", judge, judge_family)):
        told = family_of(model)
        family = (named or told or "").strip().casefold()
        if not family:
            raise InvalidInput(f"The name of the {role} {model} tells no model family; name it with --{role}-family.")
        if named and told and family != told:
            raise InvalidInput(f"The {role} {model} is of the family {told}, not {family}.")
        found.append(family)
    if found[0] == found[1]:
        raise InvalidInput(
            f"Generator and judge are both of the family {found[0]}; the judge must be of another family."
        )
    return found[0], found[1]


def jobs_for(seeds: Sequence[Task], criteria: Sequence[Asked], broken: Sequence[Asked]) -> list[Job]:
    """For each honest seed a job for each criterion to break, and one for another honest draft.

    Raises
    ------
    InvalidInput
        When no seed is honest.
    """
    usable = [seed for seed in seeds if seed.passed and not seed.hostile]
    if not usable:
        raise InvalidInput("There is no honest seed; at least one task must have `passed` true and not be hostile.")
    every = tuple(criteria)
    return [Job(seed, asked, every) for seed in usable for asked in (None, *broken)]


def generator_messages(job: Job) -> list[dict[str, str]]:
    """What the generator is asked."""
    if job.breaks is None:
        wish = "Write another e-mail for the same facts that keeps every rule. Use other words than the e-mail shown."
        rules = "\n".join(f"- {one.title}: {one.kept}" for one in job.criteria)
    else:
        wish = (
            "Rewrite the e-mail so that it breaks this one rule and keeps all others. Change as little as you can, "
            "keep the length and the tone, and let it read like an honest mistake."
        )
        others = [f"- {one.title}: {one.kept}" for one in job.criteria if one.id != job.breaks.id]
        rules = "\n".join([f"Break: {job.breaks.title}. {job.breaks.broken}", "Keep:", *others])
    system = (
        "You write test e-mails for a checker of sales e-mails. "
        'Answer with JSON only: {"subject": "...", "body": "...", "why": "one sentence: which words break what"}.'
    )
    shown = f"Facts:\n{_facts(job.seed)}\n\nE-mail:\n{_shown(job.seed.draft)}\n\n{wish}\n{rules}"
    return [{"role": "system", "content": system}, {"role": "user", "content": shown}]


def judge_messages(task: Task, criteria: Sequence[Asked]) -> list[dict[str, str]]:
    """What the judge of tasks is asked; it sees the label, because it marks the task and not the draft."""
    broken = [one for one in criteria if one.id in task.violated]
    label = "; ".join(f"breaks: {one.title}" for one in broken) or "breaks nothing"
    rules = "\n".join(f"- {one.title}. Broken: {one.broken} Kept: {one.kept}" for one in criteria)
    system = (
        "You review test cases for a checker of sales e-mails. Mark each of three things from 1 (bad) to 5 (good):\n"
        "coherence: facts and e-mail belong together and make sense;\n"
        "verifiability: whether the label is right can be decided from the facts and the e-mail alone;\n"
        "rubric_clarity: the rule named by the label clearly applies, and no other rule is broken.\n"
        'Answer with JSON only: {"coherence": n, "verifiability": n, "rubric_clarity": n}.'
    )
    shown = (
        f"Rules:\n{rules}\n\nFacts:\n{_facts(task)}\n\nE-mail:\n{_shown(task.draft)}\n\n"
        f"Label: the e-mail {label}. Reason given: {task.why or 'none'}"
    )
    return [{"role": "system", "content": system}, {"role": "user", "content": shown}]


def read_written(text: str | None, job: Job) -> Task | Left:
    """The generator's answer as a task, or why it is none."""
    value = _object(text)
    if value is None:
        return Left.NO_JSON
    try:
        written = _Written.model_validate(value)
    except ValidationError:
        return Left.WRONG_SHAPE
    draft = Draft(subject=written.subject, body=written.body)
    seed = job.seed
    if words_of(draft.body) == words_of(seed.draft.body):
        return Left.UNCHANGED
    before, after = len(seed.draft.body.split()), len(draft.body.split())
    if job.breaks is not None and abs(after - before) > LENGTH_SLACK * before:
        return Left.LENGTH
    honest = job.breaks is None
    return Task(
        task_id=job.id,
        mode=Mode.MULTI_LLM_SYNTHESIS,
        difficulty=Difficulty.MEDIUM,
        split=seed.split,
        group=seed.cluster,
        family=seed.family,
        vendor=seed.vendor,
        category=None if job.breaks is None else job.breaks.id,
        context=seed.context,
        draft=draft,
        reference=None if honest else seed.draft,
        passed=honest,
        # A rewritten draft is known to break its criterion; that it keeps the others was only asked for.
        scores={one.id: 5 if honest else 1 if one is job.breaks else None for one in job.criteria},
        pair=None if honest else seed.task_id,
        why=written.why,
        signal_date=seed.signal_date,
        source={"seed": seed.task_id},
    )


def read_marks(text: str | None) -> Quality | Left:
    """The judge's answer as marks, or why it is none."""
    value = _object(text)
    if value is None:
        return Left.JUDGE_NO_JSON
    try:
        return Quality.model_validate(value)
    except ValidationError:
        return Left.JUDGE_WRONG_SHAPE


def accepted(quality: Quality, at_least: int = ACCEPTED_FROM) -> bool:
    """Whether each mark reaches the threshold."""
    return quality.lowest >= at_least


def marked(task: Task, quality: Quality, source: Mapping[str, str]) -> Task:
    """The task with its marks, and with what made and marked it."""
    return task.model_copy(update={"quality": quality, "source": {**task.source, **source}})


def with_broken(criteria: Sequence[Asked], broken: Sequence[str]) -> tuple[Asked, ...]:
    """The criteria to break, in their order; all where none is named.

    Raises
    ------
    InvalidInput
        When a name is no criterion.
    """
    known = {one.id: one for one in criteria}
    if unknown := sorted(set(broken) - set(known)):
        raise InvalidInput(f"{unknown[0]} is no criterion of the rubric; it has {', '.join(known)}.")
    return tuple(one for one in criteria if not broken or one.id in broken)


def _object(text: str | None) -> dict[str, Any] | None:
    """The one JSON object of an answer, also inside a code fence; None for prose, several objects or none."""
    if text is None:
        return None
    bare = text.strip()
    if found := re.fullmatch(r"```(?:json)?\s*(.*?)\s*```", bare, re.DOTALL):
        bare = found[1]
    try:
        value = json.loads(bare)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _facts(task: Task) -> str:
    value = task.context.model_dump(mode="json", exclude_unset=True)
    return json.dumps(value, ensure_ascii=False, indent=1) if list(facts_of(value)) else "none"


def _shown(draft: Draft) -> str:
    return f"Subject: {draft.subject}\n\n{draft.body}"
