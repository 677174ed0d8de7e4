"""What a model answered, kept in a file: measuring again after a change of the rules asks only about new drafts.

One file a set of weights and dtype, one line an answer, appended. The key is a digest of the whole prompt, so another
rubric or template asks anew. A line that does not read (an interrupted write) is passed over and asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import SetupError
from app.judge.prompt import Prompt

Row = NDArray[np.float64]


def prompt_digest(prompt: Prompt) -> str:
    """SHA-256 over the messages, hex."""
    return hashlib.sha256(json.dumps(prompt.messages).encode()).hexdigest()


class Answers:
    """P(1..5) per criterion by prompt, shape (criteria, 5) each; without a ``path`` kept in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.known: dict[str, Row] = {}
        self._torn = False
        if path is not None and path.is_file():
            text = path.read_text(encoding="utf-8")
            self._torn = bool(text) and not text.endswith("\n")
            for line in text.splitlines():
                try:
                    key, rows = json.loads(line)
                    self.known[key] = np.array(rows, dtype=np.float64)
                except ValueError:
                    continue

    def keep(self, found: Mapping[str, Row]) -> None:
        """Remember answers, and write them down where there is a file.

        Raises
        ------
        SetupError
            When the file cannot be written.
        """
        self.known |= found
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" if self._torn else "")  # what follows a cut line shall not be lost with it
                self._torn = False
                file.writelines(f"{json.dumps([key, row.tolist()])}\n" for key, row in found.items())
        except OSError as error:
            raise SetupError(f"The answers cannot be kept in {self._path}: {error.strerror}.") from error
