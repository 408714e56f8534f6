"""Moments as operators read them: by the clocks of this machine."""

from __future__ import annotations

from datetime import datetime


def local_time(moment: datetime | None) -> str:
    """A moment such as ``2026-03-02 17:00``; empty for none."""
    return "" if moment is None else in_local_zone(moment).isoformat(" ", "minutes")[:16]


def local_time_zone(moment: datetime) -> str:
    """The same with its zone: ``2026-03-02 17:00 CET``."""
    local = in_local_zone(moment)
    return f"{local_time(moment)} {local:%Z}".rstrip()


def in_local_zone(moment: datetime) -> datetime:
    """A moment by this machine's clock."""
    # The years 1 and 9999 are some back ends' "none" and "never"; no clock shows them in every zone.
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment
