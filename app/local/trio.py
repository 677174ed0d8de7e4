"""Three engines side by side for as long as they are measured: the base, the base with the adapter beside it, merged.

All are vLLM with the same settings and the same key on free ports of this machine; all are gone at the end.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.errors import SetupError
from app.local.children import Child, Nursery, Spec, last_words
from app.local.engine import HOST, EngineAddress, vllm_command, vllm_env
from app.local.home import open_home
from app.local.model import ModelSpec, Preparation, engine_env
from app.local.ports import claim
from app.settings import Settings

READY_S, LOOK_S = 900.0, 0.5


@dataclass(frozen=True)
class Served:
    """Addresses by name, up to and including /v1, and the key of all."""

    urls: dict[str, str]
    key: str


@asynccontextmanager
async def serve_all(
    settings: Settings, adapter: str, base: str | None, say: Callable[[str, str], None]
) -> AsyncIterator[Served]:
    """Prepare base and merged model where they are not there yet, start an engine on each, and wait for them all.

    Raises
    ------
    SetupError
        When a model cannot be prepared or an engine does not come up.
    """
    home, nursery, key = open_home(settings.home), Nursery(), secrets.token_hex(16)
    chosen = {"base_model": settings.base_model if base is None else base}
    models: dict[str, ModelSpec] = {}
    for name, wanted in (("base", "none"), ("merged", adapter)):
        work = Preparation(settings.model_copy(update={**chosen, "adapter": wanted}), home, nursery, say)
        plan = await work.plan()
        models[name] = await work.prepare(await work.install(plan))
    engines = {
        "base": (models["base"], "base"),
        "unmerged": (models["base"], "base"),
        "merged": (models["merged"], "merged"),
    }
    # An engine takes most of a GPU's memory unless it is told otherwise.
    more: dict[str, tuple[str, ...]] = dict.fromkeys(
        engines, () if plan.variant == "cpu" else ("--gpu-memory-utilization", "0.28")
    )
    more["unmerged"] += _beside(Path(models["merged"].adapter))
    addresses: dict[str, EngineAddress] = {}
    try:
        for name, (model, served) in engines.items():
            say("starting the engine", name)
            addresses[name] = EngineAddress(claim(HOST, 0), key)
            env = engine_env(work.environment) | vllm_env(plan, key, home.cache)
            command = (*vllm_command(work.environment.python, model, served, addresses[name].port, plan), *more[name])
            spec = Spec(f"vllm-{name}", command, env, home.log(f"vllm-{name}"), grace_s=8.0)
            # One after the other: two that load at once take each other's memory for their own.
            await _ready(await nursery.start(spec), addresses[name], spec)
        yield Served({name: address.base_url for name, address in addresses.items()}, key)
    finally:
        await nursery.stop()


def _beside(adapter: Path) -> tuple[str, ...]:
    """What makes vLLM serve an adapter without merging it."""
    rank = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    # vLLM knows ranks of 8 and its doubles.
    allowed = max(8, 1 << (int(rank) - 1).bit_length())
    return ("--enable-lora", "--max-lora-rank", str(allowed), "--lora-modules", f"unmerged={adapter}")


async def _ready(child: Child, address: EngineAddress, spec: Spec) -> None:
    async with asyncio.timeout(READY_S), httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
        while True:
            try:
                if (await client.get(address.health_url)).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            if not child.running:
                words = last_words(spec.log, of="Error") or "it left no word"
                raise SetupError(f"The engine of {spec.name} did not come up: {words} The whole log: {spec.log}")
            await asyncio.sleep(LOOK_S)
