"""Prints what LoRA trains on a Qwen2.5-0.5B configuration without weights. Run by the engine environment's Python."""

from __future__ import annotations

import json

import torch
from peft import get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

from app.training.objectives import PreferenceRecipe, lora_config

QWEN_HALF_BILLION = Qwen2Config(
    vocab_size=151_936,
    hidden_size=896,
    intermediate_size=4_864,
    num_hidden_layers=24,
    num_attention_heads=14,
    num_key_value_heads=2,
    max_position_embeddings=32_768,
    tie_word_embeddings=True,
)


def main() -> None:
    """One JSON object: trained weights, all weights, and the kinds of layers that are trained."""
    with torch.device("meta"):
        model = Qwen2ForCausalLM(QWEN_HALF_BILLION)
        model = get_peft_model(model, lora_config(PreferenceRecipe().checked(), "Qwen2.5-0.5B-Instruct"))
    trained = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    layers = sorted({name.split(".lora_")[0].rpartition(".")[2] for name in trained})
    print(json.dumps({"trained": sum(trained.values()), "all": model.num_parameters(), "layers": layers}))


if __name__ == "__main__":
    main()
