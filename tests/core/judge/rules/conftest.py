"""One way to put a draft before the rules: what fails, by id."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from app.judge.policy import Policy, default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft, Finding

TODAY = datetime.date(2026, 3, 2)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return default_policy()


@pytest.fixture(scope="session")
def ruleset(policy: Policy) -> Ruleset:
    return Ruleset(policy)


@pytest.fixture
def findings(ruleset: Ruleset) -> Callable[..., list[Finding]]:
    def run(body: str, *, subject: str = "Question: delivery capacity", **context: Any) -> list[Finding]:
        known: dict[str, Any] = {
            "company_name": "Orla Freight",
            "icp_segment": 1,
            "thread_stage": "cold_first_touch",
            **context,
        }
        return ruleset.check(Draft(subject=subject, body=body), Context.model_validate(known), today=TODAY)

    return run


@pytest.fixture
def failed(findings: Callable[..., list[Finding]]) -> Callable[..., set[str]]:
    """The ids of the failed checks of one draft."""

    def run(body: str, **given: Any) -> set[str]:
        return {finding.check for finding in findings(body, **given)}

    return run


@pytest.fixture
def signal() -> Callable[..., dict[str, Any]]:
    """Context fields for one signal line and tier."""

    def build(line: str, tier: str | None = None) -> dict[str, Any]:
        return {"signal_brief": {"signal_line": line, "signal_confidence_tier": tier}}

    return build
