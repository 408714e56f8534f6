"""Dates as option values: `2026-03-02`, `2026-03-02T17:00`, `today`, `next monday`, `+7d`, `+12h`.

What they mean is decided in :mod:`gong_tasks_async.bulk.dates`, for options and cells alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from gong_tasks_async.bulk.dates import Clock, Shift, When, read_shift, read_when

T = TypeVar("T")

DATE = "DATE|SHIFT"
"""The metavar of all of them."""

_OTHER_FORMAT = re.compile(r"\s*[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}\b.*", re.ASCII)


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
        if date_format is None and _OTHER_FORMAT.fullmatch(text):
            raise ValueError(f"{error}; for dates such as 01.12.2026 add --date-format %d.%m.%Y") from None
        raise


@option_value
def due_option(text: str) -> datetime:
    """Read a new due date; a day is its noon, here."""
    return Clock.now_in().due(read_date(text))


@option_value
def limit_option(text: str) -> datetime:
    """Read a limit of due dates; a day is its beginning, here."""
    return Clock.now_in().limit(read_date(text))


@option_value
def shift_option(text: str) -> Shift:
    """Read a shift of due dates, other than none."""
    shift = read_shift(text)
    if shift and (shift.days or shift.hours):
        return shift
    raise ValueError(f"{text!r} is no shift such as +7d, -2w or +12h")
