"""The embedding model out of its wheel, in the engine environment: its vectors are the published ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import app
from app.local.embedding import embedded
from app.settings import load_settings

REQUIREMENTS = Path(app.__file__).parent / "local" / "engine_requirements_bench.txt"
WEATHER = "The weather is lovely today."
SUN = "It's so sunny outside!"
STADIUM = "He drove to the stadium."


@pytest.mark.e2e
def test_vectors_are_those_of_the_model_and_the_end_of_a_text_counts(tmp_path: Path) -> None:
    engine = load_settings()
    venv = engine.engine_venv or engine.home / "engine"
    pip = [str(venv.expanduser() / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "-r", str(REQUIREMENTS)], check=True)
    settings = load_settings({"home": tmp_path / "home", "engine_venv": venv})
    long = " ".join([WEATHER] * 80)
    texts = {"weather": WEATHER, "sun": SUN, "stadium": STADIUM, "long": long, "turned": f"{long} {STADIUM * 40}"}
    found = embedded(settings, texts, lambda done, of: None)
    # From the page of sentence-transformers/all-MiniLM-L6-v2: 0.6660 and 0.1046.
    assert float(found["weather"] @ found["sun"]) == pytest.approx(0.6660, abs=2e-4)
    assert float(found["weather"] @ found["stadium"]) == pytest.approx(0.1046, abs=2e-4)
    assert all(float(vector @ vector) == pytest.approx(1.0, abs=1e-5) for vector in found.values())
    assert float(found["turned"] @ found["stadium"]) > float(found["long"] @ found["stadium"]) + 0.1
