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
            self._limits.ends[self] = ends = loop.time() + self._seconds
            if ends < self._limits.looks_at:
                self._limits.set_timer(loop, ends)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.is_over:
            self._limits.ends.pop(self, None)
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
        self.ends: dict[Limit, float] = {}
        """When each limit ends; it enters itself here, and leaves."""
        self._timer: asyncio.TimerHandle | None = None
        self.looks_at = math.inf
        """When the timer goes off."""

    def within(self, seconds: float) -> Limit:
        """A block that is cancelled after these seconds, and then raises TimeoutError; ``math.inf`` for none."""
        return Limit(self, seconds)

    def set_timer(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        """Look at the limits at this moment, and not before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self.looks_at = loop.call_at(when, self._look), when

    def _look(self) -> None:
        """Cancel what has taken too long."""
        self._timer, self.looks_at = None, math.inf
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in [limit for limit, ends in self.ends.items() if ends <= now]:
            del self.ends[limit]
            limit.expire()
        if self.ends:
            self.set_timer(loop, min(self.ends.values()))
