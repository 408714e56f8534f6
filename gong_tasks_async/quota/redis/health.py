"""Whether Redis answers; where it does not, looks for it in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.events import EventSink, QuotaLost, QuotaRegained

FIRST_LOOK = 0.05
LONGEST_REST = 0.5
"""Seconds between two looks; all processes have come back before the first turn after a restart (``REJOINING``)."""


class RedisHealth:
    """Up, or down since a moment."""

    def __init__(
        self,
        place: str,
        events: EventSink,
        rejoin: Callable[[], Awaitable[None]],
        on_change: Callable[[], None],
        *,
        alone: bool,
    ) -> None:
        self._place = place
        self._events = events
        self._rejoin = rejoin
        self._on_change = on_change
        self._alone = alone
        self._reason = ""
        self._lost_at = 0.0
        self._back = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = True

    def error(self) -> QuotaUnavailable:
        """What to tell a caller now."""
        return QuotaUnavailable(server=self._place, reason=self._reason)

    def lost(self, error: QuotaUnavailable) -> None:
        """A step has failed: nobody need try another before it has been found again."""
        self._reason = error.reason
        if not self.up:
            return
        self.up = False
        self._lost_at = asyncio.get_running_loop().time()
        self._back.clear()
        self._events.emit(QuotaLost(server=self._place, reason=error.reason, local_fallback=self._alone))
        self._task = asyncio.create_task(self._look())
        self._on_change()

    async def wait_up(self, seconds: float) -> bool:
        """Wait so long for it to come back; tell whether it did."""
        if self.up or seconds <= 0:
            return self.up
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._back.wait()
        except TimeoutError:
            return self.up
        return True

    async def close(self) -> None:
        """Look for it no more."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _look(self) -> None:
        rest = FIRST_LOOK
        while True:
            await asyncio.sleep(rest)
            try:
                await self._rejoin()
            except QuotaUnavailable as error:
                self._reason = error.reason
                rest = min(2 * rest, LONGEST_REST)
            else:
                break
        self.up = True
        self._back.set()
        away = asyncio.get_running_loop().time() - self._lost_at
        self._events.emit(QuotaRegained(server=self._place, seconds=away))
        self._on_change()
