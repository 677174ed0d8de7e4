"""Drafts of a size that is met in practice, each another one, for benchmarks of runs."""

from __future__ import annotations

import copy
from typing import Any

from app.api.examples import CONTEXT, OVERCOMMITTED


def item(number: int) -> dict[str, Any]:
    """Item ``number`` of a run, about 1.2 kB of JSON."""
    context = copy.deepcopy(CONTEXT)
    context["company_name"] = f"Marlow Freight {number}"
    draft = {**OVERCOMMITTED, "subject": f"Go engineers for Marlow Freight {number}"}
    return {"task_id": f"task-{number:06d}", "draft": draft, "context": context, "category": f"c{number % 7}"}
