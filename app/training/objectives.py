r"""The four objectives on verdict completions, with their formulas, and how each becomes a TRL trainer.

Write log pi(y) for the summed log-probability of the answer's tokens after the prompt, |y| for their number, w for the
chosen and l for the rejected answer, ref for the base model with the adapter disabled, sigma for the logistic function.

``sft``    L = -(1/|w|) log pi(w); the rejected answer is not seen. TRL ``SFTTrainer``, loss on the answer only.

``dpo``    L = -log sigma(beta ((log pi(w) - log pi(l)) - (log ref(w) - log ref(l)))). TRL ``DPOTrainer`` with
           ``loss_type="sigmoid"``; reward of an answer: beta (log pi(y) - log ref(y)). Rafailov et al. (2023).

``simpo``  L = -log sigma(beta (log pi(w)/|w| - log pi(l)/|l|) - gamma) + nll L_nll, L_nll = -(1/|w|) log pi(w). TRL
           ``CPOTrainer`` with ``loss_type="simpo"``, ``simpo_gamma=gamma`` and ``cpo_alpha=nll``; ``nll`` is 0 here, so
           the term is off, where TRL's own default of 1 would train CPO-SimPO. Reward: beta log pi(y)/|y|. gamma is
           subtracted after the multiplication by beta; the form beta (difference - gamma) would be another loss.
           Meng et al. (2024).

``orpo``   L = L_nll + beta (-log sigma(log odds(w) - log odds(l))) with odds(y) = p/(1 - p), p = exp(log pi(y)/|y|).
           TRL ``ORPOTrainer``; its L_nll is over prompt and answer, so the prompt is learned as well. Reward:
           beta log pi(y)/|y|. Hong et al. (2024).

Chosen and rejected answers have equally many tokens, so the length normalisation of SimPO and ORPO only rescales beta
here. Refused: an objective of another name, and parameters that an objective does not have.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from app.errors import InvalidInput, SetupError
from app.training.base import SMOLLM2
from app.training.pairs import EncodedPair, rows_of

ObjectiveName = Literal["sft", "dpo", "simpo", "orpo"]
OBJECTIVES: tuple[ObjectiveName, ...] = get_args(ObjectiveName)
REFERENCED: frozenset[ObjectiveName] = frozenset({"dpo"})
"""Objectives whose rewards are relative to the reference."""
PER_TOKEN: frozenset[ObjectiveName] = frozenset({"simpo", "orpo"})
"""Objectives whose rewards are means over tokens."""
DEFAULT_BETA: dict[ObjectiveName, float] = {"sft": 1.0, "dpo": 0.1, "simpo": 2.0, "orpo": 0.1}
TOLERANCE = 1e-3


@dataclass(frozen=True)
class PreferenceRecipe:
    """Everything that decides what comes out; equal recipes on equal weights and pairs give equal adapters.

    ``batch`` is in pairs, ``accumulate`` in batches a step; ``rate`` decays by a cosine after ``warmup`` (a share of
    the steps). ``beta`` None takes the objective's default; ``gamma`` and ``nll`` belong to SimPO.
    """

    objective: ObjectiveName = "dpo"
    base: str = SMOLLM2
    seed: int = 7
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    rate: float = 2e-4
    warmup: float = 0.1
    epochs: int = 1
    batch: int = 2
    accumulate: int = 4
    beta: float | None = None
    gamma: float = 0.5
    nll: float = 0.0
    max_tokens: int = 512
    pairs: int = 192
    held_out: int = 64
    checkpointing: bool = False

    def checked(self) -> PreferenceRecipe:
        """The recipe with its beta filled in.

        Raises
        ------
        InvalidInput
            Naming the parameter that is out of range.
        """
        if self.objective not in OBJECTIVES:
            raise InvalidInput(f"The objective is one of {', '.join(OBJECTIVES)}, not {self.objective!r}.")
        least: dict[str, float] = {"rank": 1, "alpha": 1, "epochs": 1, "batch": 1, "accumulate": 1, "max_tokens": 64}
        least |= {"pairs": 4, "held_out": 2, "gamma": 0, "nll": 0, "dropout": 0, "warmup": 0, "seed": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InvalidInput(f"--{name.replace('_', '-')} must be at least {low:g}.")
        for name, value in (("rate", self.rate), ("beta", self.beta if self.beta is not None else 1.0)):
            if not value > 0:
                raise InvalidInput(f"--{name} must be above 0.")
        if self.dropout >= 1 or self.warmup >= 1:
            raise InvalidInput("--dropout and --warmup are shares below 1.")
        return replace(self, beta=DEFAULT_BETA[self.objective] if self.beta is None else self.beta)

    def record(self) -> dict[str, Any]:
        """As the adapter's ``training.json`` keeps it."""
        return asdict(self)


