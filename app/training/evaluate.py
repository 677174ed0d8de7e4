"""``python -m app.training.evaluate``: the table of the card, on drafts that training never saw.

Four judges over the same drafts: the rules, the base model, the adapter, and rules with adapter as the gate combines
them. Sets: generated drafts in new wording and in new families, two sets written one by one that ship with the package,
with --data the blind-labelled development file, with --tasks one's own. Attacks and honest look-alikes are counted
apart. Prints Markdown and, with --json, writes every figure. The thresholds of the base model are fitted like the
adapter's, on fewer drafts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bench.attacks import EMPTY, attacked
from app.bench.balance import auc
from app.bench.contamination import sharing_a_run
from app.bench.generate import Example, Split
from app.bench.tasks import read_tasks, task_of
from app.bench.texts import text_of
from app.errors import InvalidInput, SetupError
from app.judge.calibration import Calibration
from app.judge.decision import blocking
from app.judge.policy import Policy, default_policy
from app.judge.rules import Ruleset
from app.schemas import Draft
from app.stats import clopper_pearson
from app.training.base import use_threads
from app.training.calibrate import PASS_SHARE, SEED, fit_all, fitting_rows
from app.training.calibration import read_calibration
from app.training.card import check_weights
from app.training.criteria import BASE, BOTH, LORA, RULES, criterion_figures
from app.training.encode import default_rubric
from app.training.heldout import (
    TRANSFER_SETS,
    Whole,
    development,
    generated_wholes,
    margins,
    stopped,
    transfer,
)
from app.training.mixture import examples_of
from app.training.rates import Judged, clusters_of, delta, rates
from app.training.recipes import SHIPPED_RECIPE, read_stages
from app.training.report import TITLES, markdown
from app.training.scorer import Scorer
from app.training.scoring import p_fail
from app.training.steps import progress, run_command

BASE_SCENARIOS, FLIPS = 70, 96
_BY_SET = (RULES, BASE, LORA, BOTH, "delta_a", "delta_b", "length")


class Judge(Scorer):
    """A scorer with its calibration; fitted on fewer drafts where none is given."""

    def __init__(self, name: str, folder: Path, calibration: Calibration | None, answers: Path | None = None) -> None:
        super().__init__(name, folder, answers)
        self.calibration = calibration or self._fitted()

    def _fitted(self) -> Calibration:
        rows, made = fitting_rows(scenarios=BASE_SCENARIOS)
        raw = p_fail(self.digits([(r.draft, r.context) for r in rows], "calibration"))
        return fit_all(rows, raw, PASS_SHARE, 0.0, "fitted for comparison", made)[0]


@dataclass(frozen=True)
class Set:
    """Labelled drafts under a name."""

    name: str
    rows: Sequence[Whole]


def apart_from_training(examples: Sequence[Example]) -> list[bool]:
    """Which drafts share no run of eight words, context included, with the generated ones that the adapter read."""
    read = [text_of(task_of(example)) for stage in read_stages(SHIPPED_RECIPE) for example in examples_of(stage)]
    known = sharing_a_run(read, [text_of(task_of(example)) for example in examples])
    return [task_of(example).task_id not in known for example in examples]


def own_tasks(path: Path) -> list[Whole]:
    """The tasks of a file whose label decides the draft as a whole.

    Raises
    ------
    InvalidInput
        When the file does not fit, or does not hold both kinds.
    """
    rows, every = [], {criterion.id for criterion in default_rubric().criteria}
    for task in read_tasks(path):
        failed = task.passed is False or bool(task.violated)
        if failed or task.passed or every <= {name for name, score in task.scores.items() if score is not None}:
            rows.append(Whole(task.draft, task.context, failed, None, task.cluster))
    if not 0 < sum(row.failed for row in rows) < len(rows):
        raise InvalidInput(f"{path.name} must hold drafts that pass and drafts that fail, each decided as a whole.")
    return rows


def failed_by_rule(rows: Sequence[Whole]) -> list[frozenset[str]]:
    """The criteria on which a rule stops each draft, each under its own vendor's name."""
    made: dict[str | None, tuple[Ruleset, Policy]] = {}
    found = []
    with progress("rules", len(rows)) as tell:
        for row in rows:
            if row.vendor not in made:
                policy = default_policy()
                if row.vendor is not None:
                    named = policy.vendor.model_copy(update={"name": row.vendor, "aliases": ()})
                    policy = policy.model_copy(update={"vendor": named})
                made[row.vendor] = (Ruleset(policy), policy)
            rules, policy = made[row.vendor]
            findings = blocking(rules.check(row.draft, row.context), policy)
            found.append(frozenset(finding.criterion for finding in findings))
            tell(1, "")
    return found


