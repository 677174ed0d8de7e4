"""Named, versioned criteria with 1/3/5 anchors, and the JSON schema that the judge decodes under.

A rubric is a TOML file. The schema is generated from it, in its order, serialised once: the engine caches
compiled grammars by the exact schema string. A rubric that the boundary could not check is refused when read.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.errors import ConfigurationError, Fault
from app.schemas import JudgedBy, RubricRef

MIN_SCORE, MAX_SCORE = 1, 5
SCORES_KEY, REASON_KEY = "s", "reason"

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,30}$")]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]


class Criterion(BaseModel):
    """One question about a draft, and who answers it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _Id
    judged_by: JudgedBy
    title: _Line
    anchor_1: _Line
    anchor_3: _Line
    anchor_5: _Line
    ask: _Line | None = None

    @model_validator(mode="after")
    def _model_needs_a_question(self) -> Criterion:
        if self.judged_by is not JudgedBy.RULE and self.ask is None:
            raise ValueError("a criterion that the model judges needs `ask`, the one line that it reads")
        return self


class Rubric(BaseModel):
    """The criteria of one kind of draft, in the order in which they are decoded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9][0-9.]{0,10}$")]
    title: _Line
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=24)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Rubric:
        ids = [c.id for c in self.criteria]
        if len(set(ids)) != len(ids):
            raise ValueError("criterion ids must differ")
        if not self.model_criteria:
            raise ValueError("at least one criterion must be judged by the model or by both")
        return self

    @property
    def ref(self) -> RubricRef:
        """Name and version, as verdicts carry them."""
        return RubricRef(name=self.name, version=self.version)

    @cached_property
    def model_criteria(self) -> tuple[Criterion, ...]:
        """The criteria that the model scores, in decoding order."""
        return tuple(c for c in self.criteria if c.judged_by is not JudgedBy.RULE)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical content, hex."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    def schema(self, *, explain: bool) -> dict[str, Any]:  # type: ignore[override]
        """The JSON schema of the model's answer: scores first, then at most one free string.

        One integer 1-5 per model criterion, by position: a named key costs three tokens, a digit one.
        """
        count = len(self.model_criteria)
        score = {"type": "integer", "minimum": MIN_SCORE, "maximum": MAX_SCORE}
        properties: dict[str, Any] = {
            SCORES_KEY: {
                "type": "array",
                "prefixItems": [score] * count,
                "items": False,
                "minItems": count,
                "maxItems": count,
            }
        }
        if explain:
            properties[REASON_KEY] = {"type": "string"}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


def canonical_json(value: object) -> str:
    """The one serialisation used for digests: sorted keys, no whitespace, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_rubric(text: str, source: str) -> Rubric:
    """Read a rubric from TOML. ``source`` names the file in errors.

    Raises
    ------
    ConfigurationError
        Naming the file, the key, and what would be right.
    """
    try:
        return Rubric.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The rubric {source} is not TOML: {error}.") from error
    except ValidationError as error:
        faults = tuple(
            Fault(f"{source}: " + ".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors()
        )
        raise ConfigurationError(f"The rubric {source} does not fit.", faults) from error
