"""Every setting is a row of the README's table, and every row is a setting."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr

from app.settings import Settings
from tests.service import ROOT

ROW = re.compile(r"^\| `(?P<name>[A-Z][A-Z0-9_]+)` \| (?P<default>[^|]+) \| (?P<text>.+) \|$", re.MULTILINE)
UNPREFIXED = {"database_url", "vllm_base_url"}
DEPENDS_ON_THE_MACHINE = {"home"}


def _rows() -> dict[str, tuple[str, str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return {m["name"]: (m["default"].strip(), m["text"].strip()) for m in ROW.finditer(text)}


def _name(field: str) -> str:
    return field.upper() if field in UNPREFIXED else f"PRESEND_{field.upper()}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_table_holds_exactly_the_settings() -> None:
    assert sorted(_rows()) == sorted(_name(field) for field in Settings.model_fields)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_each_row_says_what_the_setting_says(field: str) -> None:
    info = Settings.model_fields[field]
    default, text = _rows()[_name(field)]
    assert text == info.description
    if field not in DEPENDS_ON_THE_MACHINE:
        assert default == _shown(info.default)


def test_no_default_is_a_secret() -> None:
    assert not [name for name, info in Settings.model_fields.items() if isinstance(info.default, SecretStr)]
