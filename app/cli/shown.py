"""How decisions look on a terminal: the action, why, and each finding with the words that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.schemas import Action, Draft, Evidence, Finding, GateResponse

COLOURS = {Action.SEND: "bold green", Action.REVISE: "bold yellow", Action.HOLD: "bold red"}
AROUND = 24
"""Characters of the draft shown on each side of the evidence."""
MAX_QUOTES = 3


def gate(console: Console, decision: GateResponse, draft: Draft) -> None:
    """A decision of the gate."""
    console.print(Text(decision.action.value.upper(), COLOURS[decision.action]), Text(f"— {decision.why}"))
    _findings(console, decision.verdict.findings, draft)
    judged = [c for c in decision.verdict.criteria if c.score is not None]
    if judged:
        table = Table("criterion", "score", "P(fail)", "passes", box=None, pad_edge=False, header_style="dim")
        for criterion in judged:
            passed = {True: "yes", False: "no", None: "unsure"}[criterion.passed]
            table.add_row(criterion.id, f"{criterion.score:.2f}", f"{criterion.p_fail or 0.0:.2f}", passed)
        console.print(table)
    if decision.verdict.reason:
        console.print(Text(f"The judge: {decision.verdict.reason}"))
    tail = f"decided by {decision.decision_source.value}, model {decision.verdict.outcome.value}"
    bypass = f", bypass: {decision.bypass}" if decision.bypass else ""
    console.print(Text(f"{tail}{bypass}, {decision.elapsed_ms:.0f} ms, verdict {decision.verdict.id}", "dim"))


def rules(console: Console, action: Action, findings: Sequence[Finding], draft: Draft) -> None:
    """What the rules alone say."""
    count = len(findings)
    said = "every rule holds" if not count else f"{count} rule{'s' if count > 1 else ''} broken"
    console.print(Text(action.value.upper(), COLOURS[action]), Text(f"— {said} (rules alone, the model was not asked)"))
    _findings(console, findings, draft)


def judge(console: Console, described: dict[str, Any]) -> None:
    """What judges, from ``GET /v1/judge``."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("digest", str(described["digest"]))
    table.add_row("ready", "yes" if described.get("ready") else f"no, {described.get('detail', '')}")
    for name, value in (described.get("parts") or {}).items():
        table.add_row(str(name), value if isinstance(value, str) else repr(value))
    console.print(table)


def _findings(console: Console, findings: Sequence[Finding], draft: Draft) -> None:
    failed = [finding for finding in findings if not finding.passed]
    if not failed:
        return
    table = Table(
        Column("check", no_wrap=True),
        "severity",
        "what is wrong",
        "where",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for finding in failed:
        quotes = [quote(draft, span) for span in finding.evidence[:MAX_QUOTES]]
        table.add_row(finding.check, finding.severity.value, Text(finding.detail), Text("\n").join(quotes))
    console.print(table)


def quote(draft: Draft, span: Evidence) -> Text:
    """The evidence with a little of the draft around it; «» mark it where no colour does."""
    text: str = getattr(draft, span.field)
    before, words, after = text[: span.start], text[span.start : span.end], text[span.end :]
    shown = Text(f"{span.field}: ", "dim")
    shown.append(("…" if len(before) > AROUND else "") + _flat(before[-AROUND:]))
    shown.append(f"«{_flat(words)}»", "bold red")
    shown.append(_flat(after[:AROUND]) + ("…" if len(after) > AROUND else ""))
    return shown


def _flat(text: str) -> str:
    """One line, and nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "␤" if c == "\n" else "·" for c in text)
