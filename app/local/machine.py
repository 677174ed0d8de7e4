"""What this machine can do, and how vLLM should run on it. Looking and choosing are apart, so that choosing is pure.

Where nothing was measured, the engine's own default stands.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Variant = Literal["cpu", "cuda"]

GIB = 1 << 30
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
BF16_CAPABILITY = 8.0


@dataclass(frozen=True)
class Machine:
    """Cores that this process may use, memory in bytes, CPU flags, and the GPU's compute capability if there is one."""

    cores: tuple[int, ...]
    memory: int
    flags: frozenset[str]
    gpu: bool
    gpu_capability: float | None = None


@dataclass(frozen=True)
class EnginePlan:
    """How vLLM is run: dtype, OpenMP binding, KV cache in GiB (CPU only), eager (no compilation), sequences at once."""

    variant: Variant
    dtype: str
    threads: str | None
    kv_cache_gib: int | None
    eager: bool
    max_seqs: int


def choose(
    machine: Machine,
    *,
    engine: Literal["auto", "cpu", "cuda"] = "auto",
    dtype: str = "auto",
    max_seqs: int = 32,
) -> EnginePlan:
    """The plan for a machine; ``engine`` and ``dtype`` win over what was found.

    On a CPU: bfloat16 only where the CPU multiplies it (elsewhere it is ten times slower than float32); up to eight
    cores all are named, because the engine's own binding leaves half of two idle; one stays free for the API from four
    on; no compilation, which would double the first start.
    """
    variant: Variant = ("cuda" if machine.gpu else "cpu") if engine == "auto" else engine
    if variant == "cuda":
        if dtype == "auto" and machine.gpu_capability is not None:
            dtype = "bfloat16" if machine.gpu_capability >= BF16_CAPABILITY else "float16"
        return EnginePlan("cuda", dtype, None, None, eager=False, max_seqs=max_seqs)
    if dtype == "auto":
        dtype = "bfloat16" if machine.flags & BF16_FLAGS else "float32"
    cores = machine.cores[:-1] if len(machine.cores) >= 4 else machine.cores
    threads = ",".join(str(core) for core in cores) if len(machine.cores) <= 8 else "auto"
    return EnginePlan("cpu", dtype, threads, _kv_cache_gib(machine.memory), eager=True, max_seqs=max_seqs)


def _kv_cache_gib(memory: int) -> int:
    """An eighth of the memory, between 1 and 8 GiB: the default model needs 46 kB a token in float32."""
    return max(1, min(8, memory // (8 * GIB)))


def look() -> Machine:
    """Read the machine that this process runs on, its container's limits included."""
    gpu, capability = _gpu()
    return Machine(_cores(), _memory(), _cpu_flags(), gpu, capability)


def _cores() -> tuple[int, ...]:
    allowed = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
    quota = read_quota(_text("/sys/fs/cgroup/cpu.max"))
    return tuple(allowed[: max(1, math.ceil(quota))] if quota is not None else allowed)


def read_quota(cpu_max: str) -> float | None:
    """Cores that a cgroup grants, from the text of its ``cpu.max`` (``200000 100000`` is 2.0), or None for no limit."""
    parts = cpu_max.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts) or int(parts[1]) == 0:
        return None
    return int(parts[0]) / int(parts[1])


def _memory() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _text("/sys/fs/cgroup/memory.max").strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _cpu_flags() -> frozenset[str]:
    for line in _text("/proc/cpuinfo").splitlines():
        name, _, rest = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return frozenset(rest.split())
    return frozenset()


def _gpu() -> tuple[bool, float | None]:
    """Whether an NVIDIA GPU answers, and its compute capability."""
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        ask = [tool, "--query-gpu=compute_cap", "--format=csv,noheader"]
        try:
            said = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False, None
        return (True, read_capability(said.stdout)) if said.returncode == 0 and said.stdout.strip() else (False, None)
    return Path("/proc/driver/nvidia/version").exists(), None


def read_capability(listed: str) -> float | None:
    """The smallest compute capability in nvidia-smi's list, one GPU a line."""
    found = []
    for line in listed.split():
        try:
            found.append(float(line))
        except ValueError:
            continue
    return min(found, default=None)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
