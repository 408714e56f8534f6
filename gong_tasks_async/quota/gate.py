"""Shut for everybody while Gong has asked us to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from gong_tasks_async.errors import DeadlineExceeded, RateLimitError
from gong_tasks_async.events import EventSink, Paused, Resumed


class Gate:
    """Open, or shut until a moment of the event loop's clock."""

    def __init__(self, events: EventSink, wall_clock: Callable[[], float] = time.time) -> None:
        self._events = events
        self._wall_clock = wall_clock
        self._shut_until = 0.0
        self.was_closed = False
        """Whether it was shut, and nobody has gone through since: else there is nothing to ask it for."""
        self._day_spent = False

    @property
    def day_spent(self) -> bool:
        """Whether it was shut because the day is spent."""
        return self._day_spent

    def remaining(self) -> float:
        """Seconds until the gate opens; 0 when it is open."""
        if not self.was_closed:
            return 0.0
        return max(0.0, self._shut_until - asyncio.get_running_loop().time())

    def close(self, seconds: float, *, day_spent: bool = False) -> None:
        """Let nobody through for so long; a longer wait that was asked for before stands."""
        if seconds > self.remaining():
            self._day_spent = day_spent
            self._shut_until = asyncio.get_running_loop().time() + seconds
            self.was_closed = True
            self._events.emit(Paused(seconds=seconds))

    def raise_if_too_long(self, deadline: float | None, max_wait: float) -> None:
        """Raise where the gate stays shut too long for this caller.

        Raises:
            RateLimitError: longer than ``max_wait``; DailyQuotaError where that is the day's end.
            DeadlineExceeded: until after the deadline.
        """
        remaining = self.remaining()
        if remaining > max_wait:
            said = ("Gong asked everybody to wait; this call was not sent",)
            error = RateLimitError(errors=said, retry_after=remaining)
            raise (
                error.as_daily(datetime.fromtimestamp(self._wall_clock(), UTC)) if self._day_spent else error
            )
        if deadline is not None and remaining and self._shut_until > deadline:
            raise DeadlineExceeded(
                reason="Gong asked everybody to wait beyond the deadline", estimate=remaining
            )

    async def wait_open(self, deadline: float | None, max_wait: float) -> None:
        """Wait until the gate is open.

        Raises:
            RateLimitError, DeadlineExceeded: as :meth:`raise_if_too_long`, also when the wait grows meanwhile.
        """
        while remaining := self.remaining():
            self.raise_if_too_long(deadline, max_wait)
            await asyncio.sleep(remaining)
        if self.was_closed:
            self.was_closed = False
            self._shut_until = 0.0
            self._events.emit(Resumed())
