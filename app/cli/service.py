"""A running service, as the commands ask it: by address and key, patiently, and in its own words.

A request that writes is tried again under one idempotency key, so that a broken connection never makes two of one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any
from uuid import uuid4

import httpx

from app.errors import Fault, InvalidInput, NotAuthenticated, SetupError
from app.schemas import Problem
from app.settings import load_settings

_TRIES = 6
_TIMEOUT = httpx.Timeout(30.0, read=180.0)


@dataclass(frozen=True)
class Service:
    """A running service and a key for it. Requests that write are tried again under one idempotency key."""

    base: str
    token: str

    @classmethod
    def of(cls, url: str | None, key: str | None) -> Service:
        """The service that is named, else the one of this home.

        Raises
        ------
        NotAuthenticated
            When there is no key.
        """
        from app.local.home import Home, read_line

        settings = load_settings()
        home = Home(settings.home.expanduser().absolute())
        base = (url or read_line(home.address) or f"http://127.0.0.1:{settings.port}").rstrip("/")
        token = key or read_line(home.first_key)
        if token is None:
            raise NotAuthenticated(
                "An API key is needed: pass --key or set PRESEND_API_KEY; `presend keys create` makes one."
            )
        return cls(base, token)

    def ask(
        self,
        method: str,
        path: str,
        *,
        content: str | None = None,
        kind: str = "application/json",
        params: dict[str, Any] | None = None,
    ) -> Any:
        """One request, answered with JSON; problems become errors of the same sentence."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, "Idempotency-Key": uuid4().hex}

        def send() -> httpx.Response:
            with httpx.Client(base_url=self.base, timeout=_TIMEOUT, trust_env=False) as client:
                body = None if content is None else content.encode()
                return client.request(method, path, content=body, headers=headers, params=params)

        answer = self._again(send)
        if not answer.is_success:
            raise _refused(answer, self.base)
        return answer.json() if answer.content else None

    def waits_for(self) -> str | None:
        """Why nothing can be judged now, in the service's words; None when the judge is ready, or nobody can tell."""
        try:
            with httpx.Client(base_url=self.base, timeout=_TIMEOUT, trust_env=False) as client:
                judge = client.get("/readyz").json()["judge"]
                return None if judge["ready"] else str(judge["detail"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None

    def pages(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All items of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.ask("GET", path, params={**params, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(self, path: str, params: dict[str, Any], out: IO[bytes]) -> None:
        """Stream an answer into a file."""
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with (
                httpx.Client(base_url=self.base, timeout=_TIMEOUT, trust_env=False) as client,
                client.stream("GET", path, headers=headers, params=params) as answer,
            ):
                if not answer.is_success:
                    answer.read()
                    raise _refused(answer, self.base)
                for block in answer.iter_bytes():
                    out.write(block)
        except httpx.HTTPError as error:
            raise SetupError(f"The connection to {self.base} broke off: {type(error).__name__}.") from error

    def events(self, path: str) -> Iterator[dict[str, Any]]:
        """The data of server-sent events until ``end``; a broken connection is taken up again."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        quiet_since = time.monotonic()
        while True:
            try:
                with (
                    httpx.Client(base_url=self.base, timeout=_TIMEOUT, trust_env=False) as client,
                    client.stream("GET", path, headers=headers) as answer,
                ):
                    if not answer.is_success:
                        answer.read()
                        raise _refused(answer, self.base)
                    kind = ""
                    for line in answer.iter_lines():
                        quiet_since = time.monotonic()
                        if line.startswith("event: "):
                            kind = line.removeprefix("event: ")
                        elif line.startswith("data: "):
                            yield json.loads(line.removeprefix("data: "))
                            if kind == "end":
                                return
            except httpx.HTTPError as error:
                if time.monotonic() - quiet_since > 60.0:
                    raise SetupError(f"The service at {self.base} has not answered for a minute.") from error
            time.sleep(0.5)

    def _again(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Try again while nobody answers or the service says that it is busy."""
        for attempt in range(_TRIES):
            last = attempt + 1 == _TRIES
            try:
                answer = send()
                if answer.status_code not in (429, 503) or last:
                    return answer
                pause = float(answer.headers.get("Retry-After", "1"))
            except httpx.InvalidURL as error:
                raise InvalidInput("The address of the service is no URL; it has the form http://host:port.") from error
            except httpx.HTTPError as error:
                if last or (attempt == 0 and isinstance(error, httpx.ConnectError)):
                    raise SetupError(
                        f"No service answers at {self.base}; start one with `presend up`, or name it with --url."
                    ) from error
                pause = 0.5 * 2**attempt
            time.sleep(min(pause, 10.0))
        raise SetupError(f"The service at {self.base} is busy.")


def _refused(answer: httpx.Response, base: str) -> InvalidInput:
    try:
        problem = Problem.model_validate(answer.json())
    except ValueError:
        return InvalidInput(f"{base} answered {answer.status_code} and is perhaps not Presend.")
    faults = tuple(Fault(item.path, item.message) for item in problem.errors or [])
    return InvalidInput(f"{problem.detail} ({problem.status})", faults)
