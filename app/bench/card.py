"""The data card: what a task set holds, how it was made and what was measured on it, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.bench.report import Report, Row, criteria_of, split_up
from app.bench.tasks import Task, counted, digest_of_tasks

_HOW = {
    "programmatic": "programmatic: written by the generator, the label holds by construction",
    "trace_derived": "trace-derived: items of stored runs with the labels of people",
    "hand_authored": "hand-authored: written or labelled one by one, checked line by line when read",
    "multi_llm_synthesis": "multi-LLM synthesis: written by one model, marked by one of another family",
}


def data_card(tasks: Sequence[Task], report: Report, command: str) -> str:
    """The whole card; ``command`` is the one that makes the tasks."""
    parts = [
        "# Data card: Presend-Bench",
        "Every figure here was measured when the card was written; `presend bench card` writes it again.",
        f"Made by `{command}`. Digest of the whole set: `{digest_of_tasks(tasks)}`.",
        "## What it holds",
        _splits_table(tasks),
        _modes(tasks),
        "## Violations",
        "Tasks that break a criterion, by split. A task may break several; what is undecided counts nowhere.",
        _criteria_table(tasks),
        "## Checks",
        "Shares are held against their limit by the near end of their 95 % interval.",
        _checks_table(report.rows),
        _nearest(report),
        "## Sources",
        _sources(tasks),
        "## What it cannot tell",
        "- Generated drafts are tidier than real ones: figures on them say what a judge can do, not what it will do.\n"
        "- One fictional trade, e-mail, English. Other trades need tasks of their own.\n"
        '- Published labels are noisy; of blind re-labelled drafts far fewer "pass" labels held than "fail" labels.\n'
        "- A shortcut that no check here looks for would not show.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _splits_table(tasks: Sequence[Task]) -> str:
    rows = []
    for name, part in split_up(tasks).items():
        labels = counted(part)["label"]
        rows.append(
            (
                name, len(part), len({t.cluster for t in part}), len({t.family for t in part if t.family}),
                len({t.vendor for t in part if t.vendor}), sum(t.pair is not None for t in part),
                labels.get("pass", 0), labels.get("fail", 0), labels.get("undecided", 0),
                f"`{digest_of_tasks(part)[:12]}`",
            )
        )  # fmt: skip
    heads = ("split", "tasks", "groups", "families", "vendors", "pairs", "pass", "fail", "undecided", "digest")
    return table(heads, rows)


def _modes(tasks: Sequence[Task]) -> str:
    kinds = counted(tasks)
    lines = [f"- {count:,} {_HOW[mode]}" for mode, count in kinds["mode"].items()]
    lines.append("- difficulty: " + ", ".join(f"{name} {count:,}" for name, count in kinds["difficulty"].items()))
    if hostile := sum(task.hostile for task in tasks):
        lines.append(f"- hostile drafts: {hostile:,}")
    return "\n".join(lines)


def _criteria_table(tasks: Sequence[Task]) -> str:
    splits = split_up(tasks)
    rows = [
        (criterion, *(sum(criterion in task.violated for task in part) for part in splits.values()))
        for criterion in criteria_of(tasks)
    ]
    return table(("criterion", *splits), rows) if rows else "No task scores a criterion."


def _checks_table(rows: Sequence[Row]) -> str:
    shown = [
        (
            row.check,
            row.part,
            number(row.value),
            spread(row),
            row.n,
            row.limit,
            "**broken**" if row.broken else "-",
            row.note,
        )
        for row in rows
    ]
    return table(("check", "part", "value", "95 %", "n", "limit", "", "note"), shown)


def _nearest(report: Report) -> str:
    rows = [
        (part, one.check, match.held_out, match.train, f"{match.value:.3g}")
        for part, found in report.contamination.items()
        for one in found
        for match in one.worst
    ]
    if not rows:
        return ""
    return "Nearest pairs of held-out and training tasks:\n\n" + table(
        ("split", "check", "held out", "train", "value"), rows
    )


def _sources(tasks: Sequence[Task]) -> str:
    found: dict[tuple[str, str], int] = {}
    for task in tasks:
        author, licence = task.source.get("author"), task.source.get("licence")
        if author:
            found[author, licence or "not given"] = found.get((author, licence or "not given"), 0) + 1
    if not found:
        return "All tasks are this project's own; vendor, companies and people are fictional."
    return table(("source", "licence", "tasks"), [(*key, count) for key, count in sorted(found.items())])


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def number(value: float | None) -> str:
    """A count as a count, a share with three digits, and a dash for what was not measured."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def spread(row: Row) -> str:
    """The interval of a share, and a dash for a count."""
    return "-" if row.interval is None else f"{row.interval[0]:.2f}–{row.interval[1]:.2f}"


def by_name(counts: Mapping[str, int]) -> str:
    """Counts in one line, by name."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"
