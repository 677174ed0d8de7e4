"""The boundary: numbers only from a whole, valid verdict, whatever the model sends."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.judge.rubric import Rubric, parse_rubric
from app.judge.verdict import (
    MAX_REASON_CHARS,
    ModelVerdict,
    RawAnswer,
    ScoreDistribution,
    TokenLogprob,
    read_answer,
    read_verdict_text,
    score_distributions,
)
from app.schemas import Outcome

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = parse_rubric((ROOT / "app/judge/rubrics/default.toml").read_text("utf-8"), "default.toml")
RUBRIC = Rubric(name="four", version="1", title="Four questions", criteria=SHIPPED.model_criteria[:4])
COUNT = len(RUBRIC.model_criteria)
GOOD = json.dumps({"s": [5, 4, 3, 1]}, separators=(",", ":"))
EXPLAINED = json.dumps({"s": [5, 4, 3, 1], "reason": "It names a fact."}, separators=(",", ":"))


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    scores = st.lists(inner | st.integers(0, 6), min_size=COUNT, max_size=COUNT)
    return st.lists(inner) | st.dictionaries(st.sampled_from(["s", "reason"]), inner | scores, max_size=2)


Alternatives = tuple[tuple[str, float], ...]
_TOPS = st.lists(st.tuples(st.text(max_size=3), st.floats()), max_size=4).map(tuple)


def digits(chosen: str, *, at: float = 0.8, before: str = "", after: str = "") -> TokenLogprob:
    """A token that holds one digit, with the other four sharing what is left."""
    top = tuple((f"{before}{d}{after}", math.log(at if d == chosen else (1.0 - at) / 4.0)) for d in "12345")
    return TokenLogprob(f"{before}{chosen}{after}", math.log(at), top)


def plain(text: str) -> TokenLogprob:
    """A token with nothing beside it."""
    return TokenLogprob(text, 0.0, ((text, 0.0),))


def spell(text: str) -> tuple[TokenLogprob, ...]:
    """One token a character."""
    return tuple(digits(c) if c in "12345" else plain(c) for c in text)


def answer(text: str | None, **changes: object) -> RawAnswer:
    fields: dict[str, object] = {"finish_reason": "stop", "tokens": spell(text or "")}
    return RawAnswer(text=text, **(fields | changes))  # type: ignore[arg-type]


def assert_no_number(verdict: ModelVerdict) -> None:
    assert verdict.outcome is not Outcome.JUDGED
    assert (verdict.scores, verdict.distributions, verdict.reason) == ((), (), None)
    assert verdict.detail


def shared_data(name: str) -> Path:
    """A third-party file that stands beside the project."""
    path = Path(os.environ.get("PRESEND_SHARED", ROOT.parent / "shared")) / "data" / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: set PRESEND_SHARED to the folder that holds data/{name}")
    return path


class TestText:
    def test_a_whole_verdict_is_read(self) -> None:
        verdict = read_verdict_text(GOOD, RUBRIC, explain=False)
        assert (verdict.outcome, verdict.scores) == (Outcome.JUDGED, (5, 4, 3, 1))

    def test_a_reason_is_read_flat_and_bounded(self) -> None:
        reason = "one\n\ttwo\x00 \u202ethree\ud800 " + "x" * 2 * MAX_REASON_CHARS
        text = json.dumps({"s": [5] * COUNT, "reason": reason})
        verdict = read_verdict_text(text, RUBRIC, explain=True)
        assert verdict.reason is not None
        assert verdict.reason.startswith("one two three x")
        assert len(verdict.reason) == MAX_REASON_CHARS

    @pytest.mark.parametrize(
        ("text", "outcome"),
        [
            ("five out of five", Outcome.UNPARSEABLE),
            (f"Here: {GOOD}", Outcome.UNPARSEABLE),
            (f"{GOOD} done", Outcome.UNPARSEABLE),
            (GOOD + GOOD, Outcome.UNPARSEABLE),
            (f"```json\n{GOOD}\n```", Outcome.UNPARSEABLE),
            (GOOD[:-1], Outcome.UNPARSEABLE),
            (GOOD[:-2], Outcome.UNPARSEABLE),
            ("\ufeff" + GOOD, Outcome.UNPARSEABLE),
            ('{"s":[NaN,5,5,5]}', Outcome.UNPARSEABLE),
            ('{"s":[Infinity,5,5,5]}', Outcome.UNPARSEABLE),
            ('{"s":[05,5,5,5]}', Outcome.UNPARSEABLE),
            ("[" * 100_000, Outcome.UNPARSEABLE),
            ('{"s":[%s,5,5,5]}' % ("9" * 5_000), Outcome.UNPARSEABLE),
            ("null", Outcome.SCHEMA_MISMATCH),
            ("5", Outcome.SCHEMA_MISMATCH),
            ("[5,5,5,5]", Outcome.SCHEMA_MISMATCH),
            ("{}", Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,5],"s":[1,1,1,1]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,5],"x":1}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,5,5]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,5.0]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,"5"]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,true]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,null]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":[5,5,5,[5]]}', Outcome.SCHEMA_MISMATCH),
            ('{"s":"55555"}', Outcome.SCHEMA_MISMATCH),
            ('{"s":{"0":5}}', Outcome.SCHEMA_MISMATCH),
            ('{"score":5,"reason":"fine"}', Outcome.SCHEMA_MISMATCH),
            (EXPLAINED, Outcome.SCHEMA_MISMATCH),
            ('{"s":[0,5,5,5]}', Outcome.OUT_OF_RANGE),
            ('{"s":[6,5,5,5]}', Outcome.OUT_OF_RANGE),
            ('{"s":[-5,5,5,5]}', Outcome.OUT_OF_RANGE),
            ('{"s":[55,5,5,5]}', Outcome.OUT_OF_RANGE),
        ],
    )
    def test_anything_else_is_no_verdict(self, text: str, outcome: Outcome) -> None:
        verdict = read_verdict_text(text, RUBRIC, explain=False)
        assert verdict.outcome is outcome
        assert_no_number(verdict)

    @pytest.mark.parametrize(
        "text",
        [
            GOOD,
            '{"s":[5,5,5,5],"reason":null}',
            '{"s":[5,5,5,5],"reason":5}',
            '{"reason":"argued first","s":[5,5,5,5]}',
        ],
    )
    def test_an_explained_verdict_needs_its_reason_behind_the_scores(self, text: str) -> None:
        verdict = read_verdict_text(text, RUBRIC, explain=True)
        assert verdict.outcome is Outcome.SCHEMA_MISMATCH
        assert_no_number(verdict)

    @given(st.text() | st.from_regex(r'\{"s":\[[-0-9,. "]{0,12}\]\}', fullmatch=True), st.booleans())
    @example(GOOD, False)
    @example(EXPLAINED, True)
    def test_arbitrary_text_is_judged_only_when_it_is_a_whole_verdict(self, text: str, explain: bool) -> None:
        verdict = read_verdict_text(text, RUBRIC, explain=explain)
        if verdict.outcome is not Outcome.JUDGED:
            assert_no_number(verdict)
            return
        value = json.loads(text)
        assert list(value) == (["s", "reason"] if explain else ["s"])
        assert value["s"] == list(verdict.scores)
        assert len(verdict.scores) == COUNT
        assert all(type(score) is int and 1 <= score <= 5 for score in value["s"])

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), _nested))
    def test_arbitrary_json_is_judged_only_when_it_is_a_whole_verdict(self, value: object) -> None:
        verdict = read_verdict_text(json.dumps(value), RUBRIC, explain=False)
        assert (verdict.outcome is Outcome.JUDGED) == (
            isinstance(value, dict)
            and list(value) == ["s"]
            and isinstance(value["s"], list)
            and len(value["s"]) == COUNT
            and all(type(score) is int and 1 <= score <= 5 for score in value["s"])
        )

    @given(st.lists(st.integers(1, 5), min_size=COUNT, max_size=COUNT), st.data())
    def test_a_cut_or_an_insertion_never_changes_a_score(self, scores: list[int], data: st.DataObject) -> None:
        text = json.dumps({"s": scores}, separators=(",", ":"))
        at = data.draw(st.integers(0, len(text)))
        extra = data.draw(st.text(alphabet=' \n"{}[],:s0123456789-eE.', max_size=3))
        for changed in (text[:at], text[at:], text[:at] + extra + text[at:]):
            verdict = read_verdict_text(changed, RUBRIC, explain=False)
            if verdict.outcome is Outcome.JUDGED:
                assert json.loads(changed) == {"s": list(verdict.scores)}


def test_third_party_answers_yield_a_number_only_where_a_whole_verdict_stands() -> None:
    """47 answers of another team's judge, which was asked for JSON and mostly wrote prose."""
    path = shared_data("salesconversion_bench_raw/ablations/held_out_traces_raw.jsonl")
    outputs = [json.loads(line)["model_output"] for line in path.read_text("utf-8").splitlines()]
    assert len(outputs) == 47
    counts: Counter[Outcome] = Counter()
    for text in outputs:
        for explain in (False, True):
            verdict = read_answer(answer(text), RUBRIC, explain=explain)
            assert_no_number(verdict)
            counts[verdict.outcome] += 1
    # Four are JSON of another shape; read for scores or with a reason, each answer counts twice.
    assert counts == {Outcome.UNPARSEABLE: 2 * 43, Outcome.SCHEMA_MISMATCH: 2 * 4}


