"""``python -m app.training.preference``: train an adapter on preference pairs with SFT, DPO, SimPO or ORPO.

The formulas are in ``app.training.objectives``; the trainers are TRL's. Before the first step DPO's reference is
proven to be the base model. Every few steps margins are measured on held-out pairs and written to ``margins.jsonl``.
The same command goes on from the last checkpoint. Refused: a checkpoint of other arguments or data, a task file that
does not fit, a base whose tokenizer or window cannot carry the prompt.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import SetupError
from app.judge.rubric import Rubric
from app.training.base import Base, check_window, find_base, load_model, load_tokenizer
from app.training.encode import default_rubric
from app.training.heldout import held_out_generated
from app.training.margins import MarginLog, Scored, read_log, rewards_of, score_pairs, trl_figures
from app.training.memory import memory_advice
from app.training.mixture import Labelled, generated
from app.training.objectives import REFERENCED, PreferenceRecipe, make_trainer, verify_reference
from app.training.options import add_recipe_arguments, recipe_of, settle
from app.training.pairs import (
    EncodedPair,
    digest,
    encode_pairs,
    keep_short,
    make_pairs,
    read_tasks,
    slices,
    split_tasks,
    without_clusters_of,
)
from app.training.review import markdown, review
from app.training.steps import emit, progress, run_command, step

ADAPTER, CHECKPOINTS, LOG, RESULT, RECORD = "adapter", "checkpoints", "margins.jsonl", "result.json", "record.json"
HELD_OUT_SHARE = 0.25
DRAFTS_EACH = 5


@dataclass(frozen=True)
class Data:
    """The pairs of one training, already encoded, and digests of both sides."""

    train: list[EncodedPair]
    held_out: list[EncodedPair]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """What several trainings of one base share: weights on disk, tokenizer, rubric, pairs."""

    base: Base
    tokenizer: Any
    rubric: Rubric
    data: Data


def prepare_ground(recipe: PreferenceRecipe, tasks: Path | None) -> Ground:
    """Find the base, make and encode the pairs; everything that can be refused is refused here."""
    rubric = default_rubric()
    labelled = read_tasks(tasks, rubric) if tasks is not None else None
    base = find_base(recipe.base)
    tokenizer = load_tokenizer(base)
    train_rows, held_rows = tasks_of(recipe, labelled)
    train_rows, dropped = keep_short(tokenizer, rubric, train_rows, recipe.max_tokens)
    held_rows, held_dropped = keep_short(tokenizer, rubric, held_rows, recipe.max_tokens)
    held_out = make_pairs(held_rows, rubric, recipe.seed, recipe.held_out)
    train = without_clusters_of(make_pairs(train_rows, rubric, recipe.seed, recipe.pairs), held_out)
    encoded, held = (encode_pairs(tokenizer, rubric, side) for side in (train, held_out))
    check_window(base, max(len(one.prompt) + len(one.chosen) for one in (*encoded, *held)))
    facts = {
        "train_pairs": len(encoded),
        "held_out_pairs": len(held),
        "tasks_too_long": dropped + held_dropped,
        "train_slices": slices(train),
        "held_out_slices": slices(held_out),
        "train_digest": digest(train),
        "held_out_digest": digest(held_out),
        "source": tasks.name if tasks is not None else "Presend-Bench, train and test splits",
    }
    return Ground(base, tokenizer, rubric, Data(encoded, held, facts))


def tasks_of(recipe: PreferenceRecipe, labelled: Sequence[Labelled] | None) -> tuple[list[Labelled], list[Labelled]]:
    """Tasks for training and held-out tasks: whole groups of a task file, else generated, whole families apart."""
    if labelled is not None:
        return split_tasks(labelled, HELD_OUT_SHARE, recipe.seed)
    train = generated(recipe.seed, max(20, recipe.pairs // 2), DRAFTS_EACH, 0.0)
    return train, held_out_generated(recipe.seed, "test", max(20, recipe.held_out // 2), DRAFTS_EACH)


def train_preference(
    recipe: PreferenceRecipe, ground: Ground, out: Path, *, eval_every: int, save_every: int, probe: int, bf16: bool
) -> dict[str, Any]:
    """Train one adapter into ``out/adapter``; returns the result that is also in ``out/result.json``.

    A finished training with the same record is not repeated; an unfinished one goes on from its checkpoint.
    """
    recipe = recipe.checked()
    record = {
        "recipe": recipe.record(),
        "base_digest": ground.base.digest,
        "rubric_digest": ground.rubric.digest,
        "data": ground.data.facts,
        "probe": probe,
    }
    if (done := finished(out, record)) is not None:
        emit({"step": "train", "state": "done", "seconds": 0.0, "reused": True, "out": str(out)})
        return done
    checkpoint = _checkpoint(out, record)
    with step("load") as facts:
        import torch

        model = load_model(ground.base)
        if bf16:
            # The frozen weights are bfloat16-representable, so this changes no number; the adapter stays float32.
            model = model.to(torch.bfloat16)
        facts.update(base=ground.base.name, threads=torch.get_num_threads(), bfloat16=bf16)
    watch = _Watch(recipe, ground.data, out, checkpoint, eval_every, probe, bf16)
    trainer = make_trainer(
        recipe,
        model,
        ground.tokenizer,
        ground.data.train,
        out / CHECKPOINTS,
        base_name=ground.base.name,
        bf16=bf16,
        save_every=save_every,
        callbacks=[watch.callback()],
    )
    with memory_advice("--batch, --max-tokens or --rank, or add --checkpointing"):
        checks: dict[str, float] = {}
        if recipe.objective in REFERENCED:
            with step("verify reference") as facts:
                checks = verify_reference(trainer)
                facts.update({name: round(value, 6) for name, value in checks.items()})
        with step("reference"):
            watch.begin(trainer.model)
        began = time.monotonic()
        with step("train") as facts:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            watch.close()
            facts.update(steps=trainer.state.global_step)
    result = record | watch.result() | {"checks": checks, "seconds_last_run": round(time.monotonic() - began, 1)}
    with step("write"):
        _write(trainer.model, ground.base, result, out)
    return result


class _Watch:
    """Measures margins while TRL trains: at the start, every ``eval_every`` steps, and at the end."""

    def __init__(
        self,
        recipe: PreferenceRecipe,
        data: Data,
        out: Path,
        checkpoint: Path | None,
        eval_every: int,
        probe: int,
        bf16: bool,
    ) -> None:
        self._recipe, self._data, self._out = recipe, data, out
        self._probe = data.train[:probe]
        self._every, self._bf16 = eval_every, bf16
        self._log = MarginLog(out / LOG, _step_of(checkpoint) if checkpoint else None)
        self._resumed = checkpoint is not None
        self._reference: tuple[list[Scored], list[Scored]] | None = None
        self._last: tuple[int, list[Scored], list[Scored]] | None = None
        self._bar: Any = None
        self._tell: Any = None

    def begin(self, model: Any) -> None:
        """Score everything with the adapter disabled: the reference, and the base to compare with."""
        with model.disable_adapter():
            self._reference = self._score(model)
        if not self._resumed:
            self._add(0, *self._reference)

    def _score(self, model: Any) -> tuple[list[Scored], list[Scored]]:
        pairs = [*self._data.held_out, *self._probe]
        with progress("score", len(pairs)) as tell:
            scored = score_pairs(model, pairs, bf16=self._bf16, tell=tell)
        return scored[: len(self._data.held_out)], scored[len(self._data.held_out) :]

    def _add(self, at: int, held: list[Scored], probe: list[Scored]) -> None:
        assert self._reference is not None  # noqa: S101 - begin() comes first
        figures = rewards_of(self._recipe, held, self._reference[0], "eval_")
        if probe:
            figures |= rewards_of(self._recipe, probe, self._reference[1], "train_")
        self._log.add(at, figures)
        self._last = (at, held, probe)

    def measure(self, model: Any, at: int) -> None:
        """Score the adapter as it is now, once per step."""
        if self._last is None or self._last[0] != at or at == 0:
            self._add(at, *self._score(model))

    def callback(self) -> Any:
        """The hook that TRL calls."""
        from transformers import TrainerCallback

        watch = self

        class Margins(TrainerCallback):
            def on_train_begin(self, args: Any, state: Any, control: Any, **kw: Any) -> None:  # noqa: ARG002
                watch._bar = progress("train", state.max_steps, state.global_step)
                watch._tell = watch._bar.__enter__()

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:  # noqa: ARG002
                if logs and "loss" in logs:
                    watch._log.add(state.global_step, trl_figures(logs))
                    watch._tell(1, f"loss {logs['loss']:.3f}")

            def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kw: Any) -> None:  # noqa: ARG002
                if state.global_step % watch._every == 0 or state.global_step == state.max_steps:
                    watch.measure(model, state.global_step)

        return Margins()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def result(self) -> dict[str, Any]:
        """Every held-out pair at the end, beside the base, and the review of the log."""
        if self._last is None or self._reference is None or self._last[0] == 0:
            raise SetupError(f"The training in {self._out} made no step; give it more pairs or a smaller --accumulate.")
        rows = read_log(self._out / LOG)
        found = review(rows) if self._probe or self._recipe.objective != "sft" else None
        held_out = [
            {
                "id": one.pair.id,
                "cluster": one.pair.cluster,
                "slice": one.pair.slice,
                "chosen": after.chosen,
                "rejected": after.rejected,
                "base_chosen": before.chosen,
                "base_rejected": before.rejected,
                "tokens": after.tokens,
            }
            for one, after, before in zip(self._data.held_out, self._last[1], self._reference[0], strict=True)
        ]
        final = [row for row in rows if "eval_preferred" in row][-1]
        probe = self._last[2]
        return {
            "steps": self._last[0],
            "held_out": held_out,
            "train_margin_nats": sum(s.margin for s in probe) / len(probe) if probe else None,
            "final": final,
            "review": None if found is None else {"verdict": found.verdict, "flags": [asdict(f) for f in found.flags]},
        }


def finished(out: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """The result in ``out`` if it is of exactly this record and its adapter is there."""
    try:
        result = json.loads((out / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = all(_plain(record[key]) == result.get(key) for key in record)
    return dict(result) if same and (out / ADAPTER / "adapter_model.safetensors").is_file() else None


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _checkpoint(out: Path, record: dict[str, Any]) -> Path | None:
    """The last whole checkpoint of this record; a new folder is opened for a training that begins.

    Raises
    ------
    SetupError
        When ``out`` belongs to a training of other arguments or data.
    """
    path = out / RECORD
    if path.is_file():
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SetupError(f"{path} is not JSON; remove the folder {out} and start again.") from error
        if kept != _plain(record):
            other = [key for key in record if kept.get(key) != _plain(record[key])]
            raise SetupError(
                f"{out} holds a training with other {', '.join(other)}; choose another --out, or remove that folder."
            )
    else:
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    whole = [p for p in (out / CHECKPOINTS).glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    return max(whole, key=_step_of, default=None)


def _write(model: Any, base: Base, result: dict[str, Any], out: Path) -> None:
    """The adapter in the form that ``prepare`` merges, its record, and the result, last."""
    import torch
    from safetensors.torch import load_file, save_file

    folder, fresh = out / ADAPTER, out / f".{ADAPTER}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh, save_embedding_layers=False)
    for extra in fresh.iterdir():
        if extra.name not in ("adapter_config.json", "adapter_model.safetensors"):
            extra.unlink()
    weights = fresh / "adapter_model.safetensors"
    save_file({k: v.to(torch.bfloat16).contiguous() for k, v in load_file(weights).items()}, weights)
    config = json.loads((fresh / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base.name
    config["target_modules"] = sorted(config["target_modules"])
    (fresh / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    told = {key: value for key, value in result.items() if key not in ("held_out",)}
    (fresh / "training.json").write_text(json.dumps(told, indent=2) + "\n")
    for path in fresh.iterdir():
        path.chmod(0o644)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    (out / RESULT).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def parser() -> argparse.ArgumentParser:
    """The command line of this module."""
    made = argparse.ArgumentParser(prog="python -m app.training.preference", description=__doc__)
    made.add_argument("--out", required=True, type=Path, help="folder for adapter, log, result and checkpoints")
    add_recipe_arguments(made)
    return made


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    given = parser().parse_args(argv)

    def work() -> None:
        recipe = recipe_of(given)
        bf16 = settle(given)
        with step("data") as facts:
            ground = prepare_ground(recipe, given.tasks)
            facts.update({k: v for k, v in ground.data.facts.items() if not k.endswith(("_slices", "_digest"))})
        train_preference(
            recipe, ground, given.out, eval_every=given.eval_every, save_every=given.save_every, probe=given.probe,
            bf16=bf16,
        )  # fmt: skip
        if given.probe or recipe.objective != "sft":
            print(markdown(review(read_log(given.out / LOG))))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
