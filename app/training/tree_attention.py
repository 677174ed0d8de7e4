"""Attention over a flat prefix tree, one text's own tokens at a time.

A dense mask computes every pair of tokens and throws most of them away: the drafts of a pack do not see one another.
Here each text's own tokens look at their ancestors and themselves alone, which is about two fifths of the pairs. Keys
that stand before the tree (a beginning that was read earlier) are seen by every token of it.
"""

from __future__ import annotations

from typing import Any

from app.training.packing import Branch

NAME = "presend_tree"


def read_trees(model: Any) -> None:
    """Let the model read packs branch by branch, where it is given their ``branches``; anything else as before."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.config._attn_implementation = NAME


def _attend(
    module: Any, query: Any, key: Any, value: Any, mask: Any, branches: list[Branch] | None = None, **settings: Any
) -> tuple[Any, None]:
    """Shapes as transformers gives them: (1, heads, tokens, width), keys with fewer heads; returns tokens first."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if branches is None:
        return sdpa_attention_forward(module, query, key, value, mask, **settings)
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    earlier = key.shape[2] - query.shape[2]
    parts = []
    for branch in branches:
        start, stop = branch.start, branch.stop
        before = [*range(earlier), *(earlier + node for node in branch.before)]
        seen = torch.tensor([*before, *range(earlier + start, earlier + stop)], device=query.device)
        own = torch.ones(stop - start, len(seen), dtype=torch.bool, device=query.device).tril(len(before))
        parts.append(
            scaled_dot_product_attention(
                query[:, :, start:stop],
                key.index_select(2, seen),
                value.index_select(2, seen),
                attn_mask=own if before else None,
                is_causal=not before,
                scale=settings.get("scaling"),
            )
        )
    return torch.cat(parts, 2).transpose(1, 2), None
