"""What the service benchmarks share: a cheap client, a service on cores of its own, and figures with intervals.

The client writes prepared bytes on kept connections and reads nothing but status and length: one that costs more than
the service would measure itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from tests.drafts import CONTEXT, request
from tests.fake_plugin import FakeVllm
from tests.postgres import PostgresServer, embedded
from tests.service import ROOT, Caller, Service, service_with

Sample = npt.NDArray[np.float64]


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[Connection]:
        """Connect to ``http://host:port``."""
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def send(self, request: bytes) -> tuple[int, bytes, float]:
        """Send prepared bytes; status, body and milliseconds until the last byte."""
        begun = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        body = await self._reader.readexactly(int(lower[at : lower.index(b"\r", at)]))
        return int(head[9:12]), body, (time.perf_counter() - begun) * 1000.0


def request_bytes(path: str, body: Any, key: str | None = None) -> bytes:
    """A POST as it goes over the wire."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def gate_bodies(number: int) -> list[dict[str, Any]]:
    """Gate requests that pass every rule, so that the model is asked; the facts of each differ."""
    return [request(context={**CONTEXT, "reference": f"lead-{n}"}, deadline_ms=20_000) for n in range(number)]


@dataclass(frozen=True)
class Stack:
    """A running service with one caller."""

    service: Service
    caller: Caller

    @property
    def fake(self) -> FakeVllm:
        """The engine's stand-in."""
        return self.service.fake

    def gate(self, body: Any) -> bytes:
        """A gate request on the wire."""
        return request_bytes("/v1/gate", body, self.caller.key)

    def cpu_s(self) -> float:
        """Seconds of processor time that the API process has used."""
        fields = Path(f"/proc/{self.service.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident memory of the API process, in 10^6 bytes."""
        pages = int(Path(f"/proc/{self.service.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def stack(*, pinned: bool = True, latency_ms: float = 0.0, **settings: object) -> Iterator[Stack]:
    """A service, a durable Postgres and the fake engine.

    ``pinned`` keeps the service on the first core, and all the rest, this process included, away from it.
    """
    cores = sorted(os.sched_getaffinity(0))
    pin: tuple[str, ...] = ()
    if pinned and len(cores) > 1 and shutil.which("taskset"):
        pin = ("taskset", "-c", str(cores[0]))
        os.sched_setaffinity(0, cores[1:])
    with contextlib.ExitStack() as held:
        server = PostgresServer(held.enter_context(embedded(durable=True)))
        fake = held.enter_context(_fake_process(latency_ms))
        options = {"log_level": "warning", **settings}
        service = held.enter_context(service_with(fake, prefix=pin, server=server, **options))
        try:
            yield Stack(service.start(), service.caller())
        finally:
            os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def _fake_process(latency_ms: float) -> Iterator[FakeVllm]:
    command = [sys.executable, "-m", "tests.fake_vllm", "--port", "0", "--latency-ms", str(latency_ms)]
    with subprocess.Popen([*command, "--forget-bodies"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield FakeVllm(process.stdout.readline().strip().removesuffix("/v1"))
        finally:
            process.terminate()


def run(main: Any) -> Any:
    """Run a coroutine on the loop that servers use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def closed_loop(url: str, requests: Sequence[bytes], total: int, concurrency: int) -> tuple[Sample, float]:
    """Send ``total`` requests from ``concurrency`` connections; milliseconds of each, and seconds for all.

    Every answer must be a judged one: a decision by rules alone would cost less.
    """
    taken: list[float] = []
    left = iter(range(total))

    async def worker() -> None:
        async with Connection.to(url) as connection:
            for number in left:
                status, body, ms = await connection.send(requests[number % len(requests)])
                if status != 200 or b'"outcome":"judged"' not in body:
                    raise SystemExit(f"answer {status}: {body[:300]!r}")
                taken.append(ms)

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return np.array(taken), time.perf_counter() - begun


def machine() -> str:
    """How busy the machine is, to be printed beside a figure."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.1f} over 1 minute, {five:.1f} over 5"


def quantiles(sample: Sample) -> str:
    """p50, p95 and p99 of milliseconds."""
    return "  ".join(f"p{q} {np.percentile(sample, q):.1f} ms" for q in (50, 95, 99))
