"""`stats` and `compare` against a running service: the sentence, the table, plots, JSON, and exit codes for a build."""

from __future__ import annotations

import json
import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.cli import forest, requirements
from app.cli.forest import Row
from app.errors import InvalidInput
from tests.api.test_statistics import CELLS, passes, stored
from tests.cli.conftest import Presend, Ran
from tests.core.services.test_articles import SHARED
from tests.service import Caller, Service, agent, service, shared_service

__all__ = ["agent", "service", "shared_service"]


@pytest.fixture
def article(agent: Caller) -> tuple[str, str]:
    rows = [[*passes(cell[side] for cell in CELLS)] for side in (0, 1)]
    for one in rows:
        for number, row in enumerate(one):
            row["category"] = "first" if number < 24 else "second"
    return stored(agent, rows[0], "baseline"), stored(agent, rows[1], "trained")


@pytest.fixture
def ask(presend: Presend, service: Service, agent: Caller) -> Presend:
    """Run a command against the service."""

    def run(*arguments: str) -> Ran:
        return presend(*arguments, "--url", service.url, "--key", agent.key)

    return run


def test_compare_says_the_sentence_first(ask: Presend, article: tuple[str, str]) -> None:
    ran = ask("compare", *article)
    assert ran.code == 0
    assert ran.out.splitlines()[0].startswith(
        "trained passes 52.1 points more often than baseline on 48 shared tasks, 95 % CI 37.5 to 66.7"
    )
    for told in ("35.4 to 66.1", "35.4 to 68.8", "0.0779", "0.0850", "only trained 26", "exact McNemar p = 4.2e-7",
                 "Pairing narrows the percentile interval by 12.5 %"):  # fmt: skip
        assert told in ran.out


def test_runs_may_be_named(ask: Presend, article: tuple[str, str], agent: Caller) -> None:
    assert ask("compare", "baseline", "trained").code == 0
    assert "85.4 %" in ask("stats", "trained").out
    assert "No run has the name 'nobody'" in ask("stats", "nobody").err
    stored(agent, passes([True]), "trained")
    ran = ask("stats", "trained")
    assert (ran.code, "More than one run has the name 'trained'" in ran.err) == (1, True)


def test_groups_stand_below_their_run(ask: Presend, article: tuple[str, str]) -> None:
    out = ask("stats", *article, "--by", "category").out
    assert out.count("category first") == out.count("category second") == 2
    assert "first" in ask("compare", *article, "--by", "category", "--margin", "0.05").out


def test_missing_verdicts_are_told(ask: Presend, agent: Caller) -> None:
    runs = [
        stored(agent, passes(rows), name)
        for rows, name in (([True] * 41 + [False] * 4 + [None] * 3, "a"), ([True] * 48, "b"))
    ]
    assert "as_fail 72.8 to 92.8" in ask("stats", runs[0]).out
    assert "missing verdicts: difference 8.3 to 14.6; the conclusion" in ask("compare", *runs).out


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("delta.lo > 0", 0),
        ("delta.lo > 0.4", 5),
        ("recommended.lo >= 0.354 and p < 0.001 and n_shared == 48", 0),
        ("conclusion == b_higher and conclusion_robust == true", 0),
        ("conclusion_robust == false", 5),
        ("delta > 0.5", 0),
        ("no.such.thing > 0", 5),
        ("conclusion > 1", 5),
    ],
)
def test_a_build_may_hang_on_a_claim(ask: Presend, article: tuple[str, str], claim: str, code: int) -> None:
    ran = ask("compare", *article, "--require", claim)
    assert ran.code == code
    assert ("Not met" in ran.err) == (code == 5)


def test_each_run_must_meet_the_claim(ask: Presend, article: tuple[str, str]) -> None:
    ran = ask("stats", *article, "--require", "rate.lo > 0.7", "--require", "missing == 0")
    assert (ran.code, ran.err.strip()) == (5, "baseline: Not met: rate.lo > 0.7; rate.lo is 0.208333.")


@pytest.mark.parametrize("text", ["", "delta.lo", "delta.lo > ", "> 3", "delta.lo => 3", "a > 1 and"])
def test_a_claim_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"delta\.lo > 0"):
        requirements.parsed(text)


