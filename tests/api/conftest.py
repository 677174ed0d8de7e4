"""A running service for every test here."""

from __future__ import annotations

from tests.service import agent, service, shared_service, start_service

__all__ = ["agent", "service", "shared_service", "start_service"]
