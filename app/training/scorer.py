"""A prepared model that scores drafts in this process, and remembers what it said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.judge.prompt import render
from app.training.answers import Answers, prompt_digest
from app.training.base import Base, as_the_engine, find_base, load_model, load_tokenizer
from app.training.encode import default_rubric
from app.training.scoring import Pair, digit_probabilities

_KEPT_AT_ONCE = 120
"""Answers are kept after so many drafts, so that an interrupted measurement has lost a minute."""


class Scorer:
    """The model in ``folder``, run as the engine would run it; ``answers`` is a folder that keeps what it said.

    Raises
    ------
    SetupError
        When the folder holds no model that fits.
    """

    def __init__(self, name: str, folder: Path, answers: Path | None = None) -> None:
        self.name = name
        self.base: Base = find_base(str(folder))
        self._tokenizer, self._model = load_tokenizer(self.base), as_the_engine(load_model(self.base))
        self._rubric = default_rubric()
        dtype = str(self._model.dtype).removeprefix("torch.")
        self._answers = Answers(answers and answers / f"{self.base.digest[:16]}-{dtype}.jsonl")

    def digits(self, pairs: Sequence[Pair], what: str) -> NDArray[np.float64]:
        """P(1..5) per criterion, shape (drafts, criteria, 5); what was asked before is not asked again."""
        keys = [prompt_digest(render(self._rubric, draft, context)) for draft, context in pairs]
        new = [i for i, key in enumerate(keys) if key not in self._answers.known]
        for some in (new[i : i + _KEPT_AT_ONCE] for i in range(0, len(new), _KEPT_AT_ONCE)):
            asked = [pairs[i] for i in some]
            name = f"{self.name}: {what}" + (f" ({len(new)} in all)" if len(new) > len(some) else "")
            found = digit_probabilities(self._model, self._tokenizer, self._rubric, asked, name=name)
            self._answers.keep({keys[i]: row for i, row in zip(some, found, strict=True)})
        return np.stack([self._answers.known[key] for key in keys])

    def alone(self, pairs: Sequence[Pair]) -> NDArray[np.float64]:
        """The same, each draft asked again and by itself."""
        return digit_probabilities(self._model, self._tokenizer, self._rubric, pairs, name="asked again", limit=1)
