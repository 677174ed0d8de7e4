"""`presend stats` and `presend compare`: a sentence to quote, a table to check it by, a plot, a gate for a build.

They ask a running service over HTTP, like anybody; only `stats check-article` computes here, from files. Exit codes:
0 done, 1 failed, 2 wrong usage, 5 a ``--require`` is not met.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID

import typer
from rich.console import Console
from typer.core import TyperGroup

from app.cli import forest, requirements
from app.cli.drafts import JsonOption, KeyOption, UrlOption
from app.cli.drafts import _ask as ask
from app.cli.terminal import console
from app.errors import InvalidInput

EXIT_NOT_MET = 5
EXIT_HELP = "Exit code: 0 done, 5 a requirement is not met, 1 or 2 for errors."


class By(StrEnum):
    """What to group by."""

    CATEGORY = "category"
    CRITERION = "criterion"


MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric", help="passed, score, p_fail, outcome.<outcome>, criterion.<id>.", show_default="what the run has"
    ),
]
ConfidenceOption = Annotated[float, typer.Option("--confidence", help="Nominal coverage, inside (0, 1).")]
ByOption = Annotated[
    list[By] | None,
    typer.Option("--by", help="Estimates for each category or criterion; may be given twice."),
]
TiesOption = Annotated[
    Literal["fail", "half", "success"] | None, typer.Option("--ties", help="What a score of one half is worth.")
]
PlotOption = Annotated[Path | None, typer.Option("--plot", help="Write a forest plot: FILE.svg or FILE.png.")]
RequireOption = Annotated[
    list[str] | None,
    typer.Option("--require", help='A claim to hang a build on, such as "delta.lo > 0"; may be given several times.'),
]
RunMethod = Literal["percentile", "bca", "recommended", "wilson", "clopper-pearson", "t"]
PairMethod = Literal["percentile", "bca", "recommended", "tango", "bonett-price", "newcombe"]


class _RunsByDefault(TyperGroup):
    """`presend stats RUN` is `presend stats runs RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front of what is none."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["runs", *args]
        return super().parse_args(ctx, args)


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    stats = typer.Typer(cls=_RunsByDefault, no_args_is_help=True, help="Intervals for stored runs: `stats RUN...`")
    stats.command(epilog=EXIT_HELP)(runs)
    stats.command("check-article")(check_article)
    program.add_typer(stats, name="stats")
    program.command(epilog=EXIT_HELP)(compare)


def runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids or names of runs.")],
    metric: MetricOption = None,
    confidence: ConfidenceOption = 0.95,
    method: Annotated[RunMethod, typer.Option(help="Interval to quote; the recommended one stands beside it.")] = (
        "percentile"
    ),
    by: ByOption = None,
    ties: TiesOption = None,
    plot: PlotOption = None,
    require: RequireOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show the pass rate (or mean score) of stored runs, with intervals that can be quoted.

    \b
    Examples:
      presend stats 01a20688-e5ce-7ce9-8d8e-423b2197b845
      presend stats baseline trained --by category --plot rates.svg
      presend stats runs nightly --require "rate.lo > 0.9" --require "missing == 0"
      presend stats trained --metric score --method bca --json
    """
    from app.cli import statistics_shown

    claims = [one for text in require or [] for one in requirements.parsed(text)]
    body = {
        "runs": [_id_of(run, url, key) for run in runs],
        "metric": metric,
        "group_by": by,
        "confidence": confidence,
        "method": method,
        "tie_policy": ties,
    }
    answer = ask("POST", "/v1/statistics", url, key, content=json.dumps(body).encode())
    found = answer["runs"]
    for one in found:
        if "error" in one:
            raise InvalidInput(f"{one.get('name') or one['run_id']}: {one['error']['message']}")
    if plot is not None:
        forest.write(statistics_shown.plot_runs(found), plot)
    _show(answer if as_json else None, lambda console: statistics_shown.runs(console, found))
    _gate(claims, {one["name"]: one for one in found})


def compare(
    a: Annotated[str, typer.Argument(help="Id or name of the run to compare against.")],
    b: Annotated[str, typer.Argument(help="Id or name of the run that is compared.")],
    metric: MetricOption = None,
    confidence: ConfidenceOption = 0.95,
    method: Annotated[PairMethod, typer.Option(help="Interval to quote; the recommended one stands beside it.")] = (
        "percentile"
    ),
    by: ByOption = None,
    ties: TiesOption = None,
    margin: Annotated[float | None, typer.Option(help="Test that B is at most this much worse.")] = None,
    plot: PlotOption = None,
    require: RequireOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Compare run B with run A on the tasks that they share: one sentence, the table behind it, what pairing changed.

    \b
    Examples:
      presend compare baseline trained
      presend compare baseline trained --plot lift.svg --by category
      presend compare main candidate --require "delta.lo > -0.02 and conclusion_robust == true"
      presend compare main candidate --margin 0.03 --json
    """
    from app.cli import statistics_shown

    claims = [one for text in require or [] for one in requirements.parsed(text)]
    query = {
        "metric": metric,
        "confidence": confidence,
        "method": method,
        "tie_policy": ties,
        "margin": margin,
        "group_by": [one.value for one in by or []] or None,
    }
    given = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
    ids = [_id_of(run, url, key) for run in (a, b)]
    answer = ask("GET", f"/v1/runs/{ids[0]}/compare/{ids[1]}?{given}", url, key)
    if plot is not None:
        forest.write(statistics_shown.plot_comparison(answer), plot)
    _show(answer if as_json else None, lambda console: statistics_shown.comparison(console, answer))
    _gate(claims, {f"{answer['name_a']} and {answer['name_b']}": answer})


def check_article(
    data: Annotated[Path, typer.Option("--data", help="Folder with the articles' published data.")] = Path(
        "../shared/data"
    ),
    as_json: JsonOption = False,
) -> None:
    """Recompute every figure of the articles from their published data: said, recomputed, agree or not.

    \b
    Examples:
      presend stats check-article --data ../shared/data
      presend stats check-article --json
    """
    from app.cli import statistics_shown
    from app.services.articles import as_json as told
    from app.services.articles import checked

    figures = checked(data)
    _show(told(figures) if as_json else None, lambda console: statistics_shown.articles(console, figures))


def _show(answer: Any, shown: Callable[[Console], None]) -> None:
    if answer is not None:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        shown(console())


def _gate(claims: Sequence[requirements.Requirement], answers: Mapping[str, Mapping[str, Any]]) -> None:
    """End with ``EXIT_NOT_MET`` when an answer does not meet a claim, saying which."""
    unmet = [f"{name}: {why}" for name, one in answers.items() for claim in claims if (why := claim.unmet(one))]
    for line in unmet:
        typer.echo(line, err=True)
    if unmet:
        raise typer.Exit(EXIT_NOT_MET)


def _id_of(run: str, url: str | None, key: str | None) -> str:
    """The id of a run that is given by id or by its name, which must then be the only one of that name."""
    try:
        return str(UUID(run))
    except ValueError:
        found = ask("GET", f"/v1/runs?name={quote(run, safe='')}&limit=2", url, key)["items"]
    if len(found) == 1:
        return str(found[0]["id"])
    many = "More than one run has" if found else "No run has"
    raise InvalidInput(f"{many} the name {run!r}; name it by its id, which `presend runs list` shows.")
