"""How well and how fast the rules alone judge drafts: ``python -m tests.benchmarks.bench_rules``.

Quality: balanced accuracy on the drafts that were labelled again, blind, with pass recall and recall per category; then
the same on the noisy third-party files, for information only. A draft fails when any finding's action is not ``warn``.
Speed: median and 99th percentile per draft over all files, and one draft of 10,000 words.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

from app.judge.policy import Policy, default_policy
from app.judge.rules import RULESET_VERSION, Ruleset
from app.schemas import Draft
from tests.benchmarks.third_party import Labelled, load_adjudicated, load_noisy

NOISY = (
    "salesconversion_bench.jsonl",
    *(f"third_party_{letter}.jsonl" for letter in "abcdef"),
)
# Balanced accuracy of simpler ways on the same 79 drafts, measured when the labels were made.
REFERENCES = {"majority": 0.50, "banned-phrase list": 0.60, "five published checks": 0.61, "long regex list": 0.71}


def blocking(ruleset: Ruleset, policy: Policy, case: Labelled) -> list[str]:
    """The failed checks of one draft whose action is not ``warn``."""
    found = ruleset.check(case.draft, case.context)
    return [finding.check for finding in found if policy.checks[finding.check].action != "warn"]


def report(name: str, cases: Sequence[Labelled], ruleset: Ruleset, policy: Policy, *, verbose: bool) -> float:
    """Print one file's figures; returns balanced accuracy."""
    caught: dict[str, list[bool]] = defaultdict(list)
    alarms: Counter[str] = Counter()
    passes: list[bool] = []
    for case in cases:
        checks = blocking(ruleset, policy, case)
        if case.fails:
            caught[case.category or "none"].append(bool(checks))
        else:
            passes.append(not checks)
            alarms.update(checks)
    flat = [hit for hits in caught.values() for hit in hits]
    fail_recall = statistics.fmean(flat) if flat else float("nan")
    pass_recall = statistics.fmean(passes) if passes else float("nan")
    balanced = (fail_recall + pass_recall) / 2
    print(
        f"{name:28} n={len(cases):4} balanced accuracy {balanced:.3f}  pass recall {pass_recall:.3f} "
        f"({sum(passes)}/{len(passes)})  fail recall {fail_recall:.3f} ({sum(flat)}/{len(flat)})"
    )
    if verbose:
        for category, hits in sorted(caught.items()):
            print(f"    recall {category:28} {sum(hits):3}/{len(hits):<3} {statistics.fmean(hits):.2f}")
        print("    checks on drafts labelled pass:", dict(alarms.most_common(12)))
    return balanced


def speed(cases: Sequence[Labelled], ruleset: Ruleset) -> None:
    """Print milliseconds per draft, and for a draft of 10,000 words."""
    for case in cases[:50]:
        ruleset.check(case.draft, case.context)
    times = []
    processor = time.thread_time()
    for case in cases:
        start = time.perf_counter()
        ruleset.check(case.draft, case.context)
        times.append((time.perf_counter() - start) * 1e3)
    processor = (time.thread_time() - processor) * 1e3 / len(cases)
    times.sort()
    print(
        f"per draft, {len(times)} drafts: p50 {statistics.median(times):.3f} ms, "
        f"p99 {times[int(len(times) * 0.99)]:.3f} ms, mean processor time {processor:.3f} ms"
    )
    words = " ".join(case.draft.body for case in cases).split()[:10_000]
    long = Draft(subject="Long", body=" ".join(words))
    longest, processors = [], []
    for _ in range(7):
        start, processor = time.perf_counter(), time.thread_time()
        ruleset.check(long, cases[0].context)
        longest.append((time.perf_counter() - start) * 1e3)
        processors.append((time.thread_time() - processor) * 1e3)
    print(
        f"10,000 words ({len(long.body)} characters): median {statistics.median(longest):.1f} ms, "
        f"worst {max(longest):.1f} ms, median processor time {statistics.median(processors):.1f} ms"
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-adjudicated", action="store_true", help="leave out the final measure while developing")
    parser.add_argument("--verbose", action="store_true", help="categories and alarms of the noisy files too")
    options = parser.parse_args()
    policy = default_policy()
    ruleset = Ruleset(policy)
    print(f"ruleset {RULESET_VERSION}, {len(ruleset.check_ids)} checks, policy {policy.name} {policy.digest[:12]}")
    adjudicated = load_adjudicated()
    if not options.skip_adjudicated:
        balanced = report("dev_adjudicated.jsonl", adjudicated, ruleset, policy, verbose=True)
        for reference, value in REFERENCES.items():
            print(f"    reference {reference:22} {value:.2f}  ({balanced - value:+.3f})")
    dev = frozenset(case.id for case in adjudicated)
    noisy: list[Labelled] = []
    print("for information (labels are noisy, the pass labels above all):")
    for name in NOISY:
        cases = load_noisy(name, without=dev)
        noisy.extend(cases)
        report(name, cases, ruleset, policy, verbose=options.verbose)
    speed(noisy, ruleset)


if __name__ == "__main__":
    main()
