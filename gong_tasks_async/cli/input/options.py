"""The options of `plan`, `run` and `submit` that describe the updates."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.input.cells import read_priority, read_status
from gong_tasks_async.cli.input.dates import Shift, When, read_shift, read_when
from gong_tasks_async.cli.input.source import Source
from gong_tasks_async.models import TaskStatus, TaskType

T = TypeVar("T")

INPUT, SELECTION, CHANGE = "The file", "Or a selection of tasks", "The change"
"""Sections of the help."""


def _read(read: Callable[[str], T]) -> Callable[[str], T]:
    """Turn a reader's ``ValueError`` into click's error."""

    def convert(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {text!r}: name one such as Europe/Berlin or UTC") from None


def _shift(text: str) -> Shift:
    shift = read_shift(text)
    if shift and (shift.days or shift.hours):
        return shift
    raise ValueError(f"{text!r} is no shift such as +7d, -2w or +12h")


def _type(text: str) -> TaskType:
    if text.upper() in list(TaskType):
        return TaskType(text.upper())
    raise ValueError(f"{text!r} is no type: take one of {', '.join(TaskType)}")


STATUS = _read(read_status)
STATUSES = "|".join(TaskStatus)


def _option(section: str, *names: str, **settings: Any) -> Callable[[Any], Any]:
    return click.option(*names, cls=SectionOption, section=section, **settings)


_PARAMETERS = (
    click.argument("file", required=False, metavar="[FILE]"),
    _option(INPUT, "--encoding", metavar="NAME", help="Encoding, if not UTF-8 and without BOM."),
    _option(INPUT, "--skip-unknown", is_flag=True, help="Ignore unknown columns."),
    _option(
        INPUT, "--problems", metavar="PATH", type=click.Path(path_type=Path), help="Write all problems here."
    ),
    _option(SELECTION, "--user", "users", metavar="ID|EMAIL", multiple=True, help="Owner of tasks; repeatable."),
    _option(SELECTION, "--all-users", is_flag=True, help="The tasks of all active users."),
    _option(
        SELECTION, "--due-before", metavar="DATE|SHIFT", help="Only what is due before: 2026-03-02, or -7d."
    ),
    _option(SELECTION, "--flow", metavar="NAME|ID", help="Only tasks that this flow made."),
    _option(
        SELECTION, "--type", "types", type=_read(_type), multiple=True, metavar="FLOW|MANUAL",
        help="Only tasks of this type.",
    ),
    _option(
        SELECTION, "--status-is", "statuses", type=STATUS, multiple=True, metavar=STATUSES,
        help="Only tasks of this status; by default OPEN.",
    ),
    _option(
        CHANGE, "--set-status", "--status", "status", type=STATUS, metavar=STATUSES, help="New status."
    ),
    _option(
        CHANGE, "--set-due", "--due", "due", metavar="DATE|SHIFT",
        help="New due date: a date, a date-time, or +7d for a week from today.",
    ),
    _option(
        CHANGE, "--move-due", type=_read(_shift), metavar="SHIFT",
        help="Shift each due date, such as +7d; tasks without one are left out.",
    ),
    _option(
        CHANGE, "--set-priority", "--priority", "priority", type=_read(read_priority),
        metavar="WORD", help="New priority.",
    ),
    _option(
        CHANGE, "--zone", type=_read(_zone), metavar="NAME",
        help="Time zone of dates without one, such as Europe/Berlin.",
    ),
)  # fmt: skip
"""In the order of the help; a decorator for each."""

skip_unchanged_option = click.option(
    "--skip-unchanged", is_flag=True, help="List the tasks first; skip unchanged tasks."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
workers_option = click.option(
    "--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Updates in flight at once."
)
wait_for_day_option = click.option(
    "--wait-for-day", is_flag=True, help="When the day's calls are spent, wait for the reset, then resume."
)

_NAMES = (
    *("file", "encoding", "skip_unknown", "problems", "users", "all_users", "due_before", "flow", "types"),
    *("statuses", "status", "due", "move_due", "priority", "zone"),
)


def source_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command these options, and pass it ``source`` as a keyword."""

    @functools.wraps(function)
    def with_source(*args: Any, **keywords: Any) -> T:
        given = {name: keywords.pop(name) for name in _NAMES}
        return function(*args, source=_source(given), **keywords)

    decorated: Callable[..., T] = with_source
    for parameter in reversed(_PARAMETERS):
        decorated = parameter(decorated)
    return decorated


def _source(given: dict[str, Any]) -> Source:
    words = " ".join(f"{name}={value}" for name, value in given.items() if value)
    zone = given["zone"]
    for name in ("due", "due_before"):
        given[name] = _when(name, given[name], zone)
    return Source(**given, fingerprint_text=words)


def _when(name: str, text: str | None, zone: tzinfo | None) -> When | None:
    """Read once the zone is known, whatever the order on the command line."""
    try:
        return None if text is None else read_when(text, zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"--{name.replace('_', '-')}") from None
