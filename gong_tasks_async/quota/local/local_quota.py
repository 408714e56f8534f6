"""One process's quota: line -> gate -> slot -> pace -> gate again -> budget."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime

from gong_tasks_async.errors import DeadlineExceeded
from gong_tasks_async.events import Event, EventSink
from gong_tasks_async.quota.base import Permit, QuotaEstimate, QuotaSnapshot
from gong_tasks_async.quota.day import ready_at
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.budget import Budget
from gong_tasks_async.quota.local.pacer import Pacer
from gong_tasks_async.quota.local.slots import Slots

TOO_MANY_REQUESTS = 429


class LocalQuota:
    """The quota of one process; give the same object to every client of the company in it.

    The order is measured, not chosen: a token drawn before a wait at the gate is stale after it, and a call
    that leaves with a stale token leaves beside the next one's.

    Args:
        limits: how much Gong may be called.
        on_event: told of pauses, of the pace, and of the day's budget.
        wall_clock: seconds since 1970; the day's count follows it, since that outlives the process.

    Raises:
        QuotaStoreError: ``limits.day_store`` is not ours, or cannot be read or written.
    """

    def __init__(
        self,
        limits: QuotaLimits | None = None,
        *,
        on_event: Callable[[Event], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or QuotaLimits()
        events = EventSink(on_event)
        self._wall_clock = wall_clock
        self._gate = Gate(events, wall_clock)
        self._pacer = Pacer(self.limits, events)
        self._slots = Slots(self._pacer, self.limits.hold)
        self._line = LaneQueue(self.limits.bulk_share, on_unused_token=self._slots.give_back)
        self._budget = Budget(self.limits, events, wall_clock)

    def __repr__(self) -> str:
        per_day = "any number" if self.limits.per_day is None else f"{self.limits.per_day:,}"
        waiting = sum(map(self._line.waiting, Lane))
        return f"<LocalQuota: {1.0 / self._spacing:.2f} calls a second, {per_day} a day; {waiting} waiting>"

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for the right to send one request; see :class:`Quota`."""
        if self._gate.was_closed:
            self._gate.raise_if_too_long(deadline, max_wait)
        if self._budget.spent:
            self._budget.raise_if_spent(lane)
        if deadline is not None:
            self._refuse_late(0 if returning else self._line.count_ahead(lane), deadline)
        has_token = not self._line.try_take_head() and await self._line.wait_for_head(
            lane, returning=returning
        )
        while True:
            if not has_token:
                await self._draw(deadline, max_wait)
                must_yield = self._line.total_waiting and self._line.must_yield(lane)
                has_token = not must_yield or await self._line.yield_head(lane)
                continue
            try:
                ticket = self._budget.try_take(lane) or await self._budget.take(lane)
            except BaseException:
                self._line.leave(with_token=True)  # and the slot with it: the next one need not draw its own
                raise
            if not self._gate.was_closed or not self._gate.remaining():
                break
            # It shut in the moment in which the token was handed over, or the call counted.
            self._budget.give_back(ticket)
            self._slots.give_back()
            has_token = False
        self._line.leave_sending(lane)
        return Permit(asyncio.get_running_loop().time(), ticket)

    def release(self, permit: Permit, *, status: int | None) -> None:
        """Say that the request has ended; see :class:`Quota`."""
        self._slots.release(permit.departed, answered=status is not None)
        if status == TOO_MANY_REQUESTS and not self.limits.count_rate_limited:
            self._budget.give_back(permit.ticket)

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Say that Gong answered 429; see :class:`Quota`."""
        if day_spent:
            self._budget.shut(seconds)
        else:
            self._pacer.slow_down()
        self._gate.close(seconds, day_spent=day_spent)

    async def snapshot(self) -> QuotaSnapshot:
        """How things stand now; see :class:`Quota`."""
        count = await self._budget.count()
        used, per_day, now = len(count.made), self.limits.per_day, self._wall_clock()
        paused_until = max(now + self._gate.remaining(), count.paused_until)
        return QuotaSnapshot(
            used=used,
            left=None if per_day is None else max(0, per_day - used),
            reserve=self.limits.interactive_reserve,
            resets_at=_moment(self._budget.day.expires_at(count.made[0])) if count.made else None,
            per_second=1.0 / self._spacing,
            paused_until=_moment(paused_until) if paused_until > now else None,
            waiting={lane: self._line.waiting(lane) for lane in Lane},
        )

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """How long so many calls will take; see :class:`Quota`."""
        if calls < 1:
            raise ValueError(f"calls must be at least 1, not {calls}")
        count, now = await self._budget.count(), self._wall_clock()
        ends = ready_at(
            self._line.count_ahead(lane) + calls,
            now=max(now + self._gate.remaining(), count.paused_until),
            spacing=self._spacing,
            allowed=None if self.limits.per_day is None else self.limits.allowed(lane),
            made=count.made,
            day=self._budget.day,
        )
        return QuotaEstimate(calls, ends - now, _moment(ends))

    @property
    def _spacing(self) -> float:
        """Seconds from one call to the next that the pace and the slots come to."""
        return max(self._pacer.spacing, self._slots.spacing)

    async def _draw(self, deadline: float | None, max_wait: float) -> None:
        """At the front, draw the next token, with a slot for it, while the gate is open; or leave the front."""
        try:
            if self._gate.was_closed:
                await self._gate.wait_open(deadline, max_wait)
            if not self._slots.try_take():
                await self._slots.take()
        except BaseException:
            self._line.leave()
            raise
        try:
            await self._pacer.pace()
            while self._gate.was_closed and self._gate.remaining():
                await self._gate.wait_open(deadline, max_wait)
                await self._pacer.pace()
        except BaseException:
            self._slots.give_back()
            self._line.leave()
            raise

    def _refuse_late(self, ahead: int, deadline: float) -> None:
        """Tell a caller at once whose turn cannot come in time, rather than after waiting in vain."""
        estimate = self._gate.remaining() + ahead * self._pacer.spacing
        if asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(
                reason="its turn in the line cannot come before the deadline", estimate=estimate
            )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
