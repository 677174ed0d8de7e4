"""The gate keeps its slots, lanes are served in order, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.services.slots import Lane, NoSlot, Slots


def test_the_gate_finds_a_slot_while_a_batch_fills_the_rest():
    async def scene() -> None:
        slots = Slots(total=4, kept_for_gate=2, max_waiting=10)
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(slots.hold(Lane.BATCH, 0.1))
            with pytest.raises(NoSlot):
                await stack.enter_async_context(slots.hold(Lane.INTERACTIVE, 0.02))
            for _ in range(2):
                await stack.enter_async_context(slots.hold(Lane.GATE, 0.02))
            with pytest.raises(NoSlot):
                await stack.enter_async_context(slots.hold(Lane.GATE, 0.02))
        assert (slots.running, slots.waiting) == (0, 0)

    asyncio.run(scene())


def test_the_gate_goes_first_among_those_who_wait():
    async def scene() -> None:
        slots = Slots(total=1, kept_for_gate=0, max_waiting=10)
        served: list[Lane] = []

        async def ask(lane: Lane) -> None:
            async with slots.hold(lane, 1.0):
                served.append(lane)

        async with slots.hold(Lane.BATCH, 1.0):
            waiting = [asyncio.create_task(ask(lane)) for lane in (Lane.BATCH, Lane.INTERACTIVE, Lane.GATE)]
            await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)
        assert served == [Lane.GATE, Lane.INTERACTIVE, Lane.BATCH]

    asyncio.run(scene())


def test_too_many_waiting_is_refused_at_once():
    async def scene() -> None:
        slots = Slots(total=1, kept_for_gate=0, max_waiting=1)
        async with slots.hold(Lane.GATE, 1.0):
            first = asyncio.create_task(_hold_briefly(slots))
            await asyncio.sleep(0.01)
            with pytest.raises(NoSlot, match="too many"):
                async with slots.hold(Lane.GATE, 60.0):
                    pytest.fail("the slot was given twice")
        await first

    asyncio.run(scene())


def test_cancelled_waiters_lose_no_slot():
    async def scene() -> None:
        slots = Slots(total=2, kept_for_gate=1, max_waiting=1_000)
        for round_number in range(50):
            async with slots.hold(Lane.GATE, 1.0):
                tasks = [asyncio.create_task(_hold_briefly(slots)) for _ in range(10)]
                await asyncio.sleep(0)
                for index, task in enumerate(tasks):
                    if (index + round_number) % 3 == 0:
                        task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert (slots.running, slots.waiting) == (0, 0)

    asyncio.run(scene())


async def _hold_briefly(slots: Slots) -> None:
    async with slots.hold(Lane.BATCH, 1.0):
        await asyncio.sleep(0)
