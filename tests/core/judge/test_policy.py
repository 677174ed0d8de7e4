"""A policy file is read whole or refused with every fault named by file and key."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.errors import ConfigurationError
from app.judge.checks import CHECKS
from app.judge.policy import Policy, default_policy, parse_policy
from app.schemas import Severity

MINIMAL = 'name = "small"\n[vendor]\nname = "Small Ltd"\n'


def faults(text: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, "own.toml")
    return {fault.path: fault.message for fault in caught.value.faults}


def test_shipped_policy_is_complete():
    policy = default_policy()
    assert policy.vendor.name == "Kestrelworks"
    assert set(policy.checks) == set(CHECKS)
    assert policy.phrases.banned
    assert policy.pricing.bands


def test_minimal_policy_takes_the_defaults():
    policy = parse_policy(MINIMAL, "own.toml")
    assert (policy.limits.cold_words, policy.limits.warm_words, policy.limits.re_engagement_words) == (120, 200, 100)
    assert policy.limits.subject_chars == 60
    assert policy.booking.before_ready == "forbid"
    assert policy.model.fail_at == 0.5
    assert policy.checks["capacity.overcommitment"].severity is Severity.CRITICAL


@pytest.mark.parametrize("table", ['[checks."tone.guilt"]', "[checks.tone.guilt]"])
def test_check_is_overridden_in_part(table):
    policy = parse_policy(f'{MINIMAL}{table}\naction = "warn"\n', "own.toml")
    assert policy.checks["tone.guilt"].action == "warn"
    assert policy.checks["tone.guilt"].severity is CHECKS["tone.guilt"].severity


def test_thresholds_per_criterion():
    policy = parse_policy(
        f"{MINIMAL}[model]\nfail_at = 0.4\nabstain_band = 0.1\n[model.criteria.tone]\nfail_at = 0.6\n", "own.toml"
    )
    assert (policy.model.fail_threshold("tone"), policy.model.fail_threshold("segment")) == (0.6, 0.4)
    assert policy.model.band("tone") == 0.1


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "own.toml: name", "missing"),
        ('name = "x"', "own.toml: vendor", "missing"),
        (MINIMAL + "[limits]\ncold_word = 5\n", "own.toml: limits.cold_word", "not a key"),
        (MINIMAL + "[limits]\ncold_words = 0\n", "own.toml: limits.cold_words", "greater than or equal to 10"),
        (MINIMAL + '[limits]\ncold_words = "many"\n', "own.toml: limits.cold_words", "integer"),
        (MINIMAL + '[booking]\nbefore_ready = "maybe"\n', "own.toml: booking.before_ready", "forbid"),
        (MINIMAL + '[booking]\nlink_domains = ["https://x"]\n', "own.toml: booking.link_domains.0", "match pattern"),
        (
            MINIMAL + '[[pricing.bands]]\nname = "a"\nunit = "month"\nlow = 9\nhigh = 3\n',
            "own.toml: pricing.bands.0",
            "high must not be below low",
        ),
        (MINIMAL + '[checks."tone.gilt"]\naction = "warn"\n', "own.toml: checks.tone.gilt.severity", "missing"),
        (MINIMAL + '[checks."tone.guilt"]\naction = "ignore"\n', "own.toml: checks.tone.guilt.action", "revise"),
        (MINIMAL + "[model]\nfail_at = 1.5\n", "own.toml: model.fail_at", "less than or equal to 1"),
        (MINIMAL + "extra = 1\n", "own.toml: vendor.extra", "not a key"),
    ],
)
def test_faults_name_the_key_and_what_would_be_right(text, path, words):
    found = faults(text)
    assert path in found
    assert words in found[path]


def test_unknown_check_is_refused():
    found = faults(MINIMAL + '[checks."tone.gilt"]\naction = "warn"\nseverity = "low"\n')
    assert "no check is called tone.gilt" in found["own.toml: whole file"]


def test_broken_toml_names_the_line():
    assert "line 2" in faults("name = 'x'\nlimits = = 1\n")["own.toml"]


def test_all_faults_come_at_once():
    assert len(faults('name = ""\n[limits]\ncold_words = 1\nasks = 0\n')) == 4


def test_digest_follows_the_content_not_the_layout():
    one = parse_policy(MINIMAL, "one.toml")
    other = parse_policy('# a remark\nname="small"\n[vendor]\nname="Small Ltd"\n', "b.toml")
    changed = parse_policy(MINIMAL + "[limits]\nasks = 2\n", "one.toml")
    assert one.digest == other.digest
    assert one.digest != changed.digest
    assert len(one.digest) == 64


def test_policy_is_frozen():
    policy = parse_policy(MINIMAL, "own.toml")
    with pytest.raises(ValidationError):
        policy.name = "other"


def test_dump_and_validate_give_the_same_policy():
    policy = default_policy()
    assert Policy.model_validate(policy.model_dump()).digest == policy.digest
