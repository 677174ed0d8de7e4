"""One real service with the real model for the whole session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.api.examples import CONTEXT, OVERCOMMITTED
from tests.e2e.up import Up, running, temporary_home


@dataclass(frozen=True)
class Service:
    """The service, and what it said before its model had joined. Times are seconds since it was started."""

    up: Up
    answered_after: float
    ready_after: float
    early_readiness: tuple[int, dict[str, Any]]
    early_decision: tuple[int, dict[str, Any]]

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.up.url

    @property
    def key(self) -> str:
        """An API key with every scope."""
        return self.up.key


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Everything on this machine, the model included; stopped, and proved to be gone, at the end."""
    with temporary_home() as home:
        began = time.monotonic()
        with running(home) as up:
            answered = time.monotonic() - began
            readiness = up.get("/readyz")
            decision = up.post("/v1/gate", {"draft": OVERCOMMITTED, "context": CONTEXT})
            up.wait_for_model()
            yield Service(
                up,
                answered,
                time.monotonic() - began,
                (readiness.status_code, readiness.json()),
                (decision.status_code, decision.json()),
            )
            code, left = up.stop()
            assert (code, left) == (0, [])
