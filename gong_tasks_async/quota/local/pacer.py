"""Calls a second: aiolimiter's token bucket, one token deep, slowed by refusals."""

from __future__ import annotations

import asyncio
import math

from aiolimiter import AsyncLimiter

from gong_tasks_async.events import EventSink, PaceChanged
from gong_tasks_async.quota.limits import QuotaLimits

SLOWER = 0.9
"""One refusal's effect on the pace."""
SLOWEST = 0.2
"""The share of the full pace that is kept however many refusals come."""
RECOVERY = 0.0005
"""The share of the full pace that is won back with each quiet second."""
STEP = 0.01
"""It is won back in steps of this size, so that neither limiters nor events are made for each call."""
NEAR = 0.05
"""The share of the full pace within which two refusals count as met at the same one."""
MOST_CAUTIOUS = 64.0
PARTIAL_SLOT = 0.1
"""Pace beyond a whole number of slots that is not worth another slot yet."""


class Pacer:
    """Spaces calls evenly: a bucket that holds one token, since a deeper one lets bursts through.

    Measured with aiolimiter 1.3: ``AsyncLimiter(3, 1)`` lets 5 calls into one second, ``AsyncLimiter(1, 1/3)``
    spaces them. It is not first come, first served, so the line lets one caller at a time come here. It is
    bound to an event loop on first use, so it is made then.
    """

    def __init__(self, limits: QuotaLimits, events: EventSink) -> None:
        self._limits = limits
        self._events = events
        self._share = 1.0
        self._spacing = limits.spacing
        self.slots = limits.slots
        """How many calls may fall into one window, at the pace of now.

        Even spacing alone does not keep a window free for a neighbour: with jitter, two spacings of half a
        second are as often below one second as above it.
        """
        self._share_set_at = 0.0
        self._slowed_at = -math.inf
        self._ceiling = math.inf
        self._caution = 1.0
        self._limiter: AsyncLimiter | None = None

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next, at the pace of now."""
        return self._spacing

    @property
    def rate(self) -> float:
        """Calls a second, at the pace of now."""
        return 1.0 / self.spacing

    async def pace(self) -> None:
        """Wait for the next token and take it."""
        if self._limiter is None:
            self._limiter = AsyncLimiter(1, self.spacing)
        await self._limiter.acquire()
        if self._ceiling < math.inf or self._share < 1.0:  # refused before
            self._speed_up()
        if self._limiter.time_period != self._spacing:
            # A limiter cannot change its rate. A new one, emptied at once, counts on from this very token.
            self._limiter = AsyncLimiter(1, self.spacing)
            await self._limiter.acquire()

    def slow_down(self) -> None:
        """Take a refusal to heart; several within one spacing are one and the same jam."""
        now = asyncio.get_running_loop().time()
        if self._limits.adaptive and now - self._slowed_at >= self.spacing:
            self._slowed_at = now
            self._learn_ceiling()
            self._set_share(max(SLOWEST, self._share * SLOWER), now)

    def _learn_ceiling(self) -> None:
        """Refused again at about the same pace: come back to it ever more slowly, rather than swing for ever."""
        again = abs(self._share - self._ceiling) <= NEAR
        self._caution = min(MOST_CAUTIOUS, self._caution * 4.0) if again else 1.0
        self._ceiling = self._share

    def _speed_up(self) -> None:
        """Win back what quiet has earned."""
        if self._share > self._ceiling + NEAR:  # what refused us there before has gone
            self._ceiling, self._caution = math.inf, 1.0
        if self._share >= 1.0:
            return
        now = asyncio.get_running_loop().time()
        earned = RECOVERY * (now - self._share_set_at)
        if self._share + earned > self._ceiling - NEAR:
            earned /= self._caution
        if earned >= STEP:
            self._set_share(min(1.0, self._share + earned), now)

    def _set_share(self, share: float, now: float) -> None:
        before, self._share, self._share_set_at = self.rate, share, now
        self._spacing = self._limits.spacing / share
        self.slots = max(1, math.ceil(self._limits.slots * share - PARTIAL_SLOT))
        self._events.emit(PaceChanged(before=before, after=self.rate))
