"""Fitting on too few drafts is refused by criterion, with what to raise."""

from __future__ import annotations

import numpy as np
import pytest

from app.bench.moves import MODEL_CRITERIA
from app.errors import SetupError
from app.training.calibrate import fit_all
from app.training.heldout import held_out_generated


@pytest.mark.parametrize("scenarios", [0, 2])
def test_too_few_drafts_name_the_criterion_and_the_option(scenarios):
    rows = held_out_generated(11, "valid", scenarios)
    raw = np.full((len(rows), len(MODEL_CRITERIA)), 0.5)
    names = "|".join(MODEL_CRITERIA)
    with pytest.raises(SetupError, match=rf"^({names}): calibration needs at least 8 .*; raise --scenarios\.$"):
        fit_all(rows, raw, 0.98, 0.005, "")
