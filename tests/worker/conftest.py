"""A service and workers for every test here; see ``tests.worker.shapes``."""

from __future__ import annotations

from tests.service import agent, service, shared_service, start_service

__all__ = ["agent", "service", "shared_service", "start_service"]
