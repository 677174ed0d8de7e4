"""Logs hold no draft, whatever is passed to them; metrics count, with a bounded number of series."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from app.schemas import Draft, Outcome
from app.telemetry import (
    MAX_LOGGED_CHARS,
    MAX_VALUES_PER_LABEL,
    OTHER,
    WITHHELD,
    Metrics,
    configure_logging,
    request_id_var,
)

CANARY = "canary-7f3a"
LOG = structlog.get_logger("presend.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = [known for known in root.manager.loggerDict.values() if isinstance(known, logging.Logger)]
    levels = [(known, known.level) for known in loggers]
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for known, value in levels:
        known.setLevel(value)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


class TestLogs:
    def test_one_json_object_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("info", json=True)
        LOG.info("request", route="/v1/gate", status=200, ms=1.5, ok=True, none=None)
        LOG.debug("unseen")
        (line,) = lines(capsys)
        assert line.pop("timestamp")
        assert line == {
            "event": "request",
            "level": "info",
            "route": "/v1/gate",
            "status": 200,
            "ms": 1.5,
            "ok": True,
            "none": None,
        }

    def test_the_request_id_is_on_every_line_of_the_request(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("info", json=True)
        token = request_id_var.set("req-1")
        LOG.info("ours")
        logging.getLogger("a.library").warning("theirs")
        request_id_var.reset(token)
        LOG.info("after")
        assert [line.get("request_id") for line in lines(capsys)] == ["req-1", "req-1", None]

    @pytest.mark.parametrize(
        "key",
        [
            *("draft", "subject", "body", "context", "prompt", "messages", "content", "text", "raw", "reason"),
            *("evidence", "signal_line", "prior_thread", "note", "company_name", "authorization", "api_key"),
            *("token", "receipt", "input", "Body", "DATABASE_URL", "params"),
        ],
    )
    @pytest.mark.parametrize("as_json", [True, False])
    def test_a_private_key_is_withheld_at_any_depth(
        self, capsys: pytest.CaptureFixture[str], key: str, as_json: bool
    ) -> None:
        configure_logging("info", json=as_json)
        LOG.info("event", **{key: CANARY})
        LOG.info("event", item={"inner": [{key: {"x": CANARY}}]})
        LOG.bind(**{key: CANARY}).warning("bound")
        err = capsys.readouterr().err
        assert CANARY not in err
        assert err.count(WITHHELD) == 3

    def test_what_is_not_plain_is_named_only(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("info", json=True)
        LOG.info("event", item=Draft(subject=CANARY, body=CANARY), data=CANARY.encode(), items=[Path("/x"), {1, 2}])
        (line,) = lines(capsys)
        assert (line["item"], line["data"]) == ("<Draft>", "<bytes>")
        assert line["items"] == ["<PosixPath>", [1, 2]]

    def test_a_long_value_is_cut(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("info", json=True)
        LOG.info("event", detail="x" * 10_000)
        (line,) = lines(capsys)
        assert len(str(line["detail"])) < MAX_LOGGED_CHARS + 40
        assert str(line["detail"]).endswith("(10000 characters)")

    @pytest.mark.parametrize("as_json", [True, False])
    def test_an_exception_is_its_class_and_place(self, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
        configure_logging("info", json=as_json)

        def fails() -> None:
            raise ValueError(f"cannot read {CANARY}")

        try:
            fails()
        except ValueError as error:
            LOG.exception("ours")
            LOG.error("given", exc_info=error)
            logging.getLogger("uvicorn.error").exception("theirs")
        err = capsys.readouterr().err
        assert CANARY not in err
        assert "Traceback" not in err
        assert err.count("ValueError") == 3
        assert err.count("test_telemetry.py:") == 3

    def test_a_library_goes_through_the_same_filter(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("debug", json=True)
        logging.getLogger("a.library").warning("%s of %s", 1, 2, extra={"body": CANARY})
        (line,) = lines(capsys)
        assert (line["event"], line["level"]) == ("1 of 2", "warning")
        assert CANARY not in json.dumps(line)

    @pytest.mark.parametrize("name", ["httpx2", "openai", "openai._base_client", "sqlalchemy.engine"])
    def test_libraries_that_log_addresses_and_bodies_are_quiet(
        self, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        configure_logging("debug", json=True)
        logging.getLogger(name).info("HTTP Request: POST %s", CANARY)
        assert capsys.readouterr().err == ""

    def test_a_second_configuration_replaces_the_first(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("error", json=True)
        configure_logging("info", json=True)
        LOG.info("once")
        logging.getLogger("a.library").info("once more")
        assert [line["event"] for line in lines(capsys)] == ["once", "once more"]

    def test_lines_for_a_person(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("info", json=False)
        LOG.info("engine.ready", engine="0.32.0")
        err = capsys.readouterr().err
        assert "engine.ready" in err
        assert "engine=0.32.0" in err
        assert "\x1b[" not in err

    def test_an_unknown_level_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            configure_logging("loud", json=True)


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample as ``name{label="value"}``."""
    content, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(content.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


class TestMetrics:
    def test_each_thing_is_counted(self) -> None:
        metrics = Metrics()
        metrics.verdict("judged")
        metrics.verdict("timeout")
        metrics.verdict("timeout")
        metrics.gate("send", "rules+model", 0.2)
        metrics.gate("hold", "rules")
        metrics.bypass("breaker_open", "held")
        metrics.finding("capacity.over_count")
        metrics.replay()
        metrics.model_latency(0.4)
        metrics.queue_wait(0.002)
        metrics.request_started()
        metrics.request_started()
        metrics.request_finished("/v1/gate", "POST", 200, 0.3)
        metrics.breaker("open")
        metrics.slots(3, 4)
        metrics.pool(2, 8)
        found = samples(metrics)
        expected = {
            'presend_verdicts_total{outcome="judged"}': 1,
            'presend_verdicts_total{outcome="timeout"}': 2,
            'presend_verdicts_total{outcome="refused"}': 0,
            'presend_gate_decisions_total{action="send",source="rules+model"}': 1,
            'presend_gate_decisions_total{action="hold",source="rules"}': 1,
            "presend_gate_seconds_count": 1,
            'presend_gate_bypasses_total{reason="breaker_open",result="held"}': 1,
            'presend_findings_total{check="capacity.over_count"}': 1,
            "presend_idempotent_replays_total": 1,
            "presend_model_seconds_sum": 0.4,
            'presend_queue_seconds_bucket{le="0.0025"}': 1,
            'presend_queue_seconds_bucket{le="0.001"}': 0,
            "presend_http_in_flight": 1,
            'presend_http_requests_total{method="POST",route="/v1/gate",status="200"}': 1,
            'presend_http_seconds_count{route="/v1/gate"}': 1,
            'presend_breaker_state{state="open"}': 1,
            'presend_breaker_state{state="closed"}': 0,
            'presend_model_slots{state="running"}': 3,
            'presend_model_slots{state="waiting"}': 4,
            'presend_db_connections{state="in_use"}': 2,
            'presend_db_connections{state="idle"}': 8,
        }
        assert {name: found[name] for name in expected} == expected

    def test_every_outcome_is_there_from_the_start(self) -> None:
        found = samples(Metrics())
        assert {f'presend_verdicts_total{{outcome="{o.value}"}}' for o in Outcome} <= set(found)
        assert found['presend_breaker_state{state="closed"}'] == 1
        assert found["process_resident_memory_bytes"] > 1_000_000

    def test_instances_share_nothing(self) -> None:
        one, two = Metrics(), Metrics()
        one.replay()
        assert samples(two)["presend_idempotent_replays_total"] == 0

    def test_series_are_bounded_whatever_is_passed(self) -> None:
        metrics = Metrics()
        for n in range(3 * MAX_VALUES_PER_LABEL):
            metrics.verdict(f"outcome{n}")
            metrics.gate(f"action{n}", f"source{n}")
            metrics.bypass(f"reason{n}", f"result{n}")
            metrics.finding(f"check{n}")
            metrics.request_started()
            metrics.request_finished(f"/r{n}", f"METHOD{n}", 200, 0.1)
        found = samples(metrics)
        assert found[f'presend_verdicts_total{{outcome="{OTHER}"}}'] == 3 * MAX_VALUES_PER_LABEL
        assert found[f'presend_findings_total{{check="{OTHER}"}}'] == 2 * MAX_VALUES_PER_LABEL
        assert len([name for name in found if name.startswith("presend_findings_total")]) == MAX_VALUES_PER_LABEL + 1
        assert len([name for name in found if name.startswith("presend_gate_decisions_total")]) == 1
        assert len([n for n in found if n.startswith("presend_http_requests_total")]) == MAX_VALUES_PER_LABEL + 1

    @pytest.mark.parametrize(("status", "shown"), [(0, "0"), (404, "404"), (599, "599"), (12, "0"), (10_000, "0")])
    def test_a_status_that_is_none_is_zero(self, status: int, shown: str) -> None:
        metrics = Metrics()
        metrics.request_finished("/x", "GET", status, 0.0)
        assert samples(metrics)[f'presend_http_requests_total{{method="GET",route="/x",status="{shown}"}}'] == 1
