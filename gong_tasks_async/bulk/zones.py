"""Time zones: that of this machine, and those with a name."""

from __future__ import annotations

import time as system_time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones


class LocalZone(tzinfo):
    """The time zone of this machine, with its changes of clocks.

    The C library knows the rules, also on Windows and without a time zone database. ``datetime.astimezone()`` alone
    gives a fixed offset, with which 9:00 is no longer 9:00 after the clocks have changed.
    """

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """The offset at a wall-clock time; ``fold`` chooses where the clocks show it twice."""
        return None if moment is None else _offset(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """How far summer time is ahead, as far as the system knows."""
        if moment is None:
            return None
        standard = timedelta(seconds=-system_time.timezone)
        return max(timedelta(), _offset(moment) - standard)

    def tzname(self, moment: datetime | None) -> str | None:
        """The zone's abbreviation at a wall-clock time."""
        if moment is None or not self.dst(moment):
            return system_time.tzname[0]
        return system_time.tzname[1]

    def fromutc(self, moment: datetime) -> datetime:
        """The wall-clock time of a UTC time; the second of two equal ones has ``fold=1``."""
        try:
            offset = moment.replace(tzinfo=UTC).astimezone().utcoffset() or timedelta()
        except (OverflowError, OSError, ValueError):  # years that the C library cannot count
            offset = timedelta(seconds=-system_time.timezone)
        local = (moment + offset).replace(fold=0)
        return local if local.utcoffset() == offset else local.replace(fold=1)

    def __repr__(self) -> str:
        return "LOCAL_ZONE"

    def __reduce__(self) -> str:
        return "LOCAL_ZONE"


LOCAL_ZONE: Final = LocalZone()
"""The time zone of this machine."""


def _offset(wall: datetime) -> timedelta:
    """The system's offset at a wall-clock time."""
    try:
        return wall.replace(tzinfo=None).astimezone().utcoffset() or timedelta()
    except (OverflowError, OSError, ValueError):  # years that the C library cannot count
        return timedelta(seconds=-system_time.timezone)


def read_zone(name: str) -> tzinfo:
    """The time zone of a name such as ``Europe/Berlin``; UTC needs no time zone database.

    Raises:
        ValueError: there is no such zone, or this machine has no time zone database.
    """
    if name.strip().upper() in ("UTC", "Z", "GMT", "ETC/UTC"):
        return UTC
    try:
        return ZoneInfo(name.strip())
    except (KeyError, ValueError, OSError):
        if not available_timezones():
            raise ValueError(
                f"the time zone {name!r} cannot be looked up: this machine has no time zone data (pip install tzdata)"
            ) from None
        raise ValueError(f"there is no time zone {name!r}: name one such as Europe/Berlin or UTC") from None
