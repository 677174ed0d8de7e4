"""`presend model`: the model's parts made ahead of time, and the way from data to a card.

Everything that needs torch runs in the engine environment, as a child whose arguments are passed through; `--help`
shows them. Refused: nothing here; each command refuses for itself, in one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import app
from app.cli import ablation_plot
from app.cli.machine import EngineOption, HomeOption
from app.errors import InvalidInput
from app.settings import Settings, load_settings

PASS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
PACKED = "packed"
HelpOption = Annotated[bool, typer.Option("--help", "-h", help="Show this and all options.")]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    model = typer.Typer(no_args_is_help=True, help="Train, merge, measure and prepare the judge model.")
    model.command()(engine)
    model.command()(prepare)
    for command in (train, authors, passes, ablate, merge, latency, calibrate, evaluate, card):
        model.command(context_settings=PASS)(command)
    model.command()(pareto)
    program.add_typer(model, name="model")


def engine(home: HomeOption = None, engine: EngineOption = None) -> None:
    """Install the engine environment now, or find it installed.

    \b
    Examples:
      presend model engine
      presend model engine --engine cpu --home /srv/presend
    """
    python = asyncio.run(_make(load_settings({"home": home, "engine": engine}), and_model=False))
    typer.echo(f"The engine is installed: {python}")


def prepare(home: HomeOption = None, engine: EngineOption = None) -> None:
    """Prepare the model now: base weights, adapter merged; installs the engine first when it is missing.

    \b
    Examples:
      presend model prepare
      PRESEND_ADAPTER=none presend model prepare
      PRESEND_BASE_MODEL=/models/qwen presend model prepare
    """
    folder = asyncio.run(_make(load_settings({"home": home, "engine": engine}), and_model=True))
    typer.echo(f"The model is ready: {folder}")


def train(
    context: typer.Context,
    objective: Annotated[str, typer.Option(help="packed, sft, dpo, simpo or orpo.")] = PACKED,
    help: HelpOption = False,
) -> None:
    """Train a LoRA adapter. The same command goes on after an interruption.

    `packed` (the default) is how the shipped adapter is made: supervised, weighted answer tokens, drafts of one
    scenario read together. `sft`, `dpo`, `simpo` and `orpo` train on preference pairs with TRL; docs/training.md has
    their formulas. Their first use installs TRL into the engine environment.

    \b
    Examples:
      presend model train --stages shipped --out runs/judge --data published/
      presend model train --out runs/small --scenarios 60 --seed 7
      presend model train --objective dpo --out runs/dpo --pairs 128
      presend model train --objective simpo --out runs/simpo --base /models/Qwen2.5-0.5B-Instruct --batch 16
      presend model train --objective dpo --out runs/mine --tasks tasks.jsonl
    """
    if objective == PACKED:
        _command(context, "train", help)
    else:
        _command(context, "preference", help, more=["--objective", objective], extra=True)


def authors(context: typer.Context, help: HelpOption = False) -> None:
    """Leave each author of published drafts out in turn, train on the others, and measure on the one left out.

    Starts from an adapter that has seen generated drafts only: the first stage of `train --stages shipped`.
    Authors that are finished are not repeated.

    \b
    Example:
      presend model authors --start runs/judge/stage-1/adapter --data published/ --out runs/authors \\
        --calibration runs/judge/calibration.json
    """
    _command(context, "authors", help, extra=True)


def passes(context: typer.Context, help: HelpOption = False) -> None:
    """Measure what it is worth to treat published "pass" labels as noisy: three trainings that differ in nothing else.

    Trained are passes that no rule contradicts at half weight, all at half weight, all at full weight; each is measured
    on the drafts that were labelled blind and on the transfer sets. Arms that are finished are not repeated.

    \b
    Example:
      presend model passes --start app/weights/adapter --calibration app/weights/calibration.json --data published/ \\
        --out runs/passes
    """
    _command(context, "passes", help, extra=True)


def ablate(context: typer.Context, help: HelpOption = False) -> None:
    """Compare objectives and ranks on the same pairs, everything else fixed, and decide by the stated rule.

    Writes ablation.md, ablation.json and ablation.svg. Arms that are finished are not repeated; an arm that was stopped
    goes on.

    \b
    Examples:
      presend model ablate --out runs/ablation
      presend model ablate --out runs/ablation --seeds 7,8,9 --pairs 512 --batch 16
      presend model ablate --out runs/all --objectives dpo,simpo,orpo,sft --ranks 16
    """
    folder = Path("" if help else _value_of(context.args, "--out"))
    _command(context, "ablate", help, extra=True)
    ablation_plot.plot(folder / "ablation.json", folder / "ablation.svg")
    typer.echo(f"The report is {folder / 'ablation.md'}, the plot {folder / 'ablation.svg'}.")


def merge(context: typer.Context, help: HelpOption = False) -> None:
    """Merge an adapter into its base, prove that nothing changed, and write the folder that the engine serves.

    A merge whose logits or scores differ from the unmerged model's writes nothing.

    \b
    Examples:
      presend model merge --adapter runs/judge/adapter --out runs/judge/merged
      presend model merge --adapter none --out runs/base
    """
    _command(context, "prepare", help)


def latency(
    context: typer.Context,
    vllm: Annotated[bool, typer.Option("--vllm", help="Also start vLLM for all three, and time them.")] = False,
    help: HelpOption = False,
) -> None:
    """Time base, unmerged and merged model in the same rounds, in random order; ratios with their intervals.

    \b
    Examples:
      presend model latency --adapter runs/judge/adapter
      presend model latency --adapter runs/judge/adapter --vllm --rounds 40 --json latency.json
      VLLM_API_KEY=... presend model latency --only-servers --url base=http://a:8000/v1 --url merged=http://b:8000/v1
    """
    if help or not vllm:
        _command(context, "latency", help, extra=True)
        return
    from app.local.trio import serve_all

    settings, arguments = load_settings(), list(context.args)

    async def both() -> None:
        async with serve_all(settings, _value_of(arguments, "--adapter"), _option(arguments, "--base"), _say) as found:
            urls = [part for name, url in found.urls.items() for part in ("--url", f"{name}={url}")]
            await _run(settings, "latency", [*arguments, *urls], extra=True, env={"VLLM_API_KEY": found.key})

    _finish(both())


def calibrate(
    context: typer.Context,
    plot: Annotated[Path | None, typer.Option(help="Draw the reliability of each criterion: .svg or .png.")] = None,
    help: HelpOption = False,
) -> None:
    """Fit the maps and thresholds of a merged model on drafts that it has not seen.

    What the model answers is kept (--answers), so that another --pass-share takes a minute.

    \b
    Example:
      presend model calibrate --model runs/judge/merged --out runs/judge/calibration.json --plot reliability.svg
    """
    kept = [] if help else _kept(context.args)
    if help or plot is None:
        _command(context, "calibrate", help, kept)
        return
    from app.cli.forest import write
    from app.cli.reliability import plot as drawn

    given = _option(context.args, "--json")
    figures = Path(given) if given else plot.with_suffix(".json")
    _command(context, "calibrate", help, kept + ([] if given else ["--json", str(figures)]))
    write(drawn(figures), plot)
    typer.echo(f"The plot is {plot}.")


def evaluate(context: typer.Context, help: HelpOption = False) -> None:
    """Measure a merged model on held-out drafts and print the table of the card.

    Without --model it measures the judge that `presend up` serves, with its calibration, beside the base model alone.
    What the models answer is kept (--answers), so that measuring again after a change of the rules takes a minute.

    \b
    Examples:
      presend model evaluate
      presend model evaluate --data published/ --json evaluation.json
      presend model evaluate --model runs/judge/merged --base-model runs/base --calibration runs/judge/calibration.json
    """
    more: list[str] = []
    if not help and _option(context.args, "--model") is None:
        settings = load_settings()
        more = ["--model", str(asyncio.run(_make(settings, and_model=True)))]
        if _option(context.args, "--base-model") is None:
            base = asyncio.run(_make(settings.model_copy(update={"adapter": "none"}), and_model=True))
            more += ["--base-model", str(base)]
        shipped = Path(app.__file__).parent / "weights" / "calibration.json" if settings.adapter == "shipped" else None
        calibration = settings.judge_calibration or shipped
        if calibration is not None and _option(context.args, "--calibration") is None:
            more += ["--calibration", str(calibration)]
    _command(context, "evaluate", help, more + ([] if help else _kept(context.args)), extra=True)


def pareto(
    evaluation: Annotated[Path, typer.Option(help="What `model evaluate --json` wrote.")],
    latency: Annotated[Path, typer.Option(help="What `model latency --json` wrote.")],
    out: Annotated[Path, typer.Option(help="The plot: .svg or .png.")] = Path("pareto.svg"),
    drafts: Annotated[str, typer.Option(help="Which of the evaluation's sets.")] = "test",
    cores: Annotated[int, typer.Option(min=1, help="Cores that the model used when it was timed.")] = 2,
    way: Annotated[str, typer.Option(help="Whose times: `transformers` or `vLLM`.")] = "transformers",
) -> None:
    """Plot what each judge costs, how long it takes and how good it is.

    \b
    Example:
      presend model pareto --evaluation evaluation.json --latency latency.json --out pareto.svg
    """
    from app.cli.forest import write
    from app.cli.pareto import plot as drawn

    write(drawn(evaluation, latency, drafts, cores, way), out)
    typer.echo(f"The plot is {out}.")


def card(context: typer.Context, help: HelpOption = False) -> None:
    """Write the adapter's card from its record, calibration and measurement; without options that of the shipped one.

    \b
    Example:
      presend model card --adapter runs/judge/adapter --calibration runs/judge/calibration.json \\
        --evaluation runs/judge/evaluation.json --out runs/judge/CARD.md
    """
    if help:
        _teach(context, "card")
    # Nothing in it needs the engine environment.
    from app.training.card import main

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = main(list(context.args))
    if code == 0:
        typer.echo(printed.getvalue().rstrip())
    raise typer.Exit(code)


def _command(
    context: typer.Context, module: str, wants_help: bool, more: Sequence[str] = (), *, extra: bool = False
) -> None:
    """Run a training command in the engine environment with the arguments given."""
    if wants_help:
        _teach(context, module)
    arguments = [*context.args, *more]
    settings = load_settings()
    _finish(_run(settings, module, arguments, extra=extra))


def _teach(context: typer.Context, module: str) -> None:
    """Print the command's own help and then every option that it passes through."""
    typer.echo(context.get_help())
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(f"app.training.{module}").main(["--help"])
    own = printed.getvalue().partition("options:")[2]
    typer.echo(f"\nOptions passed through to `python -m app.training.{module}`:{own}")
    raise typer.Exit


