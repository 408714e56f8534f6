"""The pace before the ladder, for comparison: a share that refusals lower and time restores, and three slots."""

from __future__ import annotations

import heapq
import math
from collections import deque
from random import Random

from benchmarks.grid_servers import PER_SECOND
from benchmarks.grid_world import LIMITS, RETRY_AFTER


class FormerPace:
    """Slots freed a window after the response less 0.8 of the least of 32 round trips; a share from 0.2 to 1."""

    def __init__(self, chance: Random) -> None:  # noqa: ARG002 - as the ladder
        self._share, self._share_at, self._slowed_at = 1.0, 0.0, -math.inf
        self._ceiling, self._caution = math.inf, 1.0
        self._flights, self._early = deque[float](maxlen=32), 0.0
        self._slots, self._in_flight, self._held = PER_SECOND, 0, list[float]()
        self._next = 0.0

    @property
    def _spacing(self) -> float:
        return LIMITS.spacing / self._share

    def ready_at(self, now: float) -> float:
        """When the next call may leave, unless a response comes before."""
        while self._held and self._held[0] <= now + 1e-12:
            heapq.heappop(self._held)
        over = self._in_flight + len(self._held) - self._slots
        if over < 0:
            return self._next
        if over >= len(self._held):
            return math.inf
        return max(self._next, heapq.nsmallest(over + 1, self._held)[over])

    def depart(self, now: float) -> int:
        """Count a call that leaves."""
        self._in_flight += 1
        self._next = now + self._spacing
        self._speed_up(now)
        return 0

    def answer(self, call: int, departed: float, now: float, *, admitted: bool) -> None:  # noqa: ARG002
        """Note a response."""
        self._in_flight -= 1
        self._flights.append(now - departed)
        if len(self._flights) >= 8:
            self._early = min(0.8 * min(self._flights), 1.0)
        heapq.heappush(self._held, now + 1.0 - self._early)
        if admitted:
            return
        self._next = max(self._next, now + RETRY_AFTER)
        if now - self._slowed_at >= self._spacing:
            self._slowed_at = now
            self._caution = min(64.0, self._caution * 4) if abs(self._share - self._ceiling) <= 0.05 else 1.0
            self._ceiling = self._share
            self._set_share(max(0.2, self._share * 0.9), now)

    def _speed_up(self, now: float) -> None:
        if self._share > self._ceiling + 0.05:
            self._ceiling, self._caution = math.inf, 1.0
        if self._share >= 1:
            return
        earned = 0.0005 * (now - self._share_at)
        if self._share + earned > self._ceiling - 0.05:
            earned /= self._caution
        if earned >= 0.01:
            self._set_share(min(1.0, self._share + earned), now)

    def _set_share(self, share: float, now: float) -> None:
        self._share, self._share_at = share, now
        self._slots = max(1, math.ceil(PER_SECOND * share - 0.1))
