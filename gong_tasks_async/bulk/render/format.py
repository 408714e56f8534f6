"""How the forms for people put durations, times and errors into words."""

from __future__ import annotations

from datetime import UTC, datetime

from gong_tasks_async.errors import APIError, GongError

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def one_line(text: str) -> str:
    """The text without line breaks, terminal escapes, or marks that turn the reading direction round.

    Gong's messages quote what others typed into it.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def duration(seconds: float) -> str:
    """The two largest units that say anything, such as ``2 h 13 min``."""
    if seconds < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def moment(at: datetime) -> str:
    """A time, in UTC, as Gong's day is not anybody's local one."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def kind(error: GongError) -> str:
    """The class of the error with Gong's status, where there was one: ``404 TaskNotFoundError``."""
    name = type(error).__name__
    return f"{error.status} {name}" if isinstance(error, APIError) else name


def said(error: GongError) -> str:
    """Gong's own words; ours where Gong had none."""
    if isinstance(error, APIError):
        return "; ".join(filter(None, error.errors)) or "without a message"
    return str(error)


def request_id(error: GongError) -> str | None:
    """Gong's reference for the request, which errors without an answer lack."""
    found: str | None = getattr(error, "request_id", None)
    return found
