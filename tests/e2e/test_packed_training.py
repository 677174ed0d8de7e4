"""The packed training on a tiny random Qwen2, from the first step to the card, as a user would run it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_training import cli, engine_python

PACKED: tuple[str, ...] = (
    *("--objective", "packed", "--scenarios", "6", "--drafts", "3", "--rank", "4", "--alpha", "8", "--rate", "0.01"),
    *("--packs-per-step", "1", "--save-every", "2", "--threads", "1", "--eager"),
)
WEIGHTS = "adapter/adapter_model.safetensors"
# Real merges whose limits no merge can hold.
STRICT_MERGES = """
import sys
from app.training import merge, prepare
for limit in ("MAX_LOGIT_DRIFT", "MAX_PROBABILITY_DRIFT"):
    kept = getattr(merge, limit)
    setattr(merge, limit, -1.0)
    print("code", prepare.main(sys.argv[1:]))
    setattr(merge, limit, kept)
"""
# An adapter's second matrices begin at zero.
MOVED_LAYERS = """
import json, sys
from safetensors.torch import load_file
moved = {}
for name, weight in load_file(sys.argv[1]).items():
    if "lora_B" in name:
        layer = name.split(".layers.")[1].partition(".")[0]
        moved[layer] = moved.get(layer, False) or bool(weight.abs().max() > 0)
print(json.dumps(moved))
"""
# How far the second adapter is from the mean of the first and the third, and from the third, in parts of its size.
MEAN = """
import json, sys
from safetensors.torch import load_file
start, mean, end = ({k: v.float() for k, v in load_file(path).items()} for path in sys.argv[1:])
size = max(float(v.abs().max()) for v in mean.values())
halves = max(float((mean[k] - (start[k] + end[k]) / 2).abs().max()) for k in mean)
print(json.dumps([halves / size, max(float((mean[k] - end[k]).abs().max()) for k in mean) / size]))
"""
# A reference that reads the adapter it should not.
MOVING_REFERENCE = """
import torch
from app.errors import SetupError
from app.training.objectives import verify_reference

class Trainer:
    model = torch.nn.ParameterDict({"lora_B": torch.zeros(3)})
    _metrics = {"eval": {}}
    def compute_ref_log_probs(self, model, batch):
        return model["lora_B"].sum()[None], model["lora_B"].sum()[None]
    def compute_loss(self, model, batch):
        at = float(model["lora_B"].sum())
        self._metrics["eval"] |= {"logps/chosen": [at], "logps/rejected": [at], "rewards/margins": [0.0]}
        return torch.tensor(0.6931)

try:
    verify_reference(Trainer(), probe={})
except SetupError as error:
    print(error)
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine make steps this small twenty times slower."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("packed")


@pytest.fixture(scope="module")
def home(place) -> Path:
    return place / "home"


@pytest.fixture(scope="module")
def base(home, place) -> Path:
    engine_python(home, Path(__file__).with_name("tiny_base.py"), place / "tiny", "4096")
    return place / "tiny"


@pytest.fixture(scope="module")
def trained(home, base, place) -> Path:
    ran = cli(home, "train", *PACKED, "--base", base, "--out", place / "straight")
    assert ran.returncode == 0, ran.stderr
    return place / "straight"


@pytest.mark.e2e
def test_a_packed_training_that_was_cut_ends_with_the_same_bytes(home, base, place, trained):
    given = ["train", *PACKED, "--base", base, "--out", place / "cut"]
    cut = cli(home, *given, "--limit-s", "0")
    assert cut.returncode == 1
    assert "The time limit was reached at step 1 of" in cut.stderr
    assert not (place / "cut" / "adapter").exists()
    other = cli(home, *given, "--rate", "0.02")
    assert "belongs to other arguments or data; choose another --out" in other.stderr
    again = cli(home, *given)
    assert again.returncode == 0, again.stderr
    assert (place / "cut" / WEIGHTS).read_bytes() == (trained / WEIGHTS).read_bytes()
    one, two = (json.loads((f / "adapter" / "training.json").read_text()) for f in (trained, place / "cut"))
    assert one["result"]["steps"] == two["result"]["steps"] > 2
    assert {k: v for k, v in one.items() if k != "result"} == {k: v for k, v in two.items() if k != "result"}


@pytest.mark.e2e
def test_frozen_layers_keep_what_they_start_with(home, base, place):
    given = ["train", *PACKED, "--base", base, "--steps", "2", "--out", place / "frozen"]
    ran = cli(home, *given, "--frozen-layers", "1")
    assert ran.returncode == 0, ran.stderr
    told = engine_python(home, "-c", MOVED_LAYERS, place / "frozen" / WEIGHTS).stdout
    assert json.loads(told) == {"0": False, "1": True}
    refused = cli(home, *given, "--frozen-layers", "2")
    assert "The base has 2 layers; --frozen-layers must leave at least one to train." in refused.stderr


