"""The OpenAPI document tells the truth: examples work, schemas describe what comes back, fuzzing finds nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from app.api import examples
from tests.drafts import HONEST, pair, request
from tests.service import ROOT, Caller, Service

EXAMPLES = {
    "/v1/gate": examples.GATE,
    "/v1/verdicts": examples.VERDICT,
    "/v1/comparisons": examples.COMPARISON,
    "/v1/receipts/verify": examples.RECEIPT,
}
FUZZ_S = 12
_SETS = "^/v1/(runs|labels|agreement|statistics)"
ABOUT_ONE_DRAFT = ("--exclude-path-regex", _SETS)
# A schema cannot say which lines, metrics or runs exist, and one wrong item of a batch spoils only itself.
_NOT_FOR_SETS = "positive_data_acceptance,negative_data_rejection"
# A body beyond the limit is refused before it is read; the tool does not count 413 among refusals by itself.
REFUSALS = """[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"""
ABOUT_SETS = ("--include-path-regex", _SETS, "--exclude-checks", _NOT_FOR_SETS)


def _document(service: Service) -> dict[str, Any]:
    document: dict[str, Any] = service.client().get("/openapi.json").json()
    return document


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, methods in document["paths"].items() for method, op in methods.items()]


def test_every_body_is_described_with_examples_that_fit(service: Service) -> None:
    document = _document(service)
    described = {}
    for path, _, operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            validator = _validator(document, content["schema"])
            values = {name: item["value"] for name, item in content.get("examples", {}).items()}
            values |= {"the only one": content["example"]} if "example" in content else {}
            described.setdefault(path, values)
            assert [fault for value in values.values() for fault in validator.iter_errors(value)] == [], path
    assert {path: described[path] for path in EXAMPLES} == EXAMPLES
    assert [path for path, values in described.items() if not values] == []


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, named in EXAMPLES.items() for name in named])
def test_every_example_answers_as_it_is_pasted(service: Service, agent: Caller, path: str, name: str) -> None:
    document = _document(service)
    answer = agent.ok(agent.post(path, EXAMPLES[path][name]))
    schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(_validator(document, schema).iter_errors(answer)) == []


def test_examples_of_runs_scores_and_labels_are_taken_as_they_are_pasted(service: Service, agent: Caller) -> None:
    document = _document(service)

    def pasted(path: str, kind: str, run_id: str) -> int:
        example = document["paths"][path]["post"]["requestBody"]["content"][kind]["example"]
        text = example if isinstance(example, str) else json.dumps(example)
        body = text.replace("0190b8a0-0000-7000-8000-000000000000", run_id).encode()
        status: int = agent.raw(path.format(run_id=run_id), body, **{"Content-Type": kind}).status_code
        return status

    for kind in ("application/json", "application/x-ndjson"):
        run_id, scored = (agent.post("/v1/runs", {"name": "n", "system": "s"}).json()["id"] for _ in range(2))
        assert pasted("/v1/runs/{run_id}/items", kind, run_id) == 200
        assert pasted("/v1/runs/{run_id}/scores", kind, scored) == 200
        assert pasted("/v1/labels", kind, run_id) == (201 if kind == "application/json" else 200)


def test_the_examples_of_the_gate_show_what_their_names_say(agent: Caller) -> None:
    broken = agent.ok(agent.post("/v1/gate", examples.GATE["an overcommitment"]))
    assert (broken["action"], broken["decision_source"]) == ("revise", "rules")
    honest = agent.ok(agent.post("/v1/gate", examples.GATE["an honest partial offer"]))
    assert honest["verdict"]["findings"] == []
    assert (honest["action"], honest["decision_source"]) == ("send", "rules+model")
    receipt = {**examples.RECEIPT["the receipt of a gate answer"], "receipt": honest["receipt"]}
    assert agent.ok(agent.post("/v1/receipts/verify", receipt))["valid"] is True


def test_every_operation_under_v1_tells_of_its_key_and_its_problems(service: Service) -> None:
    document = _document(service)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, _, operation in _operations(document):
        assert operation["summary"], path
        if path.startswith("/v1/"):
            assert operation["security"] == [{"key": []}], path
            assert {"401", "403"} <= set(operation["responses"]), path
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(operation["responses"]), path


def _failures(service: Service) -> dict[str, float]:
    return {name: n for name, n in service.metrics().items() if 'status="500"' in name and "_created" not in name}


@pytest.mark.parametrize("kind", ["ok", "500", "truncated", "refusal", "missing_logprobs"])
def test_answers_fit_their_schemas_whatever_the_engine_does(service: Service, agent: Caller, kind: str) -> None:
    document = _document(service)
    service.fake.always(kind)
    for path, body in (
        ("/v1/gate", request()),
        ("/v1/verdicts", request(explain=True)),
        ("/v1/comparisons", pair(HONEST, HONEST)),
    ):
        answer = agent.ok(agent.post(path, body))
        schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert list(_validator(document, schema).iter_errors(answer)) == []


@pytest.mark.parametrize("chosen", [ABOUT_ONE_DRAFT, ABOUT_SETS], ids=["drafts", "sets"])
def test_fuzzing_from_the_document_finds_nothing(
    service: Service, agent: Caller, tmp_path: Path, chosen: tuple[str, ...]
) -> None:
    before = _failures(service)
    (tmp_path / "schemathesis.toml").write_text(REFUSALS, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{service.url}/openapi.json"),
            *("-H", f"Authorization: Bearer {agent.key}", "--phases", "examples,coverage,fuzzing", "--checks", "all"),
            *("--max-time", str(FUZZ_S), "--max-examples", "30", "--continue-on-failure"),
            *("--seed", os.environ.get("FUZZ_SEED", "1")),
            *chosen,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=FUZZ_S * 4,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.api.fuzz_hooks"},
    )
    # A body of a hundred kilobytes must not push what failed out of the message.
    told = "\n".join(line[:300] for line in done.stdout.splitlines()[-150:])
    assert done.returncode == 0, told + done.stderr[-2000:]
    assert " 5xx" not in done.stdout
    assert _failures(service) == before
    assert "request.crashed" not in service.log
