"""Leaving authors out: finished folds are kept, and only figures that the same command would give are taken again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.training import authors


@pytest.fixture
def asked(tmp_path, monkeypatch) -> list[str]:
    """Adapter and calibration are there, and training only notes whom it leaves out."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "adapter_model.safetensors").write_bytes(b"weights")
    (tmp_path / "calibration.json").write_text("{}")
    left_out: list[str] = []

    def leave_out(author: str, *_: Any) -> dict[str, Any]:
        left_out.append(author)
        return {"LoRA": {"auc": 0.75}}

    monkeypatch.setattr(authors, "leave_out", leave_out)
    monkeypatch.setattr(authors, "authors_table", lambda found: json.dumps(found))
    return left_out


def command(folder: Path, *more: str) -> int:
    given = ["--start", folder / "start", "--calibration", folder / "calibration.json", "--data", folder]
    given += ["--out", folder / "out", "--authors", "third_party_a,third_party_b"]
    return authors.main([*map(str, given), *more])


def test_finished_folds_are_kept_and_the_rest_goes_on(tmp_path, asked):
    assert command(tmp_path) == 0
    first = (tmp_path / "out" / "authors.json").read_text()
    (tmp_path / "out" / "third_party_b" / "figures.json").unlink()
    assert command(tmp_path) == 0
    assert asked == ["third_party_a", "third_party_b", "third_party_b"]
    assert (tmp_path / "out" / "authors.json").read_text() == first


@pytest.mark.parametrize("option", ["published", "written", "scenarios", "each"])
def test_figures_of_other_options_are_refused_before_any_fold(tmp_path, asked, capsys, option):
    assert command(tmp_path) == 0
    (tmp_path / "out" / "third_party_a" / "figures.json").unlink()
    assert command(tmp_path, f"--{option}", "5") == 1
    assert f"third_party_b were made with another value of --{option}; choose another --out" in capsys.readouterr().err
    assert len(asked) == 2


@pytest.mark.parametrize(("file", "option"), [("start/adapter_model.safetensors", "start"), ("calibration.json",) * 2])
def test_figures_of_another_adapter_or_calibration_are_refused(tmp_path, asked, capsys, file, option):
    assert command(tmp_path) == 0
    (tmp_path / file).write_bytes(b"another")
    assert command(tmp_path) == 1
    assert f"another value of --{option.removesuffix('.json')};" in capsys.readouterr().err
    assert len(asked) == 2


def test_figures_that_do_not_say_what_they_were_made_with_are_refused(tmp_path, asked, capsys):
    assert command(tmp_path) == 0
    (tmp_path / "out" / "third_party_a" / "record.json").unlink()
    assert command(tmp_path) == 1
    assert "do not say what they were made with; choose another --out" in capsys.readouterr().err
    assert len(asked) == 2


def test_a_missing_start_or_calibration_is_named_first(tmp_path, asked, capsys):
    (tmp_path / "calibration.json").unlink()
    assert command(tmp_path) == 1
    assert "calibration.json; --calibration must name it" in capsys.readouterr().err
    assert asked == []
