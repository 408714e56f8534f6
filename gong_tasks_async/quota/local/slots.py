"""How many calls may fall into one of Gong's windows, whatever the network does to their spacing."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from heapq import heappop, heappush

from gong_tasks_async.quota.local.pacer import Pacer

FLIGHTS = 32
"""Answers over which the quickest round trip is looked for: enough to meet a quick one, few enough to forget."""
ENOUGH_FLIGHTS = 8
TRUSTED_SHARE = 0.8
"""How much of the quickest round trip is relied on; the true minimum may lie a little below the seen one."""


class Slots:
    """A slot is taken from a call's departure until one window after its arrival at Gong, as far as can be known.

    Of the arrival it is known that it lies between departure and answer. Freeing a slot one window after the
    *answer* is therefore always safe, and wastes a round trip each time. But the next call also needs time to
    arrive. For calls A and B in the same slot::

        arrival B - arrival A  >=  departure B - answer A + (shortest way there + shortest way back)

    and that last sum is the quickest round trip, so a slot may be freed that much earlier. With 80 ms of
    latency this is the difference between 0.92 and 0.96 of the quota.
    """

    def __init__(self, pacer: Pacer, hold: float) -> None:
        self._pacer = pacer
        self._taken = 0
        self._hold = hold
        self._cooling: list[float] = []
        self._flights: deque[float] = deque(maxlen=FLIGHTS)
        self._shortest = math.inf
        self._quickest = 0.0
        self._freed: asyncio.Future[None] | None = None

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next that the slots allow for, with answers as they have come lately."""
        flight = sum(self._flights) / len(self._flights) if self._flights else 0.0
        return (self._hold + flight - self._quickest) / self._pacer.slots

    async def take(self) -> None:
        """Wait for a free slot and take it. One caller at a time: the line sees to that."""
        while not self.try_take():
            await self._change()

    def give_back(self) -> None:
        """Return a slot that no call has used."""
        self._taken -= 1
        self._wake()

    def release(self, departed: float, *, answered: bool) -> None:
        """Return a slot whose call has ended; it is free again after the window."""
        now = asyncio.get_running_loop().time()
        free_at = now + self._hold
        if answered:
            self._land(now - departed)
            free_at -= self._quickest
        # Cut off, it may be on its way still: nothing is known of its arrival.
        heappush(self._cooling, free_at)
        if self._freed:
            self._wake()

    def _land(self, flight: float) -> None:
        """Remember a round trip; the shortest is looked for anew only where it may have been forgotten."""
        flights = self._flights
        forgotten = flights[0] if len(flights) == FLIGHTS else math.inf
        flights.append(flight)
        if flight <= self._shortest:
            self._shortest = flight
        elif forgotten <= self._shortest:
            self._shortest = min(flights)
        elif len(flights) != ENOUGH_FLIGHTS:
            return
        if len(flights) >= ENOUGH_FLIGHTS:
            self._quickest = min(TRUSTED_SHARE * self._shortest, self._hold)

    def try_take(self) -> bool:
        """Take a slot if one is free."""
        now = asyncio.get_running_loop().time()
        while self._cooling and self._cooling[0] <= now:
            heappop(self._cooling)
            self._taken -= 1
        if self._taken >= self._pacer.slots:
            return False
        self._taken += 1
        return True

    async def _change(self) -> None:
        """Wait until a slot may have become free: one has cooled, or a call has ended."""
        loop = asyncio.get_running_loop()
        self._freed = loop.create_future()
        timer = loop.call_at(self._cooling[0], self._wake) if self._cooling else None
        try:
            await self._freed
        finally:
            self._freed = None
            if timer:
                timer.cancel()

    def _wake(self) -> None:
        if self._freed and not self._freed.done():
            self._freed.set_result(None)
