"""`presend up`: at once from the rules, then with the model; reused, stopped, killed, refused in one sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.local.home import Home
from tests.e2e.conftest import Service
from tests.e2e.up import ROOT, environment, left_of, refused, running, temporary_home


@pytest.mark.e2e
def test_the_api_answers_before_the_model_and_says_what_loads(service: Service) -> None:
    assert service.answered_after < service.ready_after
    status, readiness = service.early_readiness
    assert status == 503
    assert readiness["status"] == "rules_only"
    assert readiness["database"]["ready"]
    assert not readiness["judge"]["ready"]
    assert readiness["judge"]["detail"]


@pytest.mark.e2e
def test_a_broken_rule_is_answered_before_the_model_has_joined(service: Service) -> None:
    status, decision = service.early_decision
    assert status == 200
    assert (decision["action"], decision["decision_source"]) == ("revise", "rules")


@pytest.mark.e2e
def test_the_model_joins_by_itself_and_says_so(service: Service) -> None:
    assert service.up.get("/readyz").json()["status"] == "ready"
    service.up.until(lambda: "The judge model has joined after" in service.up.output, 10, "line about the model")
    assert service.up.home.engine_state.exists()


@pytest.mark.e2e
def test_the_pasted_curl_of_the_banner_is_judged_by_the_model(service: Service) -> None:
    curl = service.up.output.partition("Ask it about a draft:\n")[2].partition("\n\nStill loading")[0].strip()
    ran = subprocess.run(["/bin/sh", "-c", curl], capture_output=True, text=True, check=True)
    assert '"outcome":"judged"' in ran.stdout.replace(" ", "")


@pytest.mark.e2e
def test_preparing_again_reuses_engine_and_model(service: Service) -> None:
    model = Path(environment(service.up.home.root)["PRESEND_MODELS_DIR"])
    weights = {path: path.stat().st_mtime_ns for path in model.glob("judge-*/model.safetensors")}
    assert weights
    command = [sys.executable, "-m", "app.cli", "model", "prepare"]
    env = environment(service.up.home.root)
    ran = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=True, timeout=120)
    assert "The model is ready: " in ran.stdout
    assert {path: path.stat().st_mtime_ns for path in model.glob("judge-*/model.safetensors")} == weights


@pytest.mark.e2e
def test_nothing_outlives_a_killed_supervisor_not_even_a_loading_engine(service: Service) -> None:
    with temporary_home() as home, running(home) as up:
        up.until(lambda: any("VLLM" in p.name() for p in up.family()), 120, "engine process")
        family = up.family()
        os.kill(up.process.pid, signal.SIGKILL)
        up.process.wait()
        assert len(family) > 6
        assert left_of(family[1:]) == []


def test_a_second_start_reuses_the_database_and_shows_the_same_key() -> None:
    with temporary_home() as home:
        with running(home, "--no-engine") as up:
            key, kept = up.key, up.get("/v1/judge").json()["digest"]
            assert f"API key: {key}" in up.output
            assert up.stop() == (0, [])
        made = (home / "postgres" / "PG_VERSION").stat().st_mtime_ns
        with running(home, "--no-engine") as up:
            up.until(lambda: f"API key: {key}" in up.output, 30, "the banner, which may come after the first answer")
            assert up.get("/v1/judge").json()["digest"] == kept
            assert up.stop() == (0, [])
        assert (home / "postgres" / "PG_VERSION").stat().st_mtime_ns == made
        assert not Home(home).address.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_child_within_seconds(number: signal.Signals) -> None:
    with temporary_home() as home, running(home, "--no-engine") as up:
        began = time.monotonic()
        code, left = up.stop(number)
        assert (code, left) == (0, [])
        assert time.monotonic() - began < 15
        assert up.output.rstrip().endswith("Stopped.")


def test_a_child_that_dies_is_started_again_and_this_is_said() -> None:
    with temporary_home() as home, running(home, "--no-engine") as up:
        api = next(p for p in up.family() if "serve" in p.cmdline() and "guard.py" not in " ".join(p.cmdline()))
        api.kill()
        up.until(lambda: "The API is back." in up.output, 60, "restart of the API")
        assert "The API ended (exit code 137) and starts again in 1 s; see " in up.output
        assert up.get("/v1/judge").status_code == 200
        server = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(server, signal.SIGKILL)
        up.until(lambda: "Postgres is back." in up.output, 60, "restart of Postgres")
        up.until(lambda: up.get("/v1/judge").status_code == 200, 30, "answer after the restart")
        assert up.stop() == (0, [])


def test_a_killed_supervisor_leaves_nobody_and_can_start_again() -> None:
    with temporary_home() as home:
        with running(home, "--no-engine") as up:
            family, key = up.family(), up.key
            os.kill(up.process.pid, signal.SIGKILL)
            up.process.wait()
            assert left_of(family[1:]) == []
        with running(home, "--no-engine") as up:
            assert up.key == key
            assert up.stop() == (0, [])


def test_a_second_signal_ends_everything_at_once() -> None:
    with temporary_home() as home, running(home, "--no-engine") as up:
        family = up.family()
        api = next(p for p in family if "serve" in p.cmdline() and "guard.py" not in " ".join(p.cmdline()))
        api.suspend()  # it cannot drain
        up.process.send_signal(signal.SIGINT)
        up.until(lambda: "Stopping:" in up.output, 10, "first answer")
        began = time.monotonic()
        up.process.send_signal(signal.SIGINT)
        up.process.wait(20)
        assert time.monotonic() - began < 12
        assert left_of(family) == []


def test_two_on_one_home_is_one_sentence() -> None:
    with temporary_home() as home, running(home, "--no-engine") as up:
        code, said = refused(home, "--no-engine", "--port", "0")
        assert code == 1
        assert said == (
            f"`presend up` is already running on {home} (process {up.process.pid});"
            " stop it first, or give this one another --home and --port.\n"
        )
        assert up.get("/v1/judge").status_code == 200


def test_a_port_in_use_is_one_sentence() -> None:
    with temporary_home() as home, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, said = refused(home, "--no-engine", "--port", str(port))
        assert code == 1
        assert said == f"Port {port} on 127.0.0.1 is in use; stop what uses it, or choose another with --port.\n"


def test_an_unreachable_database_is_one_sentence() -> None:
    with temporary_home() as home:
        more = {"DATABASE_URL": "postgresql://me:secret@127.0.0.1:9/presend"}
        code, said = refused(home, "--no-engine", "--port", "0", more=more)
        assert code == 1
        assert said.startswith("The database of DATABASE_URL (127.0.0.1, port 9) cannot be used: ")
        assert "secret" not in said
        assert len(said.splitlines()) == 1


def test_a_wrong_policy_ends_the_start_with_the_apis_own_sentence() -> None:
    with temporary_home() as home:
        code, said = refused(home, "--no-engine", "--port", "0", more={"PRESEND_POLICY": "/nowhere/policy.toml"})
        assert code == 1
        assert said.startswith("The API did not start: The policy /nowhere/policy.toml cannot be read")
        assert not [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]


def test_a_home_that_is_a_file_is_one_sentence() -> None:
    with temporary_home() as home:
        home.write_text("a file")
        code, said = refused(home, "--no-engine", "--port", "0")
        assert (code, said) == (1, f"{home} is a file, but must be a folder; move it away or choose another --home.\n")
