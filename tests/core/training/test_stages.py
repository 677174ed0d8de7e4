"""Stages of a training: a finished one is kept only while recipe, base, data and start are the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from app.errors import SetupError
from app.training import train as training
from app.training.base import find_base
from app.training.merge import find_adapter
from app.training.mixture import digest, draw
from app.training.recipes import Recipe, Run

STAGES = [Recipe(scenarios=1, drafts=2, seed=1), Recipe(scenarios=1, drafts=2, seed=2)]


@pytest.fixture
def stages(tmp_path) -> list[Recipe]:
    """Two small stages on a base that is only looked at."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(b"weights")
    return [Recipe(**asdict(one) | {"base": str(base)}) for one in STAGES]


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """The seeds that were trained: training writes an adapter that holds nothing but its seed, and its record."""
    seeds: list[int] = []

    def train(recipe: Recipe, run: Run) -> Path:
        seeds.append(recipe.seed)
        base, folder = find_base(recipe.base), run.out / "adapter"
        folder.mkdir(parents=True, exist_ok=True)
        lora = {"base_model_name_or_path": base.name, "r": 8, "lora_alpha": 16}
        (folder / "adapter_config.json").write_text(json.dumps(lora))
        (folder / "adapter_model.safetensors").write_bytes(bytes([recipe.seed, len(seeds)]))
        record: dict[str, Any] = {"recipe": asdict(recipe), "base_digest": base.digest}
        record["data_digest"] = digest(draw(recipe, run.data)[0])
        if run.start is not None:
            record["start"] = find_adapter(run.start, base).digest
        (folder / "training.json").write_text(json.dumps(record))
        return folder

    monkeypatch.setattr(training, "train", train)
    return seeds


def test_finished_stages_are_kept_and_the_last_is_the_adapter(tmp_path, stages, trained):
    adapter = training.train_stages(stages, Run(tmp_path / "out"))
    assert training.train_stages(stages, Run(tmp_path / "out")) == adapter
    assert trained == [1, 2]
    record = json.loads((adapter / "training.json").read_text())
    assert (record["recipe"]["seed"], [one["recipe"]["seed"] for one in record["stages"]]) == (2, [1])


def test_a_stage_that_is_trained_again_trains_those_after_it_again(tmp_path, stages, trained):
    training.train_stages(stages, Run(tmp_path / "out"))
    (tmp_path / "out" / "stage-1" / "adapter" / "training.json").unlink()
    training.train_stages(stages, Run(tmp_path / "out"))
    assert trained == [1, 2, 1, 2]


@pytest.mark.parametrize("what", ["base", "data_digest"])
def test_another_base_or_other_data_train_a_stage_again(tmp_path, stages, trained, what):
    training.train_stages(stages, Run(tmp_path / "out"))
    if what == "base":
        (Path(stages[0].base) / "model.safetensors").write_bytes(b"other")
    else:
        path = tmp_path / "out" / "stage-1" / "adapter" / "training.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {what: "other"}))
    training.train_stages(stages, Run(tmp_path / "out"))
    assert trained[:3] == [1, 2, 1]


def test_a_damaged_record_names_the_folder_to_remove(tmp_path, stages, trained):
    training.train_stages(stages, Run(tmp_path / "out"))
    (tmp_path / "out" / "stage-2" / "adapter" / "training.json").write_text('{"recipe":')
    with pytest.raises(SetupError, match=r"training\.json is not a JSON object; remove the folder .*stage-2 to train"):
        training.train_stages(stages, Run(tmp_path / "out"))
