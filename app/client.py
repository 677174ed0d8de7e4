"""Python client, sync and async. Its one opinion: an answer other than ``send`` must be hard to ignore.

``clear_to_send`` raises unless the gate said ``send``, so a sales agent that forgets to look at the action sends
nothing. A network fault raises as well; it is never read as permission.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel

from app.schemas import (
    Action,
    GateResponse,
    Page,
    Pairwise,
    Problem,
    ReceiptVerifyResponse,
    Verdict,
)

M = TypeVar("M", bound=BaseModel)
Json = Mapping[str, Any]
MARGIN_S = 2.0
"""How much longer than the deadline the client waits before it gives the connection up."""


class ProblemError(Exception):
    """Presend refused the request; ``problem`` says why. ``retry_after_s`` is set where trying again may help."""

    def __init__(self, problem: Problem, retry_after_s: float | None) -> None:
        faults = "; ".join(f"{item.path}: {item.message}" for item in problem.errors or [])
        super().__init__(f"{problem.title}: {problem.detail}" + (f" {faults}" if faults else ""))
        self.problem = problem
        self.retry_after_s = retry_after_s


class NotCleared(Exception):
    """The gate did not say ``send``; ``answer`` holds action, reason and evidence."""

    def __init__(self, answer: GateResponse) -> None:
        super().__init__(f"{answer.action.value}: {answer.why}")
        self.answer = answer


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    body: Json | None = None
    query: Mapping[str, str] | None = None
    key: str | None = None
    timeout_s: float | None = None


def _judge(path: str, body: dict[str, Any], deadline_ms: int | None, key: str | None) -> _Call:
    timeout_s = None if deadline_ms is None else deadline_ms / 1000.0 + MARGIN_S
    sent = body if deadline_ms is None else {**body, "deadline_ms": deadline_ms}
    return _Call("POST", path, sent, key=key or uuid.uuid4().hex, timeout_s=timeout_s)


def _verdicts(filters: Mapping[str, Any], cursor: str | None) -> _Call:
    query = {name: str(value) for name, value in filters.items() if value is not None}
    return _Call("GET", "/v1/verdicts", query={**query, "cursor": cursor} if cursor else query)


def _arguments(call: _Call, api_key: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {api_key}"}
    if call.key is not None:
        headers["Idempotency-Key"] = call.key
    arguments: dict[str, Any] = {"method": call.method, "url": call.path, "headers": headers}
    if call.body is not None:
        arguments["json"] = call.body
    if call.query is not None:
        arguments["params"] = call.query
    if call.timeout_s is not None:
        arguments["timeout"] = call.timeout_s
    return arguments


def _read(response: httpx.Response, model: type[M]) -> M:
    if response.is_success:
        return model.model_validate_json(response.content)
    retry = response.headers.get("retry-after", "")
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        problem = Problem(
            type="about:blank",
            title="The answer is not from Presend",
            status=response.status_code,
            detail="The server answered with something other than a problem; check the URL.",
        )
    raise ProblemError(problem, float(retry) if retry.isdigit() else None)


def _cleared(answer: GateResponse) -> GateResponse:
    if answer.action is not Action.SEND:
        raise NotCleared(answer)
    return answer


class Presend:
    """Blocking client. ``url`` is the service's address, ``api_key`` a key with the scope ``score``."""

    def __init__(self, url: str, api_key: str, *, timeout_s: float = 30.0) -> None:
        self._key = api_key
        self._http = httpx.Client(base_url=url, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _do(self, call: _Call, model: type[M]) -> M:
        return _read(self._http.request(**_arguments(call, self._key)), model)

    def gate(
        self,
        draft: Json,
        context: Json,
        *,
        deadline_ms: int | None = None,
        on_failure: Literal["hold", "allow"] = "hold",
        idempotency_key: str | None = None,
    ) -> GateResponse:
        """The gate's answer, whatever it is. Look at ``action``, or use :meth:`clear_to_send`."""
        body = {"draft": draft, "context": context, "on_failure": on_failure}
        return self._do(_judge("/v1/gate", body, deadline_ms, idempotency_key), GateResponse)

    def clear_to_send(self, draft: Json, context: Json, *, deadline_ms: int | None = None) -> GateResponse:
        """The gate's answer when it is ``send``.

        Raises
        ------
        NotCleared
            When the draft must be revised or held.
        """
        return _cleared(self.gate(draft, context, deadline_ms=deadline_ms))

    def verdict(self, draft: Json, context: Json, *, explain: bool = False, deadline_ms: int | None = None) -> Verdict:
        """Rules and model on one draft."""
        body = {"draft": draft, "context": context, "explain": explain}
        return self._do(_judge("/v1/verdicts", body, deadline_ms, None), Verdict)

    def compare(self, a: Json, b: Json, context: Json, *, deadline_ms: int | None = None) -> Pairwise:
        """Which of two drafts is better, asked in both orders."""
        return self._do(_judge("/v1/comparisons", {"a": a, "b": b, "context": context}, deadline_ms, None), Pairwise)

    def verify(self, receipt: str, draft: Json, context: Json) -> ReceiptVerifyResponse:
        """Whether a receipt covers exactly this draft now."""
        body = {"receipt": receipt, "draft": draft, "context": context}
        return self._do(_Call("POST", "/v1/receipts/verify", body), ReceiptVerifyResponse)

    def get_verdict(self, verdict_id: str) -> Verdict:
        """One stored verdict."""
        return self._do(_Call("GET", f"/v1/verdicts/{verdict_id}"), Verdict)

    def verdicts(self, **filters: Any) -> Iterator[Verdict]:
        """All stored verdicts that fit, newest first; pages are fetched as they are needed."""
        cursor: str | None = None
        while True:
            page = self._do(_verdicts(filters, cursor), Page[Verdict])
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return


class AsyncPresend:
    """The same client for asyncio."""

    def __init__(self, url: str, api_key: str, *, timeout_s: float = 30.0) -> None:
        self._key = api_key
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _do(self, call: _Call, model: type[M]) -> M:
        return _read(await self._http.request(**_arguments(call, self._key)), model)

    async def gate(
        self,
        draft: Json,
        context: Json,
        *,
        deadline_ms: int | None = None,
        on_failure: Literal["hold", "allow"] = "hold",
        idempotency_key: str | None = None,
    ) -> GateResponse:
        """As :meth:`Presend.gate`."""
        body = {"draft": draft, "context": context, "on_failure": on_failure}
        return await self._do(_judge("/v1/gate", body, deadline_ms, idempotency_key), GateResponse)

    async def clear_to_send(self, draft: Json, context: Json, *, deadline_ms: int | None = None) -> GateResponse:
        """As :meth:`Presend.clear_to_send`."""
        return _cleared(await self.gate(draft, context, deadline_ms=deadline_ms))

    async def verdict(
        self, draft: Json, context: Json, *, explain: bool = False, deadline_ms: int | None = None
    ) -> Verdict:
        """As :meth:`Presend.verdict`."""
        body = {"draft": draft, "context": context, "explain": explain}
        return await self._do(_judge("/v1/verdicts", body, deadline_ms, None), Verdict)

    async def compare(self, a: Json, b: Json, context: Json, *, deadline_ms: int | None = None) -> Pairwise:
        """As :meth:`Presend.compare`."""
        call = _judge("/v1/comparisons", {"a": a, "b": b, "context": context}, deadline_ms, None)
        return await self._do(call, Pairwise)

    async def verify(self, receipt: str, draft: Json, context: Json) -> ReceiptVerifyResponse:
        """As :meth:`Presend.verify`."""
        body = {"receipt": receipt, "draft": draft, "context": context}
        return await self._do(_Call("POST", "/v1/receipts/verify", body), ReceiptVerifyResponse)

    async def get_verdict(self, verdict_id: str) -> Verdict:
        """As :meth:`Presend.get_verdict`."""
        return await self._do(_Call("GET", f"/v1/verdicts/{verdict_id}"), Verdict)

    async def verdicts(self, **filters: Any) -> AsyncIterator[Verdict]:
        """As :meth:`Presend.verdicts`."""
        cursor: str | None = None
        while True:
            page = await self._do(_verdicts(filters, cursor), Page[Verdict])
            for verdict in page.items:
                yield verdict
            if (cursor := page.next_cursor) is None:
                return
