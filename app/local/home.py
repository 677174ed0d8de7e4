"""The data directory of one machine: where things lie, who may read them, and that only one `presend up` has it.

Everything secret in it is written with mode 0600 before the first byte. Refused: a directory that cannot be written,
a disk that is nearly full, and a second supervisor on the same home.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupError

MIN_FREE_BYTES = 500_000_000
"""Postgres (50 MB), logs and a margin; the engine and the model check for themselves before they write."""


@dataclass(frozen=True)
class Home:
    """Paths below the data directory. Nothing is created by looking."""

    root: Path

    @property
    def postgres(self) -> Path:
        """Data directory of the embedded Postgres."""
        return self.root / "postgres"

    @property
    def engine(self) -> Path:
        """The engine environment, unless the settings name another."""
        return self.root / "engine"

    @property
    def models(self) -> Path:
        """Prepared models, unless the settings name another place."""
        return self.root / "models"

    @property
    def cache(self) -> Path:
        """What the engine compiles and may lose."""
        return self.root / "cache"

    @property
    def logs(self) -> Path:
        """One file per child."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """State of the `presend up` that is running."""
        return self.root / "run"

    @property
    def engine_state(self) -> Path:
        """What the engine is doing, for /readyz."""
        return self.run / "engine.json"

    @property
    def address(self) -> Path:
        """Where the API of the `presend up` that is running answers."""
        return self.run / "address"

    @property
    def first_key(self) -> Path:
        """The API key made at the first start."""
        return self.root / "first-key"

    def log(self, name: str) -> Path:
        """The log file of one child."""
        return self.logs / f"{name}.log"


def open_home(root: Path, *, min_free: int = MIN_FREE_BYTES) -> Home:
    """Create what is missing (mode 0700) and check that it can be used.

    Raises
    ------
    SetupError
        Naming the directory and what is wrong with it.
    """
    home = Home(root.expanduser().absolute())
    for folder in (home.root, home.logs, home.run, home.cache):
        make_folder(folder)
    need_space(home.root, min_free, "Presend")
    return home


def make_folder(folder: Path) -> None:
    """Create a private folder; one that exists must be a folder that we may write to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SetupError(f"{folder} is a file, but must be a folder; move it away or choose another --home.") from error
    except OSError as error:
        raise SetupError(f"The folder {folder} cannot be created ({_reason(error)}); choose another --home.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(f"The folder {folder} cannot be written to; choose another --home or mend its permissions.")


def need_space(folder: Path, needed: int, who: str) -> None:
    """Raise :class:`SetupError` when fewer than ``needed`` bytes are free where ``folder`` is."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"{who} needs {needed // 10**6:,} MB of free disk in {folder}, which has {free // 10**6:,} MB;"
            " free some or choose another --home."
        )


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home for this process; the kernel lets go of it however the process ends.

    Raises
    ------
    SetupError
        When another `presend up` holds it.
    """
    path = home.run / "up.lock"
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise SetupError(
                f"`presend up` is already running on {home.root} (process {pid});"
                " stop it first, or give this one another --home and --port."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; mode 0600 from the first byte.

    Raises
    ------
    SetupError
        When it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise SetupError(f"The file {path} cannot be written ({_reason(error)}).") from error


def kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
    """The secret in ``path``, made at the first call and kept."""
    kept = read_line(path)
    if kept is None:
        kept = make()
        write_private(path, kept + "\n")
    return kept


def read_line(path: Path) -> str | None:
    """The file's text without its line end, or None when there is none.

    Raises
    ------
    SetupError
        When the file is there and cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The file {path} cannot be read; mend its permissions or remove it.") from error


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return (error.strerror or type(error).__name__).lower()
