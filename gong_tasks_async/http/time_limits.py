"""Time limits of requests, with one timer for all of a transport.

``asyncio.timeout`` sets a timer for each request, and takes it back: a twentieth of what the whole request costs. Here a
limit is an entry in a dict, and the timer goes off when the earliest one ends. Each limit is exact all the same.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType

from attrs import define, field


@define(eq=False)
class Limit:
    """The time limit of a block in the running task, as ``asyncio.timeout`` sets one."""

    limits: TimeLimits
    seconds: float
    is_over: bool = field(default=False, init=False)
    ends: float = field(default=math.inf, init=False)
    task: asyncio.Task[object] | None = field(default=None, init=False)
    _cancelling: int = field(default=0, init=False)

    def __enter__(self) -> None:
        self.task = task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._cancelling = task.cancelling()
        self.limits.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.is_over:
            self.limits.end(self)
            return
        assert self.task is not None  # noqa: S101 - it was cancelled
        # Where another caller has cancelled the task too, it stays cancelled.
        is_alone = self.task.uncancel() <= self._cancelling
        if is_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error


class TimeLimits:
    """The time limits of all requests in flight."""

    def __init__(self) -> None:
        self._limits: dict[Limit, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Limit:
        """A block that is cancelled after these seconds, and then raises TimeoutError; ``math.inf`` for none."""
        return Limit(self, seconds)

    def begin(self, limit: Limit) -> None:
        """Note when a limit ends."""
        if limit.seconds == math.inf:
            return
        loop = asyncio.get_running_loop()
        limit.ends = loop.time() + limit.seconds
        self._limits[limit] = None
        if self._timer is None or limit.ends < self._timer.when():
            self._set_timer(loop, limit.ends)

    def end(self, limit: Limit) -> None:
        """Forget a limit."""
        self._limits.pop(limit, None)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._look)

    def _look(self) -> None:
        """Cancel what has taken too long."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit in [limit for limit in self._limits if limit.ends <= now]:
            self.end(limit)
            if limit.task is not None:
                limit.is_over = True
                limit.task.cancel()
        if self._limits:
            self._set_timer(loop, min(limit.ends for limit in self._limits))
