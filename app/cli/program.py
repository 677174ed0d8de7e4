"""The commands put together, and how errors leave the program."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from app import __version__
from app.cli import bench, drafts, machine, model, runs, statistics, store
from app.errors import ConfigurationError, PresendError, SetupError

EXIT_FAILED, EXIT_CONFIGURATION, EXIT_INTERRUPTED = 1, 2, 130


@dataclass
class Session:
    """One run of the program."""

    debug: bool = False


def build(session: Session) -> typer.Typer:
    """The whole program; ``session`` learns of the options that stand before the command."""
    program = typer.Typer(
        name="presend",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @program.callback()
    def presend(
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None:
        """Presend reads every outreach draft before it is sent, and answers send, revise or hold.

        \b
        Start here:
          presend up                      everything on this machine, no setup
          presend gate request.json       ask about a draft
          presend rules request.json      the rules alone, no service needed

        Settings come from the environment (PRESEND_*, DATABASE_URL, VLLM_BASE_URL); the README lists them.
        """
        session.debug = debug

    @program.command()
    def version() -> None:
        """Print the version.

        \b
        Example:
          presend version
        """
        typer.echo(f"presend {__version__}")

    machine.add(program)
    model.add(program)
    drafts.add(program)
    store.add(program)
    statistics.add(program)
    runs.add(program)
    bench.add(program)
    return program


def main(arguments: list[str] | None = None) -> None:
    """Run the program; ends the process with its exit code."""
    session = Session()
    program = build(session)
    try:
        program(args=arguments, prog_name="presend")
    except PresendError as error:
        if session.debug:
            raise
        # The sentence is Presend's own; the codes are in the package's docstring.
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        if session.debug:
            raise
        where = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"{SetupError(f'The machine refused: {error.strerror or error}{where}.')}\n")
        sys.exit(EXIT_FAILED)
