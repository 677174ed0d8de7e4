"""``python -m app.training.prepare``: make the folder that vLLM serves, once, from the base and the adapter.

Prints one JSON line per step. A second run with nothing changed finds the digests equal and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from app.schemas import Context, Draft
from app.training.base import SMOLLM2, find_base, load_model, load_tokenizer
from app.training.encode import answer_ids, default_rubric, digit_ids, prompt_ids
from app.training.merge import find_adapter, merge, reusable, round_weights, write_model
from app.training.steps import run_command, step

NO_ADAPTER = "none"
DTYPES = ("bfloat16", "float16", "float32")

_PROBES = (
    ("Two platform roles", "Hi Rae,\n\nTwo platform roles are open. Is more coming?\n\nBest,\nNoa", (5, 5, 5, 5)),
    ("Growth", "Hi Rae,\n\nYou must be growing fast! We can start nine engineers now.", (1, 1, 1, 3)),
)


def prepare(base_spec: str, adapter_spec: str, out: Path, dtype: str) -> None:
    """Find, dequantise, merge, check and write; see the module."""
    with step("find") as facts:
        base = find_base(base_spec)
        adapter = None if adapter_spec == NO_ADAPTER else find_adapter(Path(adapter_spec), base)
        facts.update(base=base.name, adapter=adapter.digest[:12] if adapter else None)
        if (found := reusable(out, dtype, base, adapter)) is not None:
            facts.update(reused=True, weights=found["weights"]["sha256"], out=str(out))
            return
    with step("dequantise" if base.gguf else "load"):
        tokenizer = load_tokenizer(base)
        model = load_model(base)
    rubric = default_rubric()
    context = Context.model_validate({"company_name": "Alder Row", "icp_segment": 0, "thread_stage": "reply_active"})
    probes = [
        prompt_ids(tokenizer, rubric, Draft(subject=subject, body=body), context) + answer_ids(tokenizer, scores)
        for subject, body, scores in _PROBES
    ]
    checks: dict[str, float] = {}
    if adapter is not None:
        with step("merge") as facts:
            model, drift = merge(model, adapter, probes)
            checks.update(drift)
            facts.update(drift)
        with step("round") as facts:
            checks["max_probability_change"] = round(round_weights(model, dtype, probes, digit_ids(tokenizer)), 6)
            facts.update(dtype=dtype, max_probability_change=checks["max_probability_change"])
    with step("write") as facts:
        manifest = write_model(model, tokenizer, out, dtype, base, adapter, checks)
        facts.update(weights=manifest["weights"]["sha256"], out=str(out))


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.prepare", description=__doc__)
    parser.add_argument("--adapter", required=True, help=f"folder of the LoRA adapter, or `{NO_ADAPTER}`")
    parser.add_argument("--out", required=True, type=Path, help="folder that the engine will serve")
    parser.add_argument("--base", default=SMOLLM2, help=f"`{SMOLLM2}` (default) or a folder with a causal LM")
    parser.add_argument("--dtype", default="bfloat16", choices=DTYPES, help="how the weights are stored")
    given = parser.parse_args(argv)
    os.environ.setdefault("TQDM_DISABLE", "1")
    return run_command(lambda: prepare(given.base, given.adapter, given.out, given.dtype))


if __name__ == "__main__":
    sys.exit(main())