def rules_stop(rows: Sequence[Whole]) -> NDArray[np.bool_]:
    """Which drafts a rule stops."""
    return np.array([bool(failed) for failed in failed_by_rule(rows)], dtype=np.bool_)


def compared(model: Judge, base: Judge | None, sets: Sequence[Set]) -> dict[str, Any]:
    """The four judges on each set, and their differences."""
    figures: dict[str, Any] = {"weights": model.base.digest, RULES: {}, BASE: {}, LORA: {}, BOTH: {}}
    figures |= {"delta_a": {}, "delta_b": {}}
    for one in sets:
        judged = {RULES: _by_rules(one.rows)}
        for name, judge in ((BASE, base), (LORA, model)):
            if judge is not None:
                judged[name] = _by_model(one.rows, judge, one.name)
        judged[BOTH] = _together(judged[RULES], judged[LORA])
        for name, said in judged.items():
            figures[name][one.name] = rates(said)
        figures["delta_a"][one.name] = delta(judged[BOTH], judged[RULES])
        if base is not None:
            figures["delta_b"][one.name] = delta(judged[LORA], judged[BASE])
        if one.name in ("dev_adjudicated", *TRANSFER_SETS):
            figures[BOTH][one.name]["recall_by_category"] = _by_category(one.rows, judged[BOTH].stopped)
    figures["length"] = _length(sets)
    return figures


def set_makers(given: argparse.Namespace) -> dict[str, Callable[[], list[Whole]]]:
    """How each set that was asked for is made, by name, in the order of the table."""

    def apart() -> list[Whole]:
        pairs = generated_wholes(given.seed, "test", given.scenarios)
        far = apart_from_training([example for _, example in pairs])
        return [whole for (whole, _), keep in zip(pairs, far, strict=True) if keep]

    def drawn(split: Split, *, contrasts: bool = False) -> list[Whole]:
        return [whole for whole, _ in generated_wholes(given.seed, split, given.scenarios, contrasts=contrasts)]

    makers: dict[str, Callable[[], list[Whole]]] = {
        "valid": lambda: drawn("valid"),
        "test": lambda: drawn("test"),
        "apart": apart,
        "contrasts": lambda: drawn("test", contrasts=True),
    }
    makers |= {name: partial(transfer, name) for name in TRANSFER_SETS}
    if given.data is not None:
        makers["dev_adjudicated"] = lambda: development(given.data)
    if given.tasks is not None:
        makers[given.tasks.stem] = lambda: own_tasks(given.tasks)
    return makers


def evaluate(model: Judge, base: Judge | None, sets: Sequence[Set], seed: int, scenarios: int) -> dict[str, Any]:
    """All figures; see the module."""
    figures = compared(model, base, sets)
    figures["criteria"] = _criteria(model, base, seed, scenarios)
    figures["judged_by"] = {criterion.id: criterion.judged_by.value for criterion in default_rubric().criteria}
    figures["rules_ms"] = _rules_ms(sets[0].rows)
    figures |= _hostile_and_honest(model, seed)
    figures["flips"] = _flips(model, sets[0].rows[:FLIPS])
    return figures


