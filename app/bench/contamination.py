"""Whether held-out tasks are known from training: shared word runs, embedding cosine, and time between signals.

All three read the whole text, context and draft. A signal's date is the task's own, else the dates in its text; a
month without a day stands for all of its days. Vectors come from outside: nothing here loads a model.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from app.bench.texts import Text, ngrams
from app.bench.words import words_of

NGRAM_WORDS = 8
COSINE_LIMIT = 0.85
SHIFT_DAYS = 7
WORST = 5
Vectors = NDArray[np.float32]

_MONTHS = {name.casefold(): number for number, name in enumerate(calendar.month_name) if number}
_MONTHS |= {name.casefold(): number for number, name in enumerate(calendar.month_abbr) if number}
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_NAME})\.?,?\s+(20\d\d)\b", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"\b({_NAME})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(20\d\d)\b", re.IGNORECASE)
_MONTH = re.compile(rf"\b({_NAME})\.?\s+(20\d\d)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """A held-out task, the training task that it is nearest to, and how near."""

    held_out: str
    train: str
    value: float


@dataclass(frozen=True)
class Contamination:
    """What one check found.

    Attributes
    ----------
    check : str
        ``ngrams``, ``cosine`` or ``time shift``.
    rule : str
        What is allowed, in words.
    checked : int
        Held-out tasks that could be checked.
    skipped : int
        Held-out tasks that could not: too short, or without a date.
    broken : int
        Held-out tasks that break the rule.
    worst : tuple of Match
        The nearest pairs, the worst first, whether they break the rule or not.
    """

    check: str
    rule: str
    checked: int
    skipped: int
    broken: int
    worst: tuple[Match, ...]

    @property
    def share(self) -> float:
        """Share of the checked tasks that break the rule; 0 where none could be checked."""
        return self.broken / self.checked if self.checked else 0.0


def ngram_overlap(train: Sequence[Text], held_out: Sequence[Text], size: int = NGRAM_WORDS) -> Contamination:
    """Held-out texts that share a run of ``size`` words with a training text; the value is how many runs they share."""
    ours = [_runs(one, size) for one in held_out]
    theirs = [_runs(one, size) for one in train]
    shared = sorted(set().union(*ours) & set().union(*theirs)) if ours and theirs else []
    column = {gram: index for index, gram in enumerate(shared)}
    counts = (_incidence(ours, column) @ _incidence(theirs, column).T).tocsr()
    matches = []
    for row in range(len(held_out)):
        begin, end = counts.indptr[row], counts.indptr[row + 1]
        if end > begin:
            # The first of equals, so that the order of training decides and not that of the sparse matrix.
            most = counts.data[begin:end].max()
            nearest = min(counts.indices[begin:end][counts.data[begin:end] == most])
            matches.append(Match(held_out[row].id, train[nearest].id, float(most)))
    checked = sum(bool(runs) for runs in ours)
    rule = f"no run of {size} words in common"
    return Contamination("ngrams", rule, checked, len(held_out) - checked, len(matches), _worst(matches, -1.0))


def sharing_a_run(train: Sequence[Text], held_out: Sequence[Text], size: int = NGRAM_WORDS) -> frozenset[str]:
    """Ids of held-out texts that share a run of ``size`` words with any training text: those to leave out."""
    known: set[object] = set().union(*(_runs(one, size) for one in train))
    return frozenset(one.id for one in held_out if not known.isdisjoint(_runs(one, size)))


def cosine_nearness(
    train: Sequence[Text], vectors: Vectors, held_out: Sequence[Text], held_out_vectors: Vectors,
    limit: float = COSINE_LIMIT,
) -> Contamination:  # fmt: skip
    """Held-out texts whose cosine with a training text reaches ``limit``.

    ``vectors`` has shape (len(train), d), ``held_out_vectors`` (len(held_out), d); they need not be normalised.
    """
    if len(vectors) != len(train) or len(held_out_vectors) != len(held_out):
        raise ValueError("there is one vector for each text")
    if not len(train) or not len(held_out):
        return Contamination("cosine", f"cosine below {limit:g}", 0, len(held_out), 0, ())
    known, matches = _unit(vectors), []
    for begin in range(0, len(held_out), 512):
        block = _unit(held_out_vectors[begin : begin + 512]) @ known.T
        nearest = block.argmax(axis=1)
        matches += [
            Match(held_out[begin + row].id, train[int(at)].id, float(block[row, at])) for row, at in enumerate(nearest)
        ]
    broken = sum(match.value >= limit for match in matches)
    return Contamination("cosine", f"cosine below {limit:g}", len(held_out), 0, broken, _worst(matches, -1.0))


def time_shift(train: Sequence[Text], held_out: Sequence[Text], days: int = SHIFT_DAYS) -> Contamination:
    """Held-out texts with a signal less than ``days`` days from a signal of the same company in training.

    Signals of different companies are different events, however close; the same company within the limit is most
    likely the same event told again. The value is the number of days between the nearest two signals.
    """
    by_company: dict[str, list[tuple[str, list[tuple[date, date]]]]] = defaultdict(list)
    for one in train:
        if spans := signal_dates(one):
            by_company[_company(one)].append((one.id, spans))
    matches, dated = [], 0
    for one in held_out:
        spans = signal_dates(one)
        dated += bool(spans)
        gaps = [
            (_days_between(own, theirs), other)
            for other, known in by_company.get(_company(one), ())
            for own in spans
            for theirs in known
        ]
        if gaps:
            nearest, other = min(gaps)
            matches.append(Match(one.id, other, float(nearest)))
    broken = sum(match.value < days for match in matches)
    rule = f"signals of one company at least {days} days apart"
    return Contamination("time shift", rule, dated, len(held_out) - dated, broken, _worst(matches, 1.0))


def signal_dates(text: Text) -> list[tuple[date, date]]:
    """First and last day of each date: the task's own, else those in its text."""
    if text.signal_date is not None:
        return [(text.signal_date, text.signal_date)]
    found: list[tuple[date, date]] = []
    patterns: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[int, int, int]]], ...] = (
        (_ISO, lambda m: (int(m[1]), int(m[2]), int(m[3]))),
        (_DAY_FIRST, lambda m: (int(m[3]), _MONTHS[m[2].casefold()], int(m[1]))),
        (_MONTH_FIRST, lambda m: (int(m[3]), _MONTHS[m[1].casefold()], int(m[2]))),
    )
    rest = text.text
    for pattern, read in patterns:
        for match in pattern.finditer(rest):
            year, month, day = read(match)
            if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]:
                found.append((date(year, month, day), date(year, month, day)))
        rest = pattern.sub(" ", rest)
    for match in _MONTH.finditer(rest):
        year, month = int(match[2]), _MONTHS[match[1].casefold()]
        found.append((date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])))
    return sorted(set(found))


def _runs(text: Text, size: int) -> set[str]:
    words = words_of(text.text)
    return ngrams(words, size) if len(words) >= size else set()


def _incidence(runs: Sequence[set[str]], column: dict[str, int]) -> sparse.csr_matrix:
    rows, columns = [], []
    for row, own in enumerate(runs):
        kept = [column[gram] for gram in own if gram in column]
        rows += [row] * len(kept)
        columns += kept
    ones = np.ones(len(rows), dtype=np.int64)
    return sparse.csr_matrix((ones, (rows, columns)), shape=(len(runs), len(column)))


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0.0, 1.0, norms), dtype=np.float32)


def _company(text: Text) -> str:
    return " ".join(words_of(text.company))


def _days_between(a: tuple[date, date], b: tuple[date, date]) -> int:
    return max(0, (b[0] - a[1]).days, (a[0] - b[1]).days)


def _worst(matches: Sequence[Match], direction: float) -> tuple[Match, ...]:
    return tuple(sorted(matches, key=lambda m: (direction * m.value, m.held_out, m.train))[:WORST])