def _finish(work: object) -> None:
    """Run to the end; Ctrl-C has stopped the child when this returns."""
    try:
        asyncio.run(work)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on from the last checkpoint, where there is one.\n")
        raise


def _say(stage: str, detail: str) -> None:
    sys.stderr.write(f"… {stage}: {detail}\n" if detail else f"… {stage}\n")


async def _run(
    settings: Settings,
    module: str,
    arguments: Sequence[str],
    *,
    extra: bool = False,
    env: dict[str, str] | None = None,
) -> None:
    from rich.console import Console

    from app.local import training
    from app.local.children import Nursery
    from app.local.console import Voice
    from app.local.home import open_home
    from app.local.model import Preparation

    # Progress goes to standard error, so that the result can be piped.
    voice = Voice(Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False))
    home, nursery = open_home(settings.home), Nursery()
    try:
        work = Preparation(settings, home, nursery, voice.progress)
        await work.install(await work.plan())
        if extra:
            await training.install(
                work.environment, nursery, home, lambda detail: voice.progress(training.INSTALLING, detail)
            )

        def shown(told: training.Told) -> None:
            if told.done is not None and told.total is not None:
                voice.bar(told.step, told.done, told.total, told.note)
            else:
                voice.progress(told.step, told.note if told.state == "done" else "")

        def printed(line: str) -> None:
            voice.quiet()
            typer.echo(line)

        await training.run(module, arguments, work.environment, nursery, home, shown, printed, env=env)
    finally:
        voice.quiet()


async def _make(settings: Settings, *, and_model: bool) -> Path:
    from app.local.children import Nursery
    from app.local.console import Voice
    from app.local.home import open_home
    from app.local.model import Preparation

    voice = Voice()
    try:
        work = Preparation(settings, open_home(settings.home), Nursery(), voice.progress)
        plan = await work.plan()
        python = await work.install(plan)
        return (await work.prepare(python)).folder if and_model else python
    finally:
        voice.quiet()


def _option(arguments: Sequence[str], name: str) -> str | None:
    """The last value of an option among arguments that are passed through."""
    found = None
    for place, word in enumerate(arguments):
        if word == name and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def _kept(arguments: Sequence[str]) -> list[str]:
    """Where answers are kept, unless the arguments say it."""
    return ["--answers", str(load_settings().home / "answers")] if _option(arguments, "--answers") is None else []


def _value_of(arguments: Sequence[str], name: str) -> str:
    found = _option(arguments, name)
    if found is None:
        raise InvalidInput(f"{name} is needed; --help lists the options.")
    return found