class TestEndings:
    @pytest.mark.parametrize(
        ("changes", "outcome"),
        [
            ({"refusal": "no"}, Outcome.REFUSED),
            ({"finish_reason": "content_filter"}, Outcome.REFUSED),
            ({"finish_reason": "length"}, Outcome.TRUNCATED),
            ({"finish_reason": "repetition"}, Outcome.TRUNCATED),
            ({"finish_reason": "tool_calls"}, Outcome.TRUNCATED),
            ({"finish_reason": None}, Outcome.TRUNCATED),
            ({"finish_reason": "something new"}, Outcome.TRUNCATED),
            ({"finish_reason": "abort"}, Outcome.CANCELLED),
            ({"tokens": None}, Outcome.SCHEMA_MISMATCH),
            ({"tokens": ()}, Outcome.SCHEMA_MISMATCH),
        ],
    )
    def test_a_valid_text_with_a_bad_ending_is_no_verdict(self, changes: dict[str, object], outcome: Outcome) -> None:
        verdict = read_answer(answer(GOOD, **changes), RUBRIC, explain=False)
        assert verdict.outcome is outcome
        assert_no_number(verdict)
        assert "something new" not in verdict.detail

    @pytest.mark.parametrize("text", [None, "", " \n\t"])
    def test_no_text_is_empty(self, text: str | None) -> None:
        verdict = read_answer(answer(text), RUBRIC, explain=False)
        assert verdict.outcome is Outcome.EMPTY
        assert_no_number(verdict)

    def test_a_whole_answer_is_judged(self) -> None:
        verdict = read_answer(answer(GOOD), RUBRIC, explain=False)
        assert verdict.outcome is Outcome.JUDGED
        assert verdict.scores == (5, 4, 3, 1)
        assert [round(d.expected, 9) for d in verdict.distributions] == pytest.approx([4.5, 3.75, 3, 1.5])

    def test_a_reason_that_repeats_the_marker_is_withheld(self) -> None:
        text = json.dumps({"s": [5] * COUNT, "reason": "The marker is 1a2b3c4d."})
        kept = read_answer(answer(text), RUBRIC, explain=True, delimiter="99999999")
        withheld = read_answer(answer(text), RUBRIC, explain=True, delimiter="1a2b3c4d")
        assert kept.reason == "The marker is 1a2b3c4d."
        assert withheld.outcome is Outcome.JUDGED
        assert withheld.reason is None
        assert len(withheld.notes) == 1

    @given(
        st.text() | st.none(),
        st.none() | st.sampled_from(["stop", "length", "abort", "content_filter", "repetition"]) | st.text(),
        st.none() | st.lists(st.tuples(st.text(max_size=3), st.floats(), _TOPS), max_size=8),
    )
    def test_no_answer_raises(
        self, text: str | None, finish: str | None, raw: list[tuple[str, float, Alternatives]] | None
    ) -> None:
        tokens = None if raw is None else tuple(TokenLogprob(*item) for item in raw)
        verdict = read_answer(RawAnswer(text=text, finish_reason=finish, tokens=tokens), RUBRIC, explain=False)
        if verdict.outcome is not Outcome.JUDGED:
            assert_no_number(verdict)


