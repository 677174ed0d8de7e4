"""A scripted stand-in for the engine: over real HTTP it answers what a test told it to, at once or badly.

It speaks the part of the OpenAI protocol that Presend uses (chat completions under a JSON schema, with
log-probs), plus ``/health``, ``/version`` and two control endpoints: ``POST /_script`` sets what comes next,
``GET /_log`` tells what arrived, how many requests ran at once and how many the caller cancelled. It judges
nothing: scores come from the script.

Run it with ``python -m tests.fake_vllm --port 8001 --kind ok --latency-ms 500``.

A script is JSON::

    {"default": STEP, "queue": [STEP, ...], "when": [{"contains": "text", "step": STEP}, ...]}

``queue`` is used up first, one step a request (``"times": n`` repeats one); then the first ``when`` whose
text stands in a message; then ``default``. A STEP is ``{"kind": ..., "latency_ms": 0, ...}``:
``fake_replies.KINDS`` lists the kinds, ``fake_replies.Step`` the other keys.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from tests.fake_replies import ERRORS, KINDS, Step, completion_body, step_from

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HUGE_BYTES = 64 * 1024 * 1024
_SWITCHES = {"healthy", "hang_health", "version", "owned_by", "refuse_priority", "keep_bodies", "model"}


@dataclass
class Recorder:
    """What arrived."""

    received: int = 0
    completed: int = 0
    cancelled: int = 0
    active: int = 0
    max_active: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=500))


class FakeEngine:
    """The ASGI application; one instance, one script, one log."""

    def __init__(self, *, model: str = "presend-judge", version: str = "0.32.0", default: Step | None = None) -> None:
        self.model = model
        self.version = version
        self.owned_by = "vllm"
        self.healthy = True
        self.hang_health = False
        self.refuse_priority = False
        self.keep_bodies = True
        self.default = default or Step()
        self.queue: deque[Step] = deque()
        self.when: list[tuple[str, Step]] = []
        self.log = Recorder()

    def script(self, value: dict[str, Any]) -> None:
        """Replace the script; keys left out stay, except ``queue`` and ``when``, which are emptied."""
        known = {"default", "queue", "when", *_SWITCHES}
        if unknown := set(value) - known:
            raise ValueError(f"unknown keys {sorted(unknown)} in a script")
        if "default" in value:
            self.default = step_from(value["default"])
        self.queue = deque(
            replace(step, times=1) for raw in value.get("queue", []) for step in [step_from(raw)] * raw.get("times", 1)
        )
        self.when = [(item["contains"], step_from(item["step"])) for item in value.get("when", [])]
        for name in _SWITCHES & set(value):
            setattr(self, name, value[name])

    def report(self) -> dict[str, Any]:
        """The log as JSON."""
        return {**asdict(self.log), "by_kind": dict(self.log.by_kind), "requests": list(self.log.requests)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/v1/chat/completions":
            await self._chat(scope, receive, send)
        elif path == "/v1/models":
            item = {"id": self.model, "object": "model", "created": 0, "owned_by": self.owned_by}
            await _json(send, {"object": "list", "data": [item]})
        elif path == "/health" and self.hang_health:
            await _caller_left(receive, None)
        elif path == "/health":
            await _reply(send, 200 if self.healthy else 503, b"")
        elif path == "/version":
            if self.version:
                await _json(send, {"version": self.version})
            else:
                await _json(send, {"detail": "Not Found"}, 404)
        elif path == "/_log":
            await _json(send, self.report())
        elif path == "/_reset":
            self.log = Recorder(active=self.log.active)
            await _json(send, {})
        elif path == "/_script":
            try:
                self.script(orjson.loads(await _body(receive)))
            except (ValueError, KeyError, TypeError) as error:
                await _json(send, {"detail": str(error)}, 400)
                return
            await _json(send, {})
        else:
            await _json(send, {"error": {"message": "no such path", "type": "NotFoundError", "code": 404}}, 404)

    def _next(self, raw: bytes) -> Step:
        if self.queue:
            return self.queue.popleft()
        if self.when:
            # JSON escapes non-ASCII and quotes, so look in the messages as they were meant.
            text = "\n".join(str(m.get("content")) for m in orjson.loads(raw).get("messages", []))
            for contains, step in self.when:
                if contains in text:
                    return step
        return self.default

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _body(receive)
        request = orjson.loads(raw)
        step = self._next(raw)
        log = self.log
        log.received += 1
        log.active += 1
        log.max_active = max(log.max_active, log.active)
        log.by_kind[step.kind] += 1
        note: dict[str, Any] = {"kind": step.kind, "cancelled": False, "authorization": _has_key(scope)}
        note["headers"] = sorted(name.decode("latin-1") for name, _ in scope["headers"])
        if self.keep_bodies:
            note["body"] = request
        log.requests.append(note)
        try:
            gone = await self._answer(step, request, receive, send)
        finally:
            log.active -= 1
        if gone:
            note["cancelled"] = True
            log.cancelled += 1
        else:
            log.completed += 1

    async def _answer(self, step: Step, request: dict[str, Any], receive: Receive, send: Send) -> bool:
        """Carry the step out; True when the caller went away first."""
        if step.latency_ms and await _caller_left(receive, step.latency_ms / 1000):
            return True
        kind = step.kind
        if self.refuse_priority and request.get("priority"):
            await _error(send, 400, "Got priority 3 but Priority scheduling is not enabled.", "BadRequestError")
        elif kind == "hang":
            return await _caller_left(receive, None)
        elif kind in ERRORS:
            status, message, error_type = ERRORS[kind]
            await _error(send, status, message, error_type, step.retry_after)
        elif kind == "redirect":
            await _reply(send, 307, b"", extra=[(b"location", b"http://127.0.0.1:9/elsewhere")])
        elif kind == "broken_envelope":
            await _reply(send, 200, b'{"choices": [')
        elif kind == "no_choices":
            await _json(send, {"id": "x", "object": "chat.completion", "model": self.model, "choices": []})
        elif kind == "huge":
            return await _huge(receive, send)
        else:
            return await self._completion(step, request, receive, send)
        return False

    async def _completion(self, step: Step, request: dict[str, Any], receive: Receive, send: Send) -> bool:
        response_format = request.get("response_format") or {}
        schema = (response_format.get("json_schema") or {}).get("schema") or {}
        properties = schema.get("properties", {})
        scores = step.scores
        body = completion_body(
            kind=step.kind,
            pairwise="w" in properties,
            explain="reason" in properties,
            count=int(properties.get("s", {}).get("minItems", 5)),
            scores=scores if isinstance(scores, int) else tuple(scores),
            confidence=step.confidence,
            winner=step.winner,
            reason=step.reason,
            text=step.text,
            finish_reason=step.finish_reason,
            alternatives=int(request.get("top_logprobs") or 0) if request.get("logprobs") else None,
            model=self.model,
        )
        if step.kind in {"slow_drip", "ok_after_drip"}:
            pause = 0.05 if step.kind == "slow_drip" else 0.0
            return await _drip(body, receive, send, pause)
        if step.kind == "disconnect":
            await _start(send, 200, len(body) + 100)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return False
        if step.kind == "wrong_content_type":
            await _reply(send, 200, body, content_type=b"text/html; charset=utf-8")
        elif step.kind == "gzip":
            await _reply(send, 200, body, extra=[(b"content-encoding", b"gzip")])
        else:
            await _reply(send, 200, body)
        return False


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"{}"
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _caller_left(receive: Receive, seconds: float | None) -> bool:
    """Wait; True as soon as the caller hangs up."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True


