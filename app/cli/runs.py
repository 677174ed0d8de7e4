"""`presend runs`: make a run of a file, watch it, read it, stop it and go on with it. Over HTTP, like anybody.

A broken connection is tried again under the same idempotency key: a file becomes one run, however often it was sent.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.drafts import JsonOption, KeyOption, UrlOption
from app.cli.records import MAX_FAULTS, Records, read_records
from app.cli.service import Service
from app.cli.terminal import console
from app.errors import Fault, InvalidInput, NotFound
from app.schemas import RunStatus

_OUTCOMES = ("passed", "failed")
RunId = Annotated[str, typer.Argument(help="The run's id, or its name: the newest of that name.")]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    runs = typer.Typer(no_args_is_help=True, help="Whole sets of drafts, judged in the background.")
    runs.command()(create)
    runs.command("list")(listed)
    runs.command()(show)
    runs.command()(watch)
    runs.command()(export)
    runs.command()(cancel)
    runs.command()(resume)
    runs.command()(delete)
    program.add_typer(runs, name="runs")


def create(
    file: Annotated[Path, typer.Argument(help="JSONL, JSON or CSV: drafts to judge, or results of another judge.")],
    system: Annotated[str, typer.Option(help="Which system wrote the drafts.")],
    name: Annotated[str | None, typer.Option(help="Name of the run.", show_default="the file's name")] = None,
    rubric: Annotated[str | None, typer.Option(help="Rubric to judge by.", show_default="the service's")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="KEY:VALUE; may be given several times.")] = None,
    field: Annotated[str | None, typer.Option(help="Column that holds another judge's result.")] = None,
    on_error: Annotated[Literal["keep", "refuse"], typer.Option(help="Records that do not fit.")] = "keep",
    reuse: Annotated[bool, typer.Option(help="Take verdicts over that the same judge has given already.")] = True,
    follow: Annotated[bool, typer.Option("--watch", help="Stay and show the progress.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run of a file and have it judged; results of another judge are stored as they are.

    \b
    Examples:
      presend runs create drafts.jsonl --system agent-4 --watch
      presend runs create results.csv --system baseline --field passed
      presend runs create tasks.jsonl --system agent-4 --tag branch:main --on-error refuse
    """
    records = read_records(file, system=system, field=field)
    tags = dict(_tag(one) for one in tag or [])
    service = Service.of(url, key)
    request = {"name": name or file.stem, "system": system, "rubric": rubric, "tags": tags, "reuse": reuse}
    run = service.ask("POST", "/v1/runs", content=json.dumps({k: v for k, v in request.items() if v is not None}))
    try:
        result = _send(service, run["id"], records, on_error)
    except InvalidInput:
        service.ask("POST", f"/v1/runs/{run['id']}/cancel")
        raise
    if not as_json:
        _told(result, records, file.name)
    if follow:
        _follow(service, run["id"])
    elif not as_json and records.kind == "items":
        sys.stderr.write(f"The worker judges them; `presend runs watch {run['id']}` shows how far it is.\n")
    run = service.ask("GET", f"/v1/runs/{run['id']}")
    if as_json:
        typer.echo(json.dumps({"run": run, "upload": result}, indent=2, ensure_ascii=False))
    elif follow:
        _shown(run)
    else:
        typer.echo(run["id"])