def reward(recipe: PreferenceRecipe, log_prob: float, reference: float, tokens: int) -> float:
    """The objective's implicit reward of one answer, as TRL logs it; for ``sft`` the mean log-probability."""
    beta = DEFAULT_BETA[recipe.objective] if recipe.beta is None else recipe.beta
    if recipe.objective in REFERENCED:
        return beta * (log_prob - reference)
    return (beta if recipe.objective in PER_TOKEN else 1.0) * log_prob / tokens


def lora_config(recipe: PreferenceRecipe, base_name: str) -> Any:
    """LoRA on every linear layer of any causal LM, the output layer left out."""
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        base_model_name_or_path=base_name,
    )


def make_trainer(
    recipe: PreferenceRecipe,
    model: Any,
    tokenizer: Any,
    encoded: Sequence[EncodedPair],
    out: Path,
    *,
    base_name: str,
    bf16: bool,
    save_every: int,
    callbacks: Sequence[Any] = (),
) -> Any:
    """The TRL trainer of the recipe's objective, on exactly the tokens of ``encoded``; checkpoints go to ``out``."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    build = {"sft": _sft, "dpo": _dpo, "simpo": _simpo, "orpo": _orpo}[recipe.objective]
    trainer_type, arguments, rows = build(recipe, encoded, _arguments(recipe, out, bf16, save_every))
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    trainer = trainer_type(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora_config(recipe, base_name),
        callbacks=list(callbacks),
    )
    for noisy in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(noisy)
    return trainer


def _arguments(recipe: PreferenceRecipe, out: Path, bf16: bool, save_every: int) -> dict[str, Any]:
    """What all objectives share, so that nothing but the objective differs."""
    import torch

    return {
        "output_dir": str(out),
        "per_device_train_batch_size": recipe.batch,
        "gradient_accumulation_steps": recipe.accumulate,
        "num_train_epochs": recipe.epochs,
        "learning_rate": recipe.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": recipe.warmup,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 1,
        "eval_strategy": "no",
        "report_to": [],
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "bf16": bf16,
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": recipe.checkpointing,
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "max_length": recipe.max_tokens,
    }


# TRL turns every dropout off by default, the adapter's as well; here it stays as the recipe says, for all objectives.
_DROPOUT = {"disable_dropout": False}


def _sft(_recipe: PreferenceRecipe, encoded: Sequence[EncodedPair], shared: dict[str, Any]) -> tuple[Any, Any, Any]:
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"input_ids": one.prompt + one.chosen, "completion_mask": [0] * len(one.prompt) + [1] * len(one.chosen)}
        for one in encoded
    ]
    return SFTTrainer, SFTConfig(**shared, completion_only_loss=True, packing=False), rows


def _dpo(recipe: PreferenceRecipe, encoded: Sequence[EncodedPair], shared: dict[str, Any]) -> tuple[Any, Any, Any]:
    from trl import DPOConfig, DPOTrainer

    class ExactDPOTrainer(DPOTrainer):
        """Takes the tokens as they are: tokenising prompt and answer again could join or add tokens."""

        def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
            return dataset

    config = DPOConfig(**shared, **_DROPOUT, loss_type=["sigmoid"], beta=recipe.beta)
    keep = ("prompt_ids", "chosen_ids", "rejected_ids")
    return ExactDPOTrainer, config, [{k: row[k] for k in keep} for row in rows_of(encoded)]


def _simpo(recipe: PreferenceRecipe, encoded: Sequence[EncodedPair], shared: dict[str, Any]) -> tuple[Any, Any, Any]:
    from trl.experimental.cpo import CPOConfig, CPOTrainer

    class ExactCPOTrainer(CPOTrainer):
        """Takes the tokens as they are."""

        def tokenize_row(self, feature: dict[str, Any], model: Any = None) -> dict[str, Any]:  # noqa: ARG002
            return _concatenated(feature)

    config = CPOConfig(
        **shared,
        **_DROPOUT,
        loss_type="simpo",
        beta=recipe.beta,
        simpo_gamma=recipe.gamma,
        cpo_alpha=recipe.nll,
        remove_unused_columns=False,
    )
    return ExactCPOTrainer, config, _with_text(encoded)


def _orpo(recipe: PreferenceRecipe, encoded: Sequence[EncodedPair], shared: dict[str, Any]) -> tuple[Any, Any, Any]:
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    class ExactORPOTrainer(ORPOTrainer):
        """Takes the tokens as they are."""

        def tokenize_row(self, feature: dict[str, Any], model: Any = None) -> dict[str, Any]:  # noqa: ARG002
            return _concatenated(feature)

    config = ORPOConfig(**shared, **_DROPOUT, beta=recipe.beta, remove_unused_columns=False)
    return ExactORPOTrainer, config, _with_text(encoded)


def _with_text(encoded: Sequence[EncodedPair]) -> list[dict[str, Any]]:
    """CPO's and ORPO's trainers look for a text prompt first, and leave it alone when it is one."""
    return [row | {"prompt": ""} for row in rows_of(encoded)]


def _concatenated(feature: dict[str, Any]) -> dict[str, Any]:
    """The columns that the collator of CPO and ORPO pads: whole sequences, and labels on the answer only."""
    prompt = list(feature["prompt_ids"])
    columns: dict[str, Any] = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
    for side in ("chosen", "rejected"):
        answer = list(feature[f"{side}_ids"])
        columns[f"{side}_input_ids"] = prompt + answer
        columns[f"{side}_attention_mask"] = [1] * (len(prompt) + len(answer))
        columns[f"{side}_labels"] = [-100] * len(prompt) + answer
    return columns


def verify_reference(trainer: Any, probe: Any = None) -> dict[str, float]:
    """Prove, before the first step, that DPO's reference is the base model and that training starts at margin 0.

    On one real batch: TRL's reference log-probabilities before and while the adapter's weights are set to something
    else must be the same, the policy's must change with it, and with the fresh adapter loss and margin must be those
    of policy = reference: log 2 and 0. The adapter is left as it was.

    Returns
    -------
    dict
        ``reference_drift``, ``policy_response`` (nats, summed over tokens), ``loss`` and ``margin`` at step 0.

    Raises
    ------
    SetupError
        Naming what does not hold; nothing is trained then.
    """
    import math

    import torch

    model = trainer.model
    batch = probe if probe is not None else trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    model.eval()
    weights = [(n, p) for n, p in model.named_parameters() if p.requires_grad and "lora_B" in n]
    kept = [p.detach().clone() for _, p in weights]

    def policy() -> Any:
        with torch.no_grad():
            before = dict(trainer._metrics["eval"])
            loss = float(trainer.compute_loss(model, batch))
            found = {k: v[-1] for k, v in trainer._metrics["eval"].items() if v}
            trainer._metrics["eval"].clear()
            trainer._metrics["eval"].update(before)
        return loss, found

    reference = torch.cat(trainer.compute_ref_log_probs(model, batch))
    loss, metrics = policy()
    generator = torch.Generator().manual_seed(0)
    try:
        with torch.no_grad():
            for _, p in weights:
                p.copy_((torch.randn(p.shape, generator=generator) * 0.02).to(p))
        disturbed = torch.cat(trainer.compute_ref_log_probs(model, batch))
        _, moved = policy()
    finally:
        with torch.no_grad():
            for (_, p), value in zip(weights, kept, strict=True):
                p.copy_(value)
    drift = float((disturbed - reference).abs().max())
    response = max(abs(moved[k] - metrics[k]) for k in ("logps/chosen", "logps/rejected"))
    margin = float(metrics["rewards/margins"])
    if drift > TOLERANCE:
        raise SetupError(
            f"DPO's reference moves with the adapter (by {drift:.3g} nats), so it is not the base model;"
            " choose another base or objective."
        )
    if response <= TOLERANCE:
        raise SetupError("The adapter does not change the policy, so there is nothing to train; choose another base.")
    if abs(margin) > TOLERANCE or abs(loss - math.log(2)) > TOLERANCE:
        raise SetupError(
            f"DPO starts at margin {margin:.3g} and loss {loss:.4f}, not at 0 and log 2 = 0.6931; choose another base."
        )
    return {"reference_drift": drift, "policy_response": response, "loss": loss, "margin": margin}
