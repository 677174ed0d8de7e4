"""Drafts for tests of the service: what the rules say about them is known, so that the model's part can be tested."""

from __future__ import annotations

from typing import Any

CONTEXT: dict[str, Any] = {
    "company_name": "Tern Labs",
    "icp_segment": 1,
    "thread_stage": "reply_active",
    "signal_brief": {"signal_line": "Tern Labs lists six open Go roles.", "signal_confidence_tier": "high"},
    "bench_summary": {"stacks": {"go": {"available_engineers": 3, "time_to_deploy_days": 14}}},
    "capacity_request": [{"stack": "go", "requested_count": 8, "lead_days": 7}],
    "prior_thread": [{"role": "prospect", "content": "Could you give us eight Go engineers next week?"}],
}
HONEST: dict[str, Any] = {
    "subject": "Go engineers for Tern Labs",
    "body": "Hi Ana,\n\nThank you for asking. Eight by next week is more than we have: three Go engineers are free, "
    "and they could start in about two weeks.\n\nWould a first group of three help?\n\nBest,\nJonas",
}
"""Breaks no rule: the model decides."""

BROKEN: dict[str, Any] = {
    "subject": "Go engineers for Tern Labs",
    "body": "Hi Ana,\n\nThank you for asking. We can start eight senior Go engineers with you on Monday.\n\n"
    "Shall I send a short outline?\n\nBest,\nJonas",
}
"""Promises more than is free: a rule decides."""


def request(draft: dict[str, Any] = HONEST, **more: Any) -> dict[str, Any]:
    """The body of a gate or verdict request; ``more`` are further fields of it."""
    return {"draft": draft, "context": CONTEXT} | more


def pair(a: dict[str, Any] = HONEST, b: dict[str, Any] = HONEST, **more: Any) -> dict[str, Any]:
    """The body of a comparison."""
    return {"a": a, "b": b, "context": CONTEXT} | more
