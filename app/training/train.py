"""``python -m app.training.train``: train the LoRA adapter, reproducibly, on whatever CPU or GPU is there.

Supervised on the compact verdict that the service decodes, loss on the answer only. A checkpoint is written every few
steps; the same command goes on from it. Refused: another set of arguments on an unfinished checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from app.errors import SetupError
from app.training.base import SMOLLM2, Base, find_base, load_model, load_tokenizer
from app.training.encode import default_rubric
from app.training.mixture import Item, bins, counts, digest, encode, generated, published
from app.training.packing import pack
from app.training.steps import progress, run_command, step

ADAPTER, CHECKPOINT = "adapter", "checkpoint"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out; two equal recipes on equal weights give equal adapters."""

    base: str = SMOLLM2
    seed: int = 7
    scenarios: int = 130
    drafts: int = 5
    published: int = 0
    epochs: int = 1
    rate: float = 5e-4
    warmup: float = 0.06
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    packs_per_step: int = 3
    pack_tokens: int = 950


def train(recipe: Recipe, out: Path, data: Path | None, threads: int, save_every: int, limit_s: float | None) -> None:
    """Load, encode, train, write ``out/adapter``; see the module."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    with step("load") as facts:
        base = find_base(recipe.base)
        tokenizer, frozen = load_tokenizer(base), load_model(base)
        facts.update(base=base.name, threads=torch.get_num_threads())
    with step("data") as facts:
        rows = generated(recipe.seed, recipe.scenarios, recipe.drafts)
        licences: dict[str, str] = {}
        if recipe.published:
            if data is None:
                raise SetupError("Published drafts were asked for; --data must name the folder that holds them.")
            more, licences = published(data, recipe.published, recipe.seed)
            rows += more
        rubric = default_rubric()
        items = [encode(tokenizer, rubric, row) for row in rows]
        facts.update(drafts=len(rows), violations=counts(rows), digest=digest(rows)[:12])
    record = {
        "recipe": asdict(recipe),
        "base_digest": base.digest,
        "data_digest": digest(rows),
        "violations": counts(rows),
        "published_sources": licences,
    }
    model = _with_lora(frozen, recipe, base)
    plan = _plan(items, recipe)
    with step("train") as facts:
        facts.update(_loop(model, plan, recipe, record, out, save_every, limit_s))
    with step("write"):
        _write_adapter(model, base, record | {"result": facts}, out)


def _with_lora(frozen: Any, recipe: Recipe, base: Base) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        base_model_name_or_path=base.name,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # Frozen weights are bfloat16-representable already, so this halves memory traffic and changes no number.
    return get_peft_model(frozen.to(device, torch.bfloat16), config, autocast_adapter_dtype=True)


def _plan(items: list[Item], recipe: Recipe) -> list[list[list[Item]]]:
    """Steps of packs of items, in training order."""
    rng = Random(f"order:{recipe.seed}")
    packs = [p for _ in range(recipe.epochs) for p in bins(items, recipe.pack_tokens, rng)]
    return [packs[i : i + recipe.packs_per_step] for i in range(0, len(packs), recipe.packs_per_step)]


def _loop(
    model: Any,
    plan: list[list[list[Item]]],
    recipe: Recipe,
    record: dict[str, Any],
    out: Path,
    save_every: int,
    limit_s: float | None,
) -> dict[str, Any]:
    import torch

    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.98))
    warm = max(1, round(len(plan) * recipe.warmup))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda i: _rate_at(i, warm, len(plan)))
    done, spent = _resume(model, optimiser, schedule, record, out)
    began = time.monotonic()
    average: float | None = None
    model.train()
    with progress("train", len(plan), done) as tell:
        for index in range(done, len(plan)):
            loss = _step(model, plan[index], weights, optimiser, schedule)
            average = loss if average is None else 0.9 * average + 0.1 * loss
            tell(1, f"loss {average:.3f}")
            over = limit_s is not None and spent + time.monotonic() - began > limit_s
            if (index + 1) % save_every == 0 or over:
                _save(model, optimiser, schedule, record, out, index + 1, spent + time.monotonic() - began)
            if over:
                raise SetupError(
                    f"The time limit was reached at step {index + 1} of {len(plan)}; "
                    "run the same command without --limit-s to go on."
                )
    seconds = round(spent + time.monotonic() - began)
    return {"steps": len(plan), "loss": round(average or 0.0, 4), "train_seconds": seconds}


def _rate_at(index: int, warm: int, total: int) -> float:
    if index < warm:
        return (index + 1) / warm
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (index - warm) / max(1, total - warm)))


def _step(model: Any, packs: list[list[Item]], weights: list[Any], optimiser: Any, schedule: Any) -> float:
    import torch

    total = sum(sum(item.weights) for items in packs for item in items)
    loss_sum = 0.0
    for items in packs:
        try:
            loss = pack_loss(model, items) / total
            loss.backward()
        except RuntimeError as error:
            if "memory" in str(error).casefold() or "alloc" in str(error).casefold():
                raise SetupError("Memory ran out; lower --pack-tokens.") from error
            raise
        loss_sum += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    schedule.step()
    optimiser.zero_grad(set_to_none=True)
    return loss_sum


def pack_loss(model: Any, items: list[Item]) -> Any:
    """Weighted cross-entropy over the answer tokens of one pack, summed."""
    import torch

    tree = pack([item.text for item in items])
    inner = model.get_base_model()
    device = inner.device
    at, wanted, weight = [], [], []
    for item, path in zip(items, tree.paths, strict=True):
        for offset, (token, w) in enumerate(zip(item.answer, item.weights, strict=True)):
            if w > 0:
                at.append(path[len(item.prompt) + offset - 1])
                wanted.append(token)
                weight.append(w)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        hidden = inner.model(
            input_ids=torch.tensor([tree.ids], device=device),
            position_ids=torch.tensor([tree.positions], device=device),
            attention_mask=torch.from_numpy(tree.visible)[None, None].to(device),
            use_cache=False,
        ).last_hidden_state[0, at]
        logits = inner.lm_head(hidden)
    each = torch.nn.functional.cross_entropy(logits.float(), torch.tensor(wanted, device=device), reduction="none")
    return (each * torch.tensor(weight, device=device)).sum()


def _save(
    model: Any, optimiser: Any, schedule: Any, record: dict[str, Any], out: Path, done: int, spent: float
) -> None:
    import torch

    fresh = out / f".{CHECKPOINT}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    state = {
        "lora": {n: p.detach().cpu() for n, p in model.named_parameters() if p.requires_grad},
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "done": done,
        "spent": spent,
        "random": torch.get_rng_state(),
        "record": json.dumps(record, sort_keys=True),
    }
    torch.save(state, fresh / "state.pt")
    shutil.rmtree(out / CHECKPOINT, ignore_errors=True)
    os.replace(fresh, out / CHECKPOINT)


def _resume(model: Any, optimiser: Any, schedule: Any, record: dict[str, Any], out: Path) -> tuple[int, float]:
    import torch

    path = out / CHECKPOINT / "state.pt"
    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["record"] != json.dumps(record, sort_keys=True):
        raise SetupError(f"The checkpoint in {out} belongs to other arguments or data; choose another --out.")
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["lora"].items():
            own[name].copy_(value)
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["random"])
    return int(state["done"]), float(state["spent"])


def _write_adapter(model: Any, base: Base, record: dict[str, Any], out: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = out / ADAPTER
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers=False)
    for extra in folder.iterdir():
        if extra.name not in ("adapter_config.json", "adapter_model.safetensors"):
            extra.unlink()
    weights = folder / "adapter_model.safetensors"
    save_file({k: v.to(torch.bfloat16).contiguous() for k, v in load_file(weights).items()}, weights)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base.name
    config["target_modules"] = sorted(config["target_modules"])
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    for path in folder.iterdir():
        path.chmod(0o644)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.train", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="folder for the adapter and its checkpoint")
    parser.add_argument("--data", type=Path, help="folder with published drafts (JSONL), if any are mixed in")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--save-every", type=int, default=10, help="steps between checkpoints")
    parser.add_argument("--limit-s", type=float, help="stop with a checkpoint after so many seconds of training")
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    given = vars(parser.parse_args(argv))
    recipe = Recipe(**{name: given[name] for name in asdict(Recipe())})
    os.environ.setdefault("TQDM_DISABLE", "1")
    return run_command(
        lambda: train(recipe, given["out"], given["data"], given["threads"], given["save_every"], given["limit_s"])
    )


if __name__ == "__main__":
    sys.exit(main())
