"""How a judge is put together from plain values; the API and the worker build theirs here, so that both judge alike.

Files that cannot be read or do not fit stop the start, by name; an unreadable manifest only leaves the weights unknown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import structlog

from app.errors import ConfigurationError
from app.judge.calibration import Calibration, parse_calibration
from app.judge.identity import ModelIdentity
from app.judge.policy import Policy, parse_policy
from app.judge.rubric import Rubric, parse_rubric
from app.llm import JudgeClient, LlmSettings
from app.services.breaker import Breaker
from app.services.engine import EngineMonitor
from app.services.judging import EngineState, Judge
from app.services.slots import Slots
from app.telemetry import Metrics

_log = structlog.get_logger("presend")


@dataclass(frozen=True)
class JudgeParts:
    """What a judge is made from: files, the engine's address, and how many calls it may make at once."""

    policy: Path | None
    rubric: Path | None
    calibration: Path | None
    adapter: str
    model: str
    manifest: Path | None
    engine_report: Path
    base_url: str
    api_key: str | None
    slots: int
    kept_for_gate: int
    max_waiting: int
    breaker_failures: int
    breaker_open_s: float


@dataclass(frozen=True)
class Assembled:
    """A judge, the connections it asks through, and the watch over its engine; start and stop the last two."""

    judge: Judge
    client: JudgeClient
    monitor: EngineMonitor


def assemble(parts: JudgeParts, metrics: Metrics) -> Assembled:
    """Build a judge; connects to nothing.

    Raises
    ------
    ConfigurationError
        Naming the file that is missing or wrong.
    """
    rubrics = load_rubrics(parts.rubric)
    client = JudgeClient(
        LlmSettings(base_url=parts.base_url, model=parts.model, api_key=parts.api_key, max_connections=parts.slots * 2)
    )
    state = EngineState(model=ModelIdentity(parts.model))
    breaker = Breaker(parts.breaker_failures, parts.breaker_open_s)
    judge = Judge(
        policy=load_policy(parts.policy),
        rubrics=rubrics,
        default_rubric=next(reversed(rubrics)),
        calibration=load_calibration(parts.calibration, parts.adapter),
        client=client,
        slots=Slots(parts.slots, parts.kept_for_gate, parts.max_waiting),
        breaker=breaker,
        engine=state,
        metrics=metrics,
    )
    monitor = EngineMonitor(
        client=client,
        rubrics=rubrics,
        state=state,
        breaker=breaker,
        identify=lambda: read_manifest(parts.manifest, parts.model),
        loading=lambda: read_loading(parts.engine_report),
    )
    return Assembled(judge, client, monitor)


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The {what} {path} cannot be read: {type(error).__name__}.") from None


def load_policy(path: Path | None) -> Policy:
    """The vendor policy of a file, or the fictional default."""
    if path is not None:
        return parse_policy(_read(path, "policy"), str(path))
    shipped = resources.files("app.judge") / "vendors" / "kestrelworks.toml"
    return parse_policy(shipped.read_text(encoding="utf-8"), "kestrelworks.toml")


def load_rubrics(path: Path | None) -> dict[str, Rubric]:
    """The default rubric and, last, the one of the file: the last one is used when a request names none."""
    shipped = resources.files("app.judge") / "rubrics" / "default.toml"
    default = parse_rubric(shipped.read_text(encoding="utf-8"), "default.toml")
    rubrics = {default.name: default}
    if path is not None:
        own = parse_rubric(_read(path, "rubric"), str(path))
        rubrics.pop(own.name, None)
        rubrics[own.name] = own
    return rubrics


def load_calibration(path: Path | None, adapter: str) -> Calibration:
    """The calibration of a file, or the one shipped with the adapter; none for another adapter."""
    if path is not None:
        return parse_calibration(_read(path, "calibration"), str(path))
    shipped = resources.files("app") / "weights" / "calibration.json"
    if adapter == "shipped" and shipped.is_file():
        return parse_calibration(shipped.read_text(encoding="utf-8"), "calibration.json")
    return Calibration()


def read_manifest(path: Path | None, model: str) -> ModelIdentity:
    """Which weights serve, from the manifest that the merge wrote; unknown parts say so."""
    if path is None:
        return ModelIdentity(model)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        base, adapter, weights = manifest["base"], manifest["adapter"], manifest["weights"]
        return ModelIdentity(
            name=model,
            base=f"{base['name']}@{base['sha256'][:12]}",
            adapter=f"lora-r{adapter['rank']}@{adapter['sha256'][:12]}" if adapter else None,
            weights_digest=weights["sha256"],
            adapter_digest=adapter["sha256"] if adapter else "none",
            dtype=weights["dtype"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        _log.warning("manifest.unreadable", path=str(path))
        return ModelIdentity(model)


def read_loading(path: Path) -> str | None:
    """What the supervisor is doing about the engine, when it says so."""
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
        return f"{status['state']}: {status['detail']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
