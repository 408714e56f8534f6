"""Closed for all calls while Gong asks for a pause."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from gong_tasks_async.errors import DeadlineExceeded, RateLimitError
from gong_tasks_async.events import EventSink, Paused, Resumed
from gong_tasks_async.quota.base import WaitReason
from gong_tasks_async.quota.day import LONG_PAUSE, PROBE_INTERVAL, to_datetime

LONGEST_SLEEP = 60.0
"""Seconds of one sleep. The loop's clock stands still while a machine is suspended, so that a longer one oversleeps."""


class Gate:
    """Open, or closed until a moment.

    A short pause follows the event loop's clock, which cannot be set. A long one ends by either clock: the
    wall's keeps running while the machine is suspended, the loop's is right where the wall's was set back.
    """

    def __init__(self, events: EventSink, wall_clock: Callable[[], float] = time.time) -> None:
        self._events = events
        self._wall_clock = wall_clock
        self.closed: bool = False
        """Whether it was closed and has not been opened since; a plain attribute, since each call asks."""
        self._opens_at = 0.0
        self._opens_at_wall = 0.0
        self._probe_at_wall = 0.0
        self._day_spent = False
        self._rate_limited_until = -math.inf
        """By the event loop's clock: a short pause holds for a probe of the day too."""
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def day_spent(self) -> bool:
        """Whether it was closed because Gong calls the day spent."""
        return self._day_spent

    @property
    def waits_for(self) -> WaitReason | None:
        """Why it is closed; None where it is open."""
        if not self.remaining():
            return None
        return WaitReason.DAILY_LIMIT if self._day_spent else WaitReason.RATE_LIMIT

    def remaining(self) -> float:
        """Seconds until it opens; 0 when it is open."""
        if not self.closed:
            return 0.0
        left = self._opens_at - asyncio.get_running_loop().time()
        if left > LONG_PAUSE or self._day_spent:
            left = min(left, self._opens_at_wall - self._wall_clock())
        return max(0.0, left)

    def rate_limit_left(self) -> float:
        """Seconds until the last short pause ends, which may lie within one of the day."""
        return max(0.0, self._rate_limited_until - asyncio.get_running_loop().time())

    def is_closed(self) -> bool:
        """Whether a call has to wait here now; one that may probe has not."""
        return self.closed and self.remaining() > 0 and not self.is_probe_due()

    def is_probe_due(self) -> bool:
        """Whether one call may find out if a day that Gong called spent still is."""
        if not (self.closed and self._day_spent) or self.rate_limit_left() > 0:
            return False
        # A wall clock that was set back must not put it off for longer than the interval.
        return not self._wall_clock() < self._probe_at_wall <= self._wall_clock() + PROBE_INTERVAL

    def close(self, seconds: float, *, day_spent: bool = False, probe_in: float = PROBE_INTERVAL) -> None:
        """Close for a number of seconds; a longer pause that was asked for before stands.

        Args:
            seconds: the length of the pause.
            day_spent: whether Gong calls the day spent, which is probed.
            probe_in: seconds until the first probe.
        """
        if day_spent:
            self._probe_at_wall = self._wall_clock() + probe_in
        else:
            self._rate_limited_until = max(
                self._rate_limited_until, asyncio.get_running_loop().time() + seconds
            )
        if seconds > self.remaining():
            self.closed, self._day_spent = True, day_spent
            self._opens_at = asyncio.get_running_loop().time() + seconds
            self._opens_at_wall = self._wall_clock() + seconds
            self._events.emit(Paused(seconds=seconds))

    def note_probe(self) -> None:
        """Note that a call has been let through to find out: the next one follows after the interval."""
        self._probe_at_wall = self._wall_clock() + PROBE_INTERVAL

    def end_day(self) -> None:
        """Open after a probe was admitted; a short pause that began meanwhile still holds."""
        left = self.rate_limit_left()
        self.open()
        if left > 0:
            self.close(left)

    def open(self) -> None:
        """Open at once."""
        self._rate_limited_until = -math.inf
        if self.closed:
            self.closed = self._day_spent = False
            self._events.emit(Resumed())
            for waiter in self._waiters:
                _wake(waiter)

    def raise_if_too_long(self, deadline: float | None, max_wait: float) -> None:
        """Raise where it stays closed too long for this caller.

        Raises:
            RateLimitError: longer than ``max_wait``; DailyQuotaError where Gong calls the day spent.
            DeadlineExceeded: until after the deadline.
        """
        if not self.is_closed():
            return
        remaining = self.remaining()
        if remaining > max_wait:
            error = RateLimitError(errors=("Gong paused all calls; request not sent",), retry_after=remaining)
            raise error.as_daily(to_datetime(self._wall_clock())) if self._day_spent else error
        if deadline is not None and asyncio.get_running_loop().time() + remaining > deadline:
            raise DeadlineExceeded(reason="Gong paused all calls beyond the deadline", estimate=remaining)

    async def wait_open(
        self, deadline: float | None, max_wait: float, look: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Wait until it is open, or a probe is due.

        Args:
            deadline: see :meth:`raise_if_too_long`.
            max_wait: the same.
            look: called after each sleep while the day is called spent; it may open the gate.

        Raises:
            RateLimitError, DeadlineExceeded: as :meth:`raise_if_too_long`, also when the pause grows meanwhile.
        """
        while self.is_closed():
            self.raise_if_too_long(deadline, max_wait)
            await self._sleep(min(self.remaining(), LONGEST_SLEEP))
            if look is not None and self._day_spent:
                await look()
        if self.closed and not self.remaining():
            self.open()

    def bind(self, shift: float) -> None:
        """Move to another event loop, whose clock shows ``shift`` seconds more."""
        self._opens_at += shift
        self._rate_limited_until += shift
        self._waiters.clear()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, at most until the gate is opened."""
        loop = asyncio.get_running_loop()
        opened = loop.create_future()
        timer = loop.call_later(seconds, _wake, opened)
        self._waiters.add(opened)
        try:
            await opened
        finally:
            timer.cancel()
            self._waiters.discard(opened)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
