"""Commands that run something here: everything (`up`), the API alone (`serve`), a worker of stored runs (`worker`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.settings import load_settings

HomeOption = Annotated[Path | None, typer.Option("--home", help="Data directory instead of PRESEND_HOME.")]
EngineOption = Annotated[
    Literal["auto", "cpu", "cuda"] | None,
    typer.Option("--engine", help="Which vLLM; auto looks for an NVIDIA GPU."),
]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(up)
    program.command()(serve)
    program.command()(worker)


def up(
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.", show_default="8000")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    home: HomeOption = None,
    engine: EngineOption = None,
    no_engine: Annotated[bool, typer.Option("--no-engine", help="No model: the rules alone decide.")] = False,
) -> None:
    """Start everything on this machine: Postgres, the API and the judge model.

    The API answers at once, from the rules; the first start installs the engine meanwhile, and the model joins by
    itself. A second start reuses everything. Ctrl-C stops everything.

    \b
    Examples:
      presend up
      presend up --port 9000 --home ~/presend-data
      presend up --no-engine
      DATABASE_URL=postgresql://me@db.example/presend presend up
      VLLM_BASE_URL=http://gpu.example:8000/v1 presend up
    """
    from app.local.supervisor import up as run

    wanted = "none" if no_engine else engine
    run(load_settings({"port": port, "host": host, "home": home, "engine": wanted}))


def serve(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8000")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
) -> None:
    """Run the API alone, against a database and a model server that run elsewhere.

    It needs DATABASE_URL and PRESEND_RECEIPT_KEY, and VLLM_BASE_URL for the model; `presend db upgrade` makes the
    tables.

    \b
    Examples:
      presend serve --host 0.0.0.0
      DATABASE_URL=postgresql://me@db.example/presend presend serve --port 9000
    """
    from app.main import run

    run(load_settings({"port": port, "host": host}))


def worker() -> None:
    """Judge the items of stored runs, until a signal says stop; any number may run, on any number of machines.

    It needs DATABASE_URL and VLLM_BASE_URL. `presend up` starts one already (PRESEND_WORKERS).

    \b
    Examples:
      presend worker
      PRESEND_BATCH_SLOTS=64 presend worker
    """
    from app.worker import run

    run(load_settings())
