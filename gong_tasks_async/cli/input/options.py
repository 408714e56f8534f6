"""The options of `plan`, `run` and `submit` that describe the updates."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import click

from gong_tasks_async.cli.input.dates import shift_option
from gong_tasks_async.cli.input.filters import (
    NAMES as FILTER_NAMES,
    add_filter_options,
    date_option,
    query_of,
)
from gong_tasks_async.cli.input.shared_options import (
    CHANGE,
    all_users_option,
    option_in,
    set_due_option,
    set_priority_option,
    set_status_option,
    users_option,
)
from gong_tasks_async.cli.input.source import Source
from gong_tasks_async.errors.kinds import is_tuple

T = TypeVar("T")
Decorator: TypeAlias = Callable[[Any], Any]
"""What click makes of an option."""

INPUT = "The file"

_INPUT_OPTIONS = (
    click.argument("file", required=False, metavar="[FILE]"),
    option_in(INPUT, "--encoding", metavar="NAME", help="Encoding, if not UTF-8 and without BOM."),
    option_in(INPUT, "--skip-unknown", is_flag=True, help="Ignore columns that resemble known ones, too."),
    option_in(
        INPUT, "--problems", metavar="PATH", type=click.Path(path_type=Path), help="Write all problems here."
    ),
    users_option,
    all_users_option,
)  # fmt: skip
_CHANGE_OPTIONS = (
    set_status_option,
    set_due_option,
    option_in(
        CHANGE, "--keep-time", is_flag=True, help="With --set-due DATE: keep each task's time of day.",
    ),
    option_in(
        CHANGE, "--move-due", type=shift_option, metavar="SHIFT",
        help="Shift each due date, such as +7d; tasks without one are left out.",
    ),
    set_priority_option,
)  # fmt: skip

guard_option: Decorator = click.option(
    "--guard/--no-guard",
    default=None,
    help="Skip tasks that someone changed since the run looked at them; by default, where looking costs at most "
    "one call for five rows.",
)
accept_refusals_option: Decorator = click.option(
    "--accept-refusals", is_flag=True, help="Record rows as failed even if all of them are refused alike."
)

outage_option: Decorator = click.option(
    "--outage-timeout",
    type=click.FloatRange(0, 86_400),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while no connection can be made; 45 at most before the first response.",
)

_NAMES: Final = (
    *("file", "encoding", "skip_unknown", "problems", "users", "all_users"),
    *("status", "set_due", "keep_time", "move_due", "set_priority"),
)
_NOT_OF_THE_JOB: Final = ("file", "encoding", "skip_unknown", "problems")
"""Options that do not make another job; a file's rows are compared instead."""

skip_unchanged_option: Decorator = click.option(
    "--skip-unchanged", is_flag=True, help="List the tasks first; skip unchanged tasks."
)
workers_option: Decorator = click.option(
    "--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Updates in flight at once."
)
wait_for_day_option: Decorator = click.option(
    "--wait-for-day", is_flag=True, help="When the day's calls are spent, wait for the reset, then resume."
)


def source_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command these options, and pass it ``source`` as a keyword."""

    @functools.wraps(function)
    def with_source(*args: Any, **keywords: Any) -> T:
        given = {name: keywords.pop(name) for name in (*_NAMES, *FILTER_NAMES)}
        return function(*args, source=_source(given), **keywords)

    decorated: Callable[..., T] = with_source
    for parameter in reversed(_CHANGE_OPTIONS):
        decorated = parameter(decorated)
    decorated = add_filter_options(decorated)
    for parameter in reversed(_INPUT_OPTIONS):
        decorated = parameter(decorated)
    return decorated


def _source(given: dict[str, Any]) -> Source:
    line = " ".join(
        f"{name}={_unordered(value)}"
        for name, value in given.items()
        if value and name not in _NOT_OF_THE_JOB
    )
    query = query_of({name: given.pop(name) for name in FILTER_NAMES})
    due = date_option("set_due", given.pop("set_due"), query.date_format)
    return Source(**given, due=due, query=query, line=line)


def _unordered(value: object) -> object:
    """The value of an option; a repeatable one means the same in any order, and twice as once."""
    return tuple(sorted(set(map(str, value)))) if is_tuple(value) else value
