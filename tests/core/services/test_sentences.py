"""Sentences say what was seen, in the words a reviewer would use, and never more."""

from __future__ import annotations

import pytest

from app.services import estimates, sentences
from app.services.estimates import Wanted
from app.stats import Histogram, PairCounts

ARTICLE = PairCounts.of_table(15, 1, 26, 6)


def test_the_comparison_of_the_article_reads_as_a_reviewer_would_quote_it() -> None:
    made = estimates.compare(ARTICLE, Wanted(), ("A", "B"))
    assert made["sentence"] == (
        "B passes 52.1 points more often than A on 48 shared tasks, 95 % CI 37.5 to 66.7 (Tango 35.4 to 66.1), "
        "exact p = 4.2e-7."
    )
    assert made["pairing"]["sentence"] == (
        "Pairing narrows the percentile interval by 12.5 %; the conclusion stays the same."
    )


def test_the_other_way_round_says_less() -> None:
    made = estimates.compare(PairCounts.of_table(15, 26, 1, 6), Wanted(method="recommended"), ("A", "B"))
    assert made["sentence"] == (
        "B passes 52.1 points less often than A on 48 shared tasks, 95 % CI -66.1 to -35.4, exact p = 4.2e-7."
    )


def test_a_difference_that_may_be_none_is_not_called_one() -> None:
    made = estimates.compare(PairCounts.of_table(20, 4, 5, 19), Wanted(), ("A", "B"))
    assert made["conclusion"] == "undecided"
    assert made["sentence"].endswith("exact p = 1; the difference is not established.")
    equal = estimates.compare(PairCounts.of_table(20, 5, 5, 18), Wanted(), ("A", "B"))
    assert equal["sentence"].startswith("B passes as often as A on 48 shared tasks, 95 % CI")


def test_a_run_is_told_with_what_is_missing() -> None:
    made = estimates.estimate(Histogram.of_rate(41, 4, 3), Wanted(), "trained")
    assert made["sentence"] == (
        "trained passes 91.1 % of 45 tasks, 95 % CI 82.2 to 97.8 (Wilson 79.3 to 96.5); 3 more had no verdict."
    )


def test_scores_are_told_in_points_of_their_scale() -> None:
    pairs = PairCounts.of([(3.0, 4.0, 30), (4.0, 4.0, 20), (5.0, 4.0, 5)])
    made = estimates.compare(pairs, Wanted(metric="score", scale=(1.0, 5.0)), ("A", "B"))
    assert made["sentence"].startswith("B scores 0.455 points higher than A (score) on 55 shared tasks, 95 % CI ")
    single = estimates.estimate(Histogram.of({3.0: 5, 4.0: 5}), Wanted(metric="score"), "A")
    assert single["sentence"].startswith("A has a mean score of 3.50 on 10 tasks, 95 % CI ")


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (1.0, "1"),
        (0.0312, "0.031"),
        (0.001, "0.001"),
        (4.17e-7, "4.2e-7"),
        (9.99e-5, "1.0e-4"),
        (0.0, "less than 1e-300"),
    ],
)
def test_p_values(p: float, told: str) -> None:
    assert sentences.p_value(p) == told


@pytest.mark.parametrize(("share", "told"), [(0.95, "95"), (0.999, "99.9"), (0.125, "12.5"), (1 / 3, "33.3")])
def test_percent(share: float, told: str) -> None:
    assert sentences.percent(share) == told


def test_no_sign_of_zero() -> None:
    assert sentences.points(-0.0001) == "0.0"
