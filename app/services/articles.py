"""The articles' figures against their own published data: said, recomputed, agree or not.

Presend exists because of two articles whose numbers were quoted before anyone recounted them. Every figure of theirs
that follows from the published rows is computed here from those rows; nothing is copied from elsewhere, and a figure
whose rows were never published is not in the list.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import SetupError
from app.stats import Comparison, PairCounts, agreement, paired_delta

Pair = tuple[float, float]
_RAW = "salesconversion_bench_raw"
_LABELS = ("FAIL", "PASS")
_DRAWS = 100_000
_SEED = 42


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what the article says, what its data say, to the article's own number of decimals."""

    article: str
    name: str
    said: str
    found: str
    agrees: bool
    value: Any
    note: str = ""


class _List:
    """Collects figures; each is rounded as the article rounds before it is compared."""

    def __init__(self, article: str) -> None:
        self.article = article
        self.figures: list[Figure] = []

    def number(self, name: str, said: float, found: float, decimals: int, note: str = "", below: bool = False) -> None:
        """A single number; ``below``: the article only says that it is smaller."""
        agrees = found < said if below else round(found, decimals) == round(said, decimals)
        shown = f"{found:.4g}" if below else f"{found:.{decimals}f}"
        given = ("< " if below else "") + f"{said:.{decimals}f}"
        self.figures.append(Figure(self.article, name, given, shown, agrees, found, note))

    def interval(self, name: str, said: Pair, found: Pair, note: str = "") -> None:
        """An interval in points of a hundred, to one decimal."""
        points = (100.0 * found[0], 100.0 * found[1])
        agrees = tuple(round(bound, 1) for bound in points) == said
        shown, given = (f"[{one[0]:.1f}, {one[1]:.1f}]" for one in (points, said))
        self.figures.append(Figure(self.article, name, given, shown, agrees, list(found), note))

    def words(self, name: str, said: str, found: str, note: str = "") -> None:
        """A count or a statement, told in words."""
        self.figures.append(Figure(self.article, name, said, found, said == found, found, note))


def checked(data: Path) -> list[Figure]:
    """Every figure, in the order of the articles.

    Raises
    ------
    SetupError
        When a file of the data is missing or cannot be read.
    """
    return [*_pairing_article(data), *_benchmark_article(data)]


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures for machines."""
    return [asdict(figure) for figure in figures]


def _pairing_article(data: Path) -> list[Figure]:
    tasks = _json(data / "paired_48_tasks.json")["tasks"].values()
    made = _compared((bool(task["baseline"]["pass"]), bool(task["trained_lora"]["pass"])) for task in tasks)
    table = made.table
    assert table is not None  # noqa: S101 - the outcomes are passes and failures
    listed = _List("pairing")
    cells = f"{table.both}/{table.only_a}/{table.only_b}/{table.neither}"
    listed.words("tasks: both, only baseline, only trained, neither", "15/1/26/6", cells)
    listed.words("differences +1, -1, 0", "26, 1, 21", f"{table.only_b}, {table.only_a}, {table.both + table.neither}")
    listed.number("pass rate of the baseline", 0.333, made.mean_a, 3)
    listed.number("pass rate of the trained", 0.854, made.mean_b, 3)
    listed.number("variance of the baseline", 0.222, made.mean_a * (1.0 - made.mean_a), 3)
    listed.number("variance of the trained", 0.125, made.mean_b * (1.0 - made.mean_b), 3)
    listed.number("covariance", 0.028, made.covariance, 3)
    listed.number("Pearson r", 0.167, made.phi or 0.0, 3)
    listed.number("paired standard error", 0.0779, made.paired.se, 4)
    listed.number("unpaired standard error", 0.0850, made.unpaired.se, 4)
    listed.number("paired SE is smaller by, %", 8.4, 100.0 * (1.0 - made.paired.se / made.unpaired.se), 1)
    paired, unpaired = made.paired.percentile, made.unpaired.percentile
    exact = "exact bootstrap distribution"
    listed.interval("paired 95 % percentile interval", (35.4, 68.8), (paired.lo, paired.hi), exact)
    listed.number("its width, points", 33.3, 100.0 * paired.width, 1)
    listed.interval("unpaired 95 % percentile interval", (35.4, 66.7), (unpaired.lo, unpaired.hi), exact)
    listed.number("its width, points", 31.3, 100.0 * unpaired.width, 1)
    for name, said, bounds in zip(
        ("the article's code, seed 42: paired", "the article's code, seed 42: unpaired"),
        ((35.4, 68.8), (35.4, 66.7)),
        _replayed(table.both, table.only_a, table.only_b, table.neither),
        strict=True,
    ):
        listed.interval(name, said, bounds, f"{_DRAWS:,} draws")
    narrower = paired.width < unpaired.width
    by = f"by {100.0 * abs(1.0 - paired.width / unpaired.width):.1f} %"
    listed.words("which interval is narrower", "unpaired", "paired" if narrower else "unpaired", by)
    above = paired.lo > 0.0 and unpaired.lo > 0.0
    listed.words("both intervals lie above zero", "yes", "yes" if above else "no")
    return listed.figures


def _replayed(both: int, only_a: int, only_b: int, neither: int) -> tuple[Pair, Pair]:
    """The article's own simulation, draw for draw, with the quantiles it takes."""
    a = np.array([1] * both + [1] * only_a + [0] * only_b + [0] * neither)
    b = np.array([1] * both + [0] * only_a + [1] * only_b + [0] * neither)
    n = a.size
    rng = np.random.default_rng(_SEED)
    paired, unpaired = np.empty(_DRAWS), np.empty(_DRAWS)
    step = 5_000
    for start in range(0, _DRAWS, step):
        drawn = rng.integers(0, n, (step, 3, n))
        same, of_a, of_b = drawn[:, 0], drawn[:, 1], drawn[:, 2]
        paired[start : start + step] = (b[same] - a[same]).mean(axis=1)
        unpaired[start : start + step] = b[of_b].mean(axis=1) - a[of_a].mean(axis=1)
    lows, highs = np.percentile([paired, unpaired], [2.5, 97.5], axis=1)
    return (float(lows[0]), float(highs[0])), (float(lows[1]), float(highs[1]))


