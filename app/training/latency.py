"""``python -m app.training.latency``: what an adapter costs at inference: base, unmerged, merged.

All conditions are timed in the same rounds, in random order, warm-up left out, with a fixed number of new tokens, so
that an answer that ends early does not look fast. Through transformers in this process; and, with ``--url``, through
running OpenAI-compatible servers (vLLM). Refused: an adapter for another base, a server that does not answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.errors import InvalidInput, SetupError
from app.schemas import Context, Draft
from app.training.base import (
    PRECISIONS,
    SMOLLM2,
    check_window,
    find_base,
    load_model,
    load_tokenizer,
    use_threads,
    wants_bf16,
)
from app.training.encode import default_rubric, prompt_ids
from app.training.memory import memory_advice
from app.training.merge import find_adapter
from app.training.steps import progress, run_command, step
from app.training.timing import MIN_ROUNDS, markdown, measure, summary

NAMES = ("base", "unmerged", "merged")
KEY_VARIABLE = "VLLM_API_KEY"
TIMEOUT_S = 120.0
PAUSE_S = 1.0
"""An engine's threads spin for a while after an answer, on the cores that the next one needs."""
DRAFT = Draft(
    subject="Two platform roles",
    body="Hi Rae,\n\nTwo platform roles are open on your site. Is more coming, or is that all?\n\nBest,\nNoa",
)
CONTEXT = Context.model_validate(
    {
        "company_name": "Alder Row",
        "icp_segment": 0,
        "thread_stage": "reply_active",
        "signal_brief": {"signal_line": "Two platform roles are open.", "signal_confidence_tier": "high"},
    }
)


def through_transformers(
    base_spec: str, adapter_folder: Path, tokens: int, rounds: int, warm_up: int, seed: int, precision: str
) -> list[dict[str, object]]:
    """Time the three models in this process; returns rows of the table."""
    import copy

    import torch
    from peft import PeftModel

    with step("load") as facts:
        base = find_base(base_spec)
        adapter = find_adapter(adapter_folder, base)
        tokenizer = load_tokenizer(base)
        dtype = torch.bfloat16 if wants_bf16(precision) else torch.float32
        device = "cuda" if torch.cuda.is_available() else "cpu"
        plain = load_model(base).to(device, dtype)
        try:
            unmerged = PeftModel.from_pretrained(
                copy.deepcopy(plain), str(adapter.folder), autocast_adapter_dtype=False
            )
            merged = PeftModel.from_pretrained(copy.deepcopy(plain), str(adapter.folder), autocast_adapter_dtype=False)
        except (RuntimeError, ValueError, KeyError) as error:
            raise SetupError("The adapter's tensors do not fit this base model.") from error
        models = {
            "base": plain.eval(),
            "unmerged": unmerged.to(dtype).eval(),
            "merged": merged.to(dtype).merge_and_unload().eval(),
        }
        for model in models.values():
            # On a CPU, torch multiplies frozen weights another way (10 % slower in bf16): all alike, or no comparison.
            model.requires_grad_(False)
        ids = prompt_ids(tokenizer, default_rubric(), DRAFT, CONTEXT)
        check_window(base, len(ids) + tokens, ", or lower --tokens")
        facts.update(prompt_tokens=len(ids), new_tokens=tokens, dtype=str(dtype).removeprefix("torch."), device=device)
    given = torch.tensor([ids], device=device)

    def run(model: Any) -> Callable[[], float]:
        def once() -> float:
            _wait(device)
            began = time.perf_counter()
            with torch.inference_mode():
                made = model.generate(
                    input_ids=given,
                    attention_mask=torch.ones_like(given),
                    max_new_tokens=tokens,
                    min_new_tokens=tokens,
                    do_sample=False,
                    pad_token_id=tokenizer.eos_token_id,
                )
            _wait(device)
            took = time.perf_counter() - began
            if made.shape[1] != len(ids) + tokens:
                raise SetupError(f"The model wrote {made.shape[1] - len(ids)} tokens instead of {tokens}.")
            return took

        return once

    with memory_advice("--tokens"), progress("transformers", warm_up + rounds) as tell:
        timed = measure({name: run(model) for name, model in models.items()}, rounds, warm_up, seed, tell)
    return summary("transformers", timed)


