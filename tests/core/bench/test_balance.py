"""AUC by ranks, against hand calculations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bench.balance import auc

VALUES = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=12)


def test_auc_by_hand():
    assert auc([1, 2], [3, 4]) == 1.0
    assert auc([3, 4], [1, 2]) == 0.0
    assert auc([1, 3], [2, 3]) == pytest.approx((1 + 0 + 1 + 0.5) / 4)


@given(VALUES, VALUES)
def test_auc_is_the_share_of_won_comparisons(negatives, positives):
    won = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p in positives for n in negatives)
    assert auc(negatives, positives) == pytest.approx(won / (len(positives) * len(negatives)))


def test_an_empty_side_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        auc([], [1.0])
