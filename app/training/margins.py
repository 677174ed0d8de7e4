"""How much a model prefers the right scores to the wrong ones, pair by pair, and the log of it while it trains.

The log is JSON Lines. A row with ``rewards/*`` is what TRL measured on the training batches of one step, dropout
included; a row with ``eval_rewards/*`` and ``train_rewards/*`` is measured with dropout off at one and the same state
of the model, on all held-out pairs and on a fixed sample of the training pairs, so that their gap means something.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import SetupError
from app.training.objectives import PreferenceRecipe, reward
from app.training.pairs import EncodedPair

TRL_KEYS = ("loss", "grad_norm", "learning_rate", "nll_loss", "mean_token_accuracy", "epoch")


@dataclass(frozen=True)
class Scored:
    """Summed log-probabilities (nats) of both answers of one pair, and their number of tokens."""

    chosen: float
    rejected: float
    tokens: int

    @property
    def margin(self) -> float:
        """log pi(chosen) - log pi(rejected), in nats: the same unit for every objective."""
        return self.chosen - self.rejected

    @property
    def right(self) -> bool:
        """Whether the model prefers the right scores; a tie is not a preference."""
        return self.margin > 0


def score_pairs(
    model: Any, encoded: Sequence[EncodedPair], *, bf16: bool, tell: Callable[[int, str], None] | None = None
) -> list[Scored]:
    """Score pairs with dropout off. The prompt is read once and its cache serves both answers."""
    import torch
    from transformers import DynamicCache

    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    found = []
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16) if bf16 else nullcontext():
        for one in encoded:
            cache = DynamicCache()
            head = torch.tensor([one.prompt[:-1]], device=device)
            model(input_ids=head, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_repeat_interleave(2)
            answers = torch.tensor([one.chosen, one.rejected], device=device)
            last = torch.full((2, 1), one.prompt[-1], device=device)
            tail = torch.cat([last, answers[:, :-1]], 1)
            logits = model(input_ids=tail, past_key_values=cache, use_cache=True).logits.float()
            sums = logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0].double().sum(1).tolist()
            if not all(math.isfinite(value) for value in sums):
                raise SetupError("The model's log-probabilities are not finite; lower --rate, or train from the start.")
            found.append(Scored(sums[0], sums[1], answers.shape[1]))
            if tell is not None:
                tell(1, "")
    model.train(was_training)
    return found


def rewards_of(
    recipe: PreferenceRecipe, scored: Sequence[Scored], reference: Sequence[Scored], prefix: str
) -> dict[str, float]:
    """Mean rewards, margin and accuracy of the objective, and mean log-probabilities, under keys like TRL's.

    ``accuracies`` is the share of pairs whose chosen reward is larger; ``preferred`` the share whose chosen answer is
    the likelier one, which for a reference-relative objective is another thing.
    """
    pairs = [
        (reward(recipe, s.chosen, r.chosen, s.tokens), reward(recipe, s.rejected, r.rejected, s.tokens))
        for s, r in zip(scored, reference, strict=True)
    ]
    n = len(pairs)
    chosen, rejected = sum(c for c, _ in pairs) / n, sum(r for _, r in pairs) / n
    return {
        f"{prefix}rewards/chosen": chosen,
        f"{prefix}rewards/rejected": rejected,
        f"{prefix}rewards/margins": chosen - rejected,
        f"{prefix}rewards/accuracies": sum(c > r for c, r in pairs) / n,
        f"{prefix}preferred": sum(s.right for s in scored) / n,
        f"{prefix}logps/chosen": sum(s.chosen for s in scored) / n,
        f"{prefix}logps/rejected": sum(s.rejected for s in scored) / n,
        f"{prefix}pairs": float(n),
    }


class MarginLog:
    """The log file of one training. Rows of steps after ``resumed_at`` are of a run that was cut off, and go."""

    def __init__(self, path: Path, resumed_at: int | None) -> None:
        self._path = path
        kept = [] if resumed_at is None else [row for row in read_log(path) if row.get("step", 0) <= resumed_at]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")

    def add(self, step: int, figures: dict[str, float]) -> None:
        """One row, on disk at once."""
        row = {"step": step} | {key: round(value, 6) for key, value in figures.items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def trl_figures(logs: dict[str, Any]) -> dict[str, float]:
    """What is kept of one of TRL's log lines."""
    return {
        key: float(value)
        for key, value in logs.items()
        if isinstance(value, int | float) and (key in TRL_KEYS or key.startswith(("rewards/", "logps/")))
    }


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a margin log or of a TRL log history, in order.

    Raises
    ------
    SetupError
        Naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise SetupError(f"The log {path} cannot be read: {error.strerror}.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SetupError(f"{path.name}:{number} is not a JSON object.") from error
        if not isinstance(row, dict):
            raise SetupError(f"{path.name}:{number} is not a JSON object.")
        rows.append(row)
    return rows
