"""A base that cannot carry the prompt is refused before training; memory that runs out says what to lower."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import SetupError
from app.training.base import (
    Base,
    as_the_engine,
    check_layout,
    check_tokenizer,
    check_window,
    check_window_of,
)
from app.training.encode import default_rubric
from app.training.memory import memory_advice
from app.training.scoring import digit_probabilities


class Tokenizer:
    """Single characters, unless a test says otherwise."""

    chat_template = "given"
    eos_token_id = 0

    def __call__(self, text, add_special_tokens):
        return type("Encoded", (), {"input_ids": [ord(c) for c in text]})

    def decode(self, ids):
        return "".join(map(chr, ids))

    def apply_chat_template(self, messages, add_generation_prompt, tokenize):
        return "\n".join(m["content"] for m in messages)


def test_a_plain_tokenizer_carries_the_prompt():
    check_tokenizer(Tokenizer(), "plain")


def test_a_tokenizer_without_template_or_end_is_refused():
    for change, words in (({"chat_template": None}, "chat template"), ({"eos_token_id": None}, "end-of-turn")):
        with pytest.raises(SetupError, match=words):
            check_tokenizer(type("T", (Tokenizer,), change)(), "bare")


def test_a_template_that_refuses_or_loses_the_instruction_is_refused():
    class Refuses(Tokenizer):
        def apply_chat_template(self, messages, add_generation_prompt, tokenize):
            raise ValueError("System role not supported")

    class Loses(Tokenizer):
        def apply_chat_template(self, messages, add_generation_prompt, tokenize):
            return messages[-1]["content"]

    with pytest.raises(SetupError, match="refuses a system message"):
        check_tokenizer(Refuses(), "gemma")
    with pytest.raises(SetupError, match="loses part"):
        check_tokenizer(Loses(), "short")


def test_digits_that_are_joined_with_other_text_are_refused():
    class Joins(Tokenizer):
        pieces = ('{"s":[', "1,", "2,", "3,", "4,", "5]}")

        def __call__(self, text, add_special_tokens):
            ids = list(range(len(self.pieces))) if text.startswith("{") else [100 + int(text)]
            return type("Encoded", (), {"input_ids": ids})

        def decode(self, ids):
            return "".join(self.pieces[i] if i < 100 else str(i - 100) for i in ids)

    with pytest.raises(SetupError, match="joins score digits"):
        check_tokenizer(Joins(), "joined")


def test_a_window_shorter_than_the_prompt_is_refused_with_both_lengths(tmp_path):
    base = Base("small", tmp_path, None, "d")
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 256}))
    check_window(base, 256)
    with pytest.raises(SetupError, match=r"window of small is 256 tokens.*has 300"):
        check_window(base, 300)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SetupError, match="not a model configuration"):
        check_window(base, 1)
    check_window(Base("wheel", Path("none"), "x.gguf", "d"), 8_000)


class GPTNeoXForCausalLM(SimpleNamespace):
    """A model whose layers lie elsewhere."""


def llama(window: int | None) -> SimpleNamespace:
    """A model laid out like Llama, as far as it is looked at before it reads."""
    text = SimpleNamespace(name_or_path="/models/small", max_position_embeddings=window)
    text.get_text_config = lambda: text
    return SimpleNamespace(model=SimpleNamespace(layers=[]), lm_head=None, config=text)


def test_a_base_laid_out_otherwise_is_refused_by_its_class():
    check_layout(llama(256))
    for other in (GPTNeoXForCausalLM(gpt_neox=SimpleNamespace(layers=[]), embed_out=None), SimpleNamespace(lm_head=1)):
        with pytest.raises(
            SetupError, match=f"^The base is a {type(other).__name__}, which cannot read drafts in pack"
        ):
            check_layout(other)


@pytest.mark.parametrize(
    ("name", "changing", "neutral"),
    [("final_logit_softcapping", 30.0, None), ("logits_scaling", 8.0, 1.0), ("logit_scale", 0.0625, 1.0)],
)
def test_a_base_that_scales_its_logits_is_refused(name, changing, neutral):
    model = llama(256)
    setattr(model.config, name, neutral)
    check_layout(model)
    setattr(model.config, name, changing)
    with pytest.raises(SetupError, match=rf"that scales its logits \({name}\)"):
        check_layout(model)


def test_a_loaded_model_with_a_short_window_is_refused():
    check_window_of(llama(300), 300)
    check_window_of(llama(None), 300)
    with pytest.raises(SetupError, match=r"^The window of small is 256 tokens, .* has 300; choose another base\.$"):
        check_window_of(llama(256), 300)


def test_scoring_refuses_a_model_that_cannot_read_the_drafts():
    rubric = default_rubric()
    with pytest.raises(SetupError, match="The base is a GPTNeoXForCausalLM"):
        digit_probabilities(GPTNeoXForCausalLM(), Tokenizer(), rubric, [])
    with pytest.raises(SetupError, match="The window of small is 4 tokens"):
        digit_probabilities(llama(4), Tokenizer(), rubric, [])


@pytest.mark.parametrize(("gpu", "moves"), [(True, ["cuda", "bf16"]), (False, [])])
def test_a_model_goes_where_the_engine_would_run_it(monkeypatch, gpu, moves):
    cuda = SimpleNamespace(is_available=lambda: gpu, is_bf16_supported=lambda **_: True)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, bfloat16="bf16"))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "flags: sse")
    told: list[str] = []
    model = SimpleNamespace(to=lambda place: (told.append(place), model)[1])
    assert as_the_engine(model) is model
    assert told == moves


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried"),
        RuntimeError("DefaultCPUAllocator: can't"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling"),
    ],
)
def test_memory_that_runs_out_says_what_to_lower(error):
    with pytest.raises(SetupError, match="Memory ran out; lower --batch"), memory_advice("--batch"):
        raise error


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match="shape"), memory_advice("--batch"):
        raise RuntimeError("shape mismatch")
