"""Notice requests that wait long for their responses, with one timer for all of a client."""

from __future__ import annotations

import asyncio
from typing import Protocol

SLOW_RESPONSE = 15.0
"""Seconds without a response that are reported: long before ``attempt_timeout`` ends the attempt."""

ROUND = 5.0
"""Seconds between two looks at the requests in flight."""


class Delayable(Protocol):
    """Where a delay is emitted: the events of one call."""

    def delayed(self, seconds: float) -> None:
        """Note that a request has had no response for so long."""


class Overdue:
    """Reports each request once that has had no response for 15 to 20 seconds.

    A timer for each request would take seven Python calls more; this takes two steps in a dict.
    """

    def __init__(self) -> None:
        self._started: dict[Delayable, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, call: Delayable, now: float) -> None:
        """Note that a request is sent now, by the event loop's clock."""
        self._started[call] = now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND, self._look)

    def end(self, call: Delayable) -> None:
        """Note that it got its response, or failed."""
        self._started.pop(call, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(ROUND, self._look) if self._started else None
        for call, started in list(self._started.items()):
            if (waited := loop.time() - started) >= SLOW_RESPONSE - ROUND / 2:
                del self._started[call]
                call.delayed(waited)
