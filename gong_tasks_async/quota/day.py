"""Arithmetic of the day, without a clock of its own: when it began, when it resets, when many calls will be done.

All moments are seconds since 1970 (``time.time``), since a day's count outlives the process.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from attrs import frozen

DAY = 86_400.0
"""Seconds; also the longest pause that is believed, from any response: Gong's longest limit is a day's."""
PROBE_INTERVAL = 3600.0
"""Seconds after which one call finds out whether a day that Gong called spent still is."""
LONG_PAUSE = 60.0
"""Seconds; a pause as long stands for the day's limit, whose moment is the wall clock's, and is cut at its reset."""


def to_datetime(seconds: float) -> datetime:
    """Seconds since 1970 as a date-time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


@frozen
class RollingDay:
    """Any 24 hours: each call counts until a day after it was made."""

    def since(self, now: float) -> float:
        """The moment after which calls count."""
        return now - DAY

    def expires_at(self, call: float) -> float:
        """When a call that was made then stops counting."""
        return call + DAY


@frozen
class FixedDay:
    """A day that resets at one hour of one time zone, and is 23 or 25 hours long where the clocks change."""

    starts: time

    def since(self, now: float) -> float:
        """The moment after which calls count; one made at the very reset does."""
        return math.nextafter(self._reset(now, 0), 0.0)

    def expires_at(self, call: float) -> float:
        """When a call that was made then stops counting."""
        return self._reset(call, 1)

    def resets(self, moment: float) -> tuple[float, float, float]:
        """When the day of a moment began, and when the next two begin."""
        return self._reset(moment, 0), self._reset(moment, 1), self._reset(moment, 2)

    def are_in_one(self, one: float, other: float) -> bool:
        """Whether no reset lies between two moments."""
        return max(one, other) < self._reset(min(one, other), 1)

    def _reset(self, moment: float, days_on: int) -> float:
        """The last reset of the day before a moment, or one some days later."""
        local = datetime.fromtimestamp(moment, self.starts.tzinfo)
        today = datetime.combine(local.date(), self.starts)
        began = today if today.timestamp() <= moment else today - timedelta(days=1)
        return (began + timedelta(days=days_on)).timestamp()


Day = RollingDay | FixedDay


def day_of(starts: time | None) -> Day:
    """The day that resets at a time of day; None for any 24 hours."""
    return RollingDay() if starts is None else FixedDay(starts)


def bound_pause(seconds: float, *, now: float, day: Day, at_least: float = 0.0) -> float:
    """A pause as long as may be believed: at least a window, at most until the day's reset or 24 hours.

    Any proxy between us and Gong can send a header. A long wait ends no later than the limit can that it is
    for; a bogus one must not stop a company for a week.

    Args:
        seconds: what the response asked for.
        now: seconds since 1970.
        day: when the day resets.
        at_least: seconds of the window; two clients that come back earlier are refused again together.
    """
    if not seconds > at_least:  # a NaN too
        return at_least
    if seconds < LONG_PAUSE:
        return seconds
    return max(at_least, min(seconds, DAY, day.expires_at(now) - now))


def believed_until(stored: float, now: float) -> float:
    """A stored end of a pause, or 0 where no pause can end so late: the clock that wrote it was wrong."""
    return stored if stored <= now + DAY else 0.0


def ready_at(
    calls: int, *, now: float, spacing: float, allowed: int | None, made: Sequence[float], day: Day
) -> float:
    """When the last of a number of calls will leave.

    Args:
        calls: how many are to come.
        now: when the first of them may leave, as far as the gate and the queue are concerned.
        spacing: seconds from one to the next.
        allowed: how many may be made in a day; None for any number.
        made: when those that count today were made, oldest first.
        day: when a call stops counting.
    """
    if allowed is None:
        return now + (calls - 1) * spacing
    if isinstance(day, FixedDay):
        used = len(made) - bisect_right(made, now, key=day.expires_at)
        return _ready_by_days(calls, now, spacing, allowed, used, day)
    # Once as many have left as a day allows, they are all that counts, and what leaves a day later depends on them
    # alone. But where they had to wait, they bunch; a second day of them has the rhythm that all others keep.
    whole_days = max(0, (calls - 1) // allowed - 1)
    moments = list(made[-allowed:])
    moment = now - spacing
    for _ in range(calls - whole_days * allowed):
        moment += spacing
        if len(moments) >= allowed:
            moment = max(moment, day.expires_at(moments[-allowed]))
        moments.append(moment)
    return moment + whole_days * max(DAY, allowed * spacing)


def _ready_by_days(calls: int, now: float, spacing: float, allowed: int, used: int, day: FixedDay) -> float:
    """The same where all of a day's calls stop counting at its reset."""
    left = allowed - used
    while True:
        reset = day.expires_at(now)
        today = max(0, min(left, math.ceil((reset - now) / spacing)))
        if calls <= today:
            return now + (calls - 1) * spacing
        calls -= today
        now, left = max(reset, now + today * spacing), allowed
