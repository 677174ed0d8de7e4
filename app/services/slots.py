"""Model slots: how many calls may run at once, and how many of them only the gate may take.

vLLM does not preempt a running sequence, so priority alone cannot keep a gate request waiting behind a batch from
missing its deadline. Slots held back here can.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum


class Lane(IntEnum):
    """Who asks; a smaller number goes first. The value is the priority sent to the engine."""

    GATE = -10
    INTERACTIVE = 0
    BATCH = 10


class NoSlot(Exception):
    """Too many are waiting, or none came free in time."""


class Slots:
    """A bounded set of slots with lanes; waiters of an earlier lane are served first, within a lane in order."""

    def __init__(self, total: int, kept_for_gate: int, max_waiting: int) -> None:
        self._total = total
        self._shared = max(1, total - kept_for_gate)
        self._max_waiting = max_waiting
        self._running = 0
        self._running_shared = 0
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}

    @property
    def running(self) -> int:
        """Slots taken now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Callers waiting now."""
        return sum(len(queue) for queue in self._waiting.values())

    @asynccontextmanager
    async def hold(self, lane: Lane, timeout_s: float) -> AsyncIterator[None]:
        """Take a slot for the block.

        Raises
        ------
        NoSlot
            At once when too many wait already, or after ``timeout_s`` seconds without a free slot.
        """
        await self._take(lane, timeout_s)
        try:
            yield
        finally:
            self._give(lane)

    def _free(self, lane: Lane) -> bool:
        if self._running >= self._total:
            return False
        return lane is Lane.GATE or self._running_shared < self._shared

    def _count(self, lane: Lane, by: int) -> None:
        self._running += by
        if lane is not Lane.GATE:
            self._running_shared += by

    async def _take(self, lane: Lane, timeout_s: float) -> None:
        if self._free(lane) and not any(self._waiting[earlier] for earlier in Lane if earlier <= lane):
            self._count(lane, +1)
            return
        if self.waiting >= self._max_waiting:
            raise NoSlot("too many requests are waiting for the judge")
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting[lane]
        queue.append(ticket)
        try:
            async with asyncio.timeout(timeout_s):
                await ticket
        except BaseException as error:
            if ticket.done() and not ticket.cancelled():
                self._give(lane)  # the slot was handed over while this caller gave up
            elif ticket in queue:
                queue.remove(ticket)
            if isinstance(error, TimeoutError):
                raise NoSlot("no slot came free in time") from None
            raise

    def _give(self, lane: Lane) -> None:
        self._count(lane, -1)
        for waiting_lane in Lane:
            queue = self._waiting[waiting_lane]
            while queue and self._free(waiting_lane):
                ticket = queue.popleft()
                if not ticket.done():
                    self._count(waiting_lane, +1)
                    ticket.set_result(None)
