"""The articles' figures, recomputed from their own data, held as facts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.errors import SetupError
from app.services import articles
from app.services.articles import Figure

SHARED = Path(os.environ.get("PRESEND_SHARED", Path(__file__).resolve().parents[4] / "shared"))


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    data = SHARED / "data"
    assert data.is_dir(), f"The articles' data are not at {data}; set PRESEND_SHARED to the folder that holds data/."
    return articles.checked(data)


def found(figures: list[Figure], name: str) -> Figure:
    return next(one for one in figures if one.name == name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Pearson r", 0.1669567742259364),
        ("paired standard error", 0.07789317456310609),
        ("unpaired standard error", 0.0849985532284281),
        ("paired 95 % percentile interval", [0.375, 2 / 3]),
        ("unpaired 95 % percentile interval", [17 / 48, 0.6875]),
        ("the article's code, seed 42: paired", [0.375, 2 / 3]),
        ("the article's code, seed 42: unpaired", [17 / 48, 0.6875]),
        ("delta A, points", 76.59574468085107),
        ("delta A, 95 % interval", [30 / 47, 41 / 47]),
        ("delta A, one-sided p", 2.0**-36),
        ("delta A with ties as halves on both sides", 31.91489361702128),
        ("the same, 95 % interval", [0.22340425531914893, 0.40425531914893614]),
        ("delta B, 95 % percentile interval", [13 / 47, 27 / 47]),
        ("delta B, 95 % BCa interval", [14 / 47, 27 / 47]),
        ("delta B, p", 2.0**-19),
        ("overall agreement", 62 / 71),
        ("Cohen's kappa", 0.7503),
        ("Gwet's AC1", 0.7467),
        ("Krippendorff's alpha", 0.7481),
        ("agreement on format_check", 23 / 30),
    ],
)
def test_what_the_data_say(figures: list[Figure], name: str, value: object) -> None:
    near = 1e-4 if "'s " in name and "code" not in name else 1e-9
    assert found(figures, name).value == pytest.approx(value, rel=near)


def test_which_figures_of_the_articles_do_not_hold(figures: list[Figure]) -> None:
    assert [one.name for one in figures if not one.agrees] == [
        "paired 95 % percentile interval",
        "its width, points",
        "unpaired 95 % percentile interval",
        "its width, points",
        "the article's code, seed 42: paired",
        "the article's code, seed 42: unpaired",
        "which interval is narrower",
        "delta A with ties as halves on both sides",
        "the same, 95 % interval",
        "delta B, 95 % percentile interval",
        "comparisons of checks",
        "overall agreement",
        "agreement on format_check",
        "every check agrees on 0.80 or more",
    ]


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"paired_48_tasks\.json .*--data"):
        articles.checked(tmp_path)
