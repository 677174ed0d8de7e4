"""`presend bench check` and `card`: what was measured on a task set, as a table, as JSON, as its data card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.drafts import JsonOption
from app.errors import SetupError
from app.settings import load_settings

if TYPE_CHECKING:
    from app.bench.report import Report
    from app.bench.tasks import Task

EXIT_BROKEN = 1
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Task files, or folders of them.")]
Embeddings = Annotated[
    bool, typer.Option("--embeddings/--no-embeddings", help="Measure the cosine; needs the engine environment.")
]
VectorsOption = Annotated[
    Path | None, typer.Option("--vectors", help="File that keeps embeddings.", show_default="in the home")
]
Slack = Annotated[float, typer.Option(min=0.0, max=0.5, help="How far from one half a baseline may be on pairs.")]
Cosine = Annotated[float, typer.Option(min=0.0, max=1.0, help="The first cosine that is too near.")]


def check(
    files: Files,
    embeddings: Embeddings = True,
    vectors: VectorsOption = None,
    slack: Slack = 0.10,
    cosine: Cosine = 0.85,
    all_rows: Annotated[bool, typer.Option("--all", help="Show also the rows without a limit.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a task set: shortcuts by length and by words, near-duplicates, contamination of held-out splits.

    Exit code 1 when a limit is broken. `train` is what the other splits are compared with.

    \b
    Examples:
      presend bench check tasks
      presend bench check tasks/train.jsonl tasks/test.jsonl --no-embeddings
      presend bench check tasks --json > report.json
    """
    tasks = read_set(files)
    report = _measured(tasks, embeddings, vectors, slack, cosine)
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2, ensure_ascii=False))
    else:
        _shown(report, all_rows)
    if report.broken:
        raise typer.Exit(EXIT_BROKEN)


def card(
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("docs/data-card.md"),
    command: Annotated[str, typer.Option(help="The command that makes the tasks.")] = "presend bench generate",
    embeddings: Embeddings = True,
    vectors: VectorsOption = None,
    slack: Slack = 0.10,
    cosine: Cosine = 0.85,
) -> None:
    """Check a task set and write its data card: counts, sources, every figure of the check.

    \b
    Examples:
      presend bench card tasks
      presend bench card tasks --out card.md --command "presend bench generate --seed 7"
    """
    from app.bench.card import data_card

    tasks = read_set(files)
    if not out.parent.is_dir():
        raise SetupError(f"The folder {out.parent} of the card does not exist.")
    report = _measured(tasks, embeddings, vectors, slack, cosine)
    out.write_text(data_card(tasks, report, command), encoding="utf-8")
    typer.echo(f"{out} is written: {len(tasks):,} tasks. {_verdict(report)}")


def read_set(files: list[Path]) -> list[Task]:
    """The tasks of files and folders, as one set."""
    from app.bench.tasks import read_tasks

    paths: list[Path] = []
    for file in files:
        found = sorted(file.glob("*.jsonl")) if file.is_dir() else [file]
        if not found:
            raise SetupError(f"The folder {file} holds no .jsonl files.")
        paths += found
    return read_tasks(*paths)


def _measured(tasks: list[Task], embeddings: bool, vectors: Path | None, slack: float, cosine: float) -> Report:
    from app.bench.report import Limits, check_tasks
    from app.bench.texts import text_of

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        made: dict[str, Any] | None = None
        if embeddings:
            from app.local.embedding import embedded

            shown = bar.add_task("embeddings", total=len(tasks))
            texts = {task.task_id: text_of(task).text for task in tasks}
            made = embedded(
                load_settings(), texts, lambda done, of: bar.update(shown, completed=done, total=of), vectors
            )
            bar.update(shown, completed=len(tasks), total=len(tasks))
        steps = bar.add_task("checks", total=None)
        return check_tasks(
            tasks, made, Limits(slack, cosine), lambda what: bar.update(steps, description=what, advance=1)
        )


def _shown(report: Report, all_rows: bool) -> None:
    from app.bench.card import number, spread

    table = Table("check", "part", "value", "95 %", "n", "limit", "", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns[1:]:  # in a narrow terminal a check's name wraps, and no figure is cut
        column.no_wrap = True
    notes: list[str] = []
    hidden = 0
    for row in report.rows:
        if row.sense == "told" and row.value is not None and not all_rows:
            hidden += 1
            continue
        state = "BROKEN" if row.broken else "ok" if row.sense != "told" else ""
        table.add_row(row.check, row.part, number(row.value), spread(row), f"{row.n:,}", row.limit, state)
        if row.note and (row.broken or row.value is None or all_rows):
            notes.append(f"{row.check}, {row.part}: {row.note}")
    console = Console(highlight=False)
    console.print(table)
    for note in notes:
        console.print(note)
    if hidden:
        console.print(f"{hidden} rows without a limit are hidden; --all shows them.", style="dim")
    for pair in report.duplicates[:5]:
        console.print(f"near-duplicates: {pair.a} and {pair.b}, Jaccard {pair.jaccard:.3f}")
    console.print(_verdict(report))


def _verdict(report: Report) -> str:
    match len(report.broken):
        case 0:
            return "No limit is broken."
        case 1:
            return "1 limit is broken."
        case count:
            return f"{count} limits are broken."