def earlier_record(path: Path, weights: str) -> dict[str, Any]:
    """An earlier measurement of the same weights.

    Raises
    ------
    SetupError
        When the file is not the record of one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), dict) for name in _BY_SET):
        raise SetupError(f"{path} is no record of a measurement; name another file.")
    if found.get("weights") != weights:
        raise SetupError(f"{path} is about other weights; measure all sets, or name another file.")
    return found


def added(figures: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """The earlier measurement with the sets of this one put in, or in the place of its own."""
    return {**earlier, **{name: earlier[name] | figures[name] for name in _BY_SET}}


def _criteria(model: Judge, base: Judge | None, seed: int, scenarios: int) -> dict[str, Any]:
    """Each judge on each criterion, on the drafts of new situations; those that fail elsewhere are among them."""
    pairs = generated_wholes(seed, "test", scenarios)
    rows, examples = [whole for whole, _ in pairs], [example for _, example in pairs]
    asked = [(row.draft, row.context) for row in rows]
    judges = {name: judge for name, judge in ((BASE, base), (LORA, model)) if judge is not None}
    digits = {name: (judge.digits(asked, "criteria"), judge.calibration) for name, judge in judges.items()}
    return criterion_figures(examples, failed_by_rule(rows), digits)


def _flips(model: Judge, rows: Sequence[Whole]) -> dict[str, Any]:
    """Decisions that change when a draft is asked again, alone instead of in a batch; and how far P(fail) moves."""
    pairs = [(row.draft, row.context) for row in rows]
    batched, alone = model.digits(pairs, "batched"), model.alone(pairs)
    flipped = int((stopped(batched, model.calibration) != stopped(alone, model.calibration)).sum())
    bound = clopper_pearson(flipped, len(rows))
    moved = np.abs(margins(batched, model.calibration) - margins(alone, model.calibration)).max()
    return {"n": len(rows), "flipped": flipped, "at_most": bound.hi, "moved": float(moved)}


def _by_rules(rows: Sequence[Whole]) -> Judged:
    said = rules_stop(rows)
    return _judged(rows, said, said.astype(float))


def _by_model(rows: Sequence[Whole], judge: Judge, what: str) -> Judged:
    digits = judge.digits([(r.draft, r.context) for r in rows], what)
    return _judged(rows, stopped(digits, judge.calibration), margins(digits, judge.calibration).max(-1))


def _together(rules: Judged, model: Judged) -> Judged:
    return Judged(rules.failed, rules.stopped | model.stopped, np.maximum(rules.score, model.score), rules.cluster)


def _judged(rows: Sequence[Whole], said: NDArray[np.bool_], score: NDArray[np.float64]) -> Judged:
    failed = np.array([r.failed for r in rows], dtype=np.bool_)
    return Judged(failed, said, score, clusters_of([r.cluster for r in rows]))


def _by_category(rows: Sequence[Whole], said: NDArray[np.bool_]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, stop in zip(rows, said, strict=True):
        if row.failed:
            counts = found.setdefault(row.category or "other", [0, 0])
            counts[0] += int(stop)
            counts[1] += 1
    return dict(sorted(found.items()))


def _rules_ms(rows: Sequence[Whole]) -> float:
    """Median milliseconds that the rules take for a draft."""
    rules = Ruleset(default_policy())
    taken = []
    for row in rows[:200]:
        began = time.perf_counter()
        rules.check(row.draft, row.context)
        taken.append((time.perf_counter() - began) * 1e3)
    return float(np.median(taken))


def _length(sets: Sequence[Set]) -> dict[str, float]:
    """AUC of the body's length alone: what a judge must beat."""
    found = {}
    for one in sets:
        sizes = [(float(len(r.draft.body.split())), r.failed) for r in one.rows]
        found[one.name] = auc([s for s, f in sizes if not f], [s for s, f in sizes if f])
    return found


