"""One process's quota: queue -> gate -> budget -> window -> pace -> gate again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from gong_tasks_async.errors import DeadlineExceeded
from gong_tasks_async.errors.checks import kind_problem, refuse
from gong_tasks_async.events import Event, EventSink, callback_problem
from gong_tasks_async.quota.base import Permit, QuotaEstimate, QuotaSnapshot, WaitReason
from gong_tasks_async.quota.day import bound_pause
from gong_tasks_async.quota.figures import Figures
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.budget import LOOK_AGAIN, Budget
from gong_tasks_async.quota.local.day_store import DayStore, Taken
from gong_tasks_async.quota.local.loop_binding import LoopBinding
from gong_tasks_async.quota.local.pacer import Pacer
from gong_tasks_async.quota.sharing import forget_separate_quota

TOO_MANY_REQUESTS = 429


class Departure(NamedTuple):
    """What is remembered of a call that has departed."""

    call: int
    """How the pacer names it."""
    probe: bool
    """Whether it finds out if a day that Gong called spent still is."""


class LocalQuota:
    """The quota of one process; give the same object to every client of the company in it.

    The order is measured, not chosen. A token drawn before a wait at the gate is stale after it, and a call that
    leaves with a stale token leaves beside the next one's. A call is counted before it is paced: otherwise a slow
    disk holds back some departures, and they leave together. So a call that a fixed day's reset overtakes while
    it is paced is given back, then counted and paced again.

    It may outlive an event loop, so that a service that calls ``asyncio.run`` for each job keeps its counts; it
    serves one loop at a time.

    Args:
        limits: the limits of calls to Gong.
        on_event: called with each pause, change of pace, and news of the day's budget.
        wall_clock: seconds since 1970; the day's count follows it, since that outlives the process.
        store: where the day's calls are counted; by default the one of ``limits.day_store``.
    """

    def __init__(
        self,
        limits: QuotaLimits | None = None,
        *,
        on_event: Callable[[Event], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
        store: DayStore | None = None,
    ) -> None:
        problems = [
            kind_problem("limits", limits, QuotaLimits, "QuotaLimits(...)", or_none=True),
            callback_problem(on_event),
            None if store is None or hasattr(store, "take") else f"store must be a DayStore, not {store!r}",
        ]
        refuse("LocalQuota", problems)
        self.limits: QuotaLimits = limits or QuotaLimits()
        events = EventSink(on_event)
        self._wall_clock = wall_clock
        self._gate = Gate(events, wall_clock)
        self._pacer = Pacer(self.limits, events)
        self._budget = Budget(self.limits, events, wall_clock, store)
        self._loop = LoopBinding(self._move)
        self._queue = self._new_queue()
        self._looked_at = -math.inf
        """When the store was last asked whether a pause of the day still stands, by the event loop's clock."""
        self._handed: Taken | None = None
        """What the head that yielded has left to the one before it: a counted call, with its token."""

    def __repr__(self) -> str:
        per_day = "any number" if self.limits.per_day is None else f"{self.limits.per_day:,}"
        waiting = self._queue.total_waiting
        return f"<LocalQuota: {self._pacer.rate:.2f} calls a second, {per_day} a day; {waiting} waiting>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the file of the day's count. A further call opens it again."""
        forget_separate_quota(self)
        await self._budget.close()

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for a permit to send one request; see :class:`Quota`.

        Args:
            lane: the lane of the caller.
            deadline: the latest moment for the permit, by the event loop's clock; None for no limit.
            max_wait: seconds that a pause may last before the error that explains it is raised.
            returning: whether the call has waited before, and goes to the head of its lane.
        """
        loop = asyncio.get_running_loop()
        if self._loop.loop is not loop:
            self._loop.bind()
        if self._gate.closed:
            if self._gate.day_spent:
                await self._look_again()
            self._gate.raise_if_too_long(deadline, max_wait)
        if self._budget.spent:
            self._budget.raise_if_spent(lane)
        if deadline is not None:
            self._raise_if_late(0 if returning else self._queue.count_ahead(lane), deadline)
        if self._queue.try_take_head():
            taken = await self._draw(lane, deadline, max_wait)
            if self._queue.total_waiting or self._gate.closed or self._budget.resets:
                taken = await self._take(lane, deadline, max_wait, taken, fresh=True)
        else:
            handed = await self._queue.wait_for_head(lane, returning=returning)
            taken = await self._take(lane, deadline, max_wait, self._take_handed() if handed else None)
        self._queue.leave_sending(lane)
        now = loop.time()
        return Permit(now, taken.ticket, Departure(self._pacer.depart(now), taken.probe))

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Note that a request has ended; see :class:`Quota`.

        Args:
            permit: the permit that was used.
            status: HTTP status of the response; None where none came.
            sent: False where the request never left, so that it does not count.
        """
        if not isinstance(departure := permit.granted, Departure):
            return
        refused = status == TOO_MANY_REQUESTS
        if not sent:
            self._pacer.forget(departure.call)
        elif status is None:
            self._pacer.cut_off(departure.call)
        else:
            self._pacer.answer(departure.call, permit.departed, refused=refused)
        if not sent or (refused and not self.limits.count_rate_limited):
            self._budget.give_back(permit.ticket)
        if departure.probe and status is not None and 200 <= status < 300:  # noqa: PLR2004 - a success
            self._gate.end_day()
            self._budget.reopen()

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Note that Gong answered 429; see :class:`Quota`.

        Args:
            seconds: length of the pause, in seconds.
            day_spent: whether Gong means the day's calls.
        """
        self._loop.bind()
        bounded = bound_pause(
            seconds, now=self._wall_clock(), day=self._budget.day, at_least=self.limits.window
        )
        if day_spent:
            self._looked_at = asyncio.get_running_loop().time()  # the pause is on its way to the store
            self._budget.pause(bounded)
        else:
            self._pacer.slow_down()
        self._gate.close(bounded, day_spent=day_spent)

    async def reopen(self) -> None:
        """End a pause: forget it; see :class:`Quota`."""
        # The gate last: a caller that it lets through would still find the pause in the file, and close it again.
        await self._budget.reopen_now()
        self._gate.open()

    async def snapshot(self) -> QuotaSnapshot:
        """Describe the state of now; see :class:`Quota`."""
        return (await self._figures()).to_snapshot({lane: self._queue.waiting(lane) for lane in Lane})

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """Estimate how long a number of calls takes; see :class:`Quota`.

        Args:
            calls: how many calls.
            lane: the lane in which they wait.
        """
        return (await self._figures()).to_estimate(calls, lane, self._queue.count_ahead(lane))

    async def _figures(self) -> Figures:
        count, now = await self._budget.count(), self._wall_clock()
        return Figures(
            limits=self.limits,
            day=self._budget.day,
            now=now,
            opens_at=max(now + self._gate.remaining(), count.paused_until),
            paused_for=WaitReason.DAILY_LIMIT if count.paused_until > now else self._gate.waits_for,
            made=count.made,
            per_second=self._pacer.rate,
        )

    async def _take(
        self,
        lane: Lane,
        deadline: float | None,
        max_wait: float,
        taken: Taken | None = None,
        *,
        fresh: bool = False,
    ) -> Taken:
        """At the head, take a counted call with its token, while the gate is open; or leave the head.

        ``taken`` was handed over, or has just been drawn (``fresh``); with None, one is drawn.
        """
        while True:
            if taken is None:
                taken, fresh = await self._draw(lane, deadline, max_wait), True
            if self._queue.total_waiting and self._queue.must_yield(lane):
                self._handed, taken, fresh = taken, None, False
                if await self._queue.yield_head(lane):
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

    async def _draw(self, lane: Lane, deadline: float | None, max_wait: float) -> Taken:
        """Count a call and wait for its token; or leave the head."""
        taken = None
        try:
            if not self._gate.closed:
                taken = self._budget.take_at_once(lane, self._pacer.expected_wait())
                if taken is not None and taken.probe:  # an earlier life of this process has noted a pause
                    self._gate.note_probe()
            if taken is None:
                taken = await self._count(lane, deadline, max_wait)
            await self._pacer.pace()
        except BaseException:
            if taken is not None:
                self._budget.give_back(taken)
            self._queue.leave()
            raise
        return taken

    def _take_handed(self) -> Taken | None:
        taken, self._handed = self._handed, None
        return taken

    async def _count(self, lane: Lane, deadline: float | None, max_wait: float) -> Taken:
        """Count a call in the day once the gate is open."""
        while True:
            if probing := self._gate.closed:
                await self._gate.wait_open(deadline, max_wait, self._look_again)
                probing = self._gate.is_probe_due()
            taken = await self._budget.take(lane, self._pacer.expected_wait())
            if isinstance(taken, Taken):
                if not (probing or taken.probe):
                    return taken
                self._gate.note_probe()
                return taken._replace(probe=True)
            # Another process has found the day spent, or an earlier life of this one.
            now, self._looked_at = self._wall_clock(), asyncio.get_running_loop().time()
            self._gate.close(taken.paused_until - now, day_spent=True, probe_in=taken.probe_at - now)

    async def _look_again(self) -> None:
        """Open the gate where another process has ended the day's pause, by its probe or by hand."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= LOOK_AGAIN:
            self._looked_at = now
            if await self._budget.is_reopened():
                self._gate.end_day()

    def _raise_if_late(self, ahead: int, deadline: float) -> None:
        """Raise at once where no permit can come in time, rather than after the wait."""
        estimate = self._gate.remaining() + ahead * self._pacer.spacing
        if asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(reason="the queue wait exceeds the timeout", estimate=estimate)

    def _new_queue(self) -> LaneQueue:
        return LaneQueue(self.limits.bulk_share, on_unused_token=self._give_back_handed)

    def _give_back_handed(self) -> None:
        """Give back what was handed on and found no taker."""
        if (taken := self._take_handed()) is not None:
            self._budget.give_back(taken)

    def _move(self, shift: float) -> None:
        """Serve another event loop; what waited in the last one has ended with it."""
        self._queue = self._new_queue()
        self._handed = None
        self._looked_at += shift
        self._gate.bind(shift)
        self._pacer.bind(shift)
