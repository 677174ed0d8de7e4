"""Latencies: rounds interleaved, warm-up out, ratios taken within rounds."""

from __future__ import annotations

import pytest

from app.errors import InvalidInput
from app.training.latency import main, read_urls
from app.training.timing import Timed, markdown, measure, ratio, ratio_of_means, sentence, summary


def test_every_round_times_every_condition_once_in_changing_order_and_warm_up_does_not_count():
    calls: list[str] = []

    def condition(name, seconds):
        def run():
            calls.append(name)
            return seconds if len(calls) > 6 else 99.0

        return run

    found = measure({n: condition(n, s) for n, s in (("base", 1.0), ("merged", 1.1), ("unmerged", 2.0))}, 12, 2, 7)
    rounds = [tuple(calls[i : i + 3]) for i in range(0, len(calls), 3)]
    assert len(rounds) == 14
    assert all(set(one) == {"base", "merged", "unmerged"} for one in rounds)
    assert len(set(rounds)) > 2
    assert {t.name: t.seconds for t in found}["merged"] == (1.1,) * 12


@pytest.mark.parametrize(("rounds", "warm_up", "names"), [(9, 1, 2), (10, 0, 2), (10, 1, 1)])
def test_too_little_to_compare_is_refused(rounds, warm_up, names):
    with pytest.raises(InvalidInput):
        measure({str(i): lambda: 1.0 for i in range(names)}, rounds, warm_up, 7)


def test_a_slow_spell_of_the_machine_cancels_within_rounds():
    base = Timed("base", tuple(1.0 + (i >= 10) * 3 for i in range(20)))
    merged = Timed("merged", tuple(1.01 * s for s in base.seconds))
    for found in (ratio(merged, base), ratio_of_means(merged, base)):
        assert found.estimate == pytest.approx(1.01)
        assert (found.lo, found.hi) == (pytest.approx(1.01), pytest.approx(1.01))


def test_one_disturbed_round_does_not_move_the_quoted_ratio():
    base = Timed("base", (1.0,) * 20)
    merged = Timed("merged", (*(1.0,) * 19, 50.0))
    assert ratio(merged, base).hi == 1.0
    assert ratio_of_means(merged, base).hi > 2


def test_other_rounds_are_not_compared():
    with pytest.raises(InvalidInput, match="same rounds"):
        ratio(Timed("merged", (1.0,)), Timed("base", (1.0, 1.0)))


@pytest.mark.parametrize(
    ("factor", "words"), [((1.0, 1.01), "costs nothing"), ((1.2, 1.3), "outside"), ((0.9, 1.1), "more rounds")]
)
def test_the_sentence_says_whether_the_interval_lies_within_three_per_cent(factor, words):
    base = Timed("base", (1.0,) * 20)
    merged = Timed("merged", tuple(factor[i % 2] for i in range(20)))
    rows = summary("transformers", [base, Timed("unmerged", (2.0,) * 20), merged])
    assert words in sentence(rows)[0]
    assert "| transformers | unmerged | 20 | 2000.0 | 2000.0 | 2.000 [2.000, 2.000] |" in markdown(rows)


def test_urls_are_named_and_come_in_twos():
    both = ["base=http://a:1/v1/", "merged=https://b:2/v1"]
    assert read_urls(both) == {"base": "http://a:1/v1", "merged": "https://b:2/v1"}
    assert read_urls([]) == {}
    for wrong, words in (
        (["base=http://a"], "at least two"),
        (["other=http://a"], "NAME=URL"),
        (["base=ftp://a", "merged=http://b"], "NAME=URL"),
        (["base=http://a", "base=http://b"], "twice"),
    ):
        with pytest.raises(InvalidInput, match=words):
            read_urls(wrong)


def test_servers_are_timed_and_a_wrong_one_is_one_sentence(capsys, tmp_path):
    assert main(["--only-servers"]) == 1
    assert "--only-servers needs --url" in capsys.readouterr().err
    assert main([]) == 1
    assert "--adapter names" in capsys.readouterr().err
    closed = ["--url", "base=http://127.0.0.1:9/v1", "--url", "merged=http://127.0.0.1:9/v1"]
    assert main(["--only-servers", *closed]) == 1
    assert "The server of base does not answer" in capsys.readouterr().err