def listed(
    status: Annotated[RunStatus | None, typer.Option(help="Only runs of this status.")] = None,
    system: Annotated[str | None, typer.Option(help="Only this system's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs.

    \b
    Examples:
      presend runs list
      presend runs list --status running
    """
    query = {"status": status.value if status else None, "system": system, "limit": limit}
    page = Service.of(url, key).ask("GET", "/v1/runs", params={k: v for k, v in query.items() if v is not None})
    if as_json:
        typer.echo(json.dumps(page["items"], indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "system", "status", "items", "passed", "failed", "not judged"):
        # An id is there to be copied.
        table.add_column(heading, no_wrap=heading == "id", overflow="fold", min_width=36 if heading == "id" else None)
    for run in page["items"]:
        counts = run["counts"]
        ended = counts["total"] - counts["pending"] - counts["running"]
        numbers = (f"{ended}/{counts['total']}", counts["passed"], counts["failed"], ended - counts["judged"])
        table.add_row(run["id"], run["name"], run["system"], run["status"], *map(str, numbers))
    console().print(table)


def show(run: RunId, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show a run: its judge, its status, its counts per outcome.

    \b
    Example:
      presend runs show nightly
    """
    found = find_run(Service.of(url, key), run)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _shown(found)


def watch(run: RunId, url: UrlOption = None, key: KeyOption = None) -> None:
    """Follow a run until it is over.

    \b
    Example:
      presend runs watch nightly
    """
    service = Service.of(url, key)
    found = find_run(service, run)
    _follow(service, found["id"])
    _shown(service.ask("GET", f"/v1/runs/{found['id']}"))


def export(
    run: RunId,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; else standard output.")] = None,
    form: Annotated[
        Literal["ndjson", "csv"] | None, typer.Option("--format", help="Form.", show_default="by the file's name")
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write every item of a run with its verdict.

    \b
    Examples:
      presend runs export nightly --out nightly.csv
      presend runs export nightly | jq .outcome | sort | uniq -c
    """
    service = Service.of(url, key)
    found = find_run(service, run)
    chosen = form or ("csv" if out is not None and out.suffix.lower() == ".csv" else "ndjson")
    path = f"/v1/runs/{found['id']}/export"
    if out is None:
        service.download(path, {"format": chosen}, sys.stdout.buffer)
        return
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as part:
        try:
            service.download(path, {"format": chosen}, part)
        except BaseException:
            Path(part.name).unlink()
            raise
    Path(part.name).replace(out)


def cancel(run: RunId, url: UrlOption = None, key: KeyOption = None) -> None:
    """Stop a run; `presend runs resume` goes on.

    \b
    Example:
      presend runs cancel nightly
    """
    _move(run, "cancel", url, key)


def resume(run: RunId, url: UrlOption = None, key: KeyOption = None) -> None:
    """Go on with a run that was stopped.

    \b
    Example:
      presend runs resume nightly
    """
    _move(run, "resume", url, key)


def delete(
    run: RunId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Erase a run with its drafts, verdicts and labels, for good.

    \b
    Example:
      presend runs delete nightly --yes
    """
    service = Service.of(url, key)
    found = find_run(service, run)
    if not yes:
        typer.confirm(f"Erase the run {found['name']} with {found['counts']['total']} items, for good?", abort=True)
    service.ask("DELETE", f"/v1/runs/{found['id']}")
    typer.echo(f"The run {found['id']} is erased.")


def _move(run: str, move: str, url: str | None, key: str | None) -> None:
    service = Service.of(url, key)
    moved = service.ask("POST", f"/v1/runs/{find_run(service, run)['id']}/{move}")
    typer.echo(f"The run {moved['id']} is {moved['status']}.")


def _tag(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise InvalidInput("A tag does not fit.", (Fault("--tag", "is a key, a colon and a value"),))
    return name, value


def find_run(service: Service, run: str) -> dict[str, Any]:
    """A run by its id, else the newest of that name."""
    if len(run) == 36 and run.count("-") == 4:
        found: dict[str, Any] = service.ask("GET", f"/v1/runs/{run}")
        return found
    page = service.ask("GET", "/v1/runs", params={"name": run, "limit": 1})
    if not page["items"]:
        raise NotFound(f"There is no run of the name {run}; `presend runs list` shows them.")
    newest: dict[str, Any] = page["items"][0]
    return newest


def _send(service: Service, run_id: str, records: Records, on_error: str) -> dict[str, Any]:
    body = "\n".join(json.dumps(row.value, ensure_ascii=False) for row in records.rows)
    result: dict[str, Any] = service.ask(
        "POST",
        f"/v1/runs/{run_id}/{records.kind}",
        content=body,
        kind="application/x-ndjson",
        params={"on_error": on_error},
    )
    return result


def _told(result: dict[str, Any], records: Records, file: str) -> None:
    """What became of the upload, on standard error; faults by the line of the file."""
    sys.stderr.write(f"{result['accepted']} of {result['received']} records are stored.\n")
    shown = result["errors"][:MAX_FAULTS]
    for fault in shown:
        line = records.rows[fault["line"] - 1].line
        sys.stderr.write(f"  {file}:{line}: {fault['path']}: {fault['message']}\n")
    if (more := result["rejected"] - len({fault["line"] for fault in shown})) > 0:
        sys.stderr.write(f"  and {more} more.\n")


def _shown(run: dict[str, Any]) -> None:
    counts = run["counts"]
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what in ("id", "name", "system", "status", "kind", "created_at", "finished_at", "task_set_digest"):
        table.add_row(what.replace("_", " "), str(run[what] if run[what] is not None else "-"))
    table.add_row("rubric", f"{run['rubric']['name']} {run['rubric']['version']}")
    table.add_row("judge", run["judge_digest"] or "-")
    if len(run["judge_digests"]) > 1:
        table.add_row("", f"judged by {len(run['judge_digests'])} different judges; verdicts are not alike")
    table.add_row("tags", ", ".join(f"{k}:{v}" for k, v in run["tags"].items()) or "-")
    table.add_row("items", str(counts["total"]))
    for what, count in counts.items():
        if what != "total" and count:
            table.add_row(f"  {what.replace('_', ' ')}", str(count))
    console().print(table)


# Watching


def _follow(service: Service, run_id: str) -> None:
    """A bar with pace, time left and outcomes, on standard error, until the run is over."""
    if (why := service.waits_for()) is not None:
        sys.stderr.write(f"The judge is not ready ({why}); the run waits for it.\n")
    columns = (
        TextColumn("{task.fields[status]}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[outcomes]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, status="waiting", pace="", outcomes="")
        for look in service.events(f"/v1/runs/{run_id}/events"):
            bar.update(
                task,
                total=look["counts"]["total"],
                completed=look["finished"],
                status=look["status"],
                pace=_pace(look),
                outcomes=_outcomes(look["counts"]),
            )


def _pace(look: dict[str, Any]) -> str:
    parts = []
    if look["rate"] is not None:
        parts.append(f"{look['rate']:.1f}/s")
    if look["eta_s"] is not None:
        minutes, seconds = divmod(round(look["eta_s"]), 60)
        parts.append(f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left")
    return ", ".join(parts)


def _outcomes(counts: dict[str, int]) -> str:
    shown = [f"{counts[name]} {name}" for name in _OUTCOMES if counts[name]]
    ended = counts["total"] - counts["pending"] - counts["running"]
    if unjudged := ended - counts["judged"]:
        shown.append(f"{unjudged} not judged")
    if counts["reused"]:
        shown.append(f"{counts['reused']} taken over")
    return ", ".join(shown)