def _benchmark_article(data: Path) -> list[Figure]:
    folder = data / _RAW / "ablations"
    traces = _lines(folder / "held_out_traces.jsonl")
    margins = _lines(folder / "held_out_preference_margins.jsonl")
    prompted = {row["task_id"]: row for row in _lines(_original(folder))}
    listed = _List("benchmark")
    delta_a = _compared((row["baseline_preference_success"], row["trained_preference_success"]) for row in traces)
    candidates = sum(row["baseline_all_checks_pass"] for row in traces)
    listed.words("baseline prefers the reference", "7/47", _share(delta_a.mean_a, delta_a.n_judged))
    listed.number("the same, %", 14.9, 100.0 * delta_a.mean_a, 1)
    listed.words("trained prefers the reference", "43/47", _share(delta_a.mean_b, delta_a.n_judged))
    listed.number("the same, %", 91.5, 100.0 * delta_a.mean_b, 1)
    listed.number("delta A, points", 76.6, 100.0 * delta_a.delta, 1, "a tie is a failure for the baseline alone")
    listed.interval("delta A, 95 % interval", (63.8, 87.2), _bounds(delta_a))
    listed.number("delta A, one-sided p", 1e-4, delta_a.p_sign_flip_one_sided, 4, "exact", below=True)
    halves = _halves(traces)
    ties = f"{sum(not row['baseline_preference_success'] for row in traces)} ties of the baseline"
    listed.number("delta A with ties as halves on both sides", 76.6, 100.0 * halves.delta, 1, ties)
    listed.interval("the same, 95 % interval", (63.8, 87.2), _bounds(halves))
    listed.words("candidates that pass all checks", "11/47", f"{candidates}/{len(traces)}")
    listed.words("trained on icp_misclassification", "2/6", _of_category(margins, "icp_misclassification"))
    perfect = sorted({row["failure_category"] for row in margins} - {"icp_misclassification"})
    whole = all(len(set(_of_category(margins, one).split("/"))) == 1 for one in perfect)
    listed.words("trained reaches 100 % on the other five", "yes", "yes" if whole and len(perfect) == 5 else "no")
    delta_b = _compared((_prefers(prompted[row["task_id"]]), _prefers(row)) for row in margins)
    listed.words("prompt-only prefers the reference", "23/47", _share(delta_b.mean_a, delta_b.n_judged))
    listed.number("the same, %", 48.9, 100.0 * delta_b.mean_a, 1)
    listed.number("delta B, points", 42.6, 100.0 * delta_b.delta, 1)
    listed.interval("delta B, 95 % percentile interval", (29.8, 57.4), _bounds(delta_b), "published: the BCa")
    bca = delta_b.paired.bca
    if bca is not None:
        listed.interval("delta B, 95 % BCa interval", (29.8, 57.4), (bca.lo, bca.hi))
    listed.number("delta B, p", 1e-4, delta_b.p_sign_flip, 4, "exact, two-sided", below=True)
    for name, said, rows in (("trained", 369, margins), ("prompt-only", 96, list(prompted.values()))):
        listed.number(f"median latency, {name}, ms", said, statistics.median(row["latency_ms"] for row in rows), 0)
    _labels(data, listed)
    _training(data, listed)
    return listed.figures


