"""Which moment a date means, and in which time zone.

The one resolver of dates: for the command line, for files, for selections and for your own code. ::

    clock = Clock.now_in(read_zone("Europe/Berlin"))
    clock.due(read_when("next monday"))    # its noon, there
    clock.limit(read_when("-30d"))         # the beginning of the day 30 days ago, there
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Self, TypeAlias, TypeVar

from attrs import frozen

from gong_tasks_async.bulk.zones import LOCAL_ZONE, read_zone
from gong_tasks_async.models.date_times import parse_date_time

__all__ = [
    "LOCAL_ZONE",
    "Clock",
    "Shift",
    "Weekday",
    "When",
    "checked_date_format",
    "on_wall",
    "read_shift",
    "read_when",
    "read_zone",
]

T = TypeVar("T")

NOON: Final = time(12)
"""The time of day of a due date that names none: so it falls on the same day in most time zones."""

EXAMPLE: Final = "2026-03-02T17:00:00+01:00"

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SHIFT: Final = re.compile(r"([+-])([0-9]{1,6})([hdw])", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PROBE: Final = date(2001, 2, 3)
"""A date whose day, month and year differ, to try a format on."""


@frozen
class Shift:
    """A number of days, or of hours, from some moment; today is no days from today."""

    days: int = 0
    hours: int = 0

    def __str__(self) -> str:
        return f"{self.days:+}d" if self.days or not self.hours else f"{self.hours:+}h"


@frozen
class Weekday:
    """The next day of that name after today, Monday being 0."""

    number: int

    def after(self, today: date) -> date:
        """That day."""
        return today + timedelta(days=(self.number - today.weekday() - 1) % 7 + 1)


When: TypeAlias = Shift | Weekday | date | datetime
"""A date as it was written: relative, a day, or a moment, which without a zone is one of the clock's zone."""


def read_shift(text: str) -> Shift | None:
    """Read `+7d`, `-2w` or `+12h`; None for anything else."""
    found = _SHIFT.fullmatch(text.strip())
    if found is None:
        return None
    sign, number, unit = found.groups()
    count = int(f"{sign}{number}")
    return Shift(hours=count) if unit == "h" else Shift(days=count * (7 if unit == "w" else 1))


def read_when(text: str, date_format: str | None = None) -> When:
    """Read a date: ISO 8601, today, tomorrow, (next) monday, a shift such as +7d, or one in ``date_format``.

    Text that only resembles ISO 8601, such as 20260302203000Z, is refused: guessed at, it would be another time.

    Raises:
        ValueError: it is none of them.
    """
    stripped = text.strip()
    found = _relative(" ".join(stripped.casefold().split())) or _iso(stripped) or _own(stripped, date_format)
    if found is None:
        own = f", or a date in the format {date_format}" if date_format else ""
        raise ValueError(
            f"{text!r} is no date; write 2026-03-02, {EXAMPLE}, today, tomorrow, next monday, or a shift such as +7d{own}"
        )
    return found


def _relative(text: str) -> When | None:
    named = {"today": Shift(), "tomorrow": Shift(days=1), "yesterday": Shift(days=-1)}
    if text in named:
        return named[text]
    day = text.removeprefix("next ")
    return Weekday(WEEKDAYS.index(day)) if day in WEEKDAYS else read_shift(text)


def _iso(text: str) -> When | None:
    if not _DAY.fullmatch(text):
        return parse_date_time(text)
    try:
        return date.fromisoformat(text)
    except ValueError:  # such as the 30th of February
        return None


def _own(text: str, date_format: str | None) -> When | None:
    if date_format is None or (moment := _parsed(text, date_format)) is None:
        return None
    return moment if _has_time(date_format) else moment.date()


def _parsed(text: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, date_format)  # noqa: DTZ007 - the clock has the zone
    except (ValueError, re.error):  # the second of a format that names a part twice
        return None


YEAR_CODES = ("%Y", "%y", "%G", "%c", "%x", "%D", "%F")


def checked_date_format(date_format: str) -> str:
    """A format of ``datetime.strptime`` that holds a day, a month and a year, such as ``%d.%m.%Y``.

    Raises:
        ValueError: it is not, and so would guess a part of each date.
    """
    try:
        # Without a year nothing is parsed: Python 3.13 warns of it, and a later one raises.
        has_year = any(code in date_format for code in YEAR_CODES)
        probed = _parsed(_PROBE.strftime(date_format), date_format) if has_year else None
    except ValueError:  # what cannot even be written
        probed = None
    if probed is None or probed.date() != _PROBE:
        raise ValueError(f"{date_format!r} is not a format of whole dates such as %d.%m.%Y")
    return date_format


def _has_time(date_format: str) -> bool:
    return any(code in date_format for code in ("%H", "%I", "%X", "%c", "%T", "%R"))


@frozen
class Clock:
    """Now and here: the moment and the time zone that dates are resolved by."""

    now: datetime
    zone: tzinfo = LOCAL_ZONE

    @classmethod
    def now_in(cls, zone: tzinfo | None = None) -> Self:
        """The present moment in a zone; by default, that of this machine."""
        return cls(datetime.now(UTC), zone or LOCAL_ZONE)

    @property
    def today(self) -> date:
        """The date here and now."""
        return self.now.astimezone(self.zone).date()

    def due(self, when: When) -> datetime:
        """The due date meant: of a day, its noon, which is on the same day in most time zones.

        Raises:
            ValueError: it is beyond the calendar.
        """
        return self._resolve(when, NOON)

    def limit(self, when: When) -> datetime:
        """The limit meant: of a day, its beginning.

        Raises:
            ValueError: it is beyond the calendar.
        """
        return self._resolve(when, time())

    def end(self, when: When) -> datetime:
        """The end of what is meant: of a day, the beginning of the next; of a moment, itself.

        Raises:
            ValueError: it is beyond the calendar.
        """
        day = self.day(when)
        return (
            self.limit(when)
            if day is None
            else self.limit(self._bounded(lambda: day + timedelta(days=1), when))
        )

    def day(self, when: When) -> date | None:
        """The day meant; None of a moment or of a shift by hours.

        Raises:
            ValueError: it is beyond the calendar.
        """
        match when:
            case Shift(days=days, hours=0):
                return self._bounded(lambda: self.today + timedelta(days=days), when)
            case Weekday():
                return self._bounded(lambda: when.after(self.today), when)
            case Shift() | datetime():
                return None
            case date():
                return when

    def _resolve(self, when: When, time_of_day: time) -> datetime:
        return self._bounded(lambda: self._moment(when, time_of_day), when)

    def _moment(self, when: When, time_of_day: time) -> datetime:
        match when:
            case Shift(hours=hours) if hours:  # hours that pass, whatever the clocks do meanwhile
                return (self.now.astimezone(UTC) + timedelta(hours=hours)).astimezone(self.zone)
            case datetime():
                return when if when.tzinfo is not None else on_wall(when, self.zone)
            case _:
                day = self.day(when)
                assert day is not None  # noqa: S101 - all others are days
                return on_wall(datetime.combine(day, time_of_day), self.zone)

    @staticmethod
    def _bounded(resolve: Callable[[], T], when: When) -> T:
        try:
            return resolve()
        except OverflowError:
            raise ValueError(f"{when} is beyond the calendar") from None


def on_wall(naive: datetime, zone: tzinfo) -> datetime:
    """The moment at which a zone's clocks show a time; one that they skip is as much later."""
    return naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
