"""Ask a model in this process what it would answer through the engine: greedy digits and their probabilities.

The beginning that all prompts share is read once, and drafts that share more are read together
(``app.training.packing``); ``limit=1`` reads every draft whole and by itself. Each score is decoded after the scores
before it, as guided decoding does, so the numbers are those that the service would see before calibration. Refused: a
model laid out otherwise than Llama, and one whose window is shorter than the longest prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.judge.rubric import MAX_SCORE, Rubric
from app.schemas import Context, Draft
from app.training.base import check_layout, check_window_of
from app.training.encode import answer_ids, digit_ids, prompt_ids
from app.training.packing import Branch, pack
from app.training.steps import progress
from app.training.tree_attention import read_trees

Pair = tuple[Draft, Context]


def digit_probabilities(
    model: Any, tokenizer: Any, rubric: Rubric, pairs: Sequence[Pair], *, name: str = "judge", limit: int = 1_100
) -> NDArray[np.float64]:
    """P(k) for k = 1..5 at each score of each draft: shape (drafts, criteria, 5), rows summing to 1.

    Raises
    ------
    SetupError
        When the model cannot read the drafts.
    """
    check_layout(model)
    prompts = [prompt_ids(tokenizer, rubric, draft, context) for draft, context in pairs]
    answer = answer_ids(tokenizer, [MAX_SCORE] * len(rubric.model_criteria))
    check_window_of(model, max(map(len, prompts), default=0) + len(answer))
    read_trees(model)
    found = np.zeros((len(pairs), len(rubric.model_criteria), MAX_SCORE))
    common = _common(prompts) if limit > 1 and len(prompts) > 1 else 0
    with progress(name, len(pairs)) as tell:
        beginning = _read(model, prompts[0][:common]) if common else []
        tails = [prompt[common:] for prompt in prompts]
        for chosen in _batches(tails, limit):
            found[chosen] = _decode(model, tokenizer, rubric, [tails[i] for i in chosen], beginning, common)
            tell(len(chosen), "")
    return found


def p_fail(digits: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(1) + P(2) + P(3)/2 along the last axis, as the service reads it; uncalibrated."""
    return np.minimum(1.0, digits[..., 0] + digits[..., 1] + 0.5 * digits[..., 2])


def _batches(prompts: Sequence[list[int]], limit: int) -> Iterable[list[int]]:
    """Indices of consecutive prompts whose shared tree stays under about ``limit`` tokens."""
    chosen: list[int] = []
    size = 0
    for index, prompt in enumerate(prompts):
        same = 0
        if chosen:
            for a, b in zip(prompts[chosen[-1]], prompt, strict=False):
                if a != b:
                    break
                same += 1
        tail = len(prompt) - same
        if chosen and size + tail > limit:
            yield chosen
            chosen, size, tail = [], 0, len(prompt)
        chosen.append(index)
        size += tail
    if chosen:
        yield chosen


def _common(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, the last one of the shortest left out."""
    first, last = min(prompts), max(prompts)
    same = 0
    for a, b in zip(first, last, strict=False):
        if a != b:
            break
        same += 1
    return min(same, len(min(prompts, key=len)) - 1)


def _read(model: Any, ids: list[int]) -> list[tuple[Any, Any]]:
    """Keys and values of each layer after these tokens."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache()
    with torch.inference_mode():
        model.model(input_ids=torch.tensor([ids], device=model.device), past_key_values=cache, use_cache=True)
    return [(layer.keys, layer.values) for layer in cache.layers]


def _decode(
    model: Any,
    tokenizer: Any,
    rubric: Rubric,
    prompts: list[list[int]],
    beginning: Sequence[tuple[Any, Any]],
    common: int,
) -> NDArray[np.float64]:
    """Digits of prompts of which the first ``common`` tokens were read before and are left out here."""
    import torch
    from transformers import DynamicCache

    count = len(rubric.model_criteria)
    digits = digit_ids(tokenizer)
    sample = answer_ids(tokenizer, [MAX_SCORE] * count)
    places = [i for i, token in enumerate(sample) if token in digits]
    head, between = sample[: places[0]], sample[places[0] + 1 : places[1]] if count > 1 else []
    tree = pack([prompt + head for prompt in prompts])
    device = model.device
    visible = torch.from_numpy(tree.visible).to(device)
    visible = torch.cat([visible.new_ones(len(tree.ids), common), visible], 1)
    leaves = [path[-1] for path in tree.paths]
    sight = visible[leaves]
    depth = [common + len(path) for path in tree.paths]
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(beginning):
        cache.update(keys, values, layer)
    found = np.zeros((len(prompts), count, MAX_SCORE))
    ids, positions, mask = tree.ids, [common + depth for depth in tree.positions], visible
    branches: list[Branch] | None = tree.branches
    last = torch.tensor(leaves, device=device)
    with torch.inference_mode():
        for score in range(count):
            hidden = model.model(
                input_ids=torch.tensor([ids], device=device),
                position_ids=torch.tensor([positions], device=device),
                attention_mask=mask[None, None],
                branches=branches,
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state[0, last]
            chances = model.lm_head(hidden)[:, digits].float().softmax(-1)
            found[:, score] = chances.double().cpu().numpy()
            if score + 1 == count:
                break
            picked = [digits[int(k)] for k in chances.argmax(-1)]
            branches = None
            step = 1 + len(between)
            ids = [token for digit in picked for token in (digit, *between)]
            positions = [start + offset for start in depth for offset in range(step)]
            depth = [start + step for start in depth]
            own = torch.block_diag(*[torch.ones(step, step, device=device).tril() for _ in prompts]).bool()
            mask = torch.cat([sight.repeat_interleave(step, 0), own], 1)
            sight = mask[step - 1 :: step]
            last = torch.arange(step - 1, step * len(prompts), step, device=device)
    return found
