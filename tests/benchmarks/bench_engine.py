"""Verdicts from the real engine, beside the engine asked directly: ``python -m tests.benchmarks.bench_engine``.

Starts its own `presend up` (engine and model shared from PRESEND_HOME). Requests straight to vLLM and through the gate
alternate in random order: the same rendered messages and schema, another cache salt, warm-up left out. ``--dtypes``
starts once per dtype and compares verdicts as well as speed: a faster setting that changes verdicts is no gain.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from app.bench.generate import generate
from app.judge.policy import default_policy
from app.judge.prompt import render
from app.judge.rubric import Rubric
from app.judge.rules import Ruleset
from app.llm import DECODING
from app.local.ports import claim
from app.schemas import Context, Draft
from app.services.judging import MAX_TOKENS, plain
from app.services.wiring import load_rubrics
from tests.e2e.up import Up, running, temporary_home

RESAMPLES = 4_000
WARM_UP = 4
BLOCK = 64
"""Drafts of a block: enough for the ramp at its two ends to matter little."""
BATCH_SLOTS = 16


@dataclass(frozen=True)
class Arms:
    """One running service and the engine below it, with the same drafts rendered for both."""

    up: Up
    engine_url: str
    engine_key: str
    gate: list[dict[str, Any]]
    direct: list[dict[str, Any]]


def clean_requests(number: int) -> list[dict[str, Any]]:
    """Generated drafts that pass every rule, so that the gate must ask the model; each has facts of its own."""
    rules, policy = Ruleset(default_policy()), default_policy()
    found = []
    for example in generate(seed=11, split="test", scenarios=number * 4, drafts=2):
        findings = rules.check(example.draft, example.parsed_context)
        if not any(policy.checks[f.check].action != "warn" for f in findings):
            draft = example.draft.model_dump()
            found.append({"draft": draft, "context": example.context, "deadline_ms": 120_000})
        if len(found) == number:
            return found
    raise SystemExit(f"only {len(found)} of {number} generated drafts pass the rules")


def direct_request(rubric: Rubric, body: dict[str, Any]) -> dict[str, Any]:
    """What the gate sends to the engine for ``body``, with a cache salt of its own."""
    prompt = render(rubric, plain(Draft(**body["draft"])), Context.model_validate(body["context"]))
    schema = {"name": f"{rubric.name}-scores", "schema": rubric.schema(explain=False), "strict": True}
    return {
        "model": "presend-judge",
        "messages": list(prompt.messages),
        **DECODING,
        "max_completion_tokens": MAX_TOKENS,
        "response_format": {"type": "json_schema", "json_schema": schema},
        "cache_salt": "direct",
    }


@contextmanager
def arms(number: int, dtype: str | None) -> Iterator[Arms]:
    """Start everything and wait for the model."""
    port = claim("127.0.0.1", 0)
    more = {"PRESEND_ENGINE_PORT": str(port), "PRESEND_WORKERS": "1", "PRESEND_BATCH_SLOTS": str(BATCH_SLOTS)}
    if dtype is not None:
        more["PRESEND_ENGINE_DTYPE"] = dtype
    bodies = clean_requests(number)
    rubric = next(iter(load_rubrics(None).values()))
    with temporary_home() as home, running(home, more=more) as up:
        up.wait_for_model()
        key = (home / "engine-key").read_text().strip()
        direct = [direct_request(rubric, body) for body in bodies]
        yield Arms(up, f"http://127.0.0.1:{port}", key, bodies, direct)
        up.stop()


async def _ask(client: httpx.AsyncClient, url: str, key: str, body: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    response = await client.post(url, json=body, headers={"Authorization": f"Bearer {key}"})
    taken = (time.perf_counter() - began) * 1000.0
    response.raise_for_status()
    return taken, response.json()


async def one_at_a_time(a: Arms, pairs: int) -> tuple[np.ndarray, np.ndarray, list[float | None]]:
    """Milliseconds straight and through the gate, draft by draft, in random order; P(fail) of each draft."""
    rng = random.Random(5)
    straight, through, p_fail = [], [], []
    async with httpx.AsyncClient(timeout=150) as client:
        for index in range(WARM_UP + pairs):
            taken = {}
            for arm in rng.sample(["direct", "gate"], 2):
                if arm == "direct":
                    url = f"{a.engine_url}/v1/chat/completions"
                    taken[arm], _ = await _ask(client, url, a.engine_key, a.direct[index])
                else:
                    taken[arm], answer = await _ask(client, f"{a.up.url}/v1/gate", a.up.key, a.gate[index])
            if index >= WARM_UP:
                straight.append(taken["direct"])
                through.append(taken["gate"])
                p_fail.append(answer["verdict"]["p_fail"])
    return np.array(straight), np.array(through), p_fail


async def sixteen_at_once(a: Arms, rounds: int, offset: int) -> tuple[list[float], list[float]]:
    """Drafts per second with 16 out at any time, straight and through the gate, in alternating blocks."""
    rng = random.Random(7)
    straight, through = [], []
    slots = asyncio.Semaphore(16)
    async with httpx.AsyncClient(timeout=150, limits=httpx.Limits(max_connections=32)) as client:

        async def one(url: str, key: str, body: dict[str, Any]) -> None:
            async with slots:
                await _ask(client, url, key, body)

        for number in range(rounds):
            block = range(offset + BLOCK * number, offset + BLOCK * (number + 1))
            for arm in rng.sample(["direct", "gate"], 2):
                began = time.perf_counter()
                if arm == "direct":
                    url, key, bodies, rates = f"{a.engine_url}/v1/chat/completions", a.engine_key, a.direct, straight
                else:
                    url, key, bodies, rates = f"{a.up.url}/v1/gate", a.up.key, a.gate, through
                await asyncio.gather(*(one(url, key, bodies[i]) for i in block))
                rates.append(BLOCK / (time.perf_counter() - began))
    return straight, through


async def as_a_run(a: Arms, items: int, offset: int) -> tuple[list[float], list[float]]:
    """Drafts per second straight at the worker's concurrency and of a stored run that the worker judges: two rounds."""
    rng = random.Random(11)
    straight, through = [], []
    async with httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=32)) as client:
        slots = asyncio.Semaphore(BATCH_SLOTS)

        async def one(i: int) -> None:
            async with slots:
                await _ask(client, f"{a.engine_url}/v1/chat/completions", a.engine_key, a.direct[i])

        for number in range(2):
            block = range(offset + items * number, offset + items * (number + 1))
            for arm in rng.sample(["direct", "run"], 2):
                if arm == "direct":
                    began = time.perf_counter()
                    await asyncio.gather(*(one(i) for i in block))
                    straight.append(items / (time.perf_counter() - began))
                else:
                    through.append(items / await asyncio.to_thread(_judged_run, a, number, block))
    return straight, through


