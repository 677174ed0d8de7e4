"""`presend bench synthesise` and `filter`: tasks written by one language model and marked by another."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import InvalidInput
from app.settings import load_settings

if TYPE_CHECKING:
    from app.bench.authoring import Asked
    from app.bench.tasks import Task
    from app.services.synthesis import Entry, Synthesised

JudgeUrl = Annotated[str, typer.Option("--judge-url", help="OpenAI-compatible endpoint that marks the tasks.")]
JudgeModel = Annotated[str, typer.Option("--judge-model", help="Its model.")]
JudgeKey = Annotated[str | None, typer.Option("--judge-key", envvar="PRESEND_JUDGE_KEY", help="Its API key.")]
GeneratorKey = Annotated[
    str | None, typer.Option("--generator-key", envvar="PRESEND_GENERATOR_KEY", help="Its API key.")
]
JudgeFamily = Annotated[str | None, typer.Option(help="Its family.", show_default="as its name tells")]
AtLeast = Annotated[int, typer.Option(min=1, max=5, help="The least mark in each dimension.")]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="File of accepted tasks.")]


def synthesise(
    seeds: Annotated[Path, typer.Argument(help="Tasks whose honest drafts are rewritten, JSONL.")],
    out: Out,
    generator_url: Annotated[str, typer.Option(help="OpenAI-compatible endpoint that writes the drafts.")],
    generator_model: Annotated[str, typer.Option(help="Its model.")],
    judge_url: JudgeUrl,
    judge_model: JudgeModel,
    generator_family: Annotated[str | None, typer.Option(help="Its family.", show_default="as its name tells")] = None,
    judge_family: JudgeFamily = None,
    generator_key: GeneratorKey = None,
    judge_key: JudgeKey = None,
    criterion: Annotated[list[str] | None, typer.Option(help="Break only this; may be given several times.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many seeds.")] = None,
    at_least: AtLeast = 3,
    parallel: Parallel = 4,
) -> None:
    """Have one model rewrite honest drafts, and a model of another family mark the tasks that come of it.

    Every job ends in OUT.log: accepted, or why not. The same command goes on where it was stopped.

    \b
    Example:
      presend bench synthesise tasks/train.jsonl --out synthetic.jsonl --limit 50 \\
        --generator-url http://one:8000/v1 --generator-model qwen3-8b \\
        --judge-url http://two:8000/v1 --judge-model llama-3.1-8b-instruct
    """
    from app.bench.authoring import jobs_for, two_families, with_broken
    from app.bench.card import by_name
    from app.bench.tasks import read_tasks
    from app.llm import Endpoint
    from app.services.synthesis import Makers

    families = two_families(generator_model, judge_model, generator_family, judge_family)
    criteria = _criteria()
    honest = [task for task in read_tasks(seeds) if task.passed and not task.hostile]
    jobs = jobs_for(honest[:limit], criteria, with_broken(criteria, criterion or []))
    makers = Makers(generator=generator_model, generator_family=families[0], judge=judge_model,
                    judge_family=families[1], at_least=at_least)  # fmt: skip
    ends = (
        Endpoint(generator_url, generator_model, generator_key),
        Endpoint(judge_url, judge_model, judge_key),
    )
    log = out.with_name(f"{out.name}.log")
    found = asyncio.run(_synthesised(ends, makers, log, jobs, parallel))
    typer.echo(f"{sum(found.counts.values())} jobs: {by_name(found.counts)}")
    typer.echo(f"{found.prompt_tokens:,} prompt and {found.completion_tokens:,} completion tokens")
    if not found.tasks:
        raise InvalidInput(f"No task was accepted; {log.name} says why, job by job.")
    _written(out, found.tasks)


def filter_tasks(
    file: Annotated[Path, typer.Argument(help="Tasks to mark, JSONL.")],
    out: Out,
    judge_url: JudgeUrl,
    judge_model: JudgeModel,
    judge_family: JudgeFamily = None,
    judge_key: JudgeKey = None,
    at_least: AtLeast = 3,
    parallel: Parallel = 4,
) -> None:
    """Have a model mark tasks for coherence, verifiability and rubric clarity (1-5), and keep the good ones.

    A task that a model wrote must be marked by a model of another family.

    \b
    Example:
      presend bench filter mine.jsonl --out good.jsonl --judge-url http://two:8000/v1 --judge-model qwen3-8b
    """
    from app.bench.authoring import Left, accepted, family_of, marked
    from app.bench.card import by_name
    from app.bench.tasks import Quality, read_tasks
    from app.llm import ChatClient, Endpoint
    from app.services.synthesis import mark_tasks

    family = judge_family or family_of(judge_model)
    if family is None:
        raise InvalidInput(f"The name of the judge {judge_model} tells no model family; name it with --judge-family.")
    tasks = read_tasks(file)
    if same := next((t for t in tasks if t.source.get("generator_family") == family), None):
        raise InvalidInput(f"The task {same.task_id} was written by the family {family}; ask a judge of another one.")

    async def marks() -> list[Any]:
        with _bar() as bar:
            shown = bar.add_task("marking", total=len(tasks))
            async with ChatClient(Endpoint(judge_url, judge_model, judge_key)) as judge:
                return await mark_tasks(judge, tasks, _criteria(), lambda: bar.advance(shown), parallel)

    kept = []
    counts: Counter[str] = Counter()
    for task, mark in zip(tasks, asyncio.run(marks()), strict=True):
        if not isinstance(mark, Quality):
            counts[str(mark) if isinstance(mark, Left) else str(mark.outcome)] += 1
        elif accepted(mark, at_least):
            counts["accepted"] += 1
            kept.append(marked(task, mark, {"judge": judge_model, "judge_family": family}))
        else:
            counts[str(Left.BELOW_THRESHOLD)] += 1
    typer.echo(f"{len(tasks)} tasks: {by_name(dict(sorted(counts.items())))}")
    if not kept:
        raise InvalidInput("No task was accepted; nothing is written.")
    _written(out, kept)


async def _synthesised(ends: Any, makers: Any, log: Path, jobs: list[Any], parallel: int) -> Synthesised:
    from app.llm import ChatClient
    from app.main import load_policy
    from app.services.synthesis import Log, RuleCheck, Synthesis

    rules = RuleCheck(load_policy(load_settings().policy))
    with _bar() as bar:
        shown = bar.add_task("tasks", total=len(jobs))
        counts: Counter[str] = Counter()

        def tell(entry: Entry) -> None:
            counts["accepted" if entry.task is not None else "left out"] += 1
            bar.update(shown, advance=1, description=", ".join(f"{n} {what}" for what, n in sorted(counts.items())))

        async with ChatClient(ends[0]) as generator, ChatClient(ends[1]) as judge:
            made = Synthesis(generator, judge, Log(log, makers), rules, parallel)
            return await made.run(jobs, tell)


def _written(out: Path, tasks: list[Task]) -> None:
    """Write the accepted tasks, one of each set of near-duplicates."""
    from app.bench.duplicates import keep_one, near_duplicates
    from app.bench.tasks import write_tasks
    from app.bench.texts import text_of

    kept, replaced = keep_one(tasks, near_duplicates([text_of(task) for task in tasks]))
    write_tasks(out, kept)
    typer.echo(f"{out}: {len(kept):,} tasks")
    for left, stays in sorted(replaced.items()):
        typer.echo(f"  {left} was left out as a near-duplicate of {stays}")


def _criteria() -> tuple[Asked, ...]:
    """The criteria of the rubric in use, as they are told to a model."""
    from app.bench.authoring import Asked
    from app.judge.rubric import parse_rubric
    from app.training.encode import default_rubric

    file = load_settings().rubric
    rubric = default_rubric() if file is None else parse_rubric(file.read_text(encoding="utf-8"), file.name)
    return tuple(Asked(c.id, c.title, c.anchor_1, c.anchor_5) for c in rubric.criteria)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
