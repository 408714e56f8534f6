"""The options that filter tasks, the same in `list` and in `bulk`: `--status`, `--flow`, `--due-before` and so on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import click
from attrs import field, frozen

from gong_tasks_async.bulk.dates import Clock, When
from gong_tasks_async.bulk.selection import (
    Condition,
    all_of,
    due_after,
    due_before,
    in_flow,
    not_,
    of_account,
    titled,
    with_priority,
)
from gong_tasks_async.cli.input.cells import read_priority
from gong_tasks_async.cli.input.dates import DATE, option_value, read_date
from gong_tasks_async.cli.input.shared_options import (
    STATUS,
    STATUSES,
    date_format_option,
    option_in,
    zone_option,
)
from gong_tasks_async.cli.messages import message_of
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskType

T = TypeVar("T")

SECTION: Final = "Filters"
NAMED_FLOWS: Final = 12
"""Flows that a note names."""


@frozen(kw_only=True)
class TaskQuery:
    """Which tasks are meant, and the clock that dates are resolved by."""

    statuses: tuple[TaskStatus, ...] = ()
    """By default, open tasks."""
    types: tuple[TaskType, ...] = ()
    """By default, all types."""
    due: When | None = None
    due_before: When | None = None
    due_after: When | None = None
    priority: str | None = None
    flow: str | None = None
    workspace: str | None = None
    title: str | None = None
    account: str | None = None
    clock: Clock = field(factory=Clock.now_in, eq=False)
    date_format: str | None = None

    @property
    def filters_tasks(self) -> bool:
        """Whether any option filters tasks."""
        parts = (self.statuses, self.types, self.due, self.due_before, self.due_after)
        return any((*parts, self.priority, self.flow, self.workspace, self.title, self.account))

    def filters(self, users: Sequence[str]) -> list[TaskFilter]:
        """The filter of each user's listing.

        Raises:
            click.UsageError: a user's id is none.
        """
        types, statuses = self.types or tuple(TaskType), self.statuses or (TaskStatus.OPEN,)
        try:
            return [TaskFilter(user, self.workspace, types=types, statuses=statuses) for user in users]
        except ValueError as error:
            raise click.UsageError(message_of(error).what) from None

    def condition(self) -> Condition:
        """The condition of a task beyond what a listing filters.

        Raises:
            click.UsageError: a date is beyond the calendar, or a name is empty.
        """
        try:
            return all_of(*self._conditions())
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    def _conditions(self) -> Iterator[Condition]:
        if self.due is not None:
            yield all_of(not_(due_before(self.clock.limit(self.due))), due_before(self.clock.end(self.due)))
        if self.due_before is not None:
            yield due_before(self.clock.limit(self.due_before))
        if self.due_after is not None:
            day = self.clock.day(self.due_after)
            yield due_after(day or self.clock.limit(self.due_after), zone=self.clock.zone)
        if self.priority is not None:
            yield with_priority(self.priority)
        if self.flow is not None:
            yield in_flow(self.flow)
        if self.title is not None:
            yield titled(_pattern(self.title))
        if self.account is not None:
            yield of_account(self.account)

    def hint(self, listed: Iterable[Task]) -> str | None:
        """A note for a flow that none of the listed tasks has: it names the flows that there are."""
        if self.flow is None:
            return None
        tasks = list(listed)
        if any(map(in_flow(self.flow), tasks)):
            return None
        names = sorted({task.flow.name for task in tasks if task.flow and task.flow.name}, key=str.casefold)
        if not names:
            return f"No task is of a flow {self.flow!r}, nor of any other."
        near = get_close_matches(self.flow, names, n=3, cutoff=0.6)
        shown = list(dict.fromkeys((*near, *names)))[:NAMED_FLOWS]
        more = f", and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        return f"No task is of a flow {self.flow!r}. The flows are: {', '.join(shown)}{more}."


def _pattern(title: str) -> str:
    """A glob as it is; any other text is found anywhere in a title."""
    return title if any(sign in title for sign in "*?[") else f"*{title}*"


def _type(text: str) -> TaskType:
    if text.upper() in list(TaskType):
        return TaskType(text.upper())
    raise ValueError(f"{text!r} is no type: take one of {', '.join(TaskType)}")


_OPTIONS: Final = (
    option_in(SECTION, "--status", "statuses", type=STATUS, multiple=True, metavar=STATUSES, help="Of this status; by default OPEN."),
    option_in(SECTION, "--type", "types", type=option_value(_type), multiple=True, metavar="FLOW|MANUAL", help="Of this type."),
    option_in(SECTION, "--due", metavar=DATE, help="Due on this day: 2026-03-02, today, or 'next monday'."),
    option_in(SECTION, "--due-before", metavar=DATE, help="Due before this day or date-time, such as -7d."),
    option_in(SECTION, "--due-after", metavar=DATE, help="Due after this day or date-time."),
    option_in(SECTION, "--priority", type=option_value(read_priority), metavar="WORD", help="Of this priority."),
    option_in(SECTION, "--flow", metavar="NAME|ID", help="Made by this flow."),
    option_in(SECTION, "--account", metavar="NAME|ID", help="Of this CRM account."),
    option_in(SECTION, "--title", metavar="TEXT|GLOB", help="With this text in the title, or '*follow up*' as a pattern."),
    option_in(SECTION, "--workspace", metavar="ID", help="Of this workspace."),
    zone_option,
    date_format_option,
)  # fmt: skip

NAMES: Final = (
    *("statuses", "types", "due", "due_before", "due_after", "priority", "flow", "account", "title"),
    *("workspace", "zone", "date_format"),
)
_DATES: Final = ("due", "due_before", "due_after")


def filter_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command these options, and pass it ``query`` as a keyword: a :class:`TaskQuery`."""

    @functools.wraps(function)
    def with_query(*args: Any, **keywords: Any) -> T:
        given = {name: keywords.pop(name) for name in NAMES}
        return function(*args, query=query_of(given), **keywords)

    return add_filter_options(with_query)


def add_filter_options(function: Callable[..., T]) -> Callable[..., T]:
    """Add the options alone; their values go to :func:`query_of`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def query_of(given: dict[str, Any]) -> TaskQuery:
    """The query of these options' values.

    Raises:
        click.BadParameter: a date cannot be read.
    """
    zone: tzinfo | None = given["zone"]
    settings = {name: value for name, value in given.items() if name not in ("zone", *_DATES)}
    for name in _DATES:
        settings[name] = date_option(name, given[name], given["date_format"])
    query = TaskQuery(**settings, clock=Clock.now_in(zone))
    query.condition()  # refuses early what cannot be resolved
    return query


def date_option(name: str, text: str | None, date_format: str | None) -> When | None:
    """Read a date once its format is known, whatever the order on the command line.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        return None if text is None else read_date(text, date_format)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"--{name.replace('_', '-')}") from None


def moment_option(name: str, text: str | None, clock: Clock, date_format: str | None) -> datetime | None:
    """The moment of a new due date; a day is its noon.

    Raises:
        click.BadParameter: it is no date, or beyond the calendar.
    """
    when = date_option(name, text, date_format)
    try:
        return None if when is None else clock.due(when)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"--{name.replace('_', '-')}") from None
