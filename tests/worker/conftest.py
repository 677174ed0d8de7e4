"""A database with two tenants for each test here, a scripted engine, and services where HTTP is needed."""

from __future__ import annotations

from tests.db.conftest import acme, anyio_backend, database, globex
from tests.fake_plugin import fake_vllm, fake_vllm_thread
from tests.postgres import database_url, postgres_server
from tests.service import agent, service, shared_service, start_service

__all__ = [
    "acme",
    "agent",
    "anyio_backend",
    "database",
    "database_url",
    "fake_vllm",
    "fake_vllm_thread",
    "globex",
    "postgres_server",
    "service",
    "shared_service",
    "start_service",
]
