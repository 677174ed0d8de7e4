"""Makes a tiny random Qwen2 with a small trained tokenizer: any causal LM will do, and this one trains in seconds.

Run by the engine environment's Python: ``python tiny_base.py FOLDER [window [gpt2]]``. The tokenizer splits digits and
speaks the chat markup of Qwen2.5, whose layers the model has: grouped heads, biased projections, tied embeddings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from app.judge.prompt import system_prompt
from app.training.encode import default_rubric
from app.training.mixture import generated

START, END = "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}" + START + "{{ message['role'] }}\n{{ message['content'] }}" + END + "\n{% endfor %}"
    "{% if add_generation_prompt %}" + START + "assistant\n{% endif %}"
)


def make(folder: Path, window: int = 2048, kind: str = "qwen2") -> None:
    """Write model and tokenizer, always the same; `gpt2` is a base whose layers lie elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [system_prompt(default_rubric()), '{"s":[5,1]}', "FACTS E-MAIL END Subject:"]
    texts += [row.draft.body + row.context.model_dump_json() for row in generated(1, 20, 3, 0.0)]
    split = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)])
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer, plain.decoder = split, decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    plain.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=1500, special_tokens=[START, END], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=END, pad_token=END)
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    tokenizer.save_pretrained(folder)
    if kind == "gpt2":
        GPT2LMHeadModel(
            GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=window)
        ).save_pretrained(folder)
        return
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2048, *sys.argv[3:4])
