"""One process's quota: queue -> gate -> budget -> window -> pace -> gate again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gong_tasks_async.errors import DeadlineExceeded
from gong_tasks_async.errors.checks import kind_problem, refuse
from gong_tasks_async.events import Event, EventSink, callback_problem
from gong_tasks_async.quota.base import Permit, WaitReason
from gong_tasks_async.quota.day import bound_pause
from gong_tasks_async.quota.figures import DescribedByFigures, Figures
from gong_tasks_async.quota.gate import Gate
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.local.budget import Budget
from gong_tasks_async.quota.local.day_store import DayStore, Taken
from gong_tasks_async.quota.local.head import Head
from gong_tasks_async.quota.local.loop_binding import LoopBinding
from gong_tasks_async.quota.local.pacer import Pacer
from gong_tasks_async.quota.sharing import forget_separate_quota

TOO_MANY_REQUESTS = 429


class LocalQuota(DescribedByFigures):
    """The quota of one process; give the same object to every client of the company in it.

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
        self._head = Head(self.limits, self._gate, self._budget, self._pacer, wall_clock)
        self._probes: set[int] = set()
        """The calls that find out whether a day that Gong called spent still is."""

    def __repr__(self) -> str:
        per_day = "any number" if self.limits.per_day is None else f"{self.limits.per_day:,}"
        waiting = self._head.queue.total_waiting
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
        gate, queue, pacer, budget = self._gate, self._head.queue, self._pacer, self._budget
        now = loop.time()
        # By far the most frequent: no call waits, and a token is due. The token is drawn all the same, which may wait a moment.
        # A fixed day may turn in that moment, so its calls are looked at once more.
        if (
            not (queue.occupied or gate.closed or budget.resets)
            and (deadline is None or now <= deadline)
            and (now >= pacer.due_from or pacer.is_due(now))
            and (ticket := budget.count_now())
        ):
            queue.occupied, news = True, pacer.news
            try:
                await pacer.limiter.acquire()
            except BaseException:
                self._head.give_up(ticket)
                raise
            if not (queue.total_waiting or gate.closed) and pacer.news == news:
                queue.occupied = False
                now = loop.time()
                return Permit(now, ticket, pacer.depart(now))
            is_fresh = pacer.news == news
            return self._depart(
                lane, await self._head.keep(Taken(ticket), lane, deadline, max_wait, fresh=is_fresh)
            )
        if gate.closed or budget.spent or deadline is not None:
            await self._raise_if_in_vain(lane, deadline, max_wait, returning=returning)
        return self._depart(lane, await self._head.take(lane, deadline, max_wait, returning=returning))

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Note that a request has ended; see :class:`Quota`.

        Args:
            permit: the permit that was used.
            status: HTTP status of the response; None where none came.
            sent: False where the request never left, so that it does not count.
        """
        if not isinstance(call := permit.granted, int):
            return
        refused = status == TOO_MANY_REQUESTS
        if not sent:
            self._pacer.forget(call)
        elif status is None:
            self._pacer.cut_off(call)
        else:
            self._pacer.answer(call, permit.departed, refused=refused)
        if not sent or (refused and not self.limits.count_rate_limited):
            self._budget.give_back(permit.ticket)
        if self._probes and call in self._probes:
            self._end_probe(call, status)

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
            self._head.note_look()  # the pause is on its way to the store
            self._budget.pause(bounded)
        else:
            self._pacer.slow_down()
        self._gate.close(bounded, day_spent=day_spent)

    async def reopen(self) -> None:
        """End a pause: forget it; see :class:`Quota`."""
        # The gate last: a caller that it lets through would still find the pause in the file, and close it again.
        await self._budget.reopen_now()
        self._gate.open()

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
            queue=self._head.queue,
        )

    def _depart(self, lane: Lane, taken: Taken) -> Permit:
        """Leave the head with a counted call and its token."""
        self._head.queue.leave_sending(lane)
        now = asyncio.get_running_loop().time()
        call = self._pacer.depart(now)
        if taken.probe:
            self._probes.add(call)
        return Permit(now, taken.ticket, call)

    def _end_probe(self, call: int, status: int | None) -> None:
        """Open the gate where Gong has admitted a probe."""
        self._probes.discard(call)
        if status is not None and 200 <= status < 300:  # noqa: PLR2004 - a success
            self._gate.end_day()
            self._budget.reopen()

    async def _raise_if_in_vain(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> None:
        """Raise at once where no permit can come in time, rather than after the wait."""
        if self._gate.closed and self._gate.day_spent:
            await self._head.look_again()
        self._gate.raise_if_too_long(deadline, max_wait)
        self._budget.spent.raise_if_spent(lane)
        if deadline is None:
            return
        ahead = 0 if returning else self._head.queue.count_ahead(lane)
        estimate = self._gate.remaining() + ahead * self._pacer.spacing
        if asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(reason="the queue wait exceeds the timeout", estimate=estimate)

    def _move(self, shift: float) -> None:
        """Serve another event loop."""
        self._gate.bind(shift)
        self._pacer.bind(shift)
        self._head.bind(shift)
