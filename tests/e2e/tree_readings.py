"""Prints how far reading drafts in a tree is from reading each by itself. Run by the engine environment's Python.

``python tree_readings.py FOLDER`` with the folder of a tiny base: the loss of a pack through branches and through the
dense mask, and the digits of drafts read together, behind a beginning read once, and alone.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.training.encode import default_rubric
from app.training.mixture import encode, generated
from app.training.packing import pack
from app.training.scoring import digit_probabilities
from app.training.tree_attention import read_trees


def main(folder: str) -> None:
    """One JSON object: largest differences of hidden states, gradients and probabilities, and how far digits vary."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    read_trees(model)
    rows = generated(1, 4, 3, 0.0)
    tree = pack([encode(tokenizer, default_rubric(), row).text for row in rows[:6]])
    given = {
        "input_ids": torch.tensor([tree.ids]),
        "position_ids": torch.tensor([tree.positions]),
        "attention_mask": torch.from_numpy(tree.visible)[None, None],
    }
    found, slopes = [], []
    for more in ({}, {"branches": tree.branches}):
        states = model.model(**given, **more, use_cache=False).last_hidden_state
        model.zero_grad()
        states.square().sum().backward()
        found.append(states.detach())
        slopes.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    pairs = [(row.draft, row.context) for row in rows]
    together = digit_probabilities(model, tokenizer, default_rubric(), pairs)
    alone = digit_probabilities(model, tokenizer, default_rubric(), pairs, limit=1)
    told = {
        "branches": len(tree.branches),
        "states": float((found[0] - found[1]).abs().max()),
        "gradients": float((slopes[0] - slopes[1]).abs().max() / slopes[0].abs().max()),
        "digits": float(np.abs(together - alone).max()),
        "spread": float(alone[:, :, 0].std(0).min()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
