"""Dates on the command line: a day, a moment, or a shift from now. All by the clocks of this machine.

`2026-03-02`, `2026-03-02T17:00`, `2026-03-02T17:00:00+01:00`, `+7d`, `-2w`, `+12h`
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import click

from gong_tasks_async.cli.input.dates import Shift, noon_of, read_when, start_of


def read_due(text: str) -> datetime:
    """Read when something shall be due. A day is its noon, which is the same day in nearly all time zones."""
    return _moment(text, noon_of)


def read_limit(text: str) -> datetime:
    """Read the moment before which something is due. A day is its beginning."""
    return _moment(text, start_of)


def _moment(text: str, of_day: Callable[[date], datetime]) -> datetime:
    now = datetime.now().astimezone()
    try:
        match read_when(text):
            case Shift(hours=hours) if hours:
                return now + timedelta(hours=hours)
            case Shift() as shift:
                return of_day(shift.day_from(now.date()))
            case datetime() as moment:
                return moment
            case day:
                return of_day(day)
    except OverflowError:
        raise click.BadParameter(f"{text!r} is beyond the calendar") from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
