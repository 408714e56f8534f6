"""A quota without limits."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from gong_tasks_async.events import EventSink
from gong_tasks_async.quota.base import Permit, QuotaEstimate, QuotaSnapshot
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane


class Unlimited:
    """A quota without limits: for tests against a simulator, never for Gong itself.

    A 429 is obeyed all the same: it pauses all calls.
    """

    def __init__(self) -> None:
        self._gate = Gate(EventSink())

    def __repr__(self) -> str:
        return "Unlimited()"

    async def acquire(
        self,
        lane: Lane,  # noqa: ARG002 - the protocol's
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,  # noqa: ARG002 - the protocol's
    ) -> Permit:
        """Return a permit at once, unless Gong has paused all calls."""
        await self._gate.wait_open(deadline, max_wait)
        return Permit(0.0)

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Nothing was taken."""

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Pause all calls."""
        self._gate.close(seconds, day_spent=day_spent)

    async def reopen(self) -> None:
        """End a pause."""
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
        """No time at all."""
        return QuotaEstimate(calls, 0.0, datetime.now(UTC))
