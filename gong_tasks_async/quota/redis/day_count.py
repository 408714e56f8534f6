"""What one process knows of the day's calls of all: told when they run low, kept should the server forget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from gong_tasks_async.errors import DailyQuotaError
from gong_tasks_async.events import BudgetSpent, EventSink
from gong_tasks_async.quota.day import DAY, Day, FixedDay, RollingDay
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.low_watch import LowWatch
from gong_tasks_async.quota.redis.commands import MICRO, Granted

BUCKET = 300
"""Seconds of a rolling day whose calls stop counting together, at the latest moment; ``state.lua`` has it too."""


class DayCount:
    """The counts of the day, by the second at which they stop counting, as this process last saw them."""

    def __init__(self, limits: QuotaLimits, events: EventSink, wall_clock: Callable[[], float]) -> None:
        self.day: Day = RollingDay() if limits.day_starts is None else FixedDay(limits.day_starts)
        self._events = events
        self._wall_clock = wall_clock
        self._ahead = 0.0
        self._low = LowWatch(limits.per_day, events)
        self._spent_until = dict.fromkeys(Lane, 0.0)
        self.known: dict[int, int] = {}
        """Of the whole company."""
        self.alone: dict[int, int] = {}
        """Calls that this process has sent while it could not tell anybody."""

    def now(self) -> float:
        """The server's time, as far as is known here."""
        return self._wall_clock() + self._ahead

    def set_clock(self, server_now: float) -> None:
        """Learn the server's time."""
        self._ahead = server_now - self._wall_clock()

    def turns(self) -> list[int] | None:
        """When the day began, and the next two begin; None for a rolling day, which the server knows itself."""
        if isinstance(self.day, RollingDay):
            return None
        return [math.ceil(moment) for moment in self.day.resets(self.now())]

    def saw(self, turn: Granted) -> None:
        """Remember what an answer told."""
        self.set_clock(turn.departure / MICRO - turn.wait)
        if turn.field not in self.known:
            self._forget_old()
        self.known[turn.field] = turn.in_field
        self._low.check(turn.used, self.now(), turn.field)

    def record_local(self) -> None:
        """Remember a call that nobody else knows of."""
        expires_at = self._freed(self.now())
        self.alone[expires_at] = self.alone.get(expires_at, 0) + 1

    def mark_reported(self, told: Mapping[int, int]) -> None:
        """They are known to all now."""
        for expires_at, count in told.items():
            self.alone[expires_at] -= count
        self.alone = {expires_at: count for expires_at, count in self.alone.items() if count}

    def raise_if_spent(self, lane: Lane) -> None:
        """Raise at once what was found out before.

        Raises:
            DailyQuotaError: the day is spent for this lane.
        """
        if (until := self._spent_until[lane]) and self.now() < until:
            raise self._error(until)

    def spent(self, lane: Lane, seconds: float) -> DailyQuotaError:
        """The day is spent for a lane: remember it, tell it, and make the error of it."""
        self._spent_until[lane] = until = self.now() + seconds
        self._events.emit(BudgetSpent(lane=lane.value, resets_at=moment(until)))
        return self._error(until)

    def gong_says_spent(self, seconds: float) -> None:
        """Gong itself has called the day spent, for everybody."""
        until = self.now() + seconds
        for lane in Lane:
            self._events.emit(BudgetSpent(lane=lane.value, resets_at=moment(until)))

    def reopened(self) -> None:
        """A call was given back: what was found out before holds no longer."""
        self._spent_until = dict.fromkeys(Lane, 0.0)

    def made(self, counts: Mapping[int, int]) -> list[float]:
        """The moments of the calls that count, oldest first, as late as each may have been."""
        back = DAY if isinstance(self.day, RollingDay) else 1.0
        return [expires_at - back for expires_at in sorted(counts) for _ in range(counts[expires_at])]

    def _freed(self, now: float) -> int:
        if isinstance(self.day, FixedDay):
            return math.ceil(self.day.expires_at(now))
        return math.ceil(math.floor(now / BUCKET + 1) * BUCKET + DAY)

    def _forget_old(self) -> None:
        now = self.now()
        self.known = {expires_at: count for expires_at, count in self.known.items() if expires_at > now}

    def _error(self, until: float) -> DailyQuotaError:
        return DailyQuotaError(
            errors=("the company's calls of the day are spent; this one was not sent",),
            retry_after=max(0.0, until - self.now()),
            resets_at=moment(until),
        )


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a date-time."""
    return datetime.fromtimestamp(seconds, UTC)
