"""The day's calls as events: how many are left, and when they run low."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from gong_tasks_async.events import BudgetChanged, BudgetLow, EventSink

LOW = (0.25, 0.10, 0.02)
"""The shares of the day's calls at which a warning is emitted, each once a day."""


class LowWatch:
    """Emits :class:`BudgetChanged` for gauges, and :class:`BudgetLow` where a share of the day's calls is reached."""

    def __init__(self, per_day: int | None, events: EventSink) -> None:
        self._per_day = per_day
        self._events = events
        self.low_from: int = sys.maxsize if per_day is None else per_day - math.floor(LOW[0] * per_day)
        """With fewer calls than these no share is reached."""
        self._quiet_until: dict[float, float] = {}
        """Until when each share that was reached is not emitted again."""

    def check(self, used: int, now: float, expires_at: Callable[[float], float]) -> None:
        """Emit what there is to emit after a call was counted.

        Args:
            used: the day's calls, with this one.
            now: seconds since 1970.
            expires_at: when a call that is made now stops counting; asked where a share is reached.
        """
        if self._per_day is None:
            return
        left = self._per_day - used
        if self._events.wants_call_events:
            self._events.emit(BudgetChanged(used=used, left=left, per_day=self._per_day))
        if used >= self.low_from:
            self._check_shares(left, self._per_day, now, expires_at(now))

    def _check_shares(self, left: int, per_day: int, now: float, until: float) -> None:
        reached = [
            share for share in LOW if left <= share * per_day and now >= self._quiet_until.get(share, 0.0)
        ]
        if reached:
            self._quiet_until.update(dict.fromkeys(reached, until))
            self._events.emit(BudgetLow(left=left, per_day=per_day))
