"""A quota without limits."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime

from gong_tasks_async.events import EventSink
from gong_tasks_async.quota.base import Permit, QuotaEstimate, QuotaSnapshot
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane

TOO_MANY_REQUESTS = 429


class Unlimited:
    """A quota without limits: for tests against a simulator, never for Gong itself.

    A 429 is obeyed all the same: it pauses all calls, and after it one call at a time finds out whether Gong lets
    calls through again.
    """

    def __init__(self) -> None:
        self._gate = Gate(EventSink())
        self._probing: LaneQueue | None = None
        """Its head probes; None while Gong lets calls through."""

    def __repr__(self) -> str:
        return "Unlimited()"

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Return a permit at once, unless Gong has paused all calls.

        Args:
            lane: the lane of the caller.
            deadline: the latest moment for the permit, by the event loop's clock; None for no limit.
            max_wait: seconds that a pause may last before the error that explains it is raised.
            returning: whether the call has waited before, and goes to the head of its lane.
        """
        self._gate.raise_if_too_long(deadline, max_wait)
        queue = self._probing
        if queue is None:
            return Permit(asyncio.get_running_loop().time())
        await queue.wait_for_head(lane, returning=returning)
        try:
            await self._gate.wait_open(deadline, max_wait)
        except BaseException:
            queue.leave()
            raise
        if queue is self._probing:
            return Permit(asyncio.get_running_loop().time(), granted=queue)
        queue.leave()
        return Permit(asyncio.get_running_loop().time())

    def release(
        self,
        permit: Permit,
        *,
        status: int | None,
        sent: bool = True,  # noqa: ARG002 - the protocol's
    ) -> None:
        """End a probe; otherwise, nothing was taken.

        Args:
            permit: the permit that was used.
            status: HTTP status of the response; None where none came.
            sent: False where the request never left, so that it does not count.
        """
        if not isinstance(queue := permit.granted, LaneQueue):
            return
        queue.leave()
        if queue is self._probing and status not in {None, TOO_MANY_REQUESTS}:
            self._probing = None

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Pause all calls.

        Args:
            seconds: length of the pause, in seconds.
            day_spent: whether Gong means the day's calls.
        """
        self._probing = self._probing or LaneQueue()
        self._gate.close(seconds, day_spent=day_spent)

    async def reopen(self) -> None:
        """End a pause."""
        self._probing = None
        self._gate.open()

    async def snapshot(self) -> QuotaSnapshot:
        """Nothing is counted."""
        return QuotaSnapshot(
            used=0,
            left=None,
            reserve=0,
            resets_at=None,
            per_second=math.inf,
            paused_until=None,
            waiting=dict.fromkeys(Lane, 0),
            waits_for=self._gate.waits_for,
        )

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:  # noqa: ARG002 - the protocol's
        """No time at all.

        Args:
            calls: how many calls.
            lane: the lane in which they wait.
        """
        return QuotaEstimate(calls, 0.0, datetime.now(UTC))
