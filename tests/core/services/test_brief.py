"""Brief answers hold the figures of full ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.db.fields import metric_of
from app.services import estimates
from app.services.brief import Question, answered, fits
from app.services.estimates import Wanted

PASSED = metric_of("passed")
assert PASSED is not None
LABELS = ("1", "0", None)
WANTED = Wanted(scale=(0.0, 1.0))
Cells = list[tuple[str | None, str | None, int]]


def question(counts: list[int], wanted: Wanted = WANTED) -> Question:
    cells = [(a, b) for a in LABELS for b in LABELS]
    rows: Cells = [(a, b, n) for (a, b), n in zip(cells, counts, strict=True) if n]
    total = sum(counts)
    return Question(rows, PASSED, wanted, (total + 2, total + 3), ())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 25), min_size=9, max_size=9), min_size=1, max_size=6))
def test_brief_and_full_say_the_same(tables: list[list[int]]) -> None:
    questions = [question(counts) for counts in tables]
    for one, brief in zip(questions, answered(questions), strict=True):
        values = [(PASSED.value(a), PASSED.value(b), n) for a, b, n in one.cells]
        pairs = estimates.pairs_of(values, None)
        if not pairs.judged.n:
            assert brief is None
            continue
        full = estimates.compare(pairs, one.wanted, ("a", "b"), only=(2, 3))
        assert brief is not None
        for name in ("n_shared", "n_judged", "only_a", "only_b", "conclusion", "conclusion_robust", "metric", "unit"):
            assert brief[name] == full[name], name
        assert tuple(brief["table"].values()) == (
            full["table"].both, full["table"].only_a, full["table"].only_b, full["table"].neither
        )  # fmt: skip
        for name in ("mean_a", "mean_b", "delta", "p_sign_flip", "p_mcnemar_exact"):
            assert brief[name] == pytest.approx(full[name], rel=1e-12, abs=1e-15), name
        assert brief["paired"]["se"] == pytest.approx(full["paired"]["se"], abs=1e-12)
        for name in ("percentile", "recommended"):
            mine, theirs = brief["paired"][name], full["paired"][name]
            assert (mine.lo, mine.hi) == pytest.approx((theirs.lo, theirs.hi), abs=1e-9)
            assert (mine.n, mine.method, mine.degenerate) == (theirs.n, theirs.method, theirs.degenerate)
        for name in ("excluded", "as_fail", "as_pass", "at_min", "at_max"):
            mine, theirs = brief["failure_bounds"][name], full["failure_bounds"][name]
            assert (mine.estimate, mine.lo, mine.hi) == pytest.approx((theirs.estimate, theirs.lo, theirs.hi), abs=1e-9)
        missing = ("missing_a", "missing_b", "sign_robust")
        assert [brief["failure_bounds"][name] for name in missing] == [full["failure_bounds"][name] for name in missing]
        assert {one.code for one in brief["warnings"]} <= {one.code for one in full["warnings"]}


def test_each_confidence_is_its_own() -> None:
    wide, narrow = (
        answered([question([15, 1, 0, 26, 6, 0, 0, 0, 0], Wanted(scale=(0.0, 1.0), confidence=level))])[0]
        for level in (0.99, 0.9)
    )
    assert wide is not None
    assert narrow is not None
    assert (wide["interval"].lo, narrow["interval"].lo) == pytest.approx((0.3125, 19 / 48))


def test_what_does_not_fit_is_told_in_full() -> None:
    score = metric_of("score")
    assert score is not None
    assert fits(PASSED, WANTED)
    assert not fits(score, WANTED)
    for other in (Wanted(), Wanted(scale=(0.0, 1.0), margin=0.1), Wanted(scale=(0.0, 1.0), method="bca")):
        assert not fits(PASSED, other)
    assert not fits(PASSED, Wanted(scale=(0.0, 1.0), confidence=1.0))
