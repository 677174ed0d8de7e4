"""What is run in the engine environment, and that the engine's misfortunes never reach the API."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from app.errors import SetupError
from app.local import engine as engine_module
from app.local.children import Nursery
from app.local.console import Voice
from app.local.engine import Engine, EngineAddress, model_length, vllm_command, vllm_env
from app.local.home import Home, open_home
from app.local.machine import EnginePlan
from app.local.model import SHIPPED_ADAPTER, ModelSpec, Preparation, only_the_package, prepare_command, read_step
from app.local.ports import claim
from app.settings import Settings

CPU = EnginePlan("cpu", "float32", "0,1", 2, eager=True, max_seqs=32)
CUDA = EnginePlan("cuda", "bfloat16", None, None, eager=False, max_seqs=64)


def model_in(folder: Path, positions: int = 8192) -> ModelSpec:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": positions}))
    return ModelSpec("smollm2", "none", folder)


def after(command: tuple[str, ...], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_vllm_is_asked_for_whole_verdicts(tmp_path: Path) -> None:
    command = vllm_command(Path("/e/bin/python"), model_in(tmp_path / "m"), "presend-judge", 8001, CPU)
    assert command[:3] == ("/e/bin/python", "-m", "vllm.entrypoints.openai.api_server")
    assert json.loads(after(command, "--structured-outputs-config")) == {
        "backend": "xgrammar",
        "disable_any_whitespace": True,
    }
    assert after(command, "--generation-config") == "vllm"
    assert after(command, "--scheduling-policy") == "priority"
    assert after(command, "--max-logprobs") == "20"
    assert after(command, "--host") == "127.0.0.1"
    assert after(command, "--served-model-name") == "presend-judge"
    assert "--enable-prompt-tokens-details" in command
    assert "--enforce-eager" in command


def test_a_gpu_compiles_and_is_not_bound_to_cores(tmp_path: Path) -> None:
    assert "--enforce-eager" not in vllm_command(Path("/e/python"), model_in(tmp_path / "m"), "j", 1, CUDA)
    assert not {"VLLM_CPU_OMP_THREADS_BIND", "VLLM_CPU_KVCACHE_SPACE"} & vllm_env(CUDA, "key", tmp_path).keys()


def test_the_key_is_not_on_the_command_line(tmp_path: Path) -> None:
    assert "--api-key" not in vllm_command(Path("/e/python"), model_in(tmp_path / "m"), "j", 1, CPU)
    env = vllm_env(CPU, "a-secret", tmp_path)
    assert env["VLLM_API_KEY"] == "a-secret"
    assert env["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] == "75"
    assert (env["VLLM_CPU_OMP_THREADS_BIND"], env["VLLM_CPU_KVCACHE_SPACE"]) == ("0,1", "2")


@pytest.mark.parametrize(("positions", "length"), [(2048, 2048), (8192, 8192), (131072, 8192)])
def test_the_context_is_the_models_own_up_to_8192(tmp_path: Path, positions: int, length: int) -> None:
    assert model_length(model_in(tmp_path / "m", positions).folder) == length


def test_a_model_without_configuration_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has no readable config"):
        model_length(tmp_path)


def test_settings_that_name_the_same_model_share_its_folder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    shipped = ModelSpec.of(Settings(home=tmp_path), home)
    assert shipped == ModelSpec.of(Settings(home=tmp_path, port=9), home)
    assert shipped.adapter == str(SHIPPED_ADAPTER)
    bare = ModelSpec.of(Settings(home=tmp_path, adapter="none", models_dir=tmp_path / "shared"), home)
    assert bare.folder != shipped.folder
    assert bare.manifest.parent.parent == tmp_path / "shared"
    assert prepare_command(Path("py"), bare) == (
        *("py", "-m", "app.training.prepare", "--adapter", "none"),
        *("--out", str(bare.folder), "--base", "smollm2"),
    )


def test_the_engines_interpreter_sees_the_package_and_nothing_else(tmp_path: Path) -> None:
    folder = only_the_package(open_home(tmp_path))
    assert [path.name for path in folder.iterdir()] == ["app"]
    assert (folder / "app" / "__init__.py").is_file()
    assert only_the_package(Home(tmp_path)) == folder


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('{"step": "merge", "state": "start"}', ("merge", "", "")),
        ('{"step": "merge", "state": "done", "seconds": 2.04}', ("merge", "took 2.0 s", "")),
        ('{"step": "failed", "state": "error", "error": "No disk."}', ("failed", "", "No disk.")),
        ('{"step": "merge", "state": "done", "seconds": "x"}', ("merge", "", "")),
        ("Loading weights", ("", "", "")),
        ("[1]", ("", "", "")),
        ("7", ("", "", "")),
    ],
)
def test_progress_lines_are_read_and_anything_else_is_passed_over(line: str, read: tuple[str, str, str]) -> None:
    assert read_step(line) == read


class Stage:
    """An engine whose preparation is done and whose vLLM is a small script."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
        self.home = open_home(tmp_path / "home")
        self.console = Console(record=True, width=400, file=open(os.devnull, "w"))  # noqa: SIM115
        self.nursery = Nursery()
        port = claim("127.0.0.1", 0)
        address = EngineAddress(port, "key")
        model = model_in(tmp_path / "model")

        async def plan(_: Preparation) -> EnginePlan:
            return CPU

        async def install(_: Preparation, plan: EnginePlan) -> Path:
            return Path(sys.executable)

        async def prepare(_: Preparation, python: Path) -> ModelSpec:
            return model

        monkeypatch.setattr(Preparation, "plan", plan)
        monkeypatch.setattr(Preparation, "install", install)
        monkeypatch.setattr(Preparation, "prepare", prepare)
        command = (sys.executable, "-c", script, str(port))
        monkeypatch.setattr(engine_module, "vllm_command", lambda *given: command)
        monkeypatch.setattr(engine_module, "LOOK_S", 0.05)
        monkeypatch.setattr("app.local.backoff.FIRST_S", 0.05)
        settings = Settings(home=self.home.root)
        self.engine = Engine(settings, self.home, address, address.health_url, self.nursery, Voice(self.console))

    def state(self) -> dict[str, str]:
        return json.loads(self.home.engine_state.read_text()) if self.home.engine_state.exists() else {}

    def close(self) -> str:
        self.console.file.close()
        return self.console.export_text()