async def _drip(body: bytes, receive: Receive, send: Send, pause: float) -> bool:
    await _start(send, 200, len(body))
    for index in range(0, len(body), 16):
        last = index + 16 >= len(body)
        await send({"type": "http.response.body", "body": body[index : index + 16], "more_body": not last})
        if not last and pause and await _caller_left(receive, pause):
            return True
    return False


async def _huge(receive: Receive, send: Send) -> bool:
    block = b" " * 65_536
    await _start(send, 200, HUGE_BYTES)
    for sent in range(0, HUGE_BYTES, len(block)):
        await send({"type": "http.response.body", "body": block, "more_body": sent + len(block) < HUGE_BYTES})
        if sent % (1 << 20) == 0 and await _caller_left(receive, 0.001):
            return True
    return False


def _has_key(scope: Scope) -> bool:
    return any(name == b"authorization" and value.startswith(b"Bearer ") for name, value in scope["headers"])


async def _start(
    send: Send,
    status: int,
    length: int,
    content_type: bytes = b"application/json",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(length).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _reply(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes = b"application/json",
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    await _start(send, status, len(body), content_type, extra)
    await send({"type": "http.response.body", "body": body})


async def _json(send: Send, value: Any, status: int = 200) -> None:
    await _reply(send, status, orjson.dumps(value))


async def _error(send: Send, status: int, message: str, kind: str, retry_after: str | None = None) -> None:
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": status}})
    extra = [(b"retry-after", retry_after.encode())] if retry_after is not None else None
    await _reply(send, status, body, extra=extra)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def make_server(app: FakeEngine) -> uvicorn.Server:
    """uvicorn around the engine, with idle connections kept as long as the real one keeps them."""
    config = uvicorn.Config(
        app,
        log_config=None,  # the log settings of the test's own process are not ours to change
        access_log=False,
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        lifespan="off",
        server_header=False,
        date_header=False,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one."""
    sock = socket.create_server((host, port), backlog=2048)
    sock.set_inheritable(True)
    return sock


def main(argv: list[str] | None = None) -> None:
    """Serve until stopped; prints the address on the first line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_vllm")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="presend-judge")
    parser.add_argument("--kind", default="ok", choices=KINDS)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--script", help="a script: JSON, or the path of a file that holds it")
    parser.add_argument("--forget-bodies", action="store_true", help="keep no request bodies in the log")
    args = parser.parse_args(argv)
    app = FakeEngine(model=args.model, default=Step(kind=args.kind, latency_ms=args.latency_ms))
    app.keep_bodies = not args.forget_bodies
    if args.script:
        text = args.script if args.script.lstrip().startswith("{") else Path(args.script).read_text("utf-8")
        app.script(orjson.loads(text))
    sock = listen(args.host, args.port)
    print(f"http://{args.host}:{sock.getsockname()[1]}/v1", flush=True)
    make_server(app).run(sockets=[sock])


if __name__ == "__main__":
    main()
