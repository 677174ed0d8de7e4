"""`gate`, `rules`, `judge` and `policy check`: what they print and with which code they end."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.api.examples import CONTEXT, OVERCOMMITTED
from tests.cli.conftest import Presend

HONEST = {
    "subject": "Go engineers",
    "body": "Hi Priya,\n\nThree Go engineers are free. Would they help?\n\nBest,\nJonas",
}
FINDING = {
    "check": "capacity.overcommitment",
    "severity": "critical",
    "passed": False,
    "detail": "Offers 8 on go; 3 are free.",
    "evidence": [{"field": "body", "start": 3, "end": 8}],
}
VERDICT: dict[str, Any] = {
    "id": "01a20672",
    "created_at": "2026-11-23T03:00:00Z",
    "rubric": {"name": "outreach", "version": "1"},
    "judge": {"digest": "d", "model": "presend-judge"},
    "outcome": "judged",
    "passed": False,
    "score": 1.7,
    "p_fail": 0.9,
    "criteria": [{"id": "tone", "judged_by": "model", "score": 1.7, "p_fail": 0.9, "passed": False}],
    "findings": [FINDING],
    "latency_ms": {"total": 12.0},
}
ANSWER: dict[str, Any] = {
    "action": "revise",
    "decision_source": "rules+model",
    "why": "capacity.overcommitment: Offers 8 on go; 3 are free.",
    "verdict": VERDICT,
    "receipt": "r",
    "deadline_ms": 8000,
    "elapsed_ms": 12.0,
}


@dataclass
class Peer:
    """A service that answers what it is told to, and remembers what it was asked."""

    url: str
    status: int = 200
    answer: Any = None
    asked: list[tuple[str, str | None, bytes]] = field(default_factory=list)


@pytest.fixture
def peer() -> Iterator[Peer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            peer.asked.append((self.path, self.headers.get("Authorization"), body))
            answer = json.dumps(peer.answer).encode()
            self.send_response(peer.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST  # noqa: N815 - the name is the library's

        def log_message(self, *given: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        peer = Peer(f"http://127.0.0.1:{server.server_port}", answer=deepcopy(ANSWER))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield peer
        server.shutdown()
        thread.join()


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"draft": OVERCOMMITTED, "context": CONTEXT, "deadline_ms": 8000}))
    return path


@pytest.mark.parametrize(("action", "code"), [("send", 0), ("revise", 3), ("hold", 4)])
def test_the_exit_code_is_the_action(presend: Presend, peer: Peer, request_file: Path, action: str, code: int) -> None:
    peer.answer["action"] = action
    ran = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k")
    assert ran.code == code
    assert ran.out.startswith(action.upper())


def test_the_gate_is_sent_the_file_and_the_key(presend: Presend, peer: Peer, request_file: Path) -> None:
    presend("gate", str(request_file), "--url", peer.url + "/", "--key", "psk_k")
    assert peer.asked == [("/v1/gate", "Bearer psk_k", request_file.read_bytes())]


def test_a_decision_shows_why_the_check_and_the_words(presend: Presend, peer: Peer, request_file: Path) -> None:
    shown = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k").out
    assert "Offers 8 on go; 3 are free." in shown
    assert "capacity.overcommitment" in shown
    assert f"«{OVERCOMMITTED['body'][3:8]}»" in shown
    assert "tone" in shown
    assert "0.90" in shown


def test_json_is_the_answer_as_it_came(presend: Presend, peer: Peer, request_file: Path) -> None:
    ran = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k", "--json")
    assert json.loads(ran.out) == ANSWER
    assert ran.code == 3


def test_standard_input_and_what_a_running_service_left_in_the_home(
    presend: Presend, peer: Peer, request_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "home" / "run"
    run.mkdir(parents=True)
    (run / "address").write_text(peer.url + "\n")
    (tmp_path / "home" / "first-key").write_text("psk_first\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(request_file.read_bytes())))
    assert presend("gate", "-").code == 3
    assert peer.asked[0][1] == "Bearer psk_first"


def test_a_problem_is_its_sentence_and_its_fields(presend: Presend, peer: Peer, request_file: Path) -> None:
    peer.status = 422
    peer.answer = {
        "type": "https://presend.example/problems/invalid-input",
        "title": "The request does not fit",
        "status": 422,
        "detail": "1 field does not fit.",
        "errors": [{"path": "context.icp_segment", "message": "must be 0 to 4"}],
    }
    ran = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k")
    assert ran.code == 1
    assert ran.err == "1 field does not fit. (422) context.icp_segment: must be 0 to 4\n"


def test_something_else_at_the_address_is_said(presend: Presend, peer: Peer, request_file: Path) -> None:
    peer.status, peer.answer = 404, {"message": "nginx"}
    ran = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k")
    assert ran.err == f"{peer.url} answered 404 and is perhaps not Presend.\n"


def test_no_service_no_key_no_file(presend: Presend, request_file: Path) -> None:
    nobody = presend("gate", str(request_file), "--url", "http://127.0.0.1:9", "--key", "psk_k")
    assert (nobody.code, "No service answers at http://127.0.0.1:9" in nobody.err) == (1, True)
    keyless = presend("gate", str(request_file))
    assert (keyless.code, "An API key is needed" in keyless.err) == (1, True)
    absent = presend("gate", "absent.json", "--key", "psk_k")
    assert (absent.code, absent.err) == (1, "The file absent.json cannot be read: no such file or directory.\n")


def test_judge_shows_digest_and_parts(presend: Presend, peer: Peer) -> None:
    peer.answer = {"digest": "abc123", "ready": False, "detail": "preparing the model", "parts": {"engine": "0.32"}}
    shown = presend("judge", "--url", peer.url, "--key", "psk_k").out
    assert "abc123" in shown
    assert "no, preparing the model" in shown
    assert "0.32" in shown


def test_the_rules_alone_need_nothing(presend: Presend, request_file: Path, tmp_path: Path) -> None:
    ran = presend("rules", str(request_file))
    assert ran.code == 3
    assert "capacity.overcommitment" in ran.out
    assert "«" in ran.out
    request_file.write_text(json.dumps({"draft": HONEST, "context": CONTEXT}))
    clean = presend("rules", str(request_file), "--json")
    assert (clean.code, json.loads(clean.out)) == (0, {"action": "send", "findings": []})
    assert not (tmp_path / "home").exists()


def test_the_rules_hold_what_the_policy_holds(presend: Presend, request_file: Path) -> None:
    request_file.write_text(
        json.dumps({"draft": {"subject": "", "body": ""}, "context": CONTEXT, "on_failure": "allow"})
    )
    assert presend("rules", str(request_file)).code == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"draft": ', "is not JSON"),
        ("[]", "body:"),
        ('{"draft": {"subject": "s"}, "context": {}}', "draft.body"),
        ('{"draft": {"subject": "s", "body": "private words", "extra": NaN}}', "NaN is not JSON"),
    ],
)
def test_a_request_that_does_not_fit_is_named_by_path(
    presend: Presend, request_file: Path, text: str, sentence: str
) -> None:
    request_file.write_text(text)
    ran = presend("rules", str(request_file))
    assert ran.code == 1
    assert sentence in ran.err
    assert "private words" not in ran.err


def test_a_draft_cannot_move_the_cursor(presend: Presend, peer: Peer, request_file: Path) -> None:
    draft = {"subject": "s", "body": "Hi \x1b[2J\x1b[31m there, all of you"}
    request_file.write_text(json.dumps({"draft": draft, "context": CONTEXT}))
    shown = presend("gate", str(request_file), "--url", peer.url, "--key", "psk_k").out
    assert "\x1b[2J" not in shown


def test_a_sound_policy_and_a_wrong_one(presend: Presend, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('name = "ours"\n[vendor]\nname = "Ours"\n')
    assert presend("policy", "check", str(policy)).out.startswith(f"{policy} is a sound policy: ours,")
    policy.write_text('name = "ours"\n[vendor]\nname = "Ours"\n[limits]\ncold_words = "many"\nwarm_wrds = 3\n')
    ran = presend("policy", "check", str(policy))
    assert ran.code == 2
    assert "limits.cold_words" in ran.err
    assert "limits.warm_wrds" in ran.err
    assert presend("policy", "check", str(tmp_path / "absent.toml")).code == 2