def _judged_run(a: Arms, number: int, block: range) -> float:
    """Seconds from the stored upload to the end of the run, by the clock of the machine that both are on."""
    run = a.up.post("/v1/runs", {"name": f"bench-{number}", "system": "bench", "reuse": False}).json()
    rows = [{"task_id": str(i), "draft": a.gate[i]["draft"], "context": a.gate[i]["context"]} for i in block]
    taken = a.up.post(f"/v1/runs/{run['id']}/items", rows)
    taken.raise_for_status()
    began = datetime.now(UTC)
    # One connection and few questions: the engine needs both cores, and what a question takes it loses.
    with httpx.Client(base_url=a.up.url, headers={"Authorization": f"Bearer {a.up.key}"}) as client:
        while True:
            found = client.get(f"/v1/runs/{run['id']}").json()
            if found["status"] == "completed":
                assert found["counts"]["judged"] == len(rows), found["counts"]
                return (datetime.fromisoformat(found["finished_at"]) - began).total_seconds()
            time.sleep(2.0)


async def flips(a: Arms, offset: int) -> tuple[int, int, float]:
    """The same 16 drafts alone twice and together twice: answers asked, actions that changed, largest move of P(fail).

    Greedy decoding still depends on the shape of a batch, because sums are taken in another order.
    """
    block = range(offset, offset + 16)
    async with httpx.AsyncClient(timeout=150, limits=httpx.Limits(max_connections=32)) as client:

        async def ask(i: int) -> dict[str, Any]:
            return (await _ask(client, f"{a.up.url}/v1/gate", a.up.key, a.gate[i]))[1]

        alone = [[await ask(i) for i in block] for _ in range(2)]
        together = [await asyncio.gather(*(ask(i) for i in block)) for _ in range(2)]
    first, *others = [*alone, *together]
    changed = sum(x["action"] != y["action"] for other in others for x, y in zip(first, other, strict=True))
    moves = [
        abs(x["verdict"]["p_fail"] - y["verdict"]["p_fail"])
        for other in others
        for x, y in zip(first, other, strict=True)
    ]
    return len(moves), changed, max(moves)


def interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the median difference, seeded."""
    rng = np.random.default_rng(1)
    medians = np.median(rng.choice(differences, (RESAMPLES, differences.size)), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return float(low), float(high)


def report(dtype: str | None, pairs: int, rounds: int, items: int) -> list[float | None]:
    """Measure one setting and print it; returns P(fail) per draft."""
    with arms(WARM_UP + pairs + BLOCK * rounds + 2 * items, dtype) as a:
        straight, through, p_fail = asyncio.run(one_at_a_time(a, pairs))
        one, many = asyncio.run(sixteen_at_once(a, rounds, WARM_UP + pairs))
        alone, stored = asyncio.run(as_a_run(a, items, WARM_UP + pairs + BLOCK * rounds)) if items else ([], [])
        asked, changed, moved = asyncio.run(flips(a, WARM_UP + pairs))
    low, high = interval(through - straight)
    print(f"dtype {dtype or 'as chosen for this machine'}, load {os.getloadavg()[0]:.1f}")
    print(
        f"  one at a time, {pairs} pairs: p50 direct {np.median(straight):.0f} ms, through the gate "
        f"{np.median(through):.0f} ms; median difference {np.median(through - straight):+.1f} ms "
        f"[{low:+.1f}, {high:+.1f}]"
    )
    ratio = statistics.mean(many) / statistics.mean(one)
    print(
        f"  16 at once, {rounds} blocks of {BLOCK}: direct {statistics.mean(one):.2f} drafts/s, through the gate "
        f"{statistics.mean(many):.2f} drafts/s = {100 * ratio:.1f} % (aim >= 95 %)"
    )
    if items:
        share = 100 * statistics.mean(stored) / statistics.mean(alone)
        print(
            f"  a run of {items} drafts, {BATCH_SLOTS} at once, twice: direct {statistics.mean(alone):.2f} drafts/s, "
            f"judged by the worker {statistics.mean(stored):.2f} drafts/s = {share:.1f} % (aim >= 95 %)"
        )
    print(
        f"  asked again, alone and in a batch: {changed} of {asked} actions changed, P(fail) moved by up to {moved:.4f}"
    )
    return p_fail


def main() -> None:
    """Read the options, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--items", type=int, default=64, help="drafts of a stored run; 0 leaves that part out")
    parser.add_argument("--dtypes", default="", help="comma-separated, e.g. bfloat16,float32")
    options = parser.parse_args()
    dtypes = [name for name in options.dtypes.split(",") if name] or [None]
    found = {dtype: report(dtype, options.pairs, options.rounds, options.items) for dtype in dtypes}
    first, *others = dtypes
    for other in others:
        both = [(a, b) for a, b in zip(found[first], found[other], strict=True) if a is not None and b is not None]
        flips = sum((a < 0.5) != (b < 0.5) for a, b in both)
        moved = max(abs(a - b) for a, b in both)
        print(
            f"{other} against {first}: {flips} of {len(both)} verdicts cross 0.5, largest change of P(fail) {moved:.3f}"
        )


if __name__ == "__main__":
    main()
