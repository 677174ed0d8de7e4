"""The phrase banks: same keys, no shared phrase, and no held-out wording in training drafts."""

from __future__ import annotations

import re

import pytest

from app.bench.banks import Bank, check_banks, load_bank
from app.bench.generate import generate


def test_banks_have_the_same_keys_and_share_no_phrase():
    check_banks()


def test_a_shared_phrase_is_refused(monkeypatch):
    train = load_bank("train")
    mixed = Bank(
        "heldout", load_bank("heldout").lists, {**load_bank("heldout").moves, "generic": train.moves["generic"]}
    )
    monkeypatch.setattr("app.bench.banks.load_bank", lambda name: train if name == "train" else mixed)
    with pytest.raises(Exception, match="stands in both banks"):
        check_banks()


def test_a_missing_key_is_refused(monkeypatch):
    train = load_bank("train")
    less = Bank("heldout", load_bank("heldout").lists, {k: v for k, v in train.moves.items() if k != "price"})
    monkeypatch.setattr("app.bench.banks.load_bank", lambda name: train if name == "train" else less)
    with pytest.raises(Exception, match=r"price\.defer"):
        check_banks()


def _fixed_words(phrase: str) -> str:
    """The longest piece of a phrase between its slots."""
    return max(re.split(r"\{\w+\}", phrase.replace("{{", "").replace("}}", "")), key=len).strip(" .,;?!")


def test_no_held_out_phrase_in_training_drafts():
    drafts = "\n".join(e.draft.body for e in generate(9, "train", 400)).casefold()
    held_out = {_fixed_words(p) for p in load_bank("heldout").phrases()}
    leaked = [p for p in held_out if len(p.split()) >= 4 and p.casefold() in drafts]
    assert leaked == []


def test_held_out_names_and_stacks_are_other_ones():
    train, heldout = load_bank("train").lists, load_bank("heldout").lists
    for name in ("companies_a", "companies_b", "first_names", "stacks", "skills", "peers"):
        assert not set(train[name]) & set(heldout[name]), name