def test_a_claim_about_what_is_not_there_says_so() -> None:
    (claim,) = requirements.parsed("delt.lo > 0")
    told = claim.unmet({"delta": 0.5, "interval": {"lo": 0.4}})
    assert told == "Not met: delt.lo > 0; the answer has no `delt`; did you mean `delta`?"


def test_null_meets_nothing() -> None:
    (claim,) = requirements.parsed("bca.lo > -5")
    assert claim.unmet({"bca": None}) == "Not met: bca.lo > -5; bca.lo is null."
    assert requirements.parsed("bca == null")[0].unmet({"bca": None}) is None


def test_json_is_the_answer_as_it_came(ask: Presend, article: tuple[str, str]) -> None:
    assert json.loads(ask("compare", *article, "--json").out)["delta"] == pytest.approx(25 / 48)
    assert len(json.loads(ask("stats", *article, "--json").out)["runs"]) == 2


def test_plots_are_what_their_names_say(ask: Presend, article: tuple[str, str], tmp_path: Path) -> None:
    vector, pixels = tmp_path / "lift.svg", tmp_path / "lift.PNG"
    assert ask("compare", *article, "--plot", str(vector), "--by", "category").code == 0
    root = ET.fromstring(vector.read_text())  # noqa: S314 - written a line above
    words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "52.1 [37.5, 66.7]" in words
    assert "paired, Tango score" in words
    assert "   second" in words
    assert ask("stats", *article, "--plot", str(pixels)).code == 0
    header = pixels.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:24]) == (1800, 340)
    ran = ask("compare", *article, "--plot", str(tmp_path / "lift.gif"))
    assert (ran.code, "ends in neither" in ran.err) == (1, True)


def test_a_plot_escapes_names_and_holds_its_rows() -> None:
    drawing = forest.draw("a <b> & c", "x", [Row("<i>", 0.5, -1.0, 2.0, True), Row("n" * 99, 3.0, 3.0, 3.0)], 0.0)
    text = forest.svg(drawing)
    assert "a &lt;b&gt; &amp; c" in text
    assert "<i>" not in text
    left, right = (
        forest.SIDE + forest.WIDTH * forest.LABEL_SHARE,
        forest.WIDTH - forest.SIDE - forest.WIDTH * forest.FIGURE_SHARE,
    )
    lines = [one for one in drawing.shapes if isinstance(one, forest.Line)]
    assert all(left - 1e-9 <= x <= right + 1e-9 for one in lines for x in (one.x1, one.x2))
    with pytest.raises(InvalidInput, match="no interval"):
        forest.draw("t", "x", [], None)


def test_without_pillow_a_png_says_what_is_missing(
    ask: Presend, article: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    ran = ask("stats", article[0], "--plot", str(tmp_path / "a.png"))
    assert (ran.code, "presend[plot]" in ran.err) == (1, True)


def test_errors_of_a_run_are_errors(ask: Presend, agent: Caller, article: tuple[str, str]) -> None:
    ran = ask("stats", article[0], stored(agent, [], "empty"))
    assert (ran.code, "empty: There are no items" in ran.err) == (1, True)
    ran = ask("compare", article[0], stored(agent, [{"task_id": "x", "passed": True}], "other"))
    assert (ran.code, "share no task" in ran.err) == (1, True)


def test_check_article_prints_what_does_not_agree(presend: Presend) -> None:
    data = str(SHARED / "data")
    ran = presend("stats", "check-article", "--data", data)
    assert ran.code == 0
    assert "14 do not agree" in ran.out
    figures = json.loads(presend("stats", "check-article", "--data", data, "--json").out)
    paired = next(one for one in figures if one["name"] == "paired 95 % percentile interval")
    assert (paired["said"], paired["found"], paired["agrees"]) == ("[35.4, 68.8]", "[37.5, 66.7]", False)


def test_check_article_without_data(presend: Presend, tmp_path: Path) -> None:
    ran = presend("stats", "check-article", "--data", str(tmp_path))
    assert (ran.code, "--data" in ran.err) == (1, True)
