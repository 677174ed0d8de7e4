"""Watches the judge's engine: when it may be asked, which weights it serves, and what is still missing until then.

Ready means more than a port that answers: a canary under every schema must come back as a whole verdict with
log-probs, because a server that ignores schemas answers 200 as well. The canary also compiles each grammar.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from app.judge import pairwise
from app.judge.identity import ModelIdentity
from app.judge.prompt import render
from app.judge.rubric import Rubric
from app.judge.verdict import RawAnswer, read_answer
from app.llm import CallFailure, JudgeClient
from app.schemas import Context, Draft, Outcome, ThreadStage
from app.services.breaker import Breaker, BreakerState
from app.services.judging import MAX_TOKENS, EngineState
from app.services.slots import Lane

_CANARY_BUDGET_S = 120.0
_PATIENCE = 3
"""Looks in a row without an answer before a silent engine counts as lost; one that refuses is lost at once."""
_log = structlog.get_logger("presend.engine")


@dataclass(frozen=True)
class Canary:
    """A harmless request whose answer shows that schema and log-probs work."""

    draft: Draft
    context: Context


def default_canary() -> Canary:
    """A short, honest note about a fictional company."""
    return Canary(
        draft=Draft(
            subject="Backend roles at Tern Labs",
            body="Hi Ana,\n\nYou list six backend roles. Would cover for them help?\n\nBest,\nJo",
        ),
        context=Context(company_name="Tern Labs", icp_segment=0, thread_stage=ThreadStage.COLD_FIRST_TOUCH),
    )


class EngineMonitor:
    """Keeps ``state`` true. Run ``watch`` as a task; cancel it to stop."""

    def __init__(
        self,
        *,
        client: JudgeClient,
        rubrics: Mapping[str, Rubric],
        state: EngineState,
        breaker: Breaker,
        identify: Callable[[], ModelIdentity],
        loading: Callable[[], str | None],
        pause_s: float = 1.0,
        canary: Canary | None = None,
    ) -> None:
        self.state = state
        self._client = client
        self._rubrics = rubrics
        self._breaker = breaker
        self._identify = identify
        self._loading = loading
        self._pause_s = pause_s
        self._canary = canary or default_canary()
        self._missed = 0

    async def watch(self) -> None:
        """Look again and again: often until the engine is ready, then only to see it come back from a fault."""
        while True:
            try:
                await self.look()
            except Exception as error:
                self.state.ready = False
                self.state.detail = f"the check of the judge failed: {type(error).__name__}"
                _log.error("engine.check_failed", error=type(error).__name__)
            await asyncio.sleep(self._pause_s if not self.state.ready else 5.0 * self._pause_s)

    async def look(self) -> None:
        """One look: health, then the canaries when the engine was not ready before."""
        health = await self._client.health()
        self._missed = 0 if health.ready else self._missed + 1
        if not health.ready:
            if self.state.ready and health.busy and self._missed < _PATIENCE:
                return
            if self.state.ready:
                _log.warning("engine.lost", detail=health.detail)
            self.state.ready = False
            self.state.detail = self._loading() or health.detail
            return
        if self.state.ready and self._breaker.state is BreakerState.CLOSED:
            return
        if self.state.ready:
            if await self._fault() is None:
                self._breaker.succeeded()
            return
        self.state.detail = "the judge answers; its schemas are being compiled and checked"
        if (fault := await self._fault()) is not None:
            self.state.detail = fault
            return
        self.state.version = health.version or "unknown"
        self.state.model = self._identify()
        self.state.detail = "ready"
        self.state.ready = True
        self._breaker.succeeded()
        _log.info("engine.ready", engine=self.state.version, model=self.state.model.name)

    async def _fault(self) -> str | None:
        for rubric in self._rubrics.values():
            for explain in (False, True):
                prompt = render(rubric, self._canary.draft, self._canary.context, explain=explain)
                reply = await self._client.ask(
                    list(prompt.messages),
                    rubric.schema(explain=explain),
                    schema_name=f"{rubric.name}-{'explained' if explain else 'scores'}",
                    deadline_s=_CANARY_BUDGET_S,
                    priority=int(Lane.GATE),
                    max_tokens=MAX_TOKENS,
                    cache_salt=None,
                )
                if isinstance(reply, CallFailure):
                    return f"the judge's canary failed: {reply.detail}"
                if (fault := _unsound(reply, rubric, explain)) is not None:
                    return fault
        return await self._pairwise_fault()

    async def _pairwise_fault(self) -> str | None:
        rubric = next(iter(self._rubrics.values()))
        draft, context = self._canary.draft, self._canary.context
        reply = await self._client.ask(
            list(pairwise.render_pair(rubric, draft, draft, context).messages),
            pairwise.SCHEMA,
            schema_name="pairwise",
            deadline_s=_CANARY_BUDGET_S,
            priority=int(Lane.GATE),
            max_tokens=12,
            cache_salt=None,
        )
        if isinstance(reply, CallFailure):
            return f"the judge's pairwise canary failed: {reply.detail}"
        choosing = pairwise.read_choice(reply)
        return None if choosing.outcome is Outcome.JUDGED else f"the pairwise canary came back {choosing.outcome.value}"


def _unsound(answer: RawAnswer, rubric: Rubric, explain: bool) -> str | None:
    verdict = read_answer(answer, rubric, explain=explain)
    if verdict.outcome is Outcome.JUDGED or (explain and verdict.outcome is Outcome.TRUNCATED):
        return None  # its grammar compiled and decodes; the whole sentence would only delay the start
    return f"the judge's canary came back {verdict.outcome.value}: {verdict.detail}"