class TestLogprobs:
    def read(self, *tokens: TokenLogprob, text: str = GOOD) -> tuple[ScoreDistribution, ...]:
        found = score_distributions(tokens, text, COUNT)
        assert not isinstance(found, str), found
        return found

    def test_a_digit_joined_with_bracket_or_comma(self) -> None:
        found = self.read(
            plain('{"s":'),
            digits("5", before="["),
            digits("4", before=",", after=","),
            digits("3"),
            digits("1", before=",", after="]}"),
        )
        assert [max(range(5), key=d.p.__getitem__) + 1 for d in found] == [5, 4, 3, 1]
        assert all(d.p[digit - 1] == pytest.approx(0.8) for digit, d in zip((5, 4, 3, 1), found, strict=True))

    def test_two_digits_in_one_token_are_read_given_each_other(self) -> None:
        pair = TokenLogprob(
            "5,4", math.log(0.5), (("5,4", math.log(0.5)), ("5,1", math.log(0.25)), ("1,4", math.log(0.25)))
        )
        found = self.read(plain('{"s":['), pair, *spell(",3,1]}"))
        assert found[0].p == pytest.approx((1 / 3, 0, 0, 0, 2 / 3))
        assert found[1].p == pytest.approx((1 / 3, 0, 0, 2 / 3, 0))
        assert found[0].mass == pytest.approx(0.75)

    def test_alternatives_of_another_shape_do_not_count(self) -> None:
        token = TokenLogprob(
            "5", math.log(0.5), (("5", math.log(0.5)), ("5,", math.log(0.3)), ("x", math.log(0.1)), ("", -1.0))
        )
        first = self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0]
        assert first.p == (0, 0, 0, 0, 1.0)
        assert first.mass == pytest.approx(0.5)

    def test_unreported_alternatives_carry_nothing(self) -> None:
        token = TokenLogprob("5", 0.0, (("5", 0.0), *((d, -9999.0) for d in "1234")))
        first = self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0]
        assert first.p == (0, 0, 0, 0, 1.0)

    def test_a_score_without_any_reported_digit_is_no_verdict(self) -> None:
        token = TokenLogprob("5", -9999.0, (("5", -9999.0),))
        text = read_answer(answer(GOOD, tokens=(plain('{"s":['), token, *spell(",4,3,1]}"))), RUBRIC, explain=False)
        assert text.outcome is Outcome.SCHEMA_MISMATCH
        assert "no digit" in text.detail

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_a_logprob_that_is_no_number_carries_nothing(self, bad: float) -> None:
        token = TokenLogprob("5", 0.0, (("5", 0.0), ("1", bad)))
        assert self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0].p == (0, 0, 0, 0, 1.0)

    def test_a_token_listed_twice_counts_once(self) -> None:
        token = TokenLogprob("5", math.log(0.6), (("5", math.log(0.6)), ("5", math.log(0.6)), ("1", math.log(0.4))))
        first = self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0]
        assert first.p == pytest.approx((0.4, 0, 0, 0, 0.6))
        assert first.mass == pytest.approx(1.0)

    def test_the_chosen_token_counts_when_the_list_leaves_it_out(self) -> None:
        token = TokenLogprob("5", math.log(0.5), (("1", math.log(0.5)),))
        assert self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0].p == pytest.approx((0.5, 0, 0, 0, 0.5))

    def test_mass_below_one_is_kept_and_the_rest_renormalised(self) -> None:
        token = TokenLogprob("5", math.log(0.3), (("5", math.log(0.3)), ("4", math.log(0.1))))
        first = self.read(plain('{"s":['), token, *spell(",4,3,1]}"))[0]
        assert first.mass == pytest.approx(0.4)
        assert sum(first.p) == pytest.approx(1.0)
        assert first.expected == pytest.approx(4.75)

    def test_whitespace_in_the_answer_moves_nothing(self) -> None:
        text = '{ "s" : [5, 4,\n3 , 1 ] }'
        found = self.read(*spell(text), text=text)
        assert [max(range(5), key=d.p.__getitem__) + 1 for d in found] == [5, 4, 3, 1]

    def test_an_end_token_may_follow(self) -> None:
        assert len(self.read(*spell(GOOD), plain("<|im_end|>"))) == COUNT

    def test_a_reason_whose_characters_are_split_over_tokens_spoils_nothing(self) -> None:
        text = json.dumps({"s": [5, 4, 3, 1], "reason": "né 🙂"}, ensure_ascii=False, separators=(",", ":"))
        head, _, _ = text.partition("é")
        tokens = (*spell(head), plain("\ufffd"), plain("\ufffd"), plain(" "), plain("\ufffd"), plain('"}'))
        verdict = read_answer(answer(text, tokens=tokens), RUBRIC, explain=True)
        assert verdict.outcome is Outcome.JUDGED
        assert verdict.reason == "né 🙂"

    @pytest.mark.parametrize(
        "tokens",
        [
            spell(GOOD)[1:],
            spell(GOOD)[:8],
            spell(GOOD.replace("4", "2")),
            spell("x" + GOOD),
            (plain(""),),
        ],
    )
    def test_tokens_that_do_not_spell_the_scores_are_refused(self, tokens: tuple[TokenLogprob, ...]) -> None:
        verdict = read_answer(answer(GOOD, tokens=tokens), RUBRIC, explain=False)
        assert verdict.outcome is Outcome.SCHEMA_MISMATCH
        assert_no_number(verdict)

    @given(
        st.lists(st.lists(st.floats(-30, 0), min_size=5, max_size=5), min_size=COUNT, max_size=COUNT),
        st.lists(st.integers(1, 5), min_size=COUNT, max_size=COUNT),
    )
    def test_distributions_are_probabilities(self, logprobs: list[list[float]], scores: list[int]) -> None:
        text = json.dumps({"s": scores}, separators=(",", ":"))
        tokens = [plain('{"s":[')]
        for index, (score, row) in enumerate(zip(scores, logprobs, strict=True)):
            top = tuple(zip("12345", row, strict=True))
            tokens += [plain(",")] * (index > 0) + [TokenLogprob(str(score), row[score - 1], top)]
        for row, found in zip(logprobs, self.read(*tokens, plain("]}"), text=text), strict=True):
            weights = [math.exp(value) for value in row]
            assert found.p == pytest.approx([w / sum(weights) for w in weights])
            assert found.mass == pytest.approx(min(1.0, sum(weights)))
            assert 1.0 <= found.expected <= 5.0
            assert 0.0 <= found.p_fail <= 1.0

    def test_expected_score_and_p_fail_by_hand(self) -> None:
        found = ScoreDistribution((0.1, 0.2, 0.4, 0.2, 0.1), 1.0)
        assert found.expected == pytest.approx(3.0)
        assert found.p_fail == pytest.approx(0.1 + 0.2 + 0.2)


def test_a_rubric_of_one_criterion_is_read() -> None:
    one = Rubric.model_validate(
        {"name": "one", "version": "1", "title": "t", "criteria": [RUBRIC.model_criteria[0].model_dump()]}
    )
    verdict = read_answer(answer('{"s":[2]}'), one, explain=False)
    assert (verdict.outcome, verdict.scores) == (Outcome.JUDGED, (2,))
