"""``python -m app.training.train``: train the LoRA adapter, reproducibly, on whatever CPU or GPU is there.

Supervised on the compact verdict that the service decodes, loss on the answer only. A checkpoint is written every few
steps; the same command goes on from it. Refused: another set of arguments on an unfinished checkpoint, a base that
cannot read packs or whose window is too short.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from app.errors import SetupError
from app.training.base import (
    PRECISIONS,
    Base,
    check_layout,
    check_window,
    find_base,
    load_model,
    load_tokenizer,
    use_threads,
    wants_bf16,
)
from app.training.blending import keep_start
from app.training.encode import rubric_of
from app.training.memory import memory_advice
from app.training.merge import find_adapter
from app.training.mixture import Item, bins, counts, digest, draw, encode
from app.training.packing import pack
from app.training.recipes import SHIPPED_RECIPE, Recipe, Run, read_stages
from app.training.steps import progress, run_command, step
from app.training.tree_attention import read_trees

ADAPTER, CHECKPOINT, RECORD = "adapter", "checkpoint", "training.json"


def train(recipe: Recipe, run: Run) -> Path:
    """Load, encode, train, write ``out/adapter`` and return it; ``start`` is an adapter to go on from."""
    recipe, run = recipe.checked(), run.checked()
    if recipe.kept and run.start is None:
        raise SetupError("--kept keeps weights of what a stage starts from; give --start as well.")
    import torch

    use_threads(run.threads)
    with step("load") as facts:
        base = find_base(recipe.base)
        tokenizer, frozen = load_tokenizer(base), load_model(base)
        check_layout(frozen)
        facts.update(base=base.name, threads=torch.get_num_threads())
    with step("data") as facts:
        rows, licences = draw(recipe, run.data)
        rubric = rubric_of(recipe.asked)
        items = [encode(tokenizer, rubric, row) for row in rows]
        if not items:
            raise SetupError("No draft was drawn; raise --scenarios, --published or --written.")
        check_window(base, max(len(item.text) for item in items), "")
        facts.update(drafts=len(rows), violations=counts(rows, recipe.asked), digest=digest(rows)[:12])
    record = {
        "recipe": asdict(recipe),
        "base_digest": base.digest,
        "data_digest": digest(rows),
        "violations": counts(rows, recipe.asked),
        "published_sources": licences,
    }
    if run.start is not None:
        record["start"] = find_adapter(run.start, base).digest
    bf16 = wants_bf16(run.precision)
    if not bf16:
        read_trees(frozen)
    model = _with_lora(frozen, recipe, base, bf16)
    if run.start is not None:
        _start_from(model, run.start)
    _freeze(model, recipe.frozen_layers)
    if run.compiled and bf16:
        _compile(model)
    plan = _plan(items, recipe)
    with step("train") as facts:
        facts.update(_loop(model, plan, recipe, record, run))
    if run.start is not None and recipe.kept:
        keep_start(model, run.start, recipe.kept)
    with step("write"):
        return _write_adapter(model, base, record | {"result": facts}, run.out)


def _start_from(model: Any, folder: Path) -> None:
    """Put the weights of a finished adapter in place of the fresh ones.

    Raises
    ------
    SetupError
        When its rank or modules are others.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    weights = load_file(folder / "adapter_model.safetensors")
    try:
        missing = set_peft_model_state_dict(model, {k: v.float() for k, v in weights.items()}).missing_keys
    except RuntimeError as error:
        raise SetupError(f"The adapter {folder.name} has another rank than the recipe; train with the same.") from error
    if any("lora_" in key for key in missing):
        raise SetupError(f"The adapter {folder.name} does not cover the modules of this recipe.")


def _freeze(model: Any, layers: int) -> None:
    """Leave the lowest ``layers`` as they are; no gradient goes down to them, which is half of what they cost.

    Raises
    ------
    SetupError
        When the model has no layer above them.
    """
    found = model.get_base_model().model.layers
    if layers >= len(found):
        raise SetupError(f"The base has {len(found)} layers; --frozen-layers must leave at least one to train.")
    for layer in found[:layers]:
        layer.requires_grad_(False)


def _compile(model: Any) -> None:
    """Fuse each decoder layer's small steps: a third faster in bfloat16 on a CPU, no faster in float32."""
    import torch

    for layer in model.get_base_model().model.layers:
        layer.forward = torch.compile(layer.forward, dynamic=True)


def _with_lora(frozen: Any, recipe: Recipe, base: Base, bf16: bool) -> Any:
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
    kept = torch.bfloat16 if bf16 else torch.float32
    return get_peft_model(frozen.to(device, kept), config, autocast_adapter_dtype=True)


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
    run: Run,
) -> dict[str, Any]:
    import torch

    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.98))
    warm = max(1, round(len(plan) * recipe.warmup))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda i: _rate_at(i, warm, len(plan)))
    done, spent = _resume(model, optimiser, schedule, record, run.out)
    began = time.monotonic()
    average: float | None = None
    model.train()
    last = min(recipe.steps or len(plan), len(plan))
    with progress("train", last, done) as tell:
        for index in range(done, last):
            with memory_advice("--pack-tokens"):
                loss = _step(model, plan[index], weights, optimiser, schedule)
            average = loss if average is None else 0.9 * average + 0.1 * loss
            tell(1, f"loss {average:.3f}")
            over = run.limit_s is not None and spent + time.monotonic() - began > run.limit_s
            if (index + 1) % run.save_every == 0 or over:
                _save(model, optimiser, schedule, record, run.out, index + 1, spent + time.monotonic() - began)
            if over:
                raise SetupError(
                    f"The time limit was reached at step {index + 1} of {len(plan)}; "
                    "run the same command without --limit-s to go on."
                )
    seconds = round(spent + time.monotonic() - began)
    return {"steps": last, "planned": len(plan), "loss": round(average or 0.0, 4), "train_seconds": seconds}


