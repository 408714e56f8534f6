"""Dates as option values: `2026-03-02`, `2026-03-02T17:00`, `today`, `next monday`, `+7d`, `+12h`.

What they mean is decided in :mod:`gong_tasks_async.bulk.dates`, for options and cells alike.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TypeVar

import click

from gong_tasks_async.bulk.dates import Shift, When, read_shift, read_when

T = TypeVar("T")

DATE = "DATE|SHIFT"
"""The metavar of all of them."""

_OTHER_FORMAT = re.compile(
    r"\s*(?P<first>[0-9]{1,2})(?P<sign>[./-])(?P<second>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4}|[0-9]{2})"
    r"(?P<time>\s+[0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2})?)?\s*",
    re.ASCII,
)
"""As people of most countries write a date; whether the day or the month comes first is for them to say."""
LAST_MONTH = 12


def option_value(read: Callable[[str], T]) -> Callable[[str], T]:
    """Turn a reader's ``ValueError`` into click's error."""

    def convert(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def read_date(text: str, date_format: str | None = None) -> When:
    """Read a date of an option or a cell.

    Raises:
        ValueError: it is none; of a date in another format, it names the option that reads it.
    """
    try:
        return read_when(text, date_format)
    except ValueError as error:
        if date_format is None and (found := _OTHER_FORMAT.fullmatch(text)):
            raise ValueError(
                f"{error}; for dates such as {text.strip()} add {_format_option(found)}"
            ) from None
        raise


def _format_option(found: re.Match[str]) -> str:
    """The option that reads such a date; both where its numbers do not show which is the month."""
    sign, first, second = found["sign"], int(found["first"]), int(found["second"])
    orders = [f"%d{sign}%m"] if first > LAST_MONTH or sign == "." else []
    orders += [f"%m{sign}%d"] if second > LAST_MONTH and not orders else []
    rest = f"{sign}{'%Y' if len(found['year']) > 2 else '%y'}"  # noqa: PLR2004 - a century
    if found["time"]:
        rest += " %H:%M:%S" if found["seconds"] else " %H:%M"
    formats = [f"{order}{rest}" for order in orders or (f"%d{sign}%m", f"%m{sign}%d")]
    return " or ".join(f"--date-format {shlex.quote(text)}" for text in formats)


@option_value
def shift_option(text: str) -> Shift:
    """Read a shift of due dates, other than none."""
    shift = read_shift(text)
    if shift and (shift.days or shift.hours):
        return shift
    raise ValueError(f"{text!r} is no shift such as +7d, -2w or +12h")
