"""The real trainers on a tiny random Qwen2: "any causal LM" is a claim, and this is its proof.

They run in the engine environment, through the command line, as a user would run them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from math import exp, log1p
from pathlib import Path

import pytest

from app.local.home import open_home
from app.local.model import only_the_package
from app.settings import load_settings
from app.training.margins import read_log
from tests.e2e.up import ROOT, environment

SMALL: tuple[str, ...] = (
    *("--rank", "4", "--alpha", "8", "--pairs", "8", "--held-out", "8", "--batch", "2", "--accumulate", "2"),
    *("--max-tokens", "1200", "--probe", "4", "--eval-every", "1", "--save-every", "1", "--rate", "0.01"),
    *("--precision", "fp32", "--threads", "1"),
)
ARMS = ("--objectives", "dpo,simpo,orpo,sft", "--ranks", "4,2")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("training") / "home"


def cli(home: Path, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`presend model ...` with the installed engine and a home of the test's own."""
    command = [sys.executable, "-m", "app.cli", "model", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(home), cwd=cwd, timeout=1200)


def engine_python(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    settings = load_settings()
    python = (settings.engine_venv or settings.home / "engine") / "bin" / "python"
    env = environment(home) | {"PYTHONPATH": str(only_the_package(open_home(home, min_free=0)))}
    return subprocess.run(
        [str(python), *map(str, arguments)], capture_output=True, text=True, env=env, check=True, timeout=1200
    )


@pytest.fixture(scope="module")
def base(home) -> Path:
    folder = home.parent / "tiny-qwen2"
    engine_python(home, Path(__file__).with_name("tiny_base.py"), folder)
    return folder


@pytest.fixture(scope="module")
def ablation(home, base) -> Path:
    """Two steps of every objective at two ranks: eight trainings."""
    out = home.parent / "ablation"
    ran = cli(home, "ablate", "--out", out, "--base", base, *SMALL, *ARMS)
    assert ran.returncode == 0, ran.stderr
    assert "# Ablation of objective and rank" in ran.stdout
    return out


@pytest.mark.e2e
@pytest.mark.parametrize("objective", ["sft", "dpo", "simpo", "orpo"])
def test_every_objective_trains_any_causal_lm(ablation, objective):
    folder = ablation / f"{objective}-r4-s7"
    rows = read_log(folder / "margins.jsonl")
    measured = [row for row in rows if "eval_rewards/margins" in row]
    assert [row["step"] for row in measured] == [0, 1, 2]
    assert measured[-1]["train_logps/chosen"] != measured[0]["train_logps/chosen"]
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (4, 8, 0.05)
    layers = {name.rpartition(".")[2] for name in config["target_modules"]}
    assert layers == {"down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"}
    assert config["base_model_name_or_path"] == "tiny-qwen2"
    assert not (folder / "checkpoints").exists()


@pytest.mark.e2e
def test_dpo_starts_at_the_reference_which_is_the_model_without_its_adapter(ablation):
    result = json.loads((ablation / "dpo-r4-s7" / "result.json").read_text())
    assert result["checks"]["reference_drift"] == pytest.approx(0, abs=1e-5)
    assert result["checks"]["policy_response"] > 1e-3
    assert result["checks"]["loss"] == pytest.approx(0.693147, abs=1e-5)
    first = read_log(ablation / "dpo-r4-s7" / "margins.jsonl")[0]
    assert (first["step"], first["eval_rewards/margins"], first["train_rewards/margins"]) == (0, 0.0, 0.0)
    trl = [row for row in read_log(ablation / "dpo-r4-s7" / "margins.jsonl") if "rewards/margins" in row]
    assert trl[0]["rewards/margins"] == pytest.approx(0, abs=1e-6)
    assert trl[0]["loss"] == pytest.approx(0.693147, abs=1e-5)


@pytest.mark.e2e
def test_simpo_is_the_formula_of_the_documentation_with_no_likelihood_term(ablation):
    """TRL logs means over a step, so the loss is held between bounds that another formula would leave."""
    rows = [row for row in read_log(ablation / "simpo-r4-s7" / "margins.jsonl") if "rewards/margins" in row]
    assert all(row["nll_loss"] == 0.0 for row in rows)
    for row in rows:
        # -log sigma(m - gamma) is convex in m, so the mean loss is at least the loss at the mean margin.
        at_mean = log1p(exp(-(row["rewards/margins"] - 0.5)))
        assert at_mean - 1e-4 <= row["loss"] <= at_mean + 0.1


@pytest.mark.e2e
def test_all_arms_share_base_pairs_and_the_state_before_the_first_step(ablation):
    results = [json.loads(path.read_text()) for path in sorted(ablation.glob("*/result.json"))]
    assert len(results) == 8
    assert len({json.dumps(r["data"], sort_keys=True) for r in results}) == 1
    assert len({json.dumps([[p["base_chosen"], p["base_rejected"]] for p in r["held_out"]]) for r in results}) == 1
    fixed = {json.dumps({k: v for k, v in r["recipe"].items() if k not in ("objective", "rank", "alpha", "beta")})
             for r in results}  # fmt: skip
    assert len(fixed) == 1


@pytest.mark.e2e
def test_a_finished_ablation_is_not_repeated_and_draws_its_plot(home, base, ablation):
    weights = {path: path.stat().st_mtime_ns for path in ablation.glob("*/adapter/*.safetensors")}
    ran = cli(home, "ablate", "--out", ablation, "--base", base, *SMALL, *ARMS)
    assert ran.returncode == 0, ran.stderr
    assert {path: path.stat().st_mtime_ns for path in ablation.glob("*/adapter/*.safetensors")} == weights
    assert "simpo r=4 against dpo r=4" in (ablation / "ablation.svg").read_text()


@pytest.mark.e2e
def test_other_arguments_on_the_same_folder_are_refused(home, base, ablation):
    given = ["--objective", "dpo", "--out", ablation / "dpo-r4-s7", "--base", base, *SMALL, "--seed", "8"]
    ran = cli(home, "train", *given)
    assert ran.returncode == 1
    assert "holds a training with other recipe" in ran.stderr


@pytest.mark.e2e
def test_an_interrupted_training_goes_on_and_ends_as_if_it_had_not_been(home, base, tmp_path):
    given = ["--objective", "simpo", "--base", base, *SMALL, "--epochs", "6"]
    straight = cli(home, "train", "--out", tmp_path / "straight", *given)
    assert straight.returncode == 0, straight.stderr
    command = [sys.executable, "-m", "app.cli", "model", "train", "--out", str(tmp_path / "cut"), *map(str, given)]
    child = subprocess.Popen(
        command,
        env=environment(home),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores SIGINT, and its children would inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + 600
    while not list((tmp_path / "cut" / "checkpoints").glob("checkpoint-*/trainer_state.json")):
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    told = child.communicate(timeout=120)[1]
    assert child.returncode == 130
    assert "goes on from the last checkpoint" in told
    assert not (tmp_path / "cut" / "result.json").exists()
    again = cli(home, "train", "--out", tmp_path / "cut", *given)
    assert again.returncode == 0, again.stderr
    one, two = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("straight", "cut"))
    assert one["steps"] == two["steps"]
    for a, b in zip(one["held_out"], two["held_out"], strict=True):
        assert a["id"] == b["id"]
        assert [a["chosen"], a["rejected"]] == pytest.approx([b["chosen"], b["rejected"]])
    steps = [row["step"] for row in read_log(tmp_path / "cut" / "margins.jsonl") if "loss" in row]
    assert steps == list(range(1, one["steps"] + 1))


@pytest.mark.e2e
def test_an_adapter_is_merged_and_timed_and_another_base_is_refused(home, base, ablation, tmp_path):
    adapter = ablation / "dpo-r4-s7" / "adapter"
    merged = cli(home, "merge", "--base", base, "--adapter", adapter, "--out", tmp_path / "merged")
    assert merged.returncode == 0, merged.stderr
    manifest = json.loads((tmp_path / "merged" / "manifest.json").read_text())
    assert (manifest["base"]["name"], manifest["adapter"]["rank"]) == ("tiny-qwen2", 4)
    figures = tmp_path / "latency.json"
    timed = cli(
        home, "latency", "--base", base, "--adapter", adapter, "--rounds", "10", "--tokens", "4", "--json", figures
    )
    assert timed.returncode == 0, timed.stderr
    rows = {row["condition"]: row for row in json.loads(figures.read_text())}
    assert set(rows) == {"base", "unmerged", "merged"}
    assert all(len(row["seconds"]) == 10 for row in rows.values())
    assert rows["unmerged"]["ratio"] > 1.0
    other = cli(home, "merge", "--base", tmp_path / "merged", "--adapter", adapter, "--out", tmp_path / "twice")
    assert other.returncode == 1
    assert "was trained for the base tiny-qwen2, not for merged" in other.stderr
    assert not (tmp_path / "twice").exists()


@pytest.mark.e2e
def test_a_base_with_a_short_window_and_a_malformed_task_fail_before_training(home, base, tmp_path):
    engine_python(home, Path(__file__).with_name("tiny_base.py"), tmp_path / "short", "256")
    ran = cli(home, "train", "--objective", "dpo", "--out", tmp_path / "out", "--base", tmp_path / "short", *SMALL)
    assert ran.returncode == 1
    assert "The window of short is 256 tokens" in ran.stderr
    (tmp_path / "tasks.jsonl").write_text('{"id": "a"}\n')
    given = ["--objective", "dpo", "--out", "out", "--base", base, "--tasks", "tasks.jsonl"]
    (tmp_path / "app").mkdir()  # a folder of the user's that has the package's name must not be imported
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", "model", "train", *map(str, given)],
        capture_output=True, text=True, env=environment(home), cwd=tmp_path, timeout=1200,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "tasks.jsonl:1: context: is missing" in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.e2e
def test_the_recipe_trains_every_projection_of_a_half_billion_qwen_and_nothing_else(home):
    told = json.loads(engine_python(home, Path(__file__).with_name("qwen_recipe.py")).stdout.splitlines()[-1])
    assert told["trained"] == 8_798_208
    assert told["layers"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert told["all"] - told["trained"] == 494_032_768


@pytest.mark.e2e
def test_nothing_is_left_running(home):
    listed: Sequence[str] = [
        path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if os.access(path, os.R_OK) and path.parent.name != str(os.getpid())
    ]
    assert not [line for line in listed if "app.training." in line and str(home.parent.parent) in line]
