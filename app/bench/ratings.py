"""Two files of ratings side by side: which task and check both rated, and how.

The shape is ``{"created_at": ..., "labels": {task: {check: {"verdict": "PASS" | "FAIL", "updated_at": ...}}}}``. What
only one file rated is counted, not guessed. The coefficients are computed in ``app.stats``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import Fault, InvalidInput, SetupError

LABELS = ("FAIL", "PASS")
MAX_FAULTS = 20


class _Rating(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: Literal["PASS", "FAIL"]
    updated_at: datetime | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    created_at: datetime | None = None
    labels: dict[str, dict[str, _Rating]] = Field(min_length=1)


Ratings = Mapping[tuple[str, str], str]
"""Verdict by task and check."""


@dataclass(frozen=True)
class Tables:
    """Joint counts of two raters: ``by_check`` and ``all`` are (2, 2), rows the first rater's FAIL and PASS.

    ``only_first`` and ``only_second`` count ratings that the other file lacks.
    """

    all: NDArray[np.int64]
    by_check: Mapping[str, NDArray[np.int64]]
    only_first: int
    only_second: int


def read_ratings(path: Path) -> Ratings:
    """Read one file of ratings.

    Raises
    ------
    SetupError
        When the file cannot be read.
    InvalidInput
        Naming the file and each field that does not fit.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        read = _File.model_validate(value)
    except ValidationError as error:
        faults = tuple(
            Fault(f"{path.name}: " + ".".join(str(part) for part in item["loc"]), item["msg"])
            for item in error.errors(include_input=False, include_url=False)
        )
        raise InvalidInput(f"{path.name} is no file of ratings.", faults[:MAX_FAULTS]) from None
    except ValueError as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}.") from None
    except OSError as error:
        raise SetupError(f"The file {path} cannot be read: {(error.strerror or 'unknown').lower()}.") from None
    return {(task, check): one.verdict for task, checks in read.labels.items() for check, one in checks.items()}


def tabulate(first: Ratings, second: Ratings) -> Tables:
    """Count what both rated, over all checks and by check."""
    shared = sorted(first.keys() & second.keys())
    checks = sorted({check for _, check in shared})
    by_check = {name: _table(Counter((first[key], second[key]) for key in shared if key[1] == name)) for name in checks}
    whole = _table(Counter((first[key], second[key]) for key in shared))
    return Tables(whole, by_check, len(first.keys() - second.keys()), len(second.keys() - first.keys()))


def disagreements(first: Ratings, second: Ratings) -> Iterable[tuple[str, str, str, str]]:
    """Task, check and both verdicts wherever they differ, in order."""
    for key in sorted(first.keys() & second.keys()):
        if first[key] != second[key]:
            yield (*key, first[key], second[key])


def _table(counts: Counter[tuple[str, str]]) -> NDArray[np.int64]:
    return np.array([[counts[a, b] for b in LABELS] for a in LABELS], dtype=np.int64)
