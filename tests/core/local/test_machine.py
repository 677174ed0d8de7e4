"""How vLLM is run, chosen from what the machine is; and the container limits that decide what it is."""

from __future__ import annotations

import pytest

from app.local.machine import GIB, Machine, choose, look, read_capability, read_quota


def machine(cores=2, memory=16 * GIB, flags=(), gpu=False, capability=None) -> Machine:
    return Machine(tuple(range(cores)), memory, frozenset(flags), gpu, capability)


def test_two_cores_without_bfloat16_run_float32_on_both() -> None:
    plan = choose(machine())
    assert (plan.variant, plan.dtype, plan.threads, plan.eager) == ("cpu", "float32", "0,1", True)


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_that_multiplies_bfloat16_gets_it(flag: str) -> None:
    assert choose(machine(flags=["avx2", flag])).dtype == "bfloat16"


def test_a_named_dtype_wins() -> None:
    assert choose(machine(flags=["avx512_bf16"]), dtype="float32").dtype == "float32"


@pytest.mark.parametrize(
    ("cores", "threads"), [(1, "0"), (2, "0,1"), (3, "0,1,2"), (4, "0,1,2"), (8, "0,1,2,3,4,5,6"), (9, "auto")]
)
def test_from_four_cores_on_one_is_left_to_the_api(cores: int, threads: str) -> None:
    assert choose(machine(cores=cores)).threads == threads


def test_the_cores_named_are_those_that_the_process_may_use() -> None:
    assert choose(Machine((3, 7), 8 * GIB, frozenset(), False)).threads == "3,7"


@pytest.mark.parametrize(("gib", "cache"), [(2, 1), (8, 1), (16, 2), (64, 8), (512, 8)])
def test_the_kv_cache_is_an_eighth_of_the_memory(gib: int, cache: int) -> None:
    assert choose(machine(memory=gib * GIB)).kv_cache_gib == cache


@pytest.mark.parametrize(
    ("capability", "dtype"), [(9.0, "bfloat16"), (8.0, "bfloat16"), (7.5, "float16"), (None, "auto")]
)
def test_a_gpu_is_used_with_the_dtype_that_it_has(capability: float | None, dtype: str) -> None:
    plan = choose(machine(gpu=True, capability=capability))
    assert (plan.variant, plan.dtype, plan.threads, plan.kv_cache_gib) == ("cuda", dtype, None, None)
    assert not plan.eager


def test_the_option_wins_over_what_was_found() -> None:
    assert choose(machine(gpu=True), engine="cpu").variant == "cpu"
    assert choose(machine(), engine="cuda").variant == "cuda"


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("200000 100000\n", 2.0),
        ("150000 100000", 1.5),
        ("max 100000", None),
        ("", None),
        ("200000 0", None),
        ("x y", None),
    ],
)
def test_a_container_quota_is_read(text: str, cores: float | None) -> None:
    assert read_quota(text) == cores


@pytest.mark.parametrize(("listed", "capability"), [("9.0\n", 9.0), ("8.6\n7.5\n", 7.5), ("", None), ("[N/A]\n", None)])
def test_the_weakest_gpu_counts(listed: str, capability: float | None) -> None:
    assert read_capability(listed) == capability


def test_this_machine_can_be_looked_at() -> None:
    found = look()
    assert found.cores
    assert found.memory > 0
