"""The reliability plot: marks stand where the figures say, and a perfect judge lies on the diagonal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.cli.forest import ACCENT, Box, svg
from app.cli.reliability import PANEL, draw, plot
from app.errors import InvalidInput
from app.training.calibration import reliability


def test_bins_by_hand():
    p = np.array([0.05, 0.05, 0.55, 0.55, 0.95])
    failed = np.array([False, True, True, True, True])
    assert reliability(p, failed) == [(0.05, 0.5, 2), (0.55, 1.0, 2), (0.95, 1.0, 1)]


def test_a_perfect_judge_lies_on_the_diagonal():
    drawing = draw("t", {"tone": [(0.1, 0.1, 10), (0.9, 0.9, 40)]})
    low, high = [shape for shape in drawing.shapes if isinstance(shape, Box) and shape.colour == ACCENT]
    middle = [(b.x + b.width / 2, b.y + b.height / 2) for b in (low, high)]
    assert middle[1][0] - middle[0][0] == pytest.approx(0.8 * PANEL)
    assert middle[0][1] - middle[1][1] == pytest.approx(0.8 * PANEL)
    assert high.width == pytest.approx(2 * low.width)


def test_every_criterion_has_a_panel_and_none_is_refused(tmp_path):
    file = tmp_path / "r.json"
    file.write_text(json.dumps({name: [[0.5, 0.4, 3]] for name in ("grounding", "tone", "segment", "confidence")}))
    text = svg(plot(file))
    assert all(name in text for name in ("grounding", "tone", "segment", "confidence"))
    with pytest.raises(InvalidInput, match="no criterion"):
        draw("t", {})
