"""How violating a sentence looks to a bag of words: contrast sets take the sentences about which the words are wrong.

The regression of ``app.bench.words`` on the sentences of the training bank; nothing of the held-out bank is read
to fit it. Choosing by it is adversarial filtering: Sakaguchi et al., "WinoGrande", 2020; Le Bras et al., "Adversarial
Filters of Dataset Biases", 2020. The banks hold the result as ``looks``, so that what is chosen does not hang on the
last digits of a fit; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.bench.banks import Bank, Counterpart, load_bank
from app.bench.words import Words, words_of

_HONEST = {"tone": ("neutral",), "invented": ("filler",), "price": ("defer",), "about": ("any",)}
_HONEST_WHOLE = ("ask", "hedge")
_BROKEN = {"tone": ("hype", "pressure", "guilt", "condescend", "flatter"), "invented": ("any",)}
_BROKEN_WHOLE = ("infer", "coordination", "pricing")


def honest_looking(sentences: Sequence[Counterpart]) -> list[str]:
    """The half of the sentences whose words look the more honest."""
    return [one.says for one in _ordered(sentences)[: (len(sentences) + 1) // 2]]


def violating_looking(sentences: Sequence[Counterpart]) -> list[str]:
    """The half of the sentences whose words look the more violating."""
    return [one.says for one in _ordered(sentences)[len(sentences) // 2 :]]


def _ordered(sentences: Sequence[Counterpart]) -> list[Counterpart]:
    return sorted(sentences, key=lambda one: (one.looks, one.says))


def looks(sentences: Sequence[str]) -> list[float]:
    """Log-odds of a violation by the words alone, one a sentence."""
    bank = load_bank("train")
    honest = [*_phrases(bank, _HONEST, _HONEST_WHOLE), *(first.says for first, *_ in bank.counterparts.values())]
    broken = [*_phrases(bank, _BROKEN, _BROKEN_WHOLE)]
    broken += [again.says for _, *more in bank.counterparts.values() for again in more]
    fitted = Words.fitted([set(words_of(p)) for p in honest], [set(words_of(p)) for p in broken])
    return [float(score) for score in fitted.scores([set(words_of(sentence)) for sentence in sentences])]


def _phrases(bank: Bank, kinds: Mapping[str, Sequence[str]], whole: Sequence[str]) -> list[str]:
    chosen = [(slot, kind) for slot, names in kinds.items() for kind in names]
    chosen += [(slot, kind) for slot in whole for kind in bank.moves[slot]]
    return [phrase for slot, kind in chosen for phrase in bank.moves[slot][kind]]
