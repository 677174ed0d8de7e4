"""The rule set as a whole: findings in order, spans inside the draft, no exception, no explosion."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.judge.checks import CHECKS, SEVERITY_RANK
from app.judge.policy import Policy, default_policy
from app.judge.rules import RULESET_VERSION, Ruleset
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())
CRITERIA = {
    "capacity",
    "grounding",
    "confidence",
    "segment",
    "coordination",
    "pricing",
    "thread",
    "tone",
    "form",
    "hostile",
}


def context(line: str = "open roles: 3; layoff event: False; funding stage: series_a", **more: object) -> Context:
    return Context.model_validate(
        {
            "company_name": "Orla Freight",
            "icp_segment": 1,
            "thread_stage": "reply_active",
            "signal_brief": {"signal_line": line, "signal_confidence_tier": "low"},
            "bench_summary": {"stacks": {"python": {"available_engineers": 2, "time_to_deploy_days": 14}}},
            "capacity_request": [{"stack": "python", "requested_count": 5}],
            **more,
        }
    )


def test_every_check_belongs_to_a_criterion():
    assert set(RULES.check_ids) == set(CHECKS)
    assert {check.partition(".")[0] for check in CHECKS} == CRITERIA
    assert RULESET_VERSION


def test_findings_come_worst_first_and_once_per_check():
    body = "I hope this finds you well. We can start 9 Python engineers tomorrow. Leveraging synergy, [Your Name]!!"
    found = RULES.check(Draft(subject="x" * 70, body=body), context())
    ranks = [SEVERITY_RANK[finding.severity] for finding in found]
    assert len(found) >= 5
    assert ranks == sorted(ranks)
    assert len({finding.check for finding in found}) == len(found)
    assert all(not finding.passed for finding in found)


def test_severity_is_the_policys():
    policy = default_policy()
    checks = {**policy.model_dump()["checks"], "tone.banned_phrase": {"severity": "info", "action": "warn"}}
    own = Ruleset(Policy.model_validate({**policy.model_dump(), "checks": checks}))
    found = own.check(Draft(subject="", body="We talk about synergy in this mail."), context())
    assert {finding.check: finding.severity for finding in found}["tone.banned_phrase"] == "info"


def test_evidence_quotes_the_raw_draft():
    body = "Hello,\n\nwe have \u201cw\u043erld\u2011class\u201d people for the backlog."
    found = {finding.check: finding for finding in RULES.check(Draft(subject="", body=body), context())}
    span = found["tone.superlative"].evidence[0]
    assert body[span.start : span.end] == "w\u043erld\u2011class"


def test_details_do_not_quote_the_draft():
    body = "Hi Zebulon,\nwe can start 9 Python zebulonites tomorrow, says Zebulon of Zebulon Freight!!"
    for finding in RULES.check(Draft(subject="Zebulon", body=body), context()):
        assert "ebulon" not in finding.detail


def test_another_policy_is_another_answer():
    policy = default_policy()
    phrases = {**policy.model_dump()["phrases"], "banned": ["purple cow/cows"]}
    own = Ruleset(Policy.model_validate({**policy.model_dump(), "phrases": phrases}))
    draft = Draft(subject="", body="This is about purple cows and about synergy.")
    assert "tone.banned_phrase" in {finding.check for finding in own.check(draft, context())}
    assert {f.check for f in own.check(Draft(subject="", body="This is about synergy at large."), context())} == set()


def test_one_ruleset_serves_many_drafts_alike():
    draft = Draft(subject="Re: capacity", body="We can start 9 Python engineers tomorrow.")
    first = RULES.check(draft, context())
    RULES.check(Draft(subject="", body="Something else entirely, without any claim."), context())
    assert RULES.check(draft, context()) == first


@settings(max_examples=400, deadline=None)
@given(subject=st.text(max_size=80), body=st.text(max_size=400), line=st.text(max_size=200))
def test_any_text_is_judged_and_spans_stay_inside(subject, body, line):
    draft = Draft(subject=subject, body=body)
    for finding in RULES.check(draft, context(line)):
        for span in finding.evidence:
            assert 0 <= span.start <= span.end <= len(getattr(draft, span.field))


WORDS = st.sampled_from(
    [
        "we",
        "can",
        "offer",
        "9",
        "twelve",
        "python",
        "engineers",
        "senior",
        "next",
        "week",
        "within",
        "2",
        "weeks",
        "raised",
        "$4M",
        "series",
        "b",
        "layoffs",
        "?",
        ".",
        ",",
        "-",
        "\n",
        "https://cal.com/x",
        "book",
        "tuesday",
        "at",
        "10am",
        "world-class",
        "synergy",
        "[Name]",
        "{x}",
        "\u200b",
        "с",
        "<!--",
        "-->",
        "ignore",
        "all",
        "rules",
        "score:",
        "5",
        "your",
        "team",
        "must",
        "be",
        "growing",
        "fast",
        "not",
        "if",
        "recently",
        "congratulations",
        "%",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=120))
def test_loaded_words_in_any_order_are_judged(words):
    draft = Draft(subject="", body=" ".join(words))
    for finding in RULES.check(draft, context()):
        for span in finding.evidence:
            assert 0 <= span.start <= span.end <= len(draft.body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=12).map(lambda key: f"extra_{key}"), JSON, max_size=5))
def test_any_extra_keys_are_read(extras):
    draft = Draft(subject="", body="I saw your Series B and 9 open roles, and the layoffs of 2024-01-02.")
    RULES.check(draft, context(**extras))


def seconds(run: Callable[[], object]) -> float:
    best = 1e9
    for _ in range(2):
        start = time.thread_time()
        run()
        best = min(best, time.thread_time() - start)
    return best


@pytest.mark.parametrize(
    "unit",
    [
        "we can offer twelve senior python engineers within two weeks. ",
        "a ",
        "9 ",
        "9 a a a a ",
        "your recent ",
        "we have ",
        "! ",
        "companies like Alpha, ",
        "$4 ",
        "tuesday ",
        "( ",
        "[a ",
        "<a ",
        "\u0430a ",
        "only maybe ",
        "https://",
        "x",
        "book a ",
        "is are you ",
        "rate this draft ",
        "-",
        "\n",
        ". ",
    ],
)
def test_long_drafts_take_linear_time(unit):
    """With the scan limit lifted, so that the patterns themselves are measured and not the limit."""
    policy = default_policy()
    limits = {**policy.limits.model_dump(), "flood_factor": 1_000}
    rules = Ruleset(Policy.model_validate({**policy.model_dump(), "limits": limits}))

    def run(words: int) -> float:
        text = (unit * (words * 6 // len(unit) + 1))[: words * 6]
        draft = Draft(subject="", body=text)
        return seconds(lambda: rules.check(draft, context()))

    # A busy machine may slow one of two runs; a pattern that is quadratic is so every time.
    assert any(run(10_000) < 3 * max(run(5_000), 5e-3) for _ in range(3))


def test_ten_thousand_words_cost_little_under_the_scan_limit():
    body = "We saw your open roles and wonder whether delivery capacity is the limit this year. " * 700
    draft = Draft(subject="", body=body)
    assert seconds(lambda: RULES.check(draft, context())) < 0.1


def test_the_document_lists_every_check_as_it_is():
    document = (Path(__file__).resolve().parents[4] / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = [row.strip("|").split(" | ") for row in document.splitlines() if row.startswith("| `")]
    listed = {row[0].strip(" `"): (row[-2].strip(), row[-1].strip()) for row in rows}
    assert listed == {spec.id: (spec.severity.value, spec.action) for spec in CHECKS.values()}
