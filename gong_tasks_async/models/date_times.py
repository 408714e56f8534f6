"""Date-times as text and as numbers: the one reader of both."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

ISO_DATE_TIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d-\d|\d{4}W\d{3})"
    r"[Tt ]"
    r"\d\d(?::\d\d(?::\d\d(?:[.,]\d*)?)?|\d\d(?:\d\d(?:[.,]\d*)?)?)?"
    r"(?:[Zz]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
"""``datetime.fromisoformat`` skips any character where a separator belongs, and then reads on: ``20260302203000Z`` as
03:00, ``1711110812345`` as the year 1711. So the form is checked first. A blank for the T is RFC 3339's."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MILLISECONDS_FROM = 1e11
"""As seconds the year 5138, as milliseconds March 1973."""


def parse_date_time(text: str) -> datetime | None:
    """Parse an ISO-8601 date-time; naive where it has no offset, None where it is not one (a date alone is not).

    >>> parse_date_time("2026-03-02T17:00:00+01:00").isoformat()
    '2026-03-02T17:00:00+01:00'
    >>> parse_date_time("2026-03-02")
    """
    if not ISO_DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:  # such as the 30th of February
        return None


def date_time_of(number: float) -> datetime | None:
    """Convert seconds or milliseconds since 1970, distinguished by size; None where it is beyond the calendar."""
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None
