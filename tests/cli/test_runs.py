"""`presend runs` against a running service and a worker of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.api.run_examples import ITEMS, SCORES
from tests.benchmarks.third_party import data_file
from tests.service import Caller, Service, agent, service, shared_service
from tests.worker.fixtures import run_worker
from tests.worker.shapes import ROOT, check_books

__all__ = ["agent", "run_worker", "service", "shared_service"]


def presend(agent: Caller, service: Service, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PRESEND_URL": service.url,
        "PRESEND_API_KEY": agent.key,
        "COLUMNS": "160",
    }
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "runs", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.usefixtures("run_worker")
def test_a_published_set_becomes_a_run_with_one_command(agent: Caller, service: Service, tmp_path: Path) -> None:
    file = str(data_file("third_party_a.jsonl"))
    done = presend(agent, service, "create", file, "--system", "author", "--tag", "set:a", "--watch")
    assert "394 of 394 records are stored" in done.stderr
    assert "completed" in done.stdout
    (run,) = json.loads(presend(agent, service, "list", "--json").stdout)
    assert (run["name"], run["status"], run["counts"]["total"]) == ("third_party_a", "completed", 394)
    assert run["counts"]["judged"] == 394
    assert "third_party_a" in presend(agent, service, "list").stdout
    assert run["judge_digest"] in presend(agent, service, "show", "third_party_a").stdout
    out = tmp_path / "out.csv"
    presend(agent, service, "export", "third_party_a", "--out", str(out))
    assert len(out.read_text().splitlines()) == 395
    exported = presend(agent, service, "export", run["id"]).stdout.splitlines()
    assert json.loads(exported[0])["verdict"]["run_id"] == run["id"]
    check_books(service.database_url, done=False)


def test_faults_are_named_by_the_line_of_the_file(agent: Caller, service: Service, tmp_path: Path) -> None:
    bad = {**ITEMS[1], "context": {**ITEMS[1]["context"], "icp_segment": 9}, "task_id": "bad"}
    file = tmp_path / "mine.jsonl"
    file.write_text("\n\n".join(json.dumps(one) for one in [ITEMS[0], bad]))
    done = presend(agent, service, "create", str(file), "--system", "s")
    assert "mine.jsonl:3: context.icp_segment" in done.stderr
    refused = presend(agent, service, "create", str(file), "--system", "s", "--on-error", "refuse", code=1)
    assert "line 2: context.icp_segment" in refused.stderr


def test_many_faults_are_counted_and_an_id_is_shown_whole(agent: Caller, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text("\n".join(json.dumps(ITEMS[0]) for _ in range(26)))
    done = presend(agent, service, "create", str(file), "--system", "s")
    assert "1 of 26 records are stored" in done.stderr
    assert done.stderr.count("twice.jsonl:") == 20
    assert "and 5 more" in done.stderr
    assert "presend runs watch" in done.stderr
    assert done.stdout.strip() in presend(agent, service, "list").stdout


def test_results_of_another_judge_are_stored(agent: Caller, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(SCORES))
    done = presend(agent, service, "create", str(file), "--system", "other", "--watch", "--json")
    made = json.loads(done.stdout)
    assert (made["run"]["status"], made["upload"]["accepted"]) == ("completed", 3)


def test_a_run_is_stopped_gone_on_with_and_erased(agent: Caller, service: Service) -> None:
    run_id = agent.post("/v1/runs", {"name": "by hand", "system": "s"}).json()["id"]
    assert "is cancelled" in presend(agent, service, "cancel", "by hand").stdout
    assert "is open" in presend(agent, service, "resume", run_id).stdout
    presend(agent, service, "delete", run_id, "--yes")
    assert "There is no run with that id" in presend(agent, service, "show", run_id, code=1).stderr
    assert "no run of the name" in presend(agent, service, "show", "none such", code=1).stderr
