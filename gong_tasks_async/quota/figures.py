"""The figures of a quota's state, of either kind: what a snapshot shows, and how long calls will take."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from gong_tasks_async.quota.base import QuotaEstimate, QuotaSnapshot, WaitReason
from gong_tasks_async.quota.day import Day, ready_at, to_datetime
from gong_tasks_async.quota.lanes import LaneQueue
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
    queue: LaneQueue
    """Of this process."""
    others: Sequence[tuple[int, int]] = ()
    """The bulk and the interactive callers that wait in each other process."""

    def to_snapshot(self) -> QuotaSnapshot:
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
            waiting={
                Lane.INTERACTIVE: self.queue.waiting(Lane.INTERACTIVE) + sum(each for _, each in self.others),
                Lane.BULK: self.queue.waiting(Lane.BULK) + sum(each for each, _ in self.others),
            },
            waits_for=self.paused_for or spent,
        )

    def to_estimate(self, calls: int, lane: Lane) -> QuotaEstimate:
        """How long a number of calls takes, behind others.

        Processes get as many permits each: of one that waits in the same lane as many depart as of this one, at most.

        Raises:
            ValueError: ``calls`` is less than 1.
        """
        if calls < 1:
            raise ValueError(f"calls must be at least 1, not {calls}")
        here = self.queue.count_ahead(lane) + calls
        elsewhere = sum(
            min(bulk, here) + interactive if lane is Lane.BULK else min(interactive, here)
            for bulk, interactive in self.others
        )
        ends = ready_at(
            here + elsewhere,
            now=max(self.now, self.opens_at),
            spacing=1.0 / self.per_second,
            allowed=None if self.limits.per_day is None else self.limits.allowed(lane),
            made=self.made,
            day=self.day,
        )
        return QuotaEstimate(calls, ends - self.now, to_datetime(ends))


class DescribedByFigures:
    """What both quotas show of themselves."""

    async def snapshot(self) -> QuotaSnapshot:
        """Describe the state of now: of the company, where the quota is shared; during a local fallback, of this process.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
        """
        return (await self._figures()).to_snapshot()

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """Estimate how long a number of calls takes, behind those that wait; see :class:`Quota`.

        Args:
            calls: how many calls.
            lane: the lane in which they wait.

        Raises:
            QuotaUnavailable: Redis does not answer, and ``fail`` is ``closed``.
            ValueError: ``calls`` is less than 1.
        """
        return (await self._figures()).to_estimate(calls, lane)

    async def _figures(self) -> Figures:
        raise NotImplementedError
