"""What a call does at the head of the queue: once the gate is open it is counted in the day, then it waits for its token."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.budget import Budget
from gong_tasks_async.quota.local.day_store import Taken
from gong_tasks_async.quota.local.pacer import Pacer
from gong_tasks_async.quota.spent import LOOK_AGAIN


class Head:
    """Serves the one call that is at the head of the queue.

    The order is measured, not chosen. A token drawn before a wait at the gate is stale after it, and a call that
    leaves with a stale token leaves beside the next one's. A call is counted before it is paced: otherwise a slow
    disk holds back some departures, and they leave together. So a call that a fixed day's reset overtakes while
    it is paced is given back, then counted and paced again.
    """

    def __init__(
        self,
        limits: QuotaLimits,
        gate: Gate,
        budget: Budget,
        pacer: Pacer,
        wall_clock: Callable[[], float],
    ) -> None:
        self._bulk_share = limits.bulk_share
        self._gate = gate
        self._budget = budget
        self._pacer = pacer
        self._wall_clock = wall_clock
        self.queue: LaneQueue = self._new_queue()
        self._looked_at = -math.inf
        """When the store was last asked whether a pause of the day still stands, by the event loop's clock."""
        self._handed: Taken | None = None
        """What the head that yielded has left to the one before it: a counted call, with its token."""

    async def take(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool = False
    ) -> Taken:
        """Wait for the head, and take a counted call with its token, while the gate is open."""
        handed = await self.queue.wait_for_head(lane, returning=returning)
        taken = self._take_handed() if handed else None
        return await self.keep(taken, lane, deadline, max_wait)

    async def keep(
        self,
        taken: Taken | None,
        lane: Lane,
        deadline: float | None,
        max_wait: float,
        *,
        fresh: bool = False,
    ) -> Taken:
        """At the head, keep a counted call with its token as long as it holds, and take another one if not.

        Should that fail, the head is left. ``taken`` was handed over, or has just been drawn (``fresh``).
        """
        while True:
            if taken is None:
                taken, fresh = await self.draw(lane, deadline, max_wait), True
            if self.queue.total_waiting and self.queue.must_yield(lane):
                self._handed, taken, fresh = taken, None, False
                if await self.queue.yield_head(lane):
                    taken = self._take_handed()
            elif (
                (taken.probe or not self._gate.closed or not self._gate.remaining())
                and (fresh or self._pacer.is_free())
                and not (self._budget.resets and self._budget.is_of_another_day(taken))
            ):
                return taken
            else:  # while it waited for its token, the gate closed, and a token is stale after a pause; or the day turned
                self._budget.give_back(taken)
                taken = None

    async def draw(self, lane: Lane, deadline: float | None, max_wait: float) -> Taken:
        """Count a call and wait for its token; or leave the head."""
        taken = None
        try:
            if not self._gate.closed:
                taken = self._budget.take_now(lane, self._pacer.expected_wait())
            if taken is None:
                taken = await self._count(lane, deadline, max_wait)
            await self._pacer.pace()
        except BaseException:
            self.give_up(taken)
            raise
        return taken

    def give_up(self, taken: Taken | int | None) -> None:
        """Leave the head without a call."""
        if taken is not None:
            self._budget.give_back(taken)
        self.queue.leave()

    async def look_again(self) -> None:
        """Open the gate where another process has ended the day's pause, by its probe or by hand."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= LOOK_AGAIN:
            self._looked_at = now
            if await self._budget.is_reopened():
                self._gate.end_day()

    def note_look(self) -> None:
        """Note that the pause of the day is known, so that the store need not be asked for a while."""
        self._looked_at = asyncio.get_running_loop().time()

    def bind(self, shift: float) -> None:
        """Move to another event loop, whose clock shows ``shift`` seconds more; what waited has ended with the last."""
        self.queue = self._new_queue()
        self._handed = None
        self._looked_at += shift

    async def _count(self, lane: Lane, deadline: float | None, max_wait: float) -> Taken:
        """Count a call in the day once the gate is open."""
        while True:
            if probing := self._gate.closed:
                await self._gate.wait_open(deadline, max_wait, self.look_again)
                probing = self._gate.is_probe_due()
            taken = await self._budget.take(lane, self._pacer.expected_wait())
            if isinstance(taken, Taken):
                if not (probing or taken.probe):
                    return taken
                self._gate.note_probe()
                return taken._replace(probe=True)
            # Another process has found the day spent, or an earlier life of this one.
            self.note_look()
            now = self._wall_clock()
            self._gate.close(taken.paused_until - now, day_spent=True, probe_in=taken.probe_at - now)

    def _new_queue(self) -> LaneQueue:
        return LaneQueue(self._bulk_share, on_unused_token=self._give_back_handed)

    def _take_handed(self) -> Taken | None:
        taken, self._handed = self._handed, None
        return taken

    def _give_back_handed(self) -> None:
        """Give back what was handed on and found no taker."""
        if (taken := self._take_handed()) is not None:
            self._budget.give_back(taken)
