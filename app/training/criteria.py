"""What each judge is worth on each criterion: why the rubric asks the rules, the model or both.

Per criterion and judge, on drafts that are decided there: the rates of ``app.training.rates``, exact intervals of the
two recalls (Clopper and Pearson 1934, drafts taken as independent), and for a model the calibration error and the share
on which it abstains. A rule fails a criterion when one of its findings there would stop the draft; both judges together
fail it when either does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bench.generate import Example
from app.bench.moves import MODEL_CRITERIA, OVERALL
from app.judge.calibration import Calibration
from app.stats import clopper_pearson
from app.training.calibration import calibration_error, error_by_chance
from app.training.heldout import cut_of, margins, unsure
from app.training.rates import Judged, clusters_of, rates

RULES, BASE, LORA, BOTH = "rules", "base", "LoRA", "rules+LoRA"
Digits = NDArray[np.float64]


def criterion_figures(
    examples: Sequence[Example],
    failed_by_rule: Sequence[frozenset[str]],
    models: Mapping[str, tuple[Digits, Calibration]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Figures by judge, then criterion. ``models`` has digits of shape (drafts, criteria, 5) of the same drafts.

    A criterion that no draft violates, or none keeps, has no figures.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for criterion in (c for c in examples[0].scores if c != OVERALL):
        decided = [i for i, example in enumerate(examples) if example.scores[criterion] is not None]
        failed = np.array([examples[i].scores[criterion] == 1 for i in decided], dtype=np.bool_)
        if failed.all() or not failed.any():
            continue
        clusters = clusters_of([examples[i].group for i in decided])
        by_rule = np.array([criterion in failed_by_rule[i] for i in decided], dtype=np.bool_)
        rules = Judged(failed, by_rule, by_rule.astype(float), clusters)
        found.setdefault(RULES, {})[criterion] = _row(rules)
        if criterion not in MODEL_CRITERIA:
            continue
        place = MODEL_CRITERIA.index(criterion)
        for name, (digits, calibration) in models.items():
            fitted = calibration.of(criterion)
            p = margins(digits, calibration)[decided, place]
            doubt = unsure(fitted, p)
            said = Judged(failed, (p >= cut_of(fitted)) | doubt, p, clusters)
            row = _row(said) | {
                "calibration_error": calibration_error(p, failed),
                "calibration_error_by_chance": error_by_chance(p),
                "abstained": float(doubt.mean()),
            }
            found.setdefault(name, {})[criterion] = row
            if name == LORA:
                either = Judged(failed, said.stopped | by_rule, np.maximum(p, by_rule), clusters)
                found.setdefault(BOTH, {})[criterion] = _row(either)
    return found


def _row(judged: Judged) -> dict[str, Any]:
    exact = {}
    for name, side in (("fail_recall", judged.failed), ("pass_recall", ~judged.failed)):
        right = int((judged.stopped == judged.failed)[side].sum())
        found = clopper_pearson(right, int(side.sum()))
        exact[f"{name}_exact"] = [found.lo, found.hi]
    return rates(judged) | exact
