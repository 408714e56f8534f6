"""Texts for people: durations, times, counts and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gong_tasks_async.bulk.outcomes import RowCounts, error_name
from gong_tasks_async.errors import APIError, GongError

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def one_line(text: str) -> str:
    """The text without line breaks, terminal escapes, or marks that change the reading direction.

    Gong's messages quote what users typed.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def duration(seconds: float) -> str:
    """The two largest units that are not zero, such as ``2 h 13 min``."""
    if seconds < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number and its noun: ``8,000 tasks``, ``1 person``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def format_utc(at: datetime) -> str:
    """A time in UTC, since Gong's day is not the reader's local one."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def to_iso(at: datetime | None) -> str | None:
    """A time for programs, in ISO 8601."""
    return None if at is None else at.isoformat()


def error_label(error: GongError) -> str:
    """The kind of error in words, after the HTTP status where there is one: ``404 task not found``."""
    status = getattr(error, "status", None)
    words = _WORDS.sub(" ", error_name(error).removesuffix("Error")).lower()
    words = words if " " in words else f"{words} error"
    return words if status is None else f"{status} {words}"


_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def gong_message(error: GongError) -> str:
    """Gong's message; ours where Gong sent none, without the page of the manual, which one who reads a report lacks."""
    if isinstance(error, APIError):
        return "; ".join(filter(None, error.errors)) or "without a message"
    return without_page(str(error))


def without_page(text: str) -> str:
    """An error's text without its last sentence, ``See errors/rate-limit.``."""
    return _PAGE.sub("", text)


_PAGE: Final = re.compile(r"\s*See errors/[\w-]+\.?$")


def request_id(error: GongError) -> str | None:
    """Gong's reference for the request; None for an error without a response."""
    found: str | None = getattr(error, "request_id", None)
    return found


def worst_first(by_user: Mapping[str, RowCounts]) -> list[tuple[str, RowCounts]]:
    """Users by number of failures, then of pending rows, both descending, then by id."""
    return sorted(by_user.items(), key=lambda user: (-user[1].failed, -user[1].pending, user[0]))
