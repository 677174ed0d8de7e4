"""Commands about the database and its API keys. They work on DATABASE_URL, else on the database of a running `up`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.db.keys import KeyInfo, Scope, create_key, list_keys, revoke_key, rotate_key
from app.errors import SetupError
from app.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

HomeOption = Annotated[Path | None, typer.Option("--home", help="Data directory instead of PRESEND_HOME.")]
TIMES = ("created", "last used", "revoked")
KeyId = Annotated[str, typer.Argument(help="The key's id: the middle part of psk_<id>_...")]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    database = typer.Typer(no_args_is_help=True, help="The database's tables.")
    database.command()(upgrade)
    database.command()(status)
    database.command()(check)
    program.add_typer(database, name="db")
    keys = typer.Typer(no_args_is_help=True, help="API keys of tenants.")
    keys.command()(create)
    keys.command("list")(listed)
    keys.command()(rotate)
    keys.command()(revoke)
    program.add_typer(keys, name="keys")


def upgrade(home: HomeOption = None) -> None:
    """Bring the database to the tables of this version; does nothing when it has them.

    \b
    Example:
      DATABASE_URL=postgresql://me@db.example/presend presend db upgrade
    """
    from app.db import migrate

    url = database_url(home)
    before = migrate.current(url)
    migrate.upgrade(url)
    after = migrate.current(url)
    typer.echo(
        f"The database is at {after}." if before == after else f"Migrated from {before or 'nothing'} to {after}."
    )


def status(home: HomeOption = None) -> None:
    """Say which version of the tables the database has, and which this program wants; exit code 1 when they differ.

    \b
    Example:
      presend db status
    """
    from app.db import migrate

    has, wants = migrate.current(database_url(home)), migrate.head()
    typer.echo(f"database: {has or 'no tables'}\nprogram:  {wants}")
    if has != wants:
        raise SetupError("They differ; `presend db upgrade` brings the database up to date.")


def check(home: HomeOption = None) -> None:
    """Compare the database's tables with the code, column by column.

    \b
    Example:
      presend db check
    """
    from app.db import migrate

    migrate.check(database_url(home))
    typer.echo("The tables of the database are those of the code.")


def create(
    name: Annotated[str, typer.Option(help="What or whom the key is for.")],
    tenant: Annotated[str, typer.Option(help="Whose data it sees; made when it is new.")] = "default",
    scope: Annotated[list[Scope] | None, typer.Option(help="May be given several times.", show_default="all")] = None,
    home: HomeOption = None,
) -> None:
    """Make an API key and print it. It is shown this once and kept nowhere.

    \b
    Examples:
      presend keys create --name "sales agent" --scope score
      presend keys create --tenant north --name reviewers --scope read --scope score
    """

    async def work(conn: AsyncConnection) -> tuple[KeyInfo, str]:
        return await create_key(conn, tenant=tenant, name=name, scopes=scope or list(Scope))

    _announce(*_in_transaction(home, work))


def listed(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None, home: HomeOption = None
) -> None:
    """List the keys, revoked ones included; never their secrets.

    \b
    Example:
      presend keys list --tenant default
    """
    from rich.table import Column, Table

    from app.cli.terminal import console

    async def work(conn: AsyncConnection) -> list[KeyInfo]:
        return await list_keys(conn, tenant)

    table = Table(Column("id", no_wrap=True), "tenant", "name", "scopes", *TIMES, box=None, pad_edge=False)
    for key in _in_transaction(home, work):
        times = (key.created_at, key.last_used_at, key.revoked_at)
        scopes = ",".join(s.value for s in Scope if s in key.scopes)
        table.add_row(key.key_id, key.tenant, key.name, scopes, *(_when(at) for at in times))
    console().print(table)


def rotate(key_id: KeyId, home: HomeOption = None) -> None:
    """Make a successor with the same tenant, name and scopes; the old key lives until it is revoked.

    \b
    Example:
      presend keys rotate 8fQ0...
    """

    async def work(conn: AsyncConnection) -> tuple[KeyInfo, str]:
        return await rotate_key(conn, key_id)

    _announce(*_in_transaction(home, work))
    typer.echo(f"When everyone uses it: presend keys revoke {key_id}", err=True)


def revoke(key_id: KeyId, home: HomeOption = None) -> None:
    """End a key, within seconds everywhere.

    \b
    Example:
      presend keys revoke 8fQ0...
    """

    async def work(conn: AsyncConnection) -> KeyInfo:
        return await revoke_key(conn, key_id)

    info = _in_transaction(home, work)
    typer.echo(f"The key {info.key_id} ({info.name}) of {info.tenant} is revoked.")


def database_url(home: Path | None) -> str:
    """DATABASE_URL, else the embedded database of a running `presend up`.

    Raises
    ------
    SetupError
        When there is neither.
    """
    from app.local.home import Home
    from app.local.postgres import running_url

    settings = load_settings({"home": home})
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    url = running_url(Home(settings.home.expanduser().absolute()))
    if url is None:
        raise SetupError(
            f"There is no database: set DATABASE_URL, or start `presend up`, whose database in {settings.home} is used."
        )
    return url


def _in_transaction(home: Path | None, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    from app.db.engine import Database

    async def run(url: str) -> T:
        database = Database(url, pool_size=1)
        try:
            async with database.transaction() as conn:
                return await work(conn)
        finally:
            await database.close()

    return asyncio.run(run(database_url(home)))


def _announce(info: KeyInfo, token: str) -> None:
    """The token alone on standard output, so that a script can take it."""
    typer.echo(f"Key {info.key_id} for {info.tenant}, {info.name}. It is shown this once:", err=True)
    typer.echo(token)


def _when(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at is not None else ""
