"""A quota that never makes anybody wait."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from gong_tasks_async.quota.limits import Lane, QuotaEstimate, QuotaSnapshot, Turn


class Unlimited:
    """A quota that never makes anybody wait: for tests against a simulator, never for Gong itself."""

    async def acquire(
        self,
        lane: Lane,  # noqa: ARG002 - the protocol's
        *,
        deadline: float | None = None,  # noqa: ARG002 - the protocol's
        max_wait: float = math.inf,  # noqa: ARG002 - the protocol's
        returning: bool = False,  # noqa: ARG002 - the protocol's
    ) -> Turn:
        """Go at once."""
        return Turn(0.0)

    def release(self, turn: Turn, *, status: int | None) -> None:
        """Nothing was taken."""

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Nobody is asked to wait."""

    async def snapshot(self) -> QuotaSnapshot:
        """Nothing is counted."""
        return QuotaSnapshot(
            used=0,
            left=None,
            reserve=0,
            resets_at=None,
            per_second=math.inf,
            shut_until=None,
            waiting=dict.fromkeys(Lane, 0),
        )

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:  # noqa: ARG002 - the protocol's
        """No time at all."""
        return QuotaEstimate(calls, 0.0, datetime.now(UTC))
