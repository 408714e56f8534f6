"""An event loop whose time is virtual: when nothing is ready, it jumps to the next timer."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CREEP = 1e-9
_REAL_WAIT = 1.0

Events = list[tuple[selectors.SelectorKey, int]]


class DeadlockError(RuntimeError):
    """Every task waits, and no timer is left that could wake one."""


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """Runs a day of timers in seconds, for clients and servers that share this loop and use no sockets.

    While work is out in an executor the clock stands still and the loop really waits for it. The clock creeps by a
    nanosecond with each pass: on an exact one a timer that float arithmetic put just behind `now` is set again for
    ever (aiolimiter does that).
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._working = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """The virtual time, in seconds since the loop was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock on, by a nanosecond at least (or by one step of the float, if that is more).

        Args:
            seconds: by how much.
        """
        self._now = max(self._now + seconds, self._now + _CREEP, math.nextafter(self._now, math.inf))

    @property
    def working(self) -> bool:
        """Whether work is out in an executor."""
        return self._working > 0

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run a function in an executor, with the clock standing still."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._work_done)
        return future

    def _work_done(self, _: object) -> None:
        self._working -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        """Wait for the executor's threads, with the clock standing still."""
        self._working += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._working -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves its loop's clock instead of waiting."""

    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Events:
        waiting = timeout is None or timeout > 0
        events: Events = super().select(_REAL_WAIT if waiting and self._loop.working else 0)
        if not waiting or events or self._loop.working:
            self._loop.advance(0)
        elif timeout is None:
            raise DeadlockError("Deadlock: no timer is set and nothing is ready to run")
        else:
            self._loop.advance(timeout)
        return events
