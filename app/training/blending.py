"""The mean of the adapter that a stage starts from and the one that it ends with, weight by weight.

What a stage learns on its own drafts it pays for on others. Between the two ends of one training lie adapters that keep
most of either: Wortsman et al., "Robust fine-tuning of zero-shot models", 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import SetupError


def blend(start: Mapping[str, Any], end: Mapping[str, Any], kept: float) -> dict[str, Any]:
    """Tensors of ``kept`` parts of ``start`` and the rest of ``end``, in float32, under the names of both.

    Raises
    ------
    SetupError
        When the two do not hold the same tensors.
    """
    if start.keys() != end.keys() or any(start[name].shape != end[name].shape for name in start):
        raise SetupError("The two adapters do not hold the same weights, so there is no mean of them.")
    return {name: start[name].float().lerp(end[name].float(), 1 - kept) for name in start}


def keep_start(model: Any, folder: Path, kept: float) -> None:
    """Put ``kept`` parts of the adapter in ``folder`` into the trained ``model``."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    end = {name: weight.detach() for name, weight in get_peft_model_state_dict(model).items()}
    set_peft_model_state_dict(model, blend(load_file(folder / "adapter_model.safetensors"), end, kept))
