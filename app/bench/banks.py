"""Phrase banks: the words of each move, one file per split, never a phrase in both.

A bank with a missing key, an empty list or a phrase that the other split holds is refused when read, so that a
held-out figure cannot come from remembered wording.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from app.errors import ConfigurationError

BankName = Literal["train", "heldout"]
NAMES: tuple[BankName, ...] = ("train", "heldout")


class Counterpart(NamedTuple):
    """A sentence of a contrast set; ``looks`` tells how violating its words look (``app.bench.bagofwords``)."""

    says: str
    looks: float


@dataclass(frozen=True)
class Bank:
    """The words of one split: ``lists`` by name, ``moves`` by slot and kind.

    ``counterparts`` gives, for a violating sentence, an honest one in its words and mostly a violating one in the words
    of the honest one.
    """

    name: BankName
    lists: dict[str, tuple[str, ...]]
    moves: dict[str, dict[str, tuple[str, ...]]]
    counterparts: dict[str, tuple[Counterpart, ...]]

    def phrases(self) -> frozenset[str]:
        """Every phrase that carries a judgement: all moves except the frame around them."""
        frame = {"greeting", "signoff", "subject", "topics"}
        moves = (p for slot, kinds in self.moves.items() if slot not in frame for ps in kinds.values() for p in ps if p)
        return frozenset(moves) | {one.says for pair in self.counterparts.values() for one in pair}


@cache
def load_bank(name: BankName) -> Bank:
    """Read one bank.

    Raises
    ------
    ConfigurationError
        When a list is empty or not made of strings, or a counterpart is missing, stands twice or is a violation.
    """
    file = f"{name}.toml"
    raw = _read(file)
    lists = {key: _strings(value, f"{file}: {key}") for key, value in raw.items() if not isinstance(value, dict)}
    moves = {
        slot: {kind: _strings(value, f"{file}: {slot}.{kind}") for kind, value in kinds.items()}
        for slot, kinds in raw.items()
        if isinstance(kinds, dict)
    }
    return Bank(name, lists, moves, _counterparts(f"{name}_counterparts.toml", moves))


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads(files("app.bench").joinpath("banks", file).read_text(encoding="utf-8"))


def _counterparts(file: str, moves: dict[str, dict[str, tuple[str, ...]]]) -> dict[str, tuple[Counterpart, ...]]:
    """For each violating sentence of the kinds that the file names, ``[slot.kind]``, its counterparts, one or two."""
    found: dict[str, tuple[Counterpart, ...]] = {}
    for slot, kinds in _read(file).items():
        for kind, pairs in kinds.items():
            where = f"{file}: {slot}.{kind}"
            if odd := sorted(set(pairs) ^ set(moves.get(slot, {}).get(kind, ()))):
                raise ConfigurationError(f"{where} must have one entry for each phrase of the bank: {odd[0]!r}.")
            found |= {phrase: _pair(value, f"{where}: {phrase!r}") for phrase, value in pairs.items()}
    texts = Counter(one.says for pair in found.values() for one in pair)
    if twice := sorted(says for says, count in (texts + Counter(found.keys())).items() if count > 1):
        raise ConfigurationError(f"{file} has a sentence twice: {twice[0]!r}.")
    return found


def _pair(value: Any, where: str) -> tuple[Counterpart, ...]:
    try:
        found = tuple(Counterpart(str(one["says"]), float(one["looks"])) for one in value)
    except (TypeError, KeyError, ValueError):
        found = ()
    if not found:
        raise ConfigurationError(f"{where} must be a list of at least one {{ looks = NUMBER, says = TEXT }}.")
    return found


def check_banks() -> None:
    """Refuse banks whose keys differ or that share a phrase."""
    train, heldout = (load_bank(name) for name in NAMES)
    if differing := sorted(_keys(train) ^ _keys(heldout)):
        raise ConfigurationError(f"The phrase banks must hold the same keys; only one holds {', '.join(differing)}.")
    if shared := sorted(train.phrases() & heldout.phrases()):
        raise ConfigurationError(f"A phrase stands in both banks: {shared[0]!r}.")


def _keys(bank: Bank) -> set[str]:
    kinds = {f"{slot}.{kind}": phrases for slot, kinds in bank.moves.items() for kind, phrases in kinds.items()}
    turned = {key: {len(bank.counterparts.get(phrase, ())) for phrase in phrases} for key, phrases in kinds.items()}
    counted = {f"{min(counts)} counterparts of each {key}" for key, counts in turned.items() if any(counts)}
    return set(bank.lists) | set(kinds) | counted


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ConfigurationError(f"{where} must be a list of at least one string.")
    return tuple(value)
