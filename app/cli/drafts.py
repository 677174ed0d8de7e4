"""Commands about drafts: ask the gate, run the rules alone, see what judges, check a policy file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from app.cli import shown
from app.cli.terminal import console
from app.errors import InvalidInput, NotAuthenticated, SetupError
from app.schemas import Action, Draft, Finding, GateResponse, Problem
from app.settings import Settings, load_settings

EXIT_CODES = {Action.SEND: 0, Action.REVISE: 3, Action.HOLD: 4}
EXIT_HELP = "Exit code: 0 send, 3 revise, 4 hold, 1 or 2 for errors."
ANSWER_MARGIN_S = 30.0

RequestFile = Annotated[str, typer.Argument(metavar="FILE", help="The request as JSON; - reads standard input.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", envvar="PRESEND_URL", help="Address of the service; else the one that runs on this home."),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", envvar="PRESEND_API_KEY", help="API key; else the first key of this home."),
]


def add(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command(epilog=EXIT_HELP)(gate)
    program.command(epilog=EXIT_HELP)(rules)
    program.command()(judge)
    policy = typer.Typer(no_args_is_help=True, help="Vendor policies: limits, phrases, prices, thresholds.")
    policy.command()(check)
    program.add_typer(policy, name="policy")


def gate(file: RequestFile, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Ask a running service whether a draft may be sent.

    FILE holds what POST /v1/gate takes: {"draft": {"subject", "body"}, "context": {...}, "deadline_ms": 10000}.

    \b
    Examples:
      presend gate request.json
      presend gate --json - < request.json
      presend gate request.json --url https://presend.example --key psk_...
    """
    raw = read_request(file)
    answer = _ask("POST", "/v1/gate", url, key, content=raw)
    decision = GateResponse.model_validate(answer)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        shown.gate(console(), decision, _draft_of(raw))
    raise typer.Exit(EXIT_CODES[decision.action])


def rules(
    file: RequestFile,
    policy: Annotated[Path | None, typer.Option(help="Policy file instead of PRESEND_POLICY.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the deterministic rules alone on a draft; no service, database or model is needed.

    \b
    Examples:
      presend rules request.json
      presend rules request.json --policy our-policy.toml
      jq '{draft, context}' task.json | presend rules -
    """
    from app.api.bodies import fit, parse_json
    from app.judge.decision import blocking
    from app.judge.rules.engine import Ruleset
    from app.main import load_policy
    from app.schemas import VerdictRequest

    # A gate request is a verdict request with one more key.
    value = parse_json(read_request(file))
    if isinstance(value, dict):
        value.pop("on_failure", None)
    request = fit(VerdictRequest, value)
    chosen = load_policy(load_settings({"policy": policy}).policy)
    findings = Ruleset(chosen).check(request.draft, request.context)
    stopped = blocking(findings, chosen)
    held = any(chosen.checks[finding.check].action == "hold" for finding in stopped)
    action = Action.HOLD if held else Action.REVISE if stopped else Action.SEND
    if as_json:
        told = {"action": action, "findings": [finding.model_dump(mode="json") for finding in findings]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        shown.rules(console(), action, findings, request.draft)
    raise typer.Exit(EXIT_CODES[action])


def judge(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show what judges: the identity that every verdict carries, and whether the model may be asked.

    \b
    Examples:
      presend judge
      presend judge --json
    """
    answer = _ask("GET", "/v1/judge", url, key)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        shown.judge(console(), answer)


def check(file: Annotated[Path, typer.Argument(help="A policy in TOML.")]) -> None:
    """Check a policy file and name every fault in it by key.

    \b
    Example:
      presend policy check our-policy.toml
    """
    from app.main import load_policy

    policy = load_policy(file)
    typer.echo(f"{file} is a sound policy: {policy.name}, {len(policy.checks)} checks, digest {policy.digest[:12]}.")


def read_request(file: str) -> bytes:
    """The bytes of a request file, or of standard input for ``-``."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SetupError(f"The file {file} cannot be read: {(error.strerror or 'unknown').lower()}.") from error


def _draft_of(raw: bytes) -> Draft:
    """The draft of a request that the service has accepted."""
    return Draft.model_validate(json.loads(raw)["draft"])


def _ask(method: str, path: str, url: str | None, key: str | None, content: bytes | None = None) -> Any:
    """One request to the service; problems become errors of the same sentence."""
    from app.local.home import Home, read_line

    settings = load_settings()
    home = Home(settings.home.expanduser().absolute())
    base = (url or read_line(home.address) or f"http://127.0.0.1:{settings.port}").rstrip("/")
    token = key or read_line(home.first_key)
    if token is None:
        raise NotAuthenticated(
            "An API key is needed: pass --key or set PRESEND_API_KEY; `presend keys create` makes one."
        )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        answer = httpx.request(
            method, base + path, content=content, headers=headers, timeout=_patience(settings, content)
        )
    except httpx.InvalidURL as error:
        raise InvalidInput("The address of the service is no URL; it has the form http://host:port.") from error
    except httpx.TimeoutException as error:
        raise SetupError(f"The service at {base} did not answer in time.") from error
    except httpx.HTTPError as error:
        raise SetupError(
            f"No service answers at {base}; start one with `presend up`, or name it with --url."
        ) from error
    if answer.is_success:
        return answer.json()
    raise _refused(answer, base)


def _patience(settings: Settings, content: bytes | None) -> float:
    """Seconds to wait: the deadline in the request, and a margin."""
    try:
        deadline_ms = float(json.loads(content or b"{}").get("deadline_ms") or settings.deadline_ms)
    except (ValueError, TypeError, AttributeError):
        deadline_ms = settings.deadline_ms
    return deadline_ms / 1000 + ANSWER_MARGIN_S


def _refused(answer: httpx.Response, base: str) -> InvalidInput:
    from app.errors import Fault

    try:
        problem = Problem.model_validate(answer.json())
    except ValueError:
        return InvalidInput(f"{base} answered {answer.status_code} and is perhaps not Presend.")
    faults = tuple(Fault(item.path, item.message) for item in problem.errors or [])
    return InvalidInput(f"{problem.detail} ({problem.status})", faults)


__all__ = ["Finding", "add", "check", "gate", "judge", "read_request", "rules"]
