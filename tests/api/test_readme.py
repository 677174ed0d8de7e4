"""The README's curls, pasted into a shell as they stand, answer what it shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service import ROOT, Caller, Service

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def blocks(kind: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    return found


def holds(answer: Any, shown: Any) -> bool:
    """Whether everything that is shown stands in the answer."""
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(key in answer and holds(answer[key], shown[key]) for key in shown)
    if isinstance(shown, list):
        return isinstance(answer, list) and len(answer) == len(shown) and all(map(holds, answer, shown))
    return bool(answer == shown)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is what is pasted")
def test_the_curls_answer_what_is_shown_beside_them(agent: Caller, service: Service, tmp_path: Path) -> None:
    pasted = [block.replace(ADDRESS, service.url) for block in blocks("sh") if "curl" in block]
    shown = [json.loads(block) for block in blocks("json")]
    answers = []
    for block in pasted:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PRESEND_KEY": agent.key},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    revised, sent, receipt = answers
    assert holds(revised, shown[0])
    assert holds(sent, shown[1])
    told = re.findall(r"^# (\{.*), \.\.\.\}$", README, flags=re.MULTILINE)
    assert [holds(receipt, json.loads(f"{one}}}")) for one in told] == [True]
