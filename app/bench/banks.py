"""Phrase banks: the words of each move, one file per split, never a phrase in both.

A bank with a missing key, an empty list or a phrase that the other split holds is refused when read, so that a
held-out figure cannot come from remembered wording.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from app.errors import ConfigurationError

BankName = Literal["train", "heldout"]
NAMES: tuple[BankName, ...] = ("train", "heldout")


@dataclass(frozen=True)
class Bank:
    """The words of one split: ``lists`` by name, ``moves`` by slot and kind."""

    name: BankName
    lists: dict[str, tuple[str, ...]]
    moves: dict[str, dict[str, tuple[str, ...]]]

    def phrases(self) -> frozenset[str]:
        """Every phrase that carries a judgement: all moves except the frame around them."""
        frame = {"greeting", "signoff", "subject", "topics"}
        return frozenset(
            p for slot, kinds in self.moves.items() if slot not in frame for ps in kinds.values() for p in ps if p
        )


@cache
def load_bank(name: BankName) -> Bank:
    """Read one bank.

    Raises
    ------
    ConfigurationError
        When a list is empty or not made of strings.
    """
    file = f"{name}.toml"
    raw = tomllib.loads(files("app.bench").joinpath("banks", file).read_text(encoding="utf-8"))
    lists = {key: _strings(value, f"{file}: {key}") for key, value in raw.items() if not isinstance(value, dict)}
    moves = {
        slot: {kind: _strings(value, f"{file}: {slot}.{kind}") for kind, value in kinds.items()}
        for slot, kinds in raw.items()
        if isinstance(kinds, dict)
    }
    return Bank(name, lists, moves)


def check_banks() -> None:
    """Refuse banks whose keys differ or that share a phrase."""
    train, heldout = (load_bank(name) for name in NAMES)
    if differing := sorted(_keys(train) ^ _keys(heldout)):
        raise ConfigurationError(f"The phrase banks must hold the same keys; only one holds {', '.join(differing)}.")
    if shared := sorted(train.phrases() & heldout.phrases()):
        raise ConfigurationError(f"A phrase stands in both banks: {shared[0]!r}.")


def _keys(bank: Bank) -> set[str]:
    return set(bank.lists) | {f"{slot}.{kind}" for slot, kinds in bank.moves.items() for kind in kinds}


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ConfigurationError(f"{where} must be a list of at least one string.")
    return tuple(value)