def _rate_at(index: int, warm: int, total: int) -> float:
    if index < warm:
        return (index + 1) / warm
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (index - warm) / max(1, total - warm)))


def _step(model: Any, packs: list[list[Item]], weights: list[Any], optimiser: Any, schedule: Any) -> float:
    import torch

    total = sum(sum(item.weights) for items in packs for item in items)
    loss_sum = 0.0
    for items in packs:
        loss = pack_loss(model, items) / total
        loss.backward()
        loss_sum += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    schedule.step()
    optimiser.zero_grad(set_to_none=True)
    return loss_sum


def pack_loss(model: Any, items: list[Item]) -> Any:
    """Weighted cross-entropy over the answer tokens of one pack, summed; in bfloat16 where the base is kept in it."""
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
    bf16 = inner.lm_head.weight.dtype == torch.bfloat16
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        hidden = inner.model(
            input_ids=torch.tensor([tree.ids], device=device),
            position_ids=torch.tensor([tree.positions], device=device),
            attention_mask=torch.from_numpy(tree.visible)[None, None].to(device),
            use_cache=False,
            **({} if bf16 else {"branches": tree.branches}),
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


def _write_adapter(model: Any, base: Base, record: dict[str, Any], out: Path) -> Path:
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
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def train_stages(stages: list[Recipe], run: Run) -> Path:
    """Each stage in a folder of its own under ``out``; the last one's adapter is ``out/adapter``. Resumable."""
    start = run.start
    records: list[Any] = []
    for index, recipe in enumerate(stages, start=1):
        folder = run.out / f"stage-{index}"
        if not _finished(folder / ADAPTER, recipe, run.data, start):
            train(recipe, replace(run, out=folder, start=start))
        start = folder / ADAPTER
        records.append(_record(start))
    shutil.rmtree(run.out / ADAPTER, ignore_errors=True)
    shutil.copytree(folder / ADAPTER, run.out / ADAPTER)
    text = json.dumps(records[-1] | {"stages": records[:-1]}, indent=2)
    (run.out / ADAPTER / RECORD).write_text(text + "\n", encoding="utf-8")
    return run.out / ADAPTER


def _finished(adapter: Path, recipe: Recipe, data: Path | None, start: Path | None) -> bool:
    """Whether a stage's adapter is there and of this recipe, base, data and start.

    Raises
    ------
    SetupError
        When its record cannot be read.
    """
    if not (adapter / RECORD).is_file():
        return False
    made = _record(adapter)
    # The cheap comparisons first: drawing takes seconds.
    if made.get("recipe") != asdict(recipe):
        return False
    base = find_base(recipe.base)
    if made.get("base_digest") != base.digest or made.get("start") != (start and find_adapter(start, base).digest):
        return False
    return bool(made.get("data_digest") == digest(draw(recipe, data)[0]))


def _record(adapter: Path) -> dict[str, Any]:
    path = adapter / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SetupError(f"{path} is not a JSON object; remove the folder {adapter.parent} to train this stage again.")
    return found


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.train", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="folder for the adapter and its checkpoint")
    parser.add_argument("--data", type=Path, help="folder with published drafts (JSONL), if any are mixed in")
    parser.add_argument(
        "--stages", type=Path, help="recipe file (TOML) instead of the options below; `shipped` is ours"
    )
    parser.add_argument("--start", type=Path, help="adapter to go on from")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--save-every", type=int, default=20, help="steps between checkpoints")
    parser.add_argument("--limit-s", type=float, help="stop with a checkpoint after so many seconds of training")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 where it is the faster one")
    parser.add_argument("--eager", action="store_true", help="do not compile what is computed in bfloat16")
    for name, value in asdict(Recipe()).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            parser.add_argument(option, action="store_true", default=value)
        else:
            parser.add_argument(option, type=type(value), default=value)
    given = vars(parser.parse_args(argv))
    run = Run(
        **{name: given[name] for name in ("out", "data", "start", "threads", "precision", "save_every", "limit_s")},
        compiled=not given["eager"] and shutil.which("g++") is not None,
    )
    os.environ.setdefault("TQDM_DISABLE", "1")

    def work() -> None:
        if given["stages"] is None:
            train(Recipe(**{name: given[name] for name in asdict(Recipe())}), run)
            return
        shipped = str(given["stages"]) == "shipped"
        train_stages(read_stages(SHIPPED_RECIPE if shipped else given["stages"]), run)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
