"""Time limits of requests, with one timer for all of a transport.

``asyncio.timeout`` sets a timer for each request, and takes it back: a twentieth of what the whole request costs. Here a
limit is an entry in a dict, and the timer goes off when the earliest one ends. Each limit is exact all the same.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType


class Limit:
    """The time limit of a block in the running task, as ``asyncio.timeout`` sets one.

    A plain class with few attributes: one is made for each request.
    """

    __slots__ = ("_cancelling", "_limits", "_seconds", "_task", "is_over")

    def __init__(self, limits: TimeLimits, seconds: float) -> None:
        self._limits = limits
        self._seconds = seconds
        self.is_over = False
        """Whether it has cancelled the task."""

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._task = task
        self._cancelling = task.cancelling()
        if self._seconds != math.inf:
            self._limits.begin(self, loop, loop.time() + self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.is_over:
            self._limits.end(self)
            return
        # Where another caller has cancelled the task too, it stays cancelled.
        is_alone = self._task.uncancel() <= self._cancelling
        if is_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task."""
        self.is_over = True
        self._task.cancel()


class TimeLimits:
    """The time limits of all requests in flight."""

    def __init__(self) -> None:
        self._ends: dict[Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = math.inf
        """When the timer goes off."""

    def within(self, seconds: float) -> Limit:
        """A block that is cancelled after these seconds, and then raises TimeoutError; ``math.inf`` for none."""
        return Limit(self, seconds)

    def begin(self, limit: Limit, loop: asyncio.AbstractEventLoop, ends: float) -> None:
        """Note when a limit ends."""
        self._ends[limit] = ends
        if ends < self._looks_at:
            self._set_timer(loop, ends)

    def end(self, limit: Limit) -> None:
        """Forget a limit."""
        self._ends.pop(limit, None)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._looks_at = loop.call_at(when, self._look), when

    def _look(self) -> None:
        """Cancel what has taken too long."""
        self._timer, self._looks_at = None, math.inf
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in [limit for limit, ends in self._ends.items() if ends <= now]:
            self.end(limit)
            limit.expire()
        if self._ends:
            self._set_timer(loop, min(self._ends.values()))
