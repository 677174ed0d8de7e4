"""The phrase banks: same keys, no shared phrase, and no held-out wording in training drafts."""

from __future__ import annotations

import re
import tomllib

import pytest

from app.bench.banks import Bank, _counterparts, check_banks, load_bank
from app.bench.generate import generate
from app.errors import ConfigurationError


def test_banks_have_the_same_keys_and_share_no_phrase():
    check_banks()


def test_a_shared_phrase_is_refused(monkeypatch):
    train = load_bank("train")
    other = load_bank("heldout")
    mixed = Bank("heldout", other.lists, {**other.moves, "generic": train.moves["generic"]}, other.counterparts)
    monkeypatch.setattr("app.bench.banks.load_bank", lambda name: train if name == "train" else mixed)
    with pytest.raises(Exception, match="stands in both banks"):
        check_banks()


def test_a_missing_key_is_refused(monkeypatch):
    train = load_bank("train")
    other = load_bank("heldout")
    less = Bank("heldout", other.lists, {k: v for k, v in train.moves.items() if k != "price"}, other.counterparts)
    monkeypatch.setattr("app.bench.banks.load_bank", lambda name: train if name == "train" else less)
    with pytest.raises(Exception, match=r"price\.defer"):
        check_banks()


def test_a_bank_without_counterparts_is_refused(monkeypatch):
    train, other = load_bank("train"), load_bank("heldout")
    monkeypatch.setattr(
        "app.bench.banks.load_bank",
        lambda name: train if name == "train" else Bank("heldout", other.lists, other.moves, {}),
    )
    with pytest.raises(ConfigurationError, match=r"2 counterparts of each tone\.hype"):
        check_banks()


@pytest.mark.parametrize(
    ("counterparts", "said"),
    [
        ('[tone.hype]\n"No such sentence." = [{looks=0, says="Some other one."}]', "one entry for each phrase"),
        ('[tone.hype]\n"We are great." = "Not a list."', "must be a list"),
        ('[tone.hype]\n"We are great." = ["A plain text."]', "must be a list"),
        ('[tone.hype]\n"We are great." = [{looks="much", says="We try."}]', "must be a list"),
        ('[tone.hype]\n"We are great." = []', "must be a list"),
        ('[tone.hype]\n"We are great." = [{looks=0, says="We are great."}]', "has a sentence twice"),
    ],
)
def test_counterparts_that_do_not_fit_are_refused_by_name(monkeypatch, counterparts, said):
    monkeypatch.setattr("app.bench.banks._read", lambda file: tomllib.loads(counterparts))
    with pytest.raises(ConfigurationError, match=rf"^x_counterparts\.toml.*{said}"):
        _counterparts("x_counterparts.toml", {"tone": {"hype": ("We are great.",)}})


def _fixed_words(phrase: str) -> str:
    """The longest piece of a phrase between its slots."""
    return max(re.split(r"\{\w+\}", phrase.replace("{{", "").replace("}}", "")), key=len).strip(" .,;?!")


def test_no_held_out_phrase_in_training_drafts():
    drafts = "\n".join(e.draft.body for e in generate(9, "train", 400, contrasts=True)).casefold()
    held_out = {_fixed_words(p) for p in load_bank("heldout").phrases()}
    leaked = [p for p in held_out if len(p.split()) >= 4 and p.casefold() in drafts]
    assert leaked == []


def test_held_out_names_and_stacks_are_other_ones():
    train, heldout = load_bank("train").lists, load_bank("heldout").lists
    for name in ("companies_a", "companies_b", "first_names", "stacks", "skills", "peers"):
        assert not set(train[name]) & set(heldout[name]), name
