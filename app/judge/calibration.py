"""From the model's raw P(fail) to a calibrated one, and the thresholds that go with it, per criterion.

``p = sigmoid(a * logit(raw) + b)`` (Platt 1999). The file is fitted by the training floor and shipped with the adapter;
an adapter without one is used uncalibrated (a = 1, b = 0), and the judge identity says so.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ConfigurationError, Fault

_EDGE = 1e-6


class CriterionCalibration(BaseModel):
    """Platt map and thresholds of one criterion; ``abstain_band`` is a half-width around ``fail_at``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    a: Annotated[float, Field(gt=0, le=100)] = 1.0
    b: Annotated[float, Field(ge=-100, le=100)] = 0.0
    fail_at: Annotated[float, Field(gt=0, lt=1)] | None = None
    abstain_band: Annotated[float, Field(ge=0, lt=0.5)] | None = None

    def apply(self, raw: float) -> float:
        """Calibrated P(fail) in (0, 1) for a raw P(fail) in [0, 1]."""
        clipped = min(1.0 - _EDGE, max(_EDGE, raw))
        z = self.a * math.log(clipped / (1.0 - clipped)) + self.b
        return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


class Calibration(BaseModel):
    """The calibration of one adapter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    criteria: dict[str, CriterionCalibration] = Field(default_factory=dict)
    fitted_on: str | None = None

    def of(self, criterion: str) -> CriterionCalibration:
        """The calibration of a criterion; the identity map when none was fitted."""
        return self.criteria.get(criterion) or CriterionCalibration()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical content, hex."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def parse_calibration(text: str, source: str) -> Calibration:
    """Read a calibration from JSON. ``source`` names the file in errors."""
    try:
        return Calibration.model_validate_json(text)
    except ValidationError as error:
        faults = tuple(
            Fault(f"{source}: " + (".".join(str(part) for part in item["loc"]) or "file"), item["msg"])
            for item in error.errors(include_input=False)
        )
        raise ConfigurationError(f"The calibration {source} does not fit.", faults) from error
