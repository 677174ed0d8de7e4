"""What judges, exactly: the rubrics in use and every part of the judge identity."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.dependencies import CanRead, Wired
from app.api.problems import responses
from app.judge.decision import thresholds
from app.judge.rubric import Rubric

router = APIRouter(tags=["judge"])


class JudgeDescription(BaseModel):
    """The judge now: its digest, whether it may be asked, and each part that the digest covers."""

    digest: str
    ready: bool
    detail: str
    breaker: str
    parts: dict[str, Any]
    thresholds: dict[str, dict[str, float]]


@router.get("/v1/rubrics", response_model=list[Rubric], summary="Rubrics in use", responses=responses(401, 403, 503))
async def rubrics(principal: CanRead, services: Wired) -> list[Rubric]:  # noqa: ARG001 - the key is the permission
    """Every rubric with its criteria, anchors and who judges each."""
    return list(services.judge.rubrics.values())


@router.get(
    "/v1/judge",
    response_model=JudgeDescription,
    summary="What judges",
    responses=responses(401, 403, 422, 503),
)
async def judge(
    principal: CanRead,  # noqa: ARG001 - the key is the permission
    services: Wired,
    rubric: str | None = None,
) -> JudgeDescription:
    """The judge identity under a rubric, and the thresholds in force."""
    judge = services.judge
    chosen = judge.rubric(rubric)
    identity = judge.identity(chosen)
    in_force = {c.id: thresholds(judge.policy, judge.calibration, c.id) for c in chosen.model_criteria}
    return JudgeDescription(
        digest=identity.digest,
        ready=judge.engine.ready,
        detail=judge.engine.detail,
        breaker=judge.breaker.state.value,
        parts=identity.parts,
        thresholds={name: {"fail_at": t.fail_at, "abstain_band": t.band} for name, t in in_force.items()},
    )
