"""Working days, and times of day that stay when the day changes."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import UTC, date, datetime, timedelta

WEEKEND = (5, 6)
"""Saturday and Sunday, as :meth:`datetime.date.weekday` counts."""

DAYS_OF_WEEK = 7


LONGEST_HOLIDAYS = 366
"""Days without a working day after which a calendar of holidays is wrong."""


def next_working_day(day: date, weekend: Collection[int] = WEEKEND, holidays: Container[date] = ()) -> date:
    """The first working day after a day: ``next_working_day(date(2026, 3, 6)) == date(2026, 3, 9)``.

    Args:
        day: the day to count from.
        weekend: days of no work, Monday being 0.
        holidays: further days of no work; any container of dates, such as one of the package ``holidays``.

    Raises:
        ValueError: the weekend has days other than 0 (Monday) to 6, or takes the whole week; or there is no working
            day within a year.
        OverflowError: it would be beyond the calendar.
    """
    resting = checked_weekend(weekend)
    for count in range(1, LONGEST_HOLIDAYS + 1):
        ahead = day + timedelta(days=count)
        if ahead.weekday() not in resting and ahead not in holidays:
            return ahead
    raise ValueError(f"there is no working day within a year after {day}: check the holidays")


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
