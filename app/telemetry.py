"""Logs, metrics and request ids: what an operator may see, and never a draft.

Every log line passes a filter that withholds the keys under which a caller's text or a secret could stand,
shows no value that is not plain, and reduces an exception to its class and place, because its message may
quote what it choked on. Metrics have a registry of their own and a bounded number of series.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from types import TracebackType

import orjson
import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector
from structlog.typing import EventDict, Processor, WrappedLogger

from app.schemas import Action, DecisionSource, Outcome

WITHHELD = "<withheld>"
MAX_LOGGED_CHARS = 500
MAX_VALUES_PER_LABEL = 200
OTHER = "other"
BREAKER_STATES = ("closed", "half_open", "open")

request_id_var: ContextVar[str | None] = ContextVar("presend_request_id", default=None)
"""The id of the request being handled; every log line of it carries the id."""

_PRIVATE_KEYS = """
    draft drafts a b subject body context contexts prompt messages message content text texts raw raw_output
    answer reply reason evidence signal_line signal_brief prior_thread thread note notes input payload request
    response company_name email authorization api_key key secret password token receipt cookie database_url
    dsn headers parameters params
"""
_PRIVATE = frozenset(_PRIVATE_KEYS.split())
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET_LOGGERS = ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "asyncio", "sqlalchemy", "alembic")
_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MODEL_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0)


def configure_logging(level: str, json: bool) -> None:
    """Send all log lines, ours and the libraries', to standard error through one filter.

    ``json`` writes one object a line; otherwise lines for a person. A second call replaces the first.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request_id,
        place_of_exception,
        withhold_private,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_one_line)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in _QUIET_LOGGERS:
        # They log addresses and bodies below this level.
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the id of the request being handled."""
    if (request_id := request_id_var.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def place_of_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by the exception's class and the file and line of its raise; never its message."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = _where(error.__traceback__)
    return event


def withhold_private(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Withhold values under keys that may hold a caller's text or a secret, and all that is not plain."""
    for key, value in event.items():
        if key.startswith("_"):
            continue  # structlog's own record, removed before rendering
        event[key] = WITHHELD if key.lower() in _PRIVATE else _plain(value)
    return event


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_LOGGED_CHARS else f"{value[:MAX_LOGGED_CHARS]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(k): WITHHELD if str(k).lower() in _PRIVATE else _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _where(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "unknown"


def _one_line(event: MutableMapping[str, object], **_: object) -> str:
    return orjson.dumps(event, default=lambda value: f"<{type(value).__name__}>").decode()


class _Stderr:
    """Standard error as it is at the moment of writing: it may be replaced while the process runs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Bounded:
    """The first values of a label, up to a limit; later ones share ``other``, so that series stay bounded."""

    def __init__(self, known: Iterable[str] = (), limit: int = MAX_VALUES_PER_LABEL) -> None:
        self._seen = set(known)
        self._limit = limit

    def __call__(self, value: str) -> str:
        if value in self._seen:
            return value
        if len(self._seen) >= self._limit:
            return OTHER
        self._seen.add(value)
        return value


def _fixed(values: Iterable[str]) -> _Bounded:
    known = tuple(values)
    return _Bounded(known, limit=len(known))


class Metrics:
    """Everything that is counted, in a registry of its own. Durations are seconds."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._verdicts = Counter("presend_verdicts", "Judgements by outcome", ["outcome"], registry=registry)
        self._gate = Counter("presend_gate_decisions", "Gate decisions", ["action", "source"], registry=registry)
        self._bypasses = Counter(
            "presend_gate_bypasses",
            "Gate decisions made without the model although it was wanted",
            ["reason", "result"],
            registry=registry,
        )
        self._findings = Counter("presend_findings", "Rule findings by check", ["check"], registry=registry)
        self._replays = Counter("presend_idempotent_replays", "Stored answers sent again", registry=registry)
        self._model = Histogram("presend_model_seconds", "One call to the model", registry=registry, buckets=_MODEL_S)
        self._queue = Histogram("presend_queue_seconds", "Wait for a model slot", registry=registry, buckets=_FAST_S)
        self._gate_seconds = Histogram(
            "presend_gate_seconds", "One gate decision, whole", registry=registry, buckets=_MODEL_S
        )
        self._requests = Counter(
            "presend_http_requests", "HTTP requests", ["route", "method", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "presend_http_seconds", "HTTP requests", ["route"], registry=registry, buckets=_MODEL_S
        )
        self._in_flight = Gauge("presend_http_in_flight", "HTTP requests running now", registry=registry)
        self._breaker = Gauge("presend_breaker_state", "1 for the breaker's state", ["state"], registry=registry)
        self._slots = Gauge("presend_model_slots", "Model calls by state", ["state"], registry=registry)
        self._pool = Gauge("presend_db_connections", "Database connections by state", ["state"], registry=registry)
        self._outcome_of = _fixed(o.value for o in Outcome)
        self._action_of = _fixed(a.value for a in Action)
        self._source_of = _fixed(s.value for s in DecisionSource)
        self._method_of = _fixed(_METHODS)
        self._reason_of, self._check_of, self._route_of = _Bounded(), _Bounded(), _Bounded()
        # Series that alerts are written on exist from the first scrape, at zero.
        for outcome in Outcome:
            self._verdicts.labels(outcome.value)
        self.breaker("closed")
        self.slots(0, 0)

    def verdict(self, outcome: str) -> None:
        """One judgement ended."""
        self._verdicts.labels(self._outcome_of(outcome)).inc()

    def gate(self, action: str, source: str, seconds: float | None = None) -> None:
        """One gate decision, and how long it took where that is known."""
        self._gate.labels(self._action_of(action), self._source_of(source)).inc()
        if seconds is not None:
            self._gate_seconds.observe(seconds)

    def bypass(self, reason: str, result: str) -> None:
        """The gate decided without the model: why, and whether the draft was ``allowed`` or ``held``."""
        result = result if result in {"allowed", "held"} else OTHER
        self._bypasses.labels(self._reason_of(reason), result).inc()

    def finding(self, check: str) -> None:
        """One finding of a rule."""
        self._findings.labels(self._check_of(check)).inc()

    def replay(self) -> None:
        """A stored answer was sent again for its idempotency key."""
        self._replays.inc()

    def model_latency(self, seconds: float) -> None:
        """One call to the model ended."""
        self._model.observe(seconds)

    def queue_wait(self, seconds: float) -> None:
        """One wait for a model slot ended."""
        self._queue.observe(seconds)

    def request_started(self) -> None:
        """An HTTP request began."""
        self._in_flight.inc()

    def request_finished(self, route: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request ended. ``route`` is the template, never the address; status 0: the caller left."""
        self._in_flight.dec()
        route = self._route_of(route)
        status = status if status == 0 or 100 <= status <= 599 else 0
        self._requests.labels(route, self._method_of(method), str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def breaker(self, state: str) -> None:
        """The circuit breaker's state now."""
        for known in BREAKER_STATES:
            self._breaker.labels(known).set(1.0 if known == state else 0.0)

    def slots(self, running: int, waiting: int) -> None:
        """Model calls running, and callers waiting for one."""
        self._slots.labels("running").set(running)
        self._slots.labels("waiting").set(waiting)

    def pool(self, in_use: int, idle: int) -> None:
        """Database connections of this process."""
        self._pool.labels("in_use").set(in_use)
        self._pool.labels("idle").set(idle)

    def render(self) -> tuple[bytes, str]:
        """The metrics in the text format of Prometheus, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
