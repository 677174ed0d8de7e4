"""Run the service and note where its processor time goes: ``python -m tests.benchmarks.sampling OUT serve``.

Every two milliseconds of processor time a signal notes the running stack, which costs next to nothing and, unlike a
tracing profiler, does not make small functions look slow. SIGUSR1 starts the count anew; the end writes it to OUT.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from app.cli.program import main

INTERVAL_S = 0.002
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rules and normalising", ("app/judge/rules/", "app/judge/normalise")),
    ("prompt, boundary, decision", ("app/judge/",)),
    ("model call: SDK and HTTP client", ("openai/", "httpx2/", "httpcore2/", "h11/_connection", "app/llm/")),
    ("store: SQLAlchemy and psycopg", ("sqlalchemy/", "psycopg/", "psycopg_pool/", "app/db/")),
    ("logs and metrics", ("structlog/", "/logging/", "prometheus_client/", "app/telemetry")),
    ("reading and checking JSON", ("app/api/bodies", "app/schemas", "pydantic/", "/json/")),
    ("framework: uvicorn, Starlette, FastAPI", ("uvicorn/", "starlette/", "fastapi/")),
    ("services and edge", ("app/services/", "app/api/")),
    ("event loop", ("/asyncio/", "uvloop/")),
)
OTHER = "other"


def part_of(frame: FrameType | None) -> str:
    """The part that the stack is in: that of the innermost frame of ours or of a library named above."""
    while frame is not None:
        path = frame.f_code.co_filename
        for name, places in PARTS:
            if any(place in path for place in places):
                return name
        frame = frame.f_back
    return OTHER


def place_of(frame: FrameType | None) -> str:
    """File, function and line of the innermost frame."""
    if frame is None:
        return OTHER
    code = frame.f_code
    return f"{'/'.join(code.co_filename.split('/')[-3:])}:{code.co_name}"


def _run(out: Path, arguments: list[str]) -> None:
    parts: Counter[str] = Counter()
    places: Counter[str] = Counter()

    def note(_: int, frame: FrameType | None) -> None:
        parts[part_of(frame)] += 1
        places[f"{part_of(frame)} | {place_of(frame)}"] += 1

    def again(_: int, __: FrameType | None) -> None:
        parts.clear()
        places.clear()

    signal.signal(signal.SIGPROF, note)
    signal.signal(signal.SIGUSR1, again)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        main(arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write_text(json.dumps({"parts": parts, "places": dict(places.most_common(200))}), encoding="utf-8")


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2:])
