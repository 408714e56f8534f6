"""Days and times of day, as people count them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

WEEKEND = (5, 6)
"""Saturday and Sunday, as :meth:`datetime.date.weekday` counts."""

DAYS_OF_WEEK = 7


def next_working_day(day: date, weekend: Collection[int] = WEEKEND) -> date:
    """The first working day after a day: ``next_working_day(date(2026, 3, 6)) == date(2026, 3, 9)``.

    Raises:
        ValueError: the weekend has days other than 0 (Monday) to 6, or takes the whole week.
        OverflowError: it would be beyond the calendar.
    """
    resting = checked_weekend(weekend)
    following = (day + timedelta(days=count) for count in range(1, DAYS_OF_WEEK + 1))
    return next(ahead for ahead in following if ahead.weekday() not in resting)


def checked_weekend(weekend: Collection[int]) -> frozenset[int]:
    """The days of a weekend that leaves at least one day to work on.

    Raises:
        ValueError: it has days other than 0 (Monday) to 6, or takes the whole week.
    """
    days = frozenset(weekend)
    if not days < frozenset(range(DAYS_OF_WEEK)):
        raise ValueError(f"weekend {sorted(days)} must be days from 0 (Monday) to 6, and not all of them")
    return days


def on_day(due: datetime, day: date) -> datetime:
    """The same time of day on another day."""
    if day == due.date():
        return due  # as it is: in the hour that the clocks show twice, it may be the second one
    moved = datetime.combine(day, due.replace(fold=0).timetz())
    return later(moved, timedelta())


def later(moment: datetime, by: timedelta) -> datetime:
    """So much time later; through UTC, which leaves no time that its zone's clocks skip."""
    return (moment.astimezone(UTC) + by).astimezone(moment.tzinfo)
