"""The figures of a quota's state, of either kind: what a snapshot shows, and how long calls will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from gong_tasks_async.quota.base import QuotaEstimate, QuotaSnapshot, WaitReason
from gong_tasks_async.quota.day import Day, ready_at, to_datetime
from gong_tasks_async.quota.limits import Lane, QuotaLimits


@frozen(kw_only=True)
class Figures:
    """The state of a quota. Moments are seconds since 1970."""

    limits: QuotaLimits
    day: Day
    now: float
    opens_at: float
    """When calls may depart again, or a moment that has passed."""
    paused_for: WaitReason | None
    """Why not before, where that is a pause."""
    made: Sequence[float]
    """When the calls that count were made, oldest first."""
    per_second: float

    def to_snapshot(self, waiting: Mapping[Lane, int]) -> QuotaSnapshot:
        """The state, with the callers that wait."""
        used, per_day = len(self.made), self.limits.per_day
        spent = WaitReason.BUDGET if used >= self.limits.allowed(Lane.INTERACTIVE) else None
        return QuotaSnapshot(
            used=used,
            left=None if per_day is None else max(0, per_day - used),
            reserve=self.limits.interactive_reserve,
            resets_at=to_datetime(self.day.expires_at(self.made[0])) if self.made else None,
            per_second=self.per_second,
            paused_until=to_datetime(self.opens_at) if self.paused_for and self.opens_at > self.now else None,
            waiting=waiting,
            waits_for=self.paused_for or spent,
        )

    def to_estimate(self, calls: int, lane: Lane, ahead: int) -> QuotaEstimate:
        """How long a number of calls takes, behind others.

        Raises:
            ValueError: ``calls`` is less than 1.
        """
        if calls < 1:
            raise ValueError(f"calls must be at least 1, not {calls}")
        ends = ready_at(
            ahead + calls,
            now=max(self.now, self.opens_at),
            spacing=1.0 / self.per_second,
            allowed=None if self.limits.per_day is None else self.limits.allowed(lane),
            made=self.made,
            day=self.day,
        )
        return QuotaEstimate(calls, ends - self.now, to_datetime(ends))
