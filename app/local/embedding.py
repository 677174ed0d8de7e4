"""Sentence vectors for the contamination check, made in the engine environment by ``app.training.embedding``.

Refused: guessing a vector. Where the engine environment or the wheel with the model is missing, the sentence says what
to install, and the check can be run without the cosine.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from app.errors import SetupError
from app.local.environment import Environment
from app.local.home import Home, open_home
from app.local.model import engine_env, only_the_package
from app.settings import Settings
from app.training.embedding import Vectors, key_of, read_vectors

KEPT = "text-vectors.npz"
Tell = Callable[[int, int], None]
"""Takes how many texts are done, and of how many."""


def embedded(settings: Settings, texts: Mapping[str, str], tell: Tell, kept: Path | None = None) -> dict[str, Vectors]:
    """The unit vector of each text, by its name; made where ``kept`` (else the home's cache) has none.

    Raises
    ------
    SetupError
        When the engine environment or the model is missing, or the program failed.
    """
    home = open_home(settings.home)
    file = (kept or home.cache / KEPT).expanduser().absolute()
    held = read_vectors(file)
    if any(key_of(text) not in held for text in texts.values()):
        _make(settings, home, texts, file, tell)
        held = read_vectors(file)
    return {name: held[key_of(text)] for name, text in texts.items()}


def _make(settings: Settings, home: Home, texts: Mapping[str, str], file: Path, tell: Tell) -> None:
    environment = Environment((settings.engine_venv or home.engine).expanduser().absolute())
    if not environment.python.exists():
        raise SetupError(
            "Embeddings are made in the engine environment, which is not installed; run `presend model engine`, or"
            " check without them (--no-embeddings)."
        )
    env = engine_env(environment) | {"PYTHONPATH": str(only_the_package(home))}
    with ExitStack() as stack:
        source = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8"))
        source.writelines(json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items())
        source.flush()
        log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        command = [str(environment.python), "-m", "app.training.embedding", "--texts", source.name, "--out", str(file)]
        # In the same process group: Ctrl-C reaches it as well.
        process = stack.enter_context(
            subprocess.Popen(command, env=env, cwd="/", stdout=subprocess.PIPE, stderr=log, text=True)
        )
        failed = ""
        try:
            for line in process.stdout or ():
                failed = _read(line, tell) or failed
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
        if code != 0:
            log.seek(0)
            last = [line for line in log.read().splitlines() if line.strip()][-1:]
            raise SetupError(f"The embeddings could not be made: {failed or ''.join(last) or f'exit code {code}.'}")


def _read(line: str, tell: Tell) -> str:
    """Tell of a line of progress; returns the sentence of a failure."""
    try:
        told = json.loads(line)
    except ValueError:
        return ""
    if told.get("state") == "progress":
        tell(int(told["done"]), int(told["of"]))
    return str(told.get("error") or "")