def _hostile_and_honest(model: Judge, seed: int) -> dict[str, Any]:
    """Attack success: attacked drafts that are sent although their source was stopped; and honest ones stopped."""
    pool = generated_wholes(seed + 1, "test", 40)
    bad = [w for w, e in pool if w.failed and not e.hostile and e.difficulty != "easy"]
    plain = _by_rules(bad).stopped | _by_model(bad, model, "attack sources").stopped
    sources = [w for w, stop in zip(bad, plain, strict=True) if stop]
    tried = list(attacked([w.draft for w in sources]))
    rows = [Whole(a.draft, sources[a.source].context, True, a.family, "", sources[a.source].vendor) for a in tried]
    context = sources[0].context
    rows += [Whole(Draft(subject=s, body=b), context, True, "empty", "", sources[0].vendor) for s, b in EMPTY]
    by_rule = _by_rules(rows).stopped
    # What the service would not even render (too long, no text) never reaches a model; rules decide it.
    fits = [i for i, r in enumerate(rows) if 0 < len(r.draft.body.strip()) + len(r.draft.subject) <= 5_000]
    by_model = np.zeros(len(rows), dtype=np.bool_)
    by_model[fits] = _by_model([rows[i] for i in fits], model, "attacks").stopped
    table: dict[str, dict[str, int]] = {}
    for row, rule, judge in zip(rows, by_rule, by_model, strict=True):
        counts = table.setdefault(row.category or "", {"n": 0, "by_rule": 0, "sent": 0})
        counts["n"] += 1
        counts["by_rule"] += int(rule)
        counts["sent"] += int(not rule and not judge)
    honest = [(w, e) for w, e in generated_wholes(seed + 2, "test", 60) if not w.failed]
    alike = [w for w, e in honest if any(map(_looks_alike, e.moves))]
    held = _by_rules(alike).stopped | _by_model(alike, model, "honest look-alikes").stopped
    return {"attacks": table, "honest_lookalikes": {"n": len(alike), "stopped": int(held.sum())}}


def _looks_alike(move: str) -> bool:
    """Whether an honest move is the twin of a bad one: a partial offer, a refusal, a hedge, a figure quoted rightly."""
    quotes = move.startswith("mention=state:") and move.endswith(":right")
    return quotes or move.endswith(("partial", "decline", "defer")) or "=hedge" in move


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.evaluate", description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="prepared model folder with the adapter merged")
    parser.add_argument("--base-model", type=Path, help="prepared model folder without adapter, to compare")
    parser.add_argument("--calibration", type=Path, help="calibration.json of --model; none: fitted as for the base")
    parser.add_argument("--data", type=Path, help="folder with the development file")
    parser.add_argument("--tasks", type=Path, help="tasks of your own (JSONL), measured beside the others")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--scenarios", type=int, default=90, help="scenarios of six drafts per generated split")
    parser.add_argument("--json", type=Path, help="file for all figures; with --sets, theirs are put into it")
    parser.add_argument("--sets", default="", help=f"only these sets, by name: {', '.join(TITLES)}, or your tasks")
    parser.add_argument("--answers", type=Path, help="folder that keeps the models' answers: only new drafts are asked")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    given = parser.parse_args(argv)

    def work() -> None:
        makers = set_makers(given)
        chosen = [name for name in given.sets.split(",") if name]
        if missing := [name for name in chosen if name not in makers]:
            raise InvalidInput(f"--sets: there is no set {missing[0]!r}; there are {', '.join(makers)}.")
        use_threads(given.threads)
        sets = [Set(name, make()) for name, make in makers.items() if not chosen or name in chosen]
        fitted = read_calibration(given.calibration) if given.calibration else None
        if f"seed {given.seed}," in ((fitted and fitted.fitted_on) or f"seed {SEED},"):
            raise InvalidInput(f"--seed {given.seed} made the drafts that the calibration was fitted on; take another.")
        model = Judge(LORA, given.model, fitted, given.answers)
        if fitted is not None:
            check_weights({"weights": model.base.digest}, fitted)
        earlier = None
        if chosen and given.json and given.json.is_file():
            earlier = earlier_record(given.json, model.base.digest)
        base = Judge(BASE, given.base_model, None, given.answers) if given.base_model else None
        if chosen:
            figures = compared(model, base, sets)
            figures = added(figures, earlier) if earlier else figures
        else:
            figures = evaluate(model, base, sets, given.seed, given.scenarios)
        if given.json:
            given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        print(markdown(figures))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
