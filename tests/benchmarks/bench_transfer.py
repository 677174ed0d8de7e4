"""How the rules judge drafts that they were not written against: ``python -m tests.benchmarks.bench_transfer``.

``app/bench/transfer/letters.jsonl`` holds drafts of our own making, labelled by reading before any rule ran on them:
honest ones that must be sent, and ones with exactly one fault. A hash of the id divides them in two halves. Errors of
the seen half were read when the rules were improved; those of the unseen half never, so its figures are honest.
``--errors`` prints the errors of the seen half and refuses to print the other's.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.judge.policy import Policy, default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

DATA = Path(__file__).resolve().parents[2] / "app" / "bench" / "transfer" / "letters.jsonl"
TODAY = datetime.date(2026, 11, 23)


@dataclass(frozen=True, slots=True)
class Case:
    """One draft with its context; ``fails`` is the label, ``seen`` the half."""

    id: str
    category: str
    why: str
    draft: Draft
    context: Context
    fails: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of drafts that were judged as labelled, over one half."""

    pass_recall: float
    fail_recall: float

    @property
    def balanced_accuracy(self) -> float:
        """The mean of both recalls."""
        return (self.pass_recall + self.fail_recall) / 2


def is_seen(case_id: str) -> bool:
    """Whether the id falls in the half whose errors may be read."""
    return hashlib.sha256(case_id.encode()).digest()[0] % 2 == 0


def load_transfer() -> list[Case]:
    """Every case, in the order of the file."""
    cases = []
    for line in DATA.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        cases.append(
            Case(
                id=row["id"],
                category=row["category"],
                why=row["why"],
                draft=Draft.model_validate(row["draft"]),
                context=Context.model_validate(row["context"]),
                fails=row["label"] == "fail",
                seen=is_seen(row["id"]),
            )
        )
    return cases


def blocking(ruleset: Ruleset, policy: Policy, case: Case) -> list[str]:
    """The failed checks of one draft whose action is not ``warn``."""
    found = ruleset.check(case.draft, case.context, today=TODAY)
    return [finding.check for finding in found if policy.checks[finding.check].action != "warn"]


def figures(cases: Sequence[Case], ruleset: Ruleset, policy: Policy) -> Figures:
    """Both recalls over ``cases``, which must hold both labels."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for case in cases:
        right[case.fails].append(bool(blocking(ruleset, policy, case)) == case.fails)
    return Figures(pass_recall=statistics.fmean(right[False]), fail_recall=statistics.fmean(right[True]))


def _print_half(name: str, cases: Sequence[Case], ruleset: Ruleset, policy: Policy) -> None:
    found = figures(cases, ruleset, policy)
    print(
        f"{name}: {len(cases)} drafts, balanced accuracy {found.balanced_accuracy:.3f}, "
        f"pass recall {found.pass_recall:.3f}, fail recall {found.fail_recall:.3f}"
    )
    right: dict[str, dict[bool, list[bool]]] = defaultdict(lambda: {True: [], False: []})
    for case in cases:
        right[case.category][case.fails].append(bool(blocking(ruleset, policy, case)) == case.fails)
    for category, by_label in sorted(right.items()):
        honest, faulty = by_label[False], by_label[True]
        print(f"    {category:16} sent {sum(honest):2}/{len(honest):<2}  stopped {sum(faulty):2}/{len(faulty):<2}")


def _print_errors(cases: Sequence[Case], ruleset: Ruleset, policy: Policy) -> None:
    for case in cases:
        checks = ruleset.check(case.draft, case.context, today=TODAY)
        found = [finding for finding in checks if policy.checks[finding.check].action != "warn"]
        if bool(found) == case.fails:
            continue
        print(f"\n{case.id} {'missed' if case.fails else 'false alarm'}, {case.category}: {case.why}")
        for finding in found:
            quoted = [getattr(case.draft, item.field)[item.start : item.end] for item in finding.evidence]
            print(f"    {finding.check}: {finding.detail} {quoted}")
        print(f"    {case.draft.subject!r}\n    {case.draft.body!r}")
        print(f"    {case.context.model_dump_json(exclude_unset=True)}")


def main() -> None:
    """Print both halves, and the seen half's errors when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="the errors of the seen half, to read")
    options = parser.parse_args()
    policy = default_policy()
    ruleset = Ruleset(policy)
    cases = load_transfer()
    seen = [case for case in cases if case.seen]
    _print_half("seen", seen, ruleset, policy)
    _print_half("unseen", [case for case in cases if not case.seen], ruleset, policy)
    if options.errors:
        _print_errors(seen, ruleset, policy)


if __name__ == "__main__":
    main()
