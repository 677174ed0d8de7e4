"""`presend bench`: make, import and compare the tasks of Presend-Bench. Checks and models have files of their own."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.cli import bench_checks, bench_models
from app.cli.drafts import JsonOption, KeyOption, UrlOption
from app.cli.runs import RunId, find_run
from app.cli.service import Service
from app.errors import InvalidInput, NotFound, SetupError


class SplitName(StrEnum):
    """The splits that are generated."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


OutOption = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    bench = typer.Typer(no_args_is_help=True, help="Benchmark tasks: make, check, import, compare.")
    bench.command()(generate)
    bench.command("check")(bench_checks.check)
    bench.command("import")(import_files)
    bench.command("from-run")(from_run)
    bench.command("synthesise")(bench_models.synthesise)
    bench.command("filter")(bench_models.filter_tasks)
    bench.command()(agreement)
    bench.command()(bench_checks.card)
    program.add_typer(bench, name="bench")


def generate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; gets one file a split.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 7,
    scenarios: Annotated[int, typer.Option(min=1, help="Situations in `train`.")] = 600,
    held_out: Annotated[int, typer.Option(min=1, help="Situations in `valid` and in `test`.")] = 100,
    drafts: Annotated[int, typer.Option(min=1, help="Drafts of each situation.")] = 6,
    contrasts: Annotated[
        bool, typer.Option(help="Add contrast sets: the same words with the other label; two thirds more tasks.")
    ] = True,
    split: Annotated[list[SplitName] | None, typer.Option(help="Only this split; may be given several times.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Generate tasks whose labels hold by construction: `train`, and `valid` and `test` held out from it.

    What is held out depends on the seed and on --scenarios also where `train` is not written.

    \b
    Examples:
      presend bench generate --out tasks
      presend bench generate --out tasks --seed 11 --scenarios 50 --split train
      presend bench generate --out plain --no-contrasts
    """
    from app.bench.contamination import sharing_a_run
    from app.bench.generate import generate as examples
    from app.bench.tasks import Task, digest_of_tasks, task_of, without_repetitions, write_tasks
    from app.bench.texts import text_of

    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise SetupError(f"{out} is a file, but must be a folder.") from None
    made: list[dict[str, Any]] = []
    with Progress(console=Console(stderr=True), transient=True) as bar:

        def every_of(name: SplitName) -> list[Task]:
            count = scenarios if name is SplitName.TRAIN else held_out
            made_of = examples(seed, name.value, count, drafts, contrasts=contrasts)
            # As they will be read: a file sorts the keys of a context, so that other words meet.
            return [
                Task.model_validate_json(task_of(one).line())
                for one in bar.track(made_of, total=count * drafts * (1.7 if contrasts else 1), description=name.value)
            ]

        train = every_of(SplitName.TRAIN)
        trained = [text_of(task) for task in without_repetitions(train)]
        for name in dict.fromkeys(split or SplitName):
            every = train if name is SplitName.TRAIN else every_of(name)
            distinct = without_repetitions(every)
            seen: frozenset[str] = frozenset()
            if name is not SplitName.TRAIN:
                seen = sharing_a_run(trained, [text_of(task) for task in distinct])
            tasks = [task for task in distinct if task.task_id not in seen]
            file = out / f"{name.value}.jsonl"
            write_tasks(file, tasks)
            left_out = {"repeated": len(every) - len(distinct), "contaminated": len(distinct) - len(tasks)}
            made.append({"file": str(file), "tasks": len(tasks), **left_out, "digest": digest_of_tasks(tasks)})
    if as_json:
        typer.echo(json.dumps(made, indent=2))
        return
    for one in made:
        left = f", {one['repeated']} repetitions left out" if one["repeated"] else ""
        if one["contaminated"]:
            left += f", {one['contaminated']} left out for a run of words in common with train"
        typer.echo(f"{one['file']}: {one['tasks']:,} tasks, digest {one['digest'][:12]}{left}")


def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Published drafts, or task files, as JSONL.")],
    out: OutOption,
) -> None:
    """Read labelled drafts of other authors and write them as tasks, each context and draft once.

    Read are rows with a context, a draft and a label, rows with a `request`, and the article's own task files. Of equal
    drafts with contradictory labels "fail" stays.

    \b
    Examples:
      presend bench import third_party_a.jsonl third_party_b.jsonl --out published.jsonl
      presend bench import tenacious_bench_v0.2/train/tasks.jsonl --out article.jsonl
    """
    from app.bench.card import by_name
    from app.bench.imports import merged, read_imports, task_of_import
    from app.bench.tasks import counted, digest_of_tasks, write_tasks

    for file in files:
        if not file.is_file():
            raise SetupError(f"The file {file} cannot be read: there is no such file.")
    found = merged(task_of_import(row) for file in files for row in read_imports(file))
    write_tasks(out, found.tasks)
    typer.echo(f"{out}: {len(found.tasks):,} tasks ({by_name(counted(found.tasks)['label'])}), digest "
               f"{digest_of_tasks(found.tasks)[:12]}")  # fmt: skip
    if found.repeated:
        typer.echo(f"{found.repeated} repetitions were left out, {found.contradicted} of them with the other label.")
    if found.renamed:
        typer.echo(f"{found.renamed} tasks had an id that another one has, and got a longer one.")


def from_run(
    run: RunId,
    out: OutOption,
    labeller: Annotated[str | None, typer.Option(help="Only this person's labels.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make tasks of a stored run: every item with a human label, as people judged it.

    Each person's newest label counts; where people contradict each other nothing is decided. The judge's own verdicts
    are not labels.

    \b
    Examples:
      presend bench from-run nightly --out traces.jsonl
      presend bench from-run nightly --labeller priya --out traces.jsonl
    """
    from app.bench.card import by_name
    from app.bench.tasks import Task, counted, digest_of_tasks, write_tasks
    from app.bench.traces import grouped, task_from_item
    from app.schemas import Label, RunItemFull

    service = Service.of(url, key)
    found = find_run(service, run)
    query = {"run_id": found["id"], "limit": 500, **({"labeller": labeller} if labeller else {})}
    labels = [Label.model_validate(row) for row in service.pages("/v1/labels", query)]
    by_task = grouped(labels)
    if not by_task:
        whose = f" of {labeller}" if labeller else ""
        raise NotFound(f"The run {found['name']} has no labels{whose}; people give them with POST /v1/labels.")
    tasks: list[Task] = []
    left: Counter[str] = Counter()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for task_id, own in bar.track(by_task.items(), description="items"):
            item = RunItemFull.model_validate(service.ask("GET", f"/v1/runs/{found['id']}/items/{_quoted(task_id)}"))
            made = task_from_item(found["id"], found["name"], item, own)
            if isinstance(made, Task):
                tasks.append(made)
            else:
                left[made.value] += 1
    told = "; ".join(f"{count} left out: {why}" for why, count in sorted(left.items()))
    if not tasks:
        raise InvalidInput(f"No labelled item of {found['name']} makes a task; {told}.")
    write_tasks(out, tasks)
    labelled = by_name(counted(tasks)["label"])
    typer.echo(f"{out}: {len(tasks):,} tasks ({labelled}), digest {digest_of_tasks(tasks)[:12]}")
    if told:
        typer.echo(f"{told}.")


def agreement(
    first: Annotated[Path, typer.Argument(metavar="A", help="Ratings of the first rater, JSON.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Ratings of the second rater, JSON.")],
    same_rater: Annotated[bool, typer.Option("--same-rater", help="Both are one person at two times.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how far two files of ratings agree, check by check and over all.

    A file holds {"labels": {task: {check: {"verdict": "PASS" or "FAIL"}}}}. Only what both rated counts.

    \b
    Examples:
      presend bench agreement priya.json jonas.json
      presend bench agreement pass1_labels.json pass2_labels.json --same-rater
    """
    from app.bench.ratings import LABELS, disagreements, read_ratings, tabulate
    from app.stats import Agreement, StatisticsError
    from app.stats import agreement as measure

    a, b = read_ratings(first), read_ratings(second)
    tables = tabulate(a, b)
    if not tables.by_check:
        raise InvalidInput(f"{first.name} and {second.name} rate nothing in common.")
    rows: dict[str, Agreement] = {}
    try:
        for name, counts in {**tables.by_check, "all": tables.all}.items():
            rows[name] = measure(counts, LABELS, same_rater=same_rater)
    except StatisticsError as error:
        raise InvalidInput(str(error)) from error
    if as_json:
        told = {"agreement": {name: asdict(row) for name, row in rows.items()}}
        typer.echo(json.dumps(told | {"only_first": tables.only_first, "only_second": tables.only_second}, indent=2))
        return
    table = Table("check", "n", "same", "95 %", "kappa", "AC1", "alpha", box=None, pad_edge=False)
    for name, row in rows.items():
        interval = f"{row.percent.lo:.3f} to {row.percent.hi:.3f}"
        coefficients = ("-" if c is None else f"{c.estimate:.2f}" for c in (row.kappa, row.ac1, row.alpha))
        table.add_row(name, str(row.n), f"{row.percent.estimate:.3f}", interval, *coefficients)
    console = Console(highlight=False)
    console.print(table)
    for caution in rows["all"].warnings:
        console.print(caution.message)
    differing = list(disagreements(a, b))
    console.print(f"{len(differing)} differ; only {first.name}: {tables.only_first}, only {second.name}: "
                  f"{tables.only_second}")  # fmt: skip
    for task, check, one, other in differing:
        console.print(f"  {task} {check}: {one}, {other}")


def _quoted(task_id: str) -> str:
    from urllib.parse import quote

    return quote(task_id, safe="")