def _wait(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def through_servers(
    urls: Mapping[str, str], tokens: int, rounds: int, warm_up: int, seed: int
) -> list[dict[str, object]]:
    """Time running servers, one request at a time, no prompt cached; returns rows of the table.

    Raises
    ------
    SetupError
        When a server does not answer, or answers with another number of tokens.
    """
    import httpx

    from app.judge.prompt import render

    messages = list(render(default_rubric(), DRAFT, CONTEXT).messages)
    key = os.environ.get(KEY_VARIABLE, "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(timeout=TIMEOUT_S, headers=headers, trust_env=False) as client:
        models = {name: _served_model(client, name, url) for name, url in urls.items()}
        count = 0

        def run(name: str, url: str) -> Callable[[], float]:
            def once() -> float:
                nonlocal count
                count += 1
                body = {"model": models[name], "messages": messages, "max_tokens": tokens, "temperature": 0}
                body |= {"ignore_eos": True, "cache_salt": f"latency-{seed}-{count}"}
                began = time.perf_counter()
                answer = _asked(lambda: client.post(f"{url}/chat/completions", json=body), name)
                took = time.perf_counter() - began
                written = answer.get("usage", {}).get("completion_tokens")
                if written != tokens:
                    raise SetupError(f"The server of {name} wrote {written} tokens instead of {tokens}.")
                return took

            return once

        with progress("servers", warm_up + rounds) as tell:
            timed = measure({name: run(name, url) for name, url in urls.items()}, rounds, warm_up, seed, tell, PAUSE_S)
    return summary("vLLM", timed)


def _served_model(client: Any, name: str, url: str) -> str:
    """The model of this name, where a server has several (an adapter beside its base); else its first."""
    listed = [str(one["id"]) for one in _asked(lambda: client.get(f"{url}/models"), name).get("data") or []]
    if not listed:
        raise SetupError(f"The server of {name} serves no model.")
    return name if name in listed else listed[0]


def _asked(send: Callable[[], Any], name: str) -> dict[str, Any]:
    import httpx

    try:
        response = send()
        response.raise_for_status()
        return dict(response.json())
    except httpx.HTTPStatusError as error:
        raise SetupError(
            f"The server of {name} answered {error.response.status_code}; is {KEY_VARIABLE} set?"
        ) from error
    except httpx.HTTPError as error:
        raise SetupError(f"The server of {name} does not answer ({type(error).__name__}).") from error
    except ValueError as error:
        raise SetupError(f"The server of {name} did not answer with JSON.") from error


def read_urls(given: list[str]) -> dict[str, str]:
    """``NAME=URL`` options as a mapping.

    Raises
    ------
    InvalidInput
        Naming what is wrong with them.
    """
    urls: dict[str, str] = {}
    for text in given:
        name, _, url = text.partition("=")
        if name not in NAMES or not url.startswith(("http://", "https://")):
            raise InvalidInput(f"--url takes NAME=URL with a name of {', '.join(NAMES)} and an http address up to /v1.")
        if name in urls:
            raise InvalidInput(f"--url names {name} twice.")
        urls[name] = url.rstrip("/")
    if len(urls) == 1:
        raise InvalidInput("--url is needed for at least two of base, unmerged and merged, or for none.")
    return urls


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.latency", description=__doc__)
    parser.add_argument("--base", default=SMOLLM2, help=f"`{SMOLLM2}` (default) or a folder with a causal LM")
    parser.add_argument("--adapter", type=Path, help="folder of the LoRA adapter; needed unless --only-servers")
    parser.add_argument(
        "--url", action="append", default=[], help="NAME=URL of a running server, up to /v1; repeatable"
    )
    parser.add_argument("--only-servers", action="store_true", help="skip transformers")
    parser.add_argument("--tokens", type=int, default=24, help="new tokens per run (default 24)")
    parser.add_argument("--rounds", type=int, default=30, help=f"measured rounds, at least {MIN_ROUNDS} (default 30)")
    parser.add_argument("--warm-up", type=int, default=2, help="rounds that do not count (default 2)")
    parser.add_argument("--seed", type=int, default=7, help="draws the order in each round")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="of transformers")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--json", type=Path, help="file for all figures, every single time included")
    given = parser.parse_args(argv)

    def work() -> None:
        urls = read_urls(given.url)
        if given.only_servers and not urls:
            raise InvalidInput("--only-servers needs --url for base and merged.")
        if not given.only_servers and given.adapter is None:
            raise InvalidInput("--adapter names the folder of the adapter whose cost is measured.")
        if given.tokens < 1:
            raise InvalidInput("--tokens must be at least 1.")
        os.environ.setdefault("TQDM_DISABLE", "1")
        rows: list[dict[str, object]] = []
        if not given.only_servers:
            use_threads(given.threads)
            rows += through_transformers(
                given.base, given.adapter, given.tokens, given.rounds, given.warm_up, given.seed, given.precision
            )
        if urls:
            rows += through_servers(urls, given.tokens, given.rounds, given.warm_up, given.seed)
        if given.json:
            given.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        print(markdown(rows))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