def _labels(data: Path, listed: _List) -> None:
    folder = data / _RAW / "human_labels"
    first, second = (_json(folder / f"pass{number}_labels.json")["labels"] for number in (1, 2))
    shared = [(task, check) for task in first for check in first[task] if check in second.get(task, {})]
    counts = Counter((first[t][c]["verdict"], second[t][c]["verdict"]) for t, c in shared)
    table = np.array([[counts[a, b] for b in _LABELS] for a in _LABELS], dtype=np.int64)
    made = agreement(table, _LABELS, same_rater=True)
    once = "one person twice: test-retest, not inter-rater"
    listed.words("labelled tasks", "30", str(len({task for task, _ in shared})))
    listed.words("comparisons of checks", "64", str(made.n))
    listed.number("overall agreement", 0.91, made.percent.estimate, 2, once)
    chance = {"Cohen's kappa": made.kappa, "Gwet's AC1": made.ac1, "Krippendorff's alpha": made.alpha}
    for name, found in chance.items():
        if found is not None and found.estimate is not None:
            value = found.estimate
            listed.figures.append(Figure("benchmark", name, "not given", f"{value:.4f}", True, value, once))
    same = Counter(check for task, check in shared if first[task][check]["verdict"] == second[task][check]["verdict"])
    shares = {check: same[check] / n for check, n in Counter(check for _, check in shared).items()}
    listed.number("agreement on format_check", 0.87, shares["format_check"], 2)
    listed.words("every check agrees on 0.80 or more", "yes", "yes" if min(shares.values()) >= 0.8 else "no")


def _training(data: Path, listed: _List) -> None:
    pairs = _lines(data / _RAW / "training_data" / "preference_pairs.jsonl")
    log = _json(data / _RAW / "training" / "training_run.log")
    listed.words("preference pairs", "91", str(len(pairs)))
    listed.words("failure categories", "6", str(len({row["failure_category"] for row in pairs})))
    listed.words("pairs for training and evaluation", "81, 10", f"{log['train_examples']}, {log['eval_examples']}")
    listed.number("training loss", 4.878, log["train_metrics"]["train_loss"], 3)
    listed.number("training time, s", 129, log["train_metrics"]["train_runtime"], 0)


def _compared(outcomes: Iterable[tuple[bool, bool]]) -> Comparison:
    counts = Counter((float(a), float(b)) for a, b in outcomes)
    return paired_delta(PairCounts.of((a, b, n) for (a, b), n in counts.items()), names=("baseline", "trained"))


def _halves(traces: list[dict[str, Any]]) -> Comparison:
    """Ties count one half on both sides: the baseline never prefers the candidate, so what is no success is a tie."""
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for row in traces:
        trained = "success" if row["prefers_reference"] else "tie" if row["same_text"] else "fail"
        counts["success" if row["baseline_preference_success"] else "tie", trained] += 1
    pairs = PairCounts.of_preferences([(a, b, n) for (a, b), n in counts.items()], "half")
    return paired_delta(pairs, scale=(0.0, 1.0))


def _bounds(made: Comparison) -> Pair:
    return made.paired.percentile.lo, made.paired.percentile.hi


def _share(rate: float, n: int) -> str:
    return f"{round(rate * n)}/{n}"


def _prefers(row: dict[str, Any]) -> bool:
    return bool(row["prefers_reference"] or row["same_text"])


def _of_category(rows: list[dict[str, Any]], category: str) -> str:
    held = [row for row in rows if row["failure_category"] == category]
    return f"{sum(_prefers(row) for row in held)}/{len(held)}"


def _original(folder: Path) -> Path:
    """The real rows of the prompted baseline; the file without a suffix is a placeholder that alternates."""
    return next(iter(sorted(folder.glob("held_out_prompt_baseline_margins.ORIGINAL*.jsonl"))), folder / "missing")


def _json(path: Path) -> Any:
    return _readable(path, json.loads)


def _lines(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _readable(
        path, lambda text: [json.loads(line) for line in text.split("\n") if line.strip()]
    )
    return rows


def _readable(path: Path, read: Callable[[str], Any]) -> Any:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(
            f"The articles' data cannot be read at {path} ({type(error).__name__}); name its folder with --data."
        ) from error
