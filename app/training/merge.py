"""Merge a LoRA adapter into its base, prove that nothing changed, and put the result in place in one rename.

Refused: an adapter trained for another base, a merge whose logits differ from the unmerged model's, a disk that
cannot hold the result. A refusal leaves whatever stood in the output folder as it was.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import app
from app.errors import SetupError
from app.training.base import Base, files_digest

MANIFEST = "manifest.json"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
MAX_LOGIT_DRIFT = 2e-2
"""Largest difference of any logit between the merged and the unmerged model, both float32."""
MAX_PROBABILITY_DRIFT = 0.05
"""Largest difference of any digit's probability after the merged weights were rounded to the stored dtype."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter that was found and fits its base by name and by recorded digest."""

    folder: Path
    digest: str
    rank: int
    alpha: float


def find_adapter(folder: Path, base: Base) -> Adapter:
    """Check an adapter folder against a base.

    Raises
    ------
    SetupError
        When files are missing, or the adapter belongs to another base.
    """
    for name in ADAPTER_FILES:
        if not (folder / name).is_file():
            raise SetupError(f"The adapter folder {folder} lacks {name}.")
    try:
        config = json.loads((folder / "adapter_config.json").read_text())
        wanted = str(config["base_model_name_or_path"])
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"The file {folder / 'adapter_config.json'} is not a LoRA configuration.") from error
    if Path(wanted).name.casefold() != base.name.casefold():
        raise SetupError(f"The adapter was trained for the base {Path(wanted).name}, not for {base.name}.")
    record = folder / "training.json"
    if record.is_file():
        try:
            trained_on = json.loads(record.read_text(encoding="utf-8")).get("base_digest")
        except (ValueError, AttributeError) as error:
            raise SetupError(f"The file {record} is not the record of a training; restore or delete it.") from error
        if trained_on not in (None, base.digest):
            raise SetupError(f"The adapter was trained on other weights of {base.name} than those found here.")
    return Adapter(folder, files_digest([folder / name for name in ADAPTER_FILES]), rank, alpha)


def merge(model: Any, adapter: Adapter, probes: list[list[int]]) -> tuple[Any, dict[str, float]]:
    """Merge and compare. ``probes`` are token ids of whole prompts with answers; returns model and measured drift.

    Raises
    ------
    SetupError
        When the adapter's tensors do not fit, or the merged model's logits differ from the unmerged one's.
    """
    import torch
    from peft import PeftModel

    try:
        wrapped = PeftModel.from_pretrained(model, str(adapter.folder), is_trainable=False)
    except (RuntimeError, ValueError, KeyError) as error:
        raise SetupError("The adapter's tensors do not fit this base model.") from error
    wrapped = wrapped.to(torch.float32).eval()
    before = [_logits(wrapped, ids) for ids in probes]
    merged = wrapped.merge_and_unload(safe_merge=True)
    drift = max(float((_logits(merged, ids) - old).abs().max()) for ids, old in zip(probes, before, strict=True))
    if not drift <= MAX_LOGIT_DRIFT:
        raise SetupError(f"The merged model's logits differ by {drift:.3g} from the unmerged model's; nothing written.")
    return merged, {"max_logit_difference": round(drift, 6)}


def round_weights(model: Any, dtype: str, probes: list[list[int]], digits: list[int]) -> float:
    """Round the weights to ``dtype`` in place; returns the largest change of a digit's probability on the probes."""
    import torch

    kind = getattr(torch, dtype)
    before = [_digit_probabilities(model, ids, digits) for ids in probes]
    model.to(kind).to(torch.float32)
    drift = max(
        float((_digit_probabilities(model, ids, digits) - old).abs().max())
        for ids, old in zip(probes, before, strict=True)
    )
    if not drift <= MAX_PROBABILITY_DRIFT:
        raise SetupError(
            f"Rounding the merged weights to {dtype} moves a score's probability by {drift:.3g}; use --dtype float32."
        )
    return drift


def _logits(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0]


def _digit_probabilities(model: Any, ids: list[int], digits: list[int]) -> Any:
    """Probabilities of the digit tokens, among themselves, at each position that holds a digit of the answer."""
    places = [i - 1 for i in range(len(ids) - 16, len(ids)) if ids[i] in digits]
    return _logits(model, ids)[places][:, digits].softmax(-1)


def write_model(
    model: Any, tokenizer: Any, out: Path, dtype: str, base: Base, adapter: Adapter | None, checks: dict[str, Any]
) -> dict[str, Any]:
    """Write weights, tokenizer and manifest into a new folder and rename it to ``out``; returns the manifest."""
    import torch

    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    need = int(base.size * (2 if dtype == "float32" else 1) * 1.1)
    free = shutil.disk_usage(out.parent).free
    if free < need:
        raise SetupError(f"The model needs {need // 10**6} MB free in {out.parent}, which has {free // 10**6} MB.")
    fresh = out.parent / f".{out.name}.new-{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        model.to(getattr(torch, dtype)).save_pretrained(fresh, max_shard_size="8GB")
        tokenizer.save_pretrained(fresh)
        _plain_tokenizer_class(fresh / "tokenizer_config.json")
        manifest = {
            "format": 1,
            "presend_version": app.__version__,
            "base": {"name": base.name, "source": base.source, "sha256": base.digest},
            "adapter": None
            if adapter is None
            else {"sha256": adapter.digest, "rank": adapter.rank, "alpha": adapter.alpha},
            "weights": {"dtype": dtype, "sha256": weights_digest(fresh)},
            "checks": checks,
            "versions": _versions(),
        }
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        _replace(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return manifest


def reusable(out: Path, dtype: str, base: Base, adapter: Adapter | None) -> dict[str, Any] | None:
    """The manifest of ``out`` if that folder is exactly what this run would write, else None."""
    try:
        manifest = json.loads((out / MANIFEST).read_text())
        same = (
            manifest["presend_version"] == app.__version__
            and manifest["base"]["sha256"] == base.digest
            and (manifest["adapter"] or {}).get("sha256") == (adapter.digest if adapter else None)
            and manifest["weights"]["dtype"] == dtype
            and manifest["weights"]["sha256"] == weights_digest(out)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(manifest) if same else None


def weights_digest(folder: Path) -> str:
    """SHA-256 over weights, tokenizer and configuration: everything that the engine loads."""
    names = {"config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"}
    files = [p for p in folder.iterdir() if p.suffix == ".safetensors" or p.name in names]
    if not any(p.suffix == ".safetensors" for p in files):
        raise FileNotFoundError(f"no weights in {folder}")
    return files_digest(files)


def _replace(fresh: Path, out: Path) -> None:
    for path in fresh.iterdir():
        path.chmod(0o644)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    old = out.parent / f".{out.name}.old-{os.getpid()}"
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _plain_tokenizer_class(path: Path) -> None:
    """Name the class that every transformers version knows; the newest writes one that older engines do not."""
    config = json.loads(path.read_text())
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "gguf", "safetensors"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found
