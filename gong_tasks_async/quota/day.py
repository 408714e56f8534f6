"""The day's arithmetic, without a clock of its own: when it began, when it turns, when so many calls will be done.

All moments are seconds since 1970 (``time.time``), since a day's count outlives the process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from attrs import frozen

DAY = 86_400.0


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
    """A day that turns at one hour of one time zone, and is 23 or 25 hours long where the clocks change."""

    starts: time

    def since(self, now: float) -> float:
        """The moment after which calls count; one made at the very turn does."""
        return math.nextafter(self._turn(now, 0), 0.0)

    def expires_at(self, call: float) -> float:
        """When a call that was made then stops counting."""
        return self._turn(call, 1)

    def resets(self, moment: float) -> tuple[float, float, float]:
        """When the day of a moment began, and when the next two begin."""
        return self._turn(moment, 0), self._turn(moment, 1), self._turn(moment, 2)

    def _turn(self, moment: float, days_on: int) -> float:
        """The last turn of the day before a moment, or one so many days on."""
        local = datetime.fromtimestamp(moment, self.starts.tzinfo)
        today = datetime.combine(local.date(), self.starts)
        began = today if today.timestamp() <= moment else today - timedelta(days=1)
        return (began + timedelta(days=days_on)).timestamp()


Day = RollingDay | FixedDay


def ready_at(
    calls: int, *, now: float, spacing: float, allowed: int | None, made: Sequence[float], day: Day
) -> float:
    """When the last of so many calls will leave.

    Args:
        calls: how many are to come.
        now: when the first of them may leave, as far as the gate and the line are concerned.
        spacing: seconds from one to the next.
        allowed: how many may be made in a day; None for any number.
        made: when those that count today were made, oldest first.
        day: when a call stops counting.
    """
    if allowed is None:
        return now + (calls - 1) * spacing
    if isinstance(day, FixedDay):
        return _ready_by_days(
            calls, now, spacing, allowed, sum(day.expires_at(call) > now for call in made), day
        )
    # Once as many have left as a day allows, all that counts is of their making, and so is what comes a day later.
    # But where they had to wait, they bunch; a second day of them has the rhythm that all others keep.
    whole_days = max(0, (calls - 1) // allowed - 1)
    moments = list(made)
    moment = now - spacing
    for _ in range(calls - whole_days * allowed):
        moment += spacing
        if len(moments) >= allowed:
            moment = max(moment, day.expires_at(moments[-allowed]))
        moments.append(moment)
    return moment + whole_days * max(DAY, allowed * spacing)


def _ready_by_days(calls: int, now: float, spacing: float, allowed: int, used: int, day: FixedDay) -> float:
    """The same where all of a day's calls are freed at its turn."""
    left = allowed - used
    while True:
        turn = day.expires_at(now)
        today = max(0, min(left, math.ceil((turn - now) / spacing)))
        if calls <= today:
            return now + (calls - 1) * spacing
        calls -= today
        now, left = max(turn, now + today * spacing), allowed
