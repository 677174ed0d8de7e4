"""Settings: read from the environment (``PRESEND_*``), checked once, passed down. There is no instance here.

``DATABASE_URL`` and ``VLLM_BASE_URL`` are read without the prefix as well, because every platform sets them so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import ConfigurationError, Fault


def default_home() -> Path:
    """Where Presend keeps its database, engine and model when nobody says otherwise."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "presend"


class Settings(BaseSettings):
    """Everything that a process can be told from outside. Each field is a row of the README's table."""

    model_config = SettingsConfigDict(env_prefix="PRESEND_", extra="ignore", populate_by_name=True)

    home: Path = Field(default_factory=default_home, description="Data directory: database, engine, model, secrets.")
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8000, description="Port of the API; 0 takes a free one.")
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("PRESEND_DATABASE_URL", "DATABASE_URL"),
        description="Postgres >= 14. Unset: `presend up` starts an embedded one.",
    )
    database_pool: Annotated[int, Field(ge=1, le=200)] = Field(10, description="Connections per process.")
    vllm_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("PRESEND_VLLM_BASE_URL", "VLLM_BASE_URL"),
        description="OpenAI-compatible server, up to and including /v1. Unset: `presend up` starts vLLM.",
    )
    vllm_api_key: SecretStr | None = Field(None, description="Bearer key of that server.")
    judge_model: str = Field("presend-judge", description="Model name to ask for.")
    judge_manifest: Path | None = Field(None, description="manifest.json of the merged model, for the judge identity.")
    judge_calibration: Path | None = Field(
        None, description="Calibration file; unset: the shipped one, for its adapter."
    )
    adapter: str = Field("shipped", description="Adapter to merge: `shipped`, `none`, or a directory.")
    base_model: str = Field("smollm2", description="Base model: `smollm2` (from its wheel) or a directory.")
    engine: Literal["auto", "cpu", "cuda", "none"] = Field("auto", description="Which vLLM `presend up` installs.")
    engine_venv: Path | None = Field(
        None,
        description="Engine environment (a venv); unset: `engine` in the home. One that exists is never changed.",
    )
    models_dir: Path | None = Field(None, description="Where prepared models are kept; unset: `models` in the home.")
    engine_port: Annotated[int, Field(ge=0, le=65_535)] = Field(0, description="Port of vLLM; 0 takes a free one.")
    engine_dtype: str = Field("auto", description="dtype for vLLM; `auto` takes the fastest measured for the machine.")
    engine_max_seqs: Annotated[int, Field(ge=1, le=1024)] = Field(32, description="Sequences vLLM decodes at once.")
    policy: Path | None = Field(None, description="Vendor policy (TOML); unset: the fictional Kestrelworks.")
    rubric: Path | None = Field(None, description="Rubric (TOML); unset: the default outreach rubric.")
    receipt_key: SecretStr | None = Field(None, description="Secret that signs receipts; `presend up` makes one.")
    receipt_ttl_s: Annotated[int, Field(ge=10, le=86_400)] = Field(900, description="Seconds a receipt is good for.")
    deadline_ms: Annotated[int, Field(ge=50, le=120_000)] = Field(10_000, description="Deadline when none is sent.")
    max_body_bytes: Annotated[int, Field(ge=1_024)] = Field(1_048_576, description="Largest request body.")
    model_slots: Annotated[int, Field(ge=1, le=4096)] = Field(32, description="Model calls at once, per process.")
    gate_slots: Annotated[int, Field(ge=1, le=4096)] = Field(16, description="Of those, kept for the gate.")
    max_waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(512, description="Requests that may wait for a slot.")
    breaker_failures: Annotated[int, Field(ge=1)] = Field(5, description="Failures in a row that open the breaker.")
    breaker_open_s: Annotated[float, Field(gt=0)] = Field(5.0, description="Seconds before the breaker tries again.")
    workers: Annotated[int, Field(ge=0, le=64)] = Field(1, description="Batch workers that `presend up` starts.")
    batch_slots: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description="Model calls at once, per worker; with `gate_slots` no more than `engine_max_seqs`."
    )
    batch_lease_s: Annotated[float, Field(ge=1, le=600)] = Field(
        15.0, description="Seconds after which the items of a dead worker are taken over."
    )
    max_upload_bytes: Annotated[int, Field(ge=1_024)] = Field(
        1_073_741_824, description="Largest upload of items, scores or labels; a line may hold `max_body_bytes`."
    )
    store_drafts: bool = Field(True, description="Keep draft and context beside the verdict, for reviewers.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line.")
    log_json: bool = Field(False, description="One JSON object a line.")
    unready_s: Annotated[float, Field(ge=0, le=600)] = Field(
        1.0, description="Seconds that /readyz says `draining` on SIGTERM before the listener closes."
    )
    drain_s: Annotated[float, Field(ge=0, le=600)] = Field(10.0, description="Seconds to finish requests on SIGTERM.")

    @field_validator("vllm_base_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https:// and usually ends in /v1")
        return value.rstrip("/") if value else None


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment; ``overrides`` (command-line options) win.

    Raises
    ------
    ConfigurationError
        Naming each setting that is wrong and what would be right; never its value.
    """
    try:
        return Settings(**{k: v for k, v in (overrides or {}).items() if v is not None})
    except ValidationError as error:
        faults = tuple(
            Fault(
                "PRESEND_" + str(item["loc"][0]).upper().removeprefix("PRESEND_") if item["loc"] else "settings",
                item["msg"],
            )
            for item in error.errors()
        )
        raise ConfigurationError("The settings do not fit.", faults) from error
