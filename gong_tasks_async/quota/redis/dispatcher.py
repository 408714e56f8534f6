"""Who is next in this process, and its permit among all: one caller at a time, the head of the queue, asks the script."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gong_tasks_async.errors import DailyQuotaError, DeadlineExceeded
from gong_tasks_async.quota.day import DAY
from gong_tasks_async.quota.gate import LONGEST_SLEEP, Gate
from gong_tasks_async.quota.lanes import LaneQueue
from gong_tasks_async.quota.limits import Lane
from gong_tasks_async.quota.redis.commands import (
    FOREVER,
    LANES,
    MICRO,
    WAITERS_KEPT,
    Granted,
    parse_counts,
)
from gong_tasks_async.quota.redis.day_count import DayCount
from gong_tasks_async.quota.redis.session import RedisSession

CLOCK_SKEW = 0.05
"""Seconds by which the server's gate may open later than this process's, which was closed by a message. No news."""


class Dispatcher:
    """The head of this process's queue. Permits are granted for now; until then the head waits, and asks again."""

    def __init__(self, session: RedisSession, gate: Gate, day: DayCount) -> None:
        self._session, self._gate, self._day = session, gate, day
        self._allowed = {lane: min(session.limits.allowed(lane), FOREVER) for lane in Lane}
        self.queue: LaneQueue = LaneQueue(session.limits.bulk_share, on_unused_token=self._give_back)
        self._news = asyncio.Event()
        self._ask_at = dict.fromkeys(Lane, 0.0)
        """When asking is of use again, by the event loop's clock."""
        self._tickets = dict.fromkeys(Lane, 0)
        """What the script knows this process by among those that wait."""
        self._reported: list[int] = [0, 0]
        """The bulk and interactive callers that the script knows to wait here."""
        self._reported_at = 0.0
        self._yielding = False
        self._granted: Granted | None = None
        """The unused permit: it is the head's."""
        self._departs_at, self._probes, self._awaited = 0.0, False, False
        self._asking: asyncio.Task[None] | None = None
        """A request to the script. The caller who made it may be cancelled: its reply is the next one's."""
        self._asked_for: Lane = Lane.BULK
        """The lane of that caller."""

    async def acquire(
        self, lane: Lane, deadline: float | None, max_wait: float, *, returning: bool
    ) -> Granted:
        """Wait for the company's next permit that falls to this caller.

        Raises:
            DeadlineExceeded, RateLimitError, DailyQuotaError, QuotaUnavailable: see :meth:`Quota.acquire`.
        """
        ahead = 0 if returning else self.queue.count_ahead(lane)
        self._raise_if_late(self._gate.remaining() + ahead / self._session.pace.rate, deadline)
        self._news.set()  # a bulk caller that waits at the head lets an interactive one pass
        await self.queue.wait_for_head(lane, returning=returning)
        while (granted := await self._draw(lane, deadline, max_wait)) is None:
            await self.queue.yield_head(lane, with_token=self._granted is not None)
        self._granted, self._probes = None, False
        self.queue.leave_sending(lane)
        return granted

    def wake(self, message: str = "open") -> None:
        """Have the head look again: the gate has moved, or there is room for bulk callers."""
        if message == "open" or (message == "room" and self._yielding):
            self._ask_at = dict.fromkeys(Lane, 0.0)
        self._news.set()

    async def _draw(self, lane: Lane, deadline: float | None, max_wait: float) -> Granted | None:
        """At the head, wait for a permit; None where an interactive caller goes first. On failure, leave the head."""
        loop = asyncio.get_running_loop()
        try:
            while not self.queue.must_yield(lane):
                if not self._probes:
                    if self._granted and (self._gate.is_closed() or self._granted.used > self._allowed[lane]):
                        self._give_back()
                    await self._gate.wait_open(deadline, max_wait)
                rest = (self._departs_at if self._granted else self._ask_at[lane]) - loop.time()
                if rest > 0:
                    await self._rest(rest, deadline)
                elif self._granted:
                    return self._granted
                else:
                    await self._reply(lane)
        except BaseException:
            self.queue.leave(with_token=self._granted is not None)
            raise
        return None

    async def _reply(self, lane: Lane) -> None:
        if self._asking is None:
            self._asking, self._asked_for = self._session.start(self._ask(lane)), lane
        asking, self._awaited = self._asking, True
        try:
            await asyncio.wait([asking])
        finally:
            self._awaited = False
        self._asking = None
        try:
            asking.result()
        except DailyQuotaError:
            # Else the day is spent for a caller that has gone, not for this one's lane.
            if self._asked_for is lane:
                raise

    async def _ask(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        waiting, interactive = self.queue.total_waiting, self.queue.waiting(Lane.INTERACTIVE)
        waiters, repeat_at = [waiting - interactive, interactive], self._reported_at + WAITERS_KEPT / 2
        asked = {"lane": LANES[lane], "allowed": self._allowed[lane], "ticket": self._tickets[lane]}
        report = waiters != self._reported or (waiting > 0 and loop.time() > repeat_at)
        asked |= {"waiting": waiting, "interactive": interactive, "report": report}
        kind, numbers = await self._session.ask("take", **asked)
        now, self._yielding, self._tickets[lane] = loop.time(), kind == "room", 0
        if report:
            self._reported, self._reported_at = waiters, now
        if kind == "go":
            self._granted = granted = Granted(*numbers)
            self._session.learn(granted)
            self._departs_at, self._ask_at[lane] = now + granted.wait / MICRO, now + granted.following / MICRO
            self._tickets[lane] = granted.ticket
            # While Gong calls the day spent, one call an hour is let through.
            self._probes = self._gate.is_probe_due()
            if self._probes:
                self._gate.note_probe()
            if not self._awaited:
                self._give_back()
        elif kind == "spent":
            raise self._day.note_spent(lane, parse_counts(numbers), self._allowed[lane])
        elif kind == "shut" and numbers[0] > CLOCK_SKEW * MICRO:
            left, day_spent, probe_in = numbers
            self._gate.close(min(left / MICRO, DAY), day_spent=bool(day_spent), probe_in=probe_in / MICRO)
        else:
            self._ask_at[lane] = now + min(numbers[0] / MICRO, LONGEST_SLEEP)
            self._tickets[lane] = numbers[1] if kind == "wait" else 0

    def _give_back(self) -> None:
        granted, self._granted, self._probes = self._granted, None, False
        if granted:
            self._session.unused(granted)

    async def _rest(self, seconds: float, deadline: float | None) -> None:
        self._raise_if_late(seconds, deadline)
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _raise_if_late(self, estimate: float, deadline: float | None) -> None:
        """Raise at once where the permit cannot come in time."""
        if deadline is not None and asyncio.get_running_loop().time() + estimate > deadline:
            raise DeadlineExceeded(reason="the queue wait exceeds the timeout", estimate=estimate)
