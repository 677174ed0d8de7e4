"""A worker for tests of other packages; import it beside the fixtures of ``tests.service``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service import Service
from tests.worker.shapes import worker_process


@pytest.fixture(scope="session")
def run_worker(shared_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A worker beside the shared service."""
    folder = tmp_path_factory.mktemp("worker")
    with worker_process(folder, shared_service.database_url, shared_service.fake.url, breaker_failures=1_000_000):
        yield