@pytest.mark.e2e
def test_a_stage_may_keep_half_of_what_it_starts_with(home, base, place, trained):
    given = ["train", *PACKED, "--base", base, "--steps", "2"]
    refused = cli(home, *given, "--out", place / "none", "--kept", "0.5")
    assert "--kept keeps weights of what a stage starts from; give --start as well." in refused.stderr
    for name, kept in (("whole", "0"), ("half", "0.5")):
        ran = cli(home, *given, "--start", trained / "adapter", "--out", place / name, "--kept", kept)
        assert ran.returncode == 0, ran.stderr
    files = [place / name / WEIGHTS for name in ("straight", "half", "whole")]
    from_mean, from_end = json.loads(engine_python(home, "-c", MEAN, *files).stdout)
    assert from_mean < 0.005 < from_end


@pytest.mark.e2e
def test_drafts_read_in_a_tree_are_read_as_if_each_were_alone(home, base):
    told = json.loads(engine_python(home, Path(__file__).with_name("tree_readings.py"), base).stdout.splitlines()[-1])
    assert told["branches"] == 6
    assert max(told[name] for name in ("states", "gradients", "digits")) < 1e-5
    assert told["spread"] > 100 * told["digits"]  # the drafts are told apart, so sameness says something


@pytest.mark.e2e
def test_it_is_merged_calibrated_measured_and_described(home, base, place, trained):
    merged, fitted, figures = place / "merged", place / "calibration.json", place / "figures.json"
    ran = cli(home, "merge", "--base", base, "--adapter", trained / "adapter", "--out", merged)
    assert ran.returncode == 0, ran.stderr
    given = ["calibrate", "--model", merged, "--scenarios", "40", "--answers", place / "answers"]
    ran = cli(home, *given, "--out", fitted)
    assert ran.returncode == 0, ran.stderr
    assert "judge: calibration (" in ran.stderr
    again = cli(home, *given, "--out", place / "again.json", "--pass-share", "0.8")
    assert again.returncode == 0, again.stderr
    assert "judge: calibration (" not in again.stderr
    strict, loose = (json.loads(p.read_text())["criteria"] for p in (fitted, place / "again.json"))
    assert {(c, one["a"], one["b"]) for c, one in strict.items()} == {(c, o["a"], o["b"]) for c, o in loose.items()}
    assert all(loose[c]["fail_at"] <= one["fail_at"] for c, one in strict.items())
    given = ["--model", merged, "--calibration", fitted, "--scenarios", "6", "--json", figures]
    measured = cli(home, "evaluate", *given)
    assert measured.returncode == 0, measured.stderr
    given = ["--adapter", trained / "adapter", "--calibration", fitted, "--evaluation", figures]
    ran = cli(home, "card", *given, "--out", place / "CARD.md")
    assert ran.returncode == 0, ran.stderr
    table = [line for line in measured.stdout.splitlines() if line.startswith("|")]
    assert len(table) > 20
    card = (place / "CARD.md").read_text()
    assert measured.stdout.strip() in card
    assert "No published draft was trained on." in card


@pytest.mark.e2e
def test_a_merge_that_changes_the_model_leaves_the_output_as_it_was(home, base, place, trained):
    shelf = place / "shelf"
    (shelf / "model").mkdir(parents=True)
    (shelf / "model" / "config.json").write_text("kept")
    given = ["--base", base, "--adapter", trained / "adapter", "--out", shelf / "model"]
    told = engine_python(home, "-c", STRICT_MERGES, *given)
    assert told.stdout.splitlines().count("code 1") == 2
    said = told.stderr.splitlines()
    assert any(line.startswith("The merged model's logits differ by") for line in said)
    assert any(line.startswith("Rounding the merged weights to bfloat16 moves") for line in said)
    assert [path.relative_to(shelf).as_posix() for path in sorted(shelf.rglob("*"))] == ["model", "model/config.json"]
    assert (shelf / "model" / "config.json").read_text() == "kept"


@pytest.mark.e2e
def test_a_reference_that_moves_is_refused_in_one_sentence(home):
    said = engine_python(home, "-c", MOVING_REFERENCE).stdout.strip()
    assert said.startswith("DPO's reference moves with the adapter (by ")
    assert said.endswith("choose another base or objective.")


@pytest.mark.e2e
def test_a_base_that_cannot_read_packs_is_refused_before_training(home, base, tmp_path):
    short, other = tmp_path / "short", tmp_path / "other"
    shutil.copytree(base, short)
    config = json.loads((short / "config.json").read_text())
    (short / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 256}))
    engine_python(home, Path(__file__).with_name("tiny_base.py"), other, "4096", "gpt2")
    for folder, words in (
        (short, "The window of short is 256 tokens"),
        (other, "The base is a GPT2LMHeadModel, which"),
    ):
        ran = cli(home, "train", *PACKED, "--base", folder, "--out", tmp_path / "out")
        assert ran.returncode == 1
        assert words in ran.stderr
        assert not (tmp_path / "out").exists()
