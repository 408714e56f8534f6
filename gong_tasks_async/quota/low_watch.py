"""The day's calls running low: told once at each of a few shares of them."""

from __future__ import annotations

import math
import sys

from gong_tasks_async.events import BudgetLow, EventSink

LOW = (0.25, 0.10, 0.02)
"""The shares of the day's calls at which their going down is told, each once a day."""


class LowWatch:
    """Tells when a share of the day's calls is reached for the first time in a day."""

    def __init__(self, per_day: int | None, events: EventSink) -> None:
        self._per_day = per_day
        self._events = events
        self._told: dict[float, float] = {}
        """Until when each share that was reached is old news."""
        self._expect(now=0.0)

    def check(self, used: int, now: float, until: float) -> None:
        """Tell what is news, and that it is old news until then."""
        if self._per_day is None:
            return
        left = self._per_day - used
        news = [share for share in LOW if left <= share * self._per_day and now >= self._told.get(share, 0.0)]
        if news:
            self._told.update(dict.fromkeys(news, until))
            self._events.emit(BudgetLow(left=left, per_day=self._per_day))
        self._expect(now)

    def _expect(self, now: float) -> None:
        """Note from how many calls, and from when on, there may be something to tell again."""
        per_day = self._per_day or sys.maxsize
        told = {share: until for share, until in self._told.items() if until > now}
        untold = [share for share in LOW if share not in told]
        self.starts_at = per_day - math.floor(max(untold) * per_day) if untold else sys.maxsize
        self.again_at = min(told.values(), default=math.inf)
