"""Ways to run the judge's engine on this CPU, side by side: ``python -m tests.benchmarks.bench_settings``.

Each setting gets a vLLM of its own on the prepared model and is asked for the same drafts, 16 at once; the first
setting is the reference for speed and for every verdict. A faster setting that changes verdicts is no gain. int8 is a
copy of the model with 8-bit weights (a scale per row) and 8-bit activations (a scale per token), in the
compressed-tensors layout that vLLM's int8 kernel takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import httpx2
import numpy as np

from app.judge.rubric import Rubric
from app.judge.verdict import read_answer
from app.llm import CallFailure
from app.llm.replies import read_completion
from app.local.children import Nursery
from app.local.engine import vllm_command, vllm_env
from app.local.home import Home
from app.local.machine import EnginePlan
from app.local.model import ModelSpec, Preparation, engine_env
from app.local.ports import claim
from app.services.wiring import load_rubrics
from app.settings import load_settings
from tests.benchmarks.bench_engine import clean_requests, direct_request

KEY = "bench"
SLOTS = 16


def quantised(source: Path, target: Path) -> Path:
    """Write an int8 copy of a bfloat16 model folder."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, target / file.name)
    raw = (source / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), memoryview(raw)[8 + length :]
    parts: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if not name.endswith("proj.weight"):
            parts[name] = (entry["dtype"], shape, bytes(data[begin:end]))
            continue
        if entry["dtype"] != "BF16":
            raise SystemExit(f"{name} is {entry['dtype']}; int8 is made from the bfloat16 model.")
        weights = (np.frombuffer(data[begin:end], np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
        scale = np.abs(weights).max(axis=1, keepdims=True) / np.float32(127)
        parts[name] = ("I8", shape, np.clip(np.rint(weights / scale), -127, 127).astype(np.int8).tobytes())
        parts[f"{name}_scale"] = ("F32", scale.shape, scale.astype(np.float32).tobytes())
    offset, index = 0, {}
    for name, (dtype, shape, content) in parts.items():
        index[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
    told = json.dumps(index | {"__metadata__": {"format": "pt"}}).encode()
    with (target / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(told)) + told)
        file.writelines(content for _, _, content in parts.values())
    config = json.loads((target / "config.json").read_text())
    eight: dict[str, Any] = {"num_bits": 8, "type": "int", "symmetric": True}
    config["quantization_config"] = {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "compressed",
        "ignore": ["lm_head"],
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": eight | {"strategy": "channel", "dynamic": False},
                "input_activations": eight | {"strategy": "token", "dynamic": True},
            }
        },
    }
    (target / "config.json").write_text(json.dumps(config, indent=1))
    return target


@contextmanager
def engine(python: Path, model: ModelSpec, plan: EnginePlan, environment: dict[str, str], cache: Path) -> Iterator[str]:
    """A vLLM under a plan; yields its address once it answers."""
    port = claim("127.0.0.1", 0)
    command = vllm_command(python, model, "presend-judge", port, plan)
    env = environment | vllm_env(plan, KEY, cache)
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as process:
        try:
            until = time.monotonic() + 300
            while not _healthy(url):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise SystemExit(f"The engine did not come up:\n{log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.5)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def ask_all(url: str, bodies: list[dict[str, Any]], rubric: Rubric) -> tuple[float, np.ndarray]:
    """Drafts per second with 16 out at any time, and P(fail), shape (drafts, criteria)."""
    slots = asyncio.Semaphore(SLOTS)

    async with httpx2.AsyncClient(timeout=300, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:

        async def one(body: dict[str, Any]) -> list[float]:
            async with slots:
                answer = read_completion(await client.post(f"{url}/v1/chat/completions", json=body))
            if isinstance(answer, CallFailure):
                raise SystemExit(answer.detail)
            verdict = read_answer(answer, rubric, explain=False)
            if not verdict.distributions:
                raise SystemExit(f"an answer is {verdict.outcome.value}: {verdict.detail}")
            return [d.p_fail for d in verdict.distributions]

        await asyncio.gather(*(one(body) for body in bodies[:SLOTS]))
        began = time.perf_counter()
        found = await asyncio.gather(*(one(body) for body in bodies[SLOTS:]))
        return (len(bodies) - SLOTS) / (time.perf_counter() - began), np.array(found)


async def prepared() -> tuple[Path, ModelSpec, EnginePlan, dict[str, str], Home]:
    """The engine's python, the prepared model and this machine's plan, from the settings' home."""
    settings = load_settings()
    home = Home(settings.home)
    preparation = Preparation(settings, home, Nursery(), lambda *_: None)
    plan = await preparation.plan()
    python = await preparation.install(plan)
    model = await preparation.prepare(python)
    return python, model, plan, engine_env(preparation.environment), home


def main() -> None:
    """Measure each setting twice, forth and back, and print speed and changed verdicts beside the reference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=96)
    parser.add_argument("--settings", default="bfloat16,int8,one-core,default-binding,float32")
    options = parser.parse_args()
    rubric = next(iter(load_rubrics(None).values()))
    bodies = [direct_request(rubric, body) for body in clean_requests(SLOTS + options.drafts)]
    python, model, plan, environment, home = asyncio.run(prepared())
    with tempfile.TemporaryDirectory() as folder:
        int8 = quantised(model.folder, Path(folder) / "int8")
        ways = {
            "bfloat16": (model, replace(plan, dtype="bfloat16")),
            "int8": (replace(model, folder=int8), replace(plan, dtype="bfloat16")),
            "one-core": (model, replace(plan, dtype="bfloat16", threads="0")),
            "default-binding": (model, replace(plan, dtype="bfloat16", threads="auto")),
            "float32": (model, replace(plan, dtype="float32")),
        }
        names = options.settings.split(",")
        speeds: dict[str, list[float]] = {name: [] for name in names}
        p_fail: dict[str, np.ndarray] = {}
        for name in [*names, *reversed(names)]:
            with engine(python, *ways[name], environment, home.cache) as url:
                speed, p_fail[name] = asyncio.run(ask_all(url, bodies, rubric))
            speeds[name].append(speed)
            print(f"  {name}: {speed:.2f} drafts/s", flush=True)
    first = names[0]
    print(f"{options.drafts} drafts, {SLOTS} at once, twice; load {os.getloadavg()[0]:.1f}")
    for name in names:
        crossed = ((p_fail[name] < 0.5) != (p_fail[first] < 0.5)).any(axis=1).sum()
        moved = np.abs(p_fail[name] - p_fail[first]).max()
        print(
            f"{name:16} {np.mean(speeds[name]):5.2f} drafts/s = {np.mean(speeds[name]) / np.mean(speeds[first]):.2f} x "
            f"{first}; {crossed} of {options.drafts} drafts have a P(fail) on the other side of .5, moved by "
            f"{moved:.3f} at most"
        )


if __name__ == "__main__":
    main()
