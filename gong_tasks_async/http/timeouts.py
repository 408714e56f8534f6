"""How long a request may take: one timer watches over all that are under way."""

from __future__ import annotations

import asyncio
import math

ROUND = 10.0
"""Seconds between two looks at what is under way."""


class Timeouts:
    """Gives each request its time limit, but a timer of its own only when its end is near.

    Nearly every request ends long before its limit. A timer that is set and cancelled for each, as aiohttp's
    ``ClientTimeout(total=...)`` does, takes a twelfth of the time that aiohttp needs for a request.
    """

    def __init__(self) -> None:
        self._ends: dict[asyncio.Timeout, float] = {}
        self._next_round: asyncio.TimerHandle | None = None

    def begin(self, seconds: float) -> asyncio.Timeout:
        """A limit to be entered at once with ``async with``, and to be handed to :meth:`end` afterwards."""
        if seconds <= ROUND:
            return asyncio.timeout(seconds)
        limit = asyncio.Timeout(None)
        if seconds == math.inf:
            return limit
        loop = asyncio.get_running_loop()
        self._ends[limit] = loop.time() + seconds
        if self._next_round is None:
            self._next_round = loop.call_later(ROUND, self._look_round)
        return limit

    def end(self, limit: asyncio.Timeout) -> None:
        """Watch over it no longer."""
        self._ends.pop(limit, None)

    def _look_round(self) -> None:
        """Set timers for those that would end before the next look."""
        loop = asyncio.get_running_loop()
        for limit, ends in self._ends.items():
            if ends <= loop.time() + ROUND:
                limit.reschedule(ends)
        self._next_round = loop.call_later(ROUND, self._look_round) if self._ends else None
