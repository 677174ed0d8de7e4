"""Filtered against unfiltered passes: finished arms are kept, and the figures compare the same drafts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.training import passes
from app.training.heldout import transfer
from app.training.passes import ARMS, compare, table

ROWS = transfer("letters")


def said(right: float) -> dict[str, Any]:
    """Scores that tell the label to some extent."""
    score = [right * row.failed + 0.01 * (index % 7) for index, row in enumerate(ROWS)]
    return {"letters": {"score": score, "stopped": [one > 0.5 for one in score]}}


@pytest.fixture
def trained(tmp_path, monkeypatch) -> list[tuple[str, float]]:
    """Which passes each training reads, and at which weight."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "adapter_model.safetensors").write_bytes(b"weights")
    (tmp_path / "calibration.json").write_text("{}")
    made: list[tuple[str, float]] = []

    def train(recipe: Any, run: Any) -> Path:
        run.out.mkdir(parents=True)
        made.append((recipe.passes, recipe.pass_weight))
        return Path(run.out)

    monkeypatch.setattr(passes, "train", train)
    monkeypatch.setattr(passes, "ask", lambda *_: said(1.0))
    monkeypatch.setattr(passes, "measured_sets", lambda _: {"letters": ROWS})
    return made


def command(folder: Path, *more: str) -> int:
    given = ["--start", folder / "start", "--calibration", folder / "calibration.json", "--data", folder]
    return passes.main([*map(str, given), "--out", str(folder / "out"), *more])


def test_every_arm_is_trained_once_and_kept(tmp_path, trained, capsys):
    assert command(tmp_path) == 0
    assert trained == [("agreed", 0.5), ("all", 0.5), ("all", 1.0)]
    first = (tmp_path / "out" / "passes.json").read_text()
    assert command(tmp_path) == 0
    assert len(trained) == 3
    assert (tmp_path / "out" / "passes.json").read_text() == first
    assert set(json.loads(first)["letters"]) == set(ARMS)
    assert "| letters (121 pass, 115 fail) | all passes, weight 1 | 1.000" in capsys.readouterr().out


def test_arms_of_another_draw_are_refused(tmp_path, trained, capsys):
    assert command(tmp_path) == 0
    assert command(tmp_path, "--seed", "9") == 1
    assert "made with another value of seed; choose another --out" in capsys.readouterr().err
    assert len(trained) == 3


def test_the_gain_is_over_the_first_arm_on_the_same_drafts():
    found = compare({"first": said(0.005), "second": said(1.0)}, {"letters": ROWS})["letters"]
    assert "gain" not in found["first"]
    assert found["second"]["gain"]["auc"] == pytest.approx(1.0 - found["first"]["auc"])
    assert found["second"]["gain"]["auc_ci"][0] > 0
    assert table({"letters": found}).count("| –") == 1
