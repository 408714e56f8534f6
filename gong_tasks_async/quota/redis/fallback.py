"""Going on alone, with a share of the limits, while the shared quota does not answer."""

from __future__ import annotations

import asyncio
import math

from attrs import evolve

from gong_tasks_async.quota.base import Permit
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.local_quota import LocalQuota
from gong_tasks_async.quota.redis.day_count import DayCount


def scale_limits(limits: QuotaLimits, share: float) -> QuotaLimits:
    """A share of the limits: of the second, of the day, and of its reserve."""
    per_day, reserve = limits.per_day, limits.interactive_reserve
    if per_day is not None:
        per_day = max(1, math.floor(per_day * share))
        reserve = min(math.ceil(reserve * share), per_day - 1)
    return evolve(limits, per_second=limits.per_second * share, per_day=per_day, interactive_reserve=reserve)


class LocalFallback:
    """A local quota for the time of need; whoever waits in it goes back to the shared one when that is found."""

    def __init__(self, limits: QuotaLimits, day: DayCount) -> None:
        self.quota = LocalQuota(limits)
        self._day = day
        self._waiting: set[asyncio.Task[Permit]] = set()

    async def turn(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> Permit | None:
        """Wait for a turn; None where the shared quota was found before it came."""
        acquiring = self.quota.acquire(lane, deadline=deadline, max_wait=max_wait, returning=returning)
        task = asyncio.create_task(acquiring)
        self._waiting.add(task)
        try:
            turn = await task
        except asyncio.CancelledError:
            if not task.cancelled():  # it came in the same moment
                self.quota.release(task.result(), status=None)
            if _is_cancelled():
                raise
            return None
        finally:
            self._waiting.discard(task)
        self._day.record_local()
        return turn

    def release(self, turn: Permit, *, status: int | None) -> None:
        """See :class:`Quota`."""
        self.quota.release(turn, status=status)

    def pause(self, seconds: float, *, day_spent: bool) -> None:
        """See :class:`Quota`."""
        self.quota.pause(seconds, day_spent=day_spent)

    def end(self) -> None:
        """The shared quota has been found: nobody waits here any longer."""
        for task in self._waiting:
            task.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
