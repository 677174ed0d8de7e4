"""From raw P(fail) to a probability that means something, and to the point where a criterion fails.

Pure numbers: p = sigmoid(a logit(raw) + b) per criterion, fitted by penalised maximum likelihood with Platt's
smoothed targets; the threshold is the lowest that still lets the wanted share of clean drafts pass. The service applies
the result through ``app.judge.calibration``. A criterion with too few examples of either kind is refused, not guessed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError
from app.judge.calibration import Calibration, CriterionCalibration, parse_calibration

Floats = NDArray[np.float64]
_CLIP = 1e-6
_MIN_EACH = 8


def apply(one: CriterionCalibration, raw: Floats) -> Floats:
    """Calibrated P(fail) of many drafts; the same numbers as ``CriterionCalibration.apply`` one by one."""
    return sigmoid(one.a * logit(raw) + one.b)


def logit(p: Floats) -> Floats:
    """log(p / (1 - p)), clipped away from 0 and 1 by 1e-6."""
    inside = np.clip(np.asarray(p, dtype=np.float64), _CLIP, 1 - _CLIP)
    return np.log(inside) - np.log1p(-inside)


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), stable for large negative z."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -np.asarray(z, dtype=np.float64))))


def fit(
    raw: Floats, failed: NDArray[np.bool_], weight: Floats | None = None, ridge: float = 1e-2
) -> tuple[float, float]:
    """Slope and offset by Newton's method on the smoothed cross-entropy (Platt 1999, Lin et al. 2007).

    ``weight`` is how much each draft counts (1 each, if not given). ``ridge`` pulls towards the identity map. A slope
    that is not positive would turn the judge around, so it is replaced by a very small one.

    Raises
    ------
    ValueError
        With fewer than 8 examples of either kind.
    """
    bad, good = int(failed.sum()), int((~failed).sum())
    if min(bad, good) < _MIN_EACH:
        raise ValueError(f"calibration needs at least {_MIN_EACH} failed and passed drafts, not {bad} and {good}")
    target = np.where(failed, (bad + 1) / (bad + 2), 1 / (good + 2))
    design = np.stack([logit(raw), np.ones(len(raw))], 1)
    weight = np.ones(len(raw)) if weight is None else weight
    theta, prior = np.array([1.0, 0.0]), np.array([1.0, 0.0])

    def loss(at: Floats) -> float:
        z = design @ at
        return float(np.sum(weight * (np.logaddexp(0.0, z) - target * z)) + 0.5 * ridge * np.sum((at - prior) ** 2))

    for _ in range(100):
        p = sigmoid(design @ theta)
        gradient = design.T @ (weight * (p - target)) + ridge * (theta - prior)
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + ridge * np.eye(2)
        move = np.linalg.solve(curve, gradient)
        size = 1.0
        while size > 1e-6 and loss(theta - size * move) > loss(theta):
            size /= 2
        theta = theta - size * move
        if float(np.abs(size * move).max()) < 1e-9:
            break
    return max(float(theta[0]), 1e-3), float(theta[1])


def threshold(clean: Floats, pass_share: float, floor: float) -> float:
    """The lowest threshold at or above ``floor`` under which at least ``pass_share`` of the clean drafts stay."""
    ordered = np.sort(clean)
    keep = int(np.ceil(pass_share * len(ordered)))
    edge = float(ordered[min(keep, len(ordered)) - 1])
    return float(min(0.999, max(floor, edge + 1e-6)))


def calibration_error(p: Floats, failed: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins."""
    index = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[index == k].mean() - failed[index == k].mean()) * (index == k).sum() for k in np.unique(index)]
    return float(np.sum(gaps) / len(p))


def error_by_chance(p: Floats, bins: int = 10, draws: int = 200) -> float:
    """The calibration error that a perfectly calibrated judge would show on as many drafts, on average; seeded.

    Bins of few drafts never agree exactly with their mean, so an error near this one says that nothing is wrong.
    """
    rng = np.random.default_rng(0)
    return float(np.mean([calibration_error(p, rng.random(len(p)) < p, bins) for _ in range(draws)]))


def reliability(p: Floats, failed: NDArray[np.bool_], bins: int = 10) -> list[tuple[float, float, int]]:
    """Mean P(fail), share that failed and number of drafts of each equal-width bin that holds any."""
    index = np.minimum((p * bins).astype(int), bins - 1)
    return [
        (float(p[index == k].mean()), float(failed[index == k].mean()), int((index == k).sum()))
        for k in np.unique(index)
    ]


def write_calibration(path: Path, value: Calibration) -> None:
    """Write ``calibration.json``."""
    path.write_text(json.dumps(value.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read ``calibration.json``.

    Raises
    ------
    ConfigurationError
        Naming the file and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The calibration {path} cannot be read: {error.strerror}.") from error
    return parse_calibration(text, path.name)
