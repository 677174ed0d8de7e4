"""What ships as the judge: small, trained on what the recipe says; its records, card and rubric agree."""

from __future__ import annotations

import json
import os
from pathlib import Path

import app
from app.training.calibration import read_calibration
from app.training.card import card, check_weights
from app.training.encode import default_rubric
from app.training.mixture import digest, draw
from app.training.recipes import SHIPPED_RECIPE, read_stages
from app.training.report import authors_table

WEIGHTS = Path(app.__file__).parent / "weights"
ADAPTER = WEIGHTS / "adapter"
MOST_BYTES = 12_000_000
ORDERED_ONLY = {"segment"}
"""Where the model orders new situations better than the rules and decides no better; known ones it decides better
(docs/judge-model.md)."""


def record(name):
    return json.loads((WEIGHTS / name).read_text(encoding="utf-8"))


def test_the_shipped_adapter_is_small():
    assert sum(path.stat().st_size for path in ADAPTER.iterdir()) <= MOST_BYTES


def test_the_shipped_adapter_was_trained_on_what_the_shipped_recipe_draws():
    shared = Path(os.environ.get("PRESEND_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    rows, licences = draw(read_stages(SHIPPED_RECIPE)[-1], shared / "data")
    assert digest(rows) == record("adapter/training.json")["data_digest"]
    assert licences == record("adapter/training.json")["published_sources"]


def test_the_card_is_what_the_records_say():
    text = card(
        record("adapter/training.json"),
        read_calibration(WEIGHTS / "calibration.json"),
        record("evaluation.json"),
        (ADAPTER / "adapter_model.safetensors").stat().st_size,
        authors_table(record("authors.json")),
    )
    assert text == (WEIGHTS / "CARD.md").read_text(encoding="utf-8")


def test_the_figures_were_measured_with_the_calibration_that_ships():
    check_weights(record("evaluation.json"), read_calibration(WEIGHTS / "calibration.json"))


def test_the_model_is_asked_only_where_it_adds_to_the_rules():
    figures = record("evaluation.json")["criteria"]
    for criterion in default_rubric().model_criteria:
        rules, both = (figures[judge][criterion.id] for judge in ("rules", "rules+LoRA"))
        assert criterion.judged_by == "both"
        if criterion.id not in ORDERED_ONLY:
            assert both["balanced_accuracy"] > rules["balanced_accuracy"], criterion.id
        assert both["balanced_accuracy"] > rules["balanced_accuracy"] - 0.005, criterion.id
        assert both["auc"] > rules["auc"], criterion.id


def test_what_the_rules_decide_alone_no_model_is_asked():
    figures = record("evaluation.json")["criteria"]
    decided = {criterion.id for criterion in default_rubric().criteria if criterion.judged_by == "rule"}
    assert decided <= set(figures["rules"])
    assert not decided & set(figures["LoRA"])
