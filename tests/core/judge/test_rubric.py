"""Rubrics: read from TOML, refused with file and key, turned into one stable schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.judge.rubric import Rubric, canonical_json, parse_rubric
from app.schemas import JudgedBy

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "app/judge/rubrics/default.toml").read_text("utf-8")
RUBRIC = parse_rubric(TEXT, "default.toml")

MINIMAL = """
name = "short"
version = "1"
title = "Short"

[[criteria]]
id = "tone"
judged_by = "model"
title = "Tone"
ask = "is polite"
anchor_1 = "rude"
anchor_3 = "cool"
anchor_5 = "polite"
"""


def test_the_default_rubric_keeps_its_order() -> None:
    asked = ["grounding", "confidence", "segment", "tone", "coordination", "pricing"]
    assert [c.id for c in RUBRIC.model_criteria] == asked
    assert all(c.ask for c in RUBRIC.model_criteria)
    assert {c.id for c in RUBRIC.criteria} - {c.id for c in RUBRIC.model_criteria} == {
        c.id for c in RUBRIC.criteria if c.judged_by is JudgedBy.RULE
    }
    assert (RUBRIC.ref.name, RUBRIC.ref.version) == (RUBRIC.name, RUBRIC.version)


def test_the_schema_is_scores_first_then_the_reason() -> None:
    plain, explained = RUBRIC.schema(explain=False), RUBRIC.schema(explain=True)
    assert list(plain["properties"]) == plain["required"] == ["s"]
    assert list(explained["properties"]) == explained["required"] == ["s", "reason"]
    scores = plain["properties"]["s"]
    count = len(RUBRIC.model_criteria)
    assert scores["minItems"] == scores["maxItems"] == len(scores["prefixItems"]) == count
    assert scores["items"] is False
    assert all(item == {"type": "integer", "minimum": 1, "maximum": 5} for item in scores["prefixItems"])
    assert plain["additionalProperties"] is False
    assert json.dumps(plain) == json.dumps(RUBRIC.schema(explain=False))


def test_the_schema_holds_only_what_the_engine_enforces() -> None:
    """String lengths cost seconds to compile, patterns and conditionals are ignored or fail: none may appear."""
    text = json.dumps(RUBRIC.schema(explain=True))
    for word in ("maxLength", "minLength", "pattern", "uniqueItems", "multipleOf", '"if"', "$ref", "format"):
        assert word not in text


def test_the_digest_follows_the_content() -> None:
    same = parse_rubric(TEXT + "\n# a remark\n", "other.toml")
    changed = parse_rubric(TEXT.replace("no hype", "no bragging", 1), "default.toml")
    assert same.digest == RUBRIC.digest
    assert changed.digest != RUBRIC.digest


def test_a_minimal_rubric_is_read() -> None:
    rubric = parse_rubric(MINIMAL, "short.toml")
    assert [c.id for c in rubric.model_criteria] == ["tone"]


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ('title = "Tone"', 'titel = "Tone"', "criteria.0.titel", "Extra inputs"),
        ('title = "Tone"\n', "", "criteria.0.title", "required"),
        ('judged_by = "model"', 'judged_by = "both of us"', "criteria.0.judged_by", "'rule', 'model' or 'both'"),
        ('ask = "is polite"\n', "", "criteria.0", "needs `ask`"),
        ('ask = "is polite"', 'ask = ""', "criteria.0.ask", "at least 1"),
        ('id = "tone"', 'id = "Tone!"', "criteria.0.id", "match pattern"),
        ('name = "short"', 'name = "Short Name"', "name", "match pattern"),
        ('version = "1"', "version = 1", "version", "valid string"),
        ('version = "1"', 'version = "one"', "version", "match pattern"),
        (
            'judged_by = "model"\ntitle = "Tone"\nask = "is polite"',
            'judged_by = "rule"\ntitle = "Tone"',
            "",
            "at least one criterion",
        ),
        (MINIMAL[MINIMAL.index("[[") :], MINIMAL[MINIMAL.index("[[") :] * 2, "", "must differ"),
        (MINIMAL[MINIMAL.index("[[") :], "criteria = []", "criteria", "at least 1"),
    ],
)
def test_a_fault_names_file_and_key(old: str, new: str, path: str, says: str) -> None:
    text = MINIMAL.replace(old, new, 1)
    assert text != MINIMAL
    with pytest.raises(ConfigurationError) as caught:
        parse_rubric(text, "mine.toml")
    faults = {fault.path: fault.message for fault in caught.value.faults}
    assert f"mine.toml: {path}".rstrip(": ") in {key.rstrip(": ") for key in faults}
    assert any(says in message for message in faults.values())
    assert "mine.toml" in str(caught.value)


def test_what_is_not_toml_names_file_and_line() -> None:
    with pytest.raises(ConfigurationError, match=r"mine\.toml is not TOML.*line 2"):
        parse_rubric('name = "x"\nversion 1', "mine.toml")


def test_a_rubric_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RUBRIC.name = "other"  # type: ignore[misc]


def test_canonical_json_is_one_serialisation() -> None:
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_a_rubric_with_many_criteria_stays_within_the_schema() -> None:
    body = MINIMAL[MINIMAL.index("[[") :]
    many = "".join(body.replace('id = "tone"', f'id = "tone_{chr(97 + n)}"') for n in range(24))
    head = MINIMAL[: MINIMAL.index("[[")]
    assert len(parse_rubric(head + many, "many.toml").schema(explain=False)["properties"]["s"]["prefixItems"]) == 24
    one_more = body.replace('id = "tone"', 'id = "tone_zz"')
    with pytest.raises(ConfigurationError, match="at most 24"):
        parse_rubric(head + many + one_more, "many.toml")
    assert isinstance(parse_rubric(head + many, "many.toml"), Rubric)
