"""Requests that work when they are pasted; shown in the OpenAPI and used by the documents' tests."""

from __future__ import annotations

from typing import Any

CONTEXT: dict[str, Any] = {
    "company_name": "Marlow Freight",
    "icp_segment": 1,
    "thread_stage": "reply_active",
    "task_type": "warm_reply_email",
    "signal_brief": {
        "signal_line": "Marlow Freight raised a $9M Series A in September 2026 and lists six open Go roles.",
        "signal_confidence_tier": "high",
    },
    "bench_summary": {
        "stacks": {
            "go": {
                "available_engineers": 3,
                "time_to_deploy_days": 14,
                "note": "",
                "seniority_mix": {"junior_0_2_yrs": 0, "mid_2_4_yrs": 1, "senior_4_plus_yrs": 2},
            }
        }
    },
    "capacity_request": [{"stack": "go", "requested_count": 8, "seniority": "senior", "lead_days": 7}],
    "prior_thread": [{"role": "prospect", "content": "Could you give us eight Go engineers next week?"}],
}

OVERCOMMITTED: dict[str, Any] = {
    "subject": "Go engineers for Marlow Freight",
    "body": "Hi Priya,\n\nGood to hear from you. We can start eight senior Go engineers with you on Monday.\n\n"
    "Shall I send a short outline?\n\nBest,\nJonas",
}

HONEST: dict[str, Any] = {
    "subject": "Go engineers for Marlow Freight",
    "body": "Hi Priya,\n\nThank you for asking. Eight by next week is more than we have: three Go engineers are free, "
    "two of them senior, and they could start in about two weeks.\n\n"
    "Would a first group of three help while your six roles are open?\n\nBest,\nJonas",
}

GATE: dict[str, dict[str, Any]] = {
    "an overcommitment": {"draft": OVERCOMMITTED, "context": CONTEXT, "deadline_ms": 8000},
    "an honest partial offer": {"draft": HONEST, "context": CONTEXT, "deadline_ms": 8000},
}
VERDICT: dict[str, dict[str, Any]] = {
    "an honest partial offer": {"draft": HONEST, "context": CONTEXT},
    "with the model's reason": {
        "draft": OVERCOMMITTED,
        "context": CONTEXT,
        "explain": True,
        "deadline_ms": 20000,
    },
}
COMPARISON: dict[str, dict[str, Any]] = {
    "two answers to one request": {"a": HONEST, "b": OVERCOMMITTED, "context": CONTEXT}
}
RECEIPT: dict[str, dict[str, Any]] = {
    "the receipt of a gate answer": {"receipt": "PASTE.RECEIPT", "draft": HONEST, "context": CONTEXT}
}
