"""How violating a sentence looks to a bag of words: contrast sets take the sentences about which the words are wrong.

The regression of ``app.bench.words`` on the sentences of the training bank; nothing of the held-out bank is read
to fit it. Choosing by it is adversarial filtering: Sakaguchi et al., "WinoGrande", 2020; Le Bras et al., "Adversarial
Filters of Dataset Biases", 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from app.bench.banks import Bank, load_bank
from app.bench.words import Words, words_of

_HONEST = {"tone": ("neutral",), "invented": ("filler",), "price": ("defer",), "about": ("any",)}
_HONEST_WHOLE = ("ask", "hedge")
_BROKEN = {"tone": ("hype", "pressure", "guilt", "condescend", "flatter"), "invented": ("any",)}
_BROKEN_WHOLE = ("infer", "coordination", "pricing")


def honest_looking(phrases: Sequence[str]) -> list[str]:
    """The half of the sentences whose words look the more honest."""
    return sorted(phrases, key=_looks)[: (len(phrases) + 1) // 2]


def violating_looking(phrases: Sequence[str]) -> list[str]:
    """The half of the sentences whose words look the more violating."""
    return sorted(phrases, key=_looks)[len(phrases) // 2 :]


@cache
def _looks(phrase: str) -> tuple[float, str]:
    return _fitted().score(set(words_of(phrase))), phrase


@cache
def _fitted() -> Words:
    bank = load_bank("train")
    counterparts = list(bank.counterparts.values())
    honest = [*_phrases(bank, _HONEST, _HONEST_WHOLE), *(first for first, *_ in counterparts)]
    broken = [*_phrases(bank, _BROKEN, _BROKEN_WHOLE), *(again for _, *more in counterparts for again in more)]
    return Words.fitted([set(words_of(p)) for p in honest], [set(words_of(p)) for p in broken])


def _phrases(bank: Bank, kinds: Mapping[str, Sequence[str]], whole: Sequence[str]) -> list[str]:
    chosen = [(slot, kind) for slot, names in kinds.items() for kind in names]
    chosen += [(slot, kind) for slot in whole for kind in bank.moves[slot]]
    return [phrase for slot, kind in chosen for phrase in bank.moves[slot][kind]]
