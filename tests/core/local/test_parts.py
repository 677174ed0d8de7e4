"""The small parts of `presend up`: ports, backoff, the engine's report, the banner, the API's environment."""

from __future__ import annotations

import json
import shlex
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from app.errors import SetupError
from app.local.backoff import FIRST_S, LAST_S, Backoff
from app.local.console import Voice, banner, curl
from app.local.engine import EngineAddress
from app.local.home import open_home
from app.local.ports import claim, reachable
from app.local.state import EngineReport, EngineState
from app.local.supervisor import child_env, child_spec
from app.schemas import GateRequest
from app.settings import Settings


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SetupError, match=f"Port {port} on 127.0.0.1 is in use; .* choose another with --port"):
            claim("127.0.0.1", port)


def test_a_free_port_is_found_and_a_named_one_kept() -> None:
    port = claim("127.0.0.1", 0)
    assert port > 0
    assert claim("127.0.0.1", port) == port


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_a_foreign_address_is_named(host: str) -> None:
    with pytest.raises(SetupError, match="is not an address of this machine"):
        claim(host, 0)


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")],  # noqa: S104
)
def test_the_address_shown_can_be_pasted(host: str, name: str) -> None:
    assert reachable(host) == name


def test_waits_grow_to_a_limit_and_start_over_after_a_long_life() -> None:
    backoff = Backoff()
    waits = [backoff.next(0.1) for _ in range(8)]
    assert waits[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == LAST_S
    assert backoff.next(3600) == FIRST_S


def test_the_report_is_whole_json_with_a_time(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    report = EngineReport(home)
    report.tell(EngineState.INSTALLING, "12 packages found")
    first = json.loads(home.engine_state.read_text())
    assert (first["state"], first["detail"]) == ("installing", "12 packages found")
    assert datetime.fromisoformat(first["since"]).tzinfo is not None
    report.tell(EngineState.READY, "")
    assert json.loads(home.engine_state.read_text())["state"] == "ready"
    report.clear()
    assert not home.engine_state.exists()


def test_the_curl_survives_a_shell_and_is_a_gate_request() -> None:
    words = shlex.split(curl("http://127.0.0.1:8000", "psk_key").replace("\\\n", ""))
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8000/v1/gate"]
    assert "Authorization: Bearer psk_key" in words
    GateRequest.model_validate_json(words[words.index("-d") + 1])


def test_the_banner_says_what_a_person_needs() -> None:
    text = banner("http://127.0.0.1:8000", "psk_key", "/home/first-key", "Still loading: the model.", "/home/logs")
    for part in ("http://127.0.0.1:8000/docs", "psk_key", "/home/first-key", "Still loading: the model.", "/home/logs"):
        assert part in text


def test_off_a_terminal_progress_is_plain_and_rare(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice(Console(force_terminal=False, width=200))
    for count in range(100):
        voice.progress("installing the engine", f"{count} packages")
    voice.progress("preparing the model")
    voice.quiet()
    assert capsys.readouterr().out.splitlines() == ["… installing the engine: 0 packages", "… preparing the model"]


def test_the_api_is_told_everything_by_its_environment(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    settings = Settings(home=tmp_path)
    env = child_env(settings, home, 8123, "postgresql://u@h/d", "receipt", EngineAddress(8001, "engine"))
    spec = child_spec("api", ("app.cli", "serve"), env, settings, home)
    assert spec.command[1:] == ("-m", "app.cli", "serve")
    told = {name: value for name, value in spec.env.items() if name.startswith("PRESEND_")}
    expected = {
        "PRESEND_HOME": str(tmp_path),
        "PRESEND_PORT": "8123",
        "PRESEND_DATABASE_URL": "postgresql://u@h/d",
        "PRESEND_RECEIPT_KEY": "receipt",
        "PRESEND_VLLM_BASE_URL": "http://127.0.0.1:8001/v1",
        "PRESEND_VLLM_API_KEY": "engine",
    }
    assert expected.items() <= told.items()
    assert told["PRESEND_JUDGE_MANIFEST"].endswith("/manifest.json")
    assert spec.grace_s > settings.unready_s + settings.drain_s


def test_relative_files_are_those_of_the_folder_that_the_user_is_in(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=tmp_path / "home", policy=Path("ours.toml"), judge_calibration=Path("runs/it.json"))
    env = child_env(settings, open_home(tmp_path / "home"), 1, "postgresql://u@h/d", "made", None)
    assert env["PRESEND_POLICY"] == str(tmp_path / "ours.toml")
    assert env["PRESEND_JUDGE_CALIBRATION"] == str(tmp_path / "runs" / "it.json")


def test_a_receipt_key_of_the_users_own_is_not_replaced(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, receipt_key=SecretStr("mine"))
    env = child_env(settings, open_home(tmp_path), 1, "postgresql://u@h/d", "made", None)
    assert env.get("PRESEND_RECEIPT_KEY") != "made"
    assert "PRESEND_VLLM_BASE_URL" not in env