def test_an_engine_that_never_comes_up_is_given_up_in_one_sentence(tmp_path: Path, monkeypatch) -> None:
    stage = Stage(tmp_path, monkeypatch, "raise ValueError('no such dtype')")
    asyncio.run(stage.engine.join())
    assert stage.state()["state"] == "failed"
    said = stage.close()
    assert (
        "The judge model is not available. The engine ended 3 times before it was up: ValueError: no such dtype" in said
    )
    assert "The rules go on deciding alone." in said


HEALTHY_ONCE = """
import http.server, sys, pathlib, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *given): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
threading.Timer(1.0, server.shutdown).start()
server.serve_forever()
"""


def test_an_engine_that_ends_is_started_again(tmp_path: Path, monkeypatch) -> None:
    stage = Stage(tmp_path, monkeypatch, HEALTHY_ONCE)

    async def live() -> None:
        task = asyncio.create_task(stage.engine.join())
        for _ in range(400):
            await asyncio.sleep(0.05)
            if stage.console.export_text(clear=False).count("has joined") >= 2:
                break
        assert not task.done()
        task.cancel()
        await stage.nursery.stop()

    asyncio.run(live())
    said = stage.close()
    assert said.count("The judge model has joined after") >= 2
    assert "The engine ended (exit code 0) and starts again in" in said


def test_what_cannot_be_prepared_is_told_and_not_raised(tmp_path: Path, monkeypatch) -> None:
    stage = Stage(tmp_path, monkeypatch, "")

    async def refuse(_: Preparation, plan: EnginePlan) -> Path:
        raise SetupError("The disk is full.")

    monkeypatch.setattr(Preparation, "install", refuse)
    asyncio.run(stage.engine.join())
    assert (stage.state()["state"], stage.state()["detail"]) == ("failed", "The disk is full.")
    assert "The judge model is not available. The disk is full. The rules go on" in stage.close()


def test_a_missing_shipped_adapter_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("app.local.model.SHIPPED_ADAPTER", tmp_path / "weights")
    with pytest.raises(SetupError, match="lacks its adapter"):
        ModelSpec.of(Settings(home=tmp_path), Home(tmp_path)).check()
    ModelSpec.of(Settings(home=tmp_path, adapter="none"), Home(tmp_path)).check()
