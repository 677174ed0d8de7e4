"""The judge identity: one digest over everything that can change a verdict.

Two verdicts with the same digest were judged by the same judge. What is not known (a remote server's weights, say) goes
in as ``unknown``, so that it is seen and not guessed.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property

from app.judge import pairwise
from app.judge.prompt import template_digest
from app.judge.rubric import Rubric, canonical_json
from app.schemas import JudgeRef

UNKNOWN = "unknown"


@dataclass(frozen=True)
class ModelIdentity:
    """The weights that serve: names, and digests of the base, the adapter and the merged result."""

    name: str
    base: str = UNKNOWN
    adapter: str | None = None
    weights_digest: str = UNKNOWN
    adapter_digest: str = UNKNOWN
    dtype: str = UNKNOWN


@dataclass(frozen=True)
class JudgeIdentity:
    """Everything that can change a verdict."""

    model: ModelIdentity
    engine: str
    rubric: Rubric
    ruleset_version: str
    policy_digest: str
    calibration_digest: str
    decoding: str

    @cached_property
    def parts(self) -> dict[str, object]:
        """The parts by name, as ``GET /v1/judge`` shows them."""
        return {
            "model": asdict(self.model),
            "engine": self.engine,
            "rubric": {
                "name": self.rubric.name,
                "version": self.rubric.version,
                "digest": self.rubric.digest,
            },
            "prompt": template_digest(self.rubric),
            "pairwise": hashlib.sha256(
                canonical_json([pairwise.system_prompt(self.rubric), pairwise.SCHEMA]).encode()
            ).hexdigest(),
            "schema": hashlib.sha256(
                canonical_json([self.rubric.schema(explain=False), self.rubric.schema(explain=True)]).encode()
            ).hexdigest(),
            "ruleset": {"version": self.ruleset_version, "policy": self.policy_digest},
            "calibration": self.calibration_digest,
            "decoding": self.decoding,
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all parts, hex."""
        return hashlib.sha256(canonical_json(self.parts).encode()).hexdigest()

    @cached_property
    def ref(self) -> JudgeRef:
        """What a verdict carries."""
        return JudgeRef(
            digest=self.digest,
            model=self.model.name,
            adapter=self.model.adapter,
            engine=self.engine,
            ruleset=self.ruleset_version,
        )
