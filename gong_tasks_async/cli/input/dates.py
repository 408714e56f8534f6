"""Days and moments as people write them: `2026-03-02`, `2026-03-02T17:00:00+01:00`, `+7d`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, TypeAlias

from attrs import frozen

SHIFT: Final = re.compile(r"([+-])([0-9]{1,6})([hdw])")
NOON: Final = time(12)
"""The time of day of a due date that names none: so it falls on the same day in most time zones."""

EXAMPLE: Final = "2026-03-02T17:00:00+01:00"


@frozen
class Shift:
    """So many days, or hours, from somewhere."""

    days: int = 0
    hours: int = 0

    def day_from(self, day: date) -> date:
        """The day so many days from another.

        Raises:
            OverflowError: it would be beyond the calendar.
        """
        return day + timedelta(days=self.days)

    def __str__(self) -> str:
        return f"{self.days:+}d" if self.days or not self.hours else f"{self.hours:+}h"


When: TypeAlias = Shift | date | datetime


def read_shift(text: str) -> Shift | None:
    """Read `+7d`, `-2w` or `+12h`; None for anything else."""
    found = SHIFT.fullmatch(text.strip())
    if found is None:
        return None
    sign, number, unit = found.groups()
    count = int(f"{sign}{number}")
    return Shift(hours=count) if unit == "h" else Shift(days=count * (7 if unit == "w" else 1))


def read_when(text: str, zone: tzinfo | None = None) -> When:
    """Read a shift, a day, or a moment; a moment without a time zone is one of ``zone``, or of this machine.

    Raises:
        ValueError: it is none of them.
    """
    if shift := read_shift(text):
        return shift
    try:
        return _as_day(text) or _in_zone(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a date such as 2026-03-02, a date-time such as {EXAMPLE}, or a shift such as +7d"
        ) from None


def read_due(text: str, zone: tzinfo | None = None) -> datetime:
    """Read the due date of a row: a moment with its time zone; one without is of ``zone``, and a day is its noon.

    Raises:
        ValueError: it is no date, or has no time zone and there is no ``zone``.
    """
    try:
        day = _as_day(text)
        moment = datetime.combine(day, NOON) if day else datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"the due date {text!r} cannot be read: write it as {EXAMPLE}") from None
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise ValueError(
            f"the due date {text!r} has no time zone: write it as {EXAMPLE}, or give --zone Europe/Berlin for all rows"
        )
    return moment.replace(tzinfo=zone)


def noon_of(day: date, zone: tzinfo | None = None) -> datetime:
    """Noon of a day, in a zone or where this machine is."""
    return _in_zone(datetime.combine(day, NOON), zone)


def start_of(day: date, zone: tzinfo | None = None) -> datetime:
    """The first moment of a day, in a zone or where this machine is."""
    return _in_zone(datetime.combine(day, time()), zone)


def _as_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is not None:
        return moment
    return moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
