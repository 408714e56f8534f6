"""Options that several commands take: each means one thing, and is declared here alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

from gong_tasks_async.bulk.dates import checked_date_format, read_zone
from gong_tasks_async.cli.command import SectionOption
from gong_tasks_async.cli.input.cells import read_priority, read_status, read_task_id
from gong_tasks_async.cli.input.dates import DATE, option_value
from gong_tasks_async.models import TaskStatus

Option = Callable[[Any], Any]

SELECTION, CHANGE, DATES = "A selection of tasks", "The change", "Dates"
"""Sections of the help."""

STATUS = option_value(read_status)
TASK = option_value(read_task_id)
STATUSES: Final = "|".join(TaskStatus)


def option_in(section: str, *names: str, **settings: Any) -> Option:
    """An option that stands in a section of the help."""
    return click.option(*names, cls=SectionOption, section=section, **settings)


def refused(flag: str, advice: str) -> Option:
    """A flag that means something elsewhere: refused with what to type in its place, where ``{value}`` is its value."""

    def refuse(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            raise click.UsageError(f"{flag} {advice.format(value=value)}")

    name = flag.removeprefix("--").replace("-", "_")
    return click.option(flag, f"{name}_refused", hidden=True, expose_value=False, callback=refuse)


def refuse_filters(function: Any) -> Any:
    """Refuse what filters tasks, in a command that takes the ids of tasks."""
    for flag in ("--status", "--due", "--priority"):
        advice = f"filters tasks in list and bulk; to set it, use --set-{flag.removeprefix('--')} {{value}}"
        function = refused(flag, advice)(function)
    return function


def refuse_changes(function: Any) -> Any:
    """Refuse what changes tasks, in a command that shows them."""
    for flag in ("--set-status", "--set-due", "--set-priority", "--move-due"):
        advice = f"changes tasks; to see those of that value, use --{flag.removeprefix('--set-')} {{value}}"
        if flag == "--move-due":
            advice = "changes tasks, and this only shows them; gong-tasks bulk run changes them"
        function = refused(flag, advice)(function)
    return function


users_option = option_in(
    SELECTION,
    "-u",
    "--user",
    "users",
    metavar="ID|EMAIL|NAME",
    multiple=True,
    help="Owner of tasks; repeatable.",
)
all_users_option = option_in(
    SELECTION, "--all-users", is_flag=True, help="The tasks of all active users: a call for each."
)
set_status_option = option_in(
    CHANGE, "--set-status", "status", type=STATUS, metavar=STATUSES, help="New status."
)
set_due_option = option_in(
    CHANGE,
    "--set-due",
    metavar=DATE,
    help="New due date: a date (its noon), a date-time, 'next monday', or +7d for a week from today.",
)
set_priority_option = option_in(
    CHANGE, "--set-priority", type=option_value(read_priority), metavar="WORD", help="New priority."
)
zone_option = option_in(
    DATES,
    "--zone",
    type=option_value(read_zone),
    metavar="NAME",
    help="Time zone of dates without one, such as Europe/Berlin; by default, this machine's.",
)
date_format_option = option_in(
    DATES,
    "--date-format",
    type=option_value(checked_date_format),
    metavar="FORMAT",
    help="A further format of dates, such as %d.%m.%Y for 01.12.2026.",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Preview, change nothing.")
credentials_option = click.option(
    "--credentials",
    metavar="NAME",
    default="default",
    show_default=True,
    help="Credentials' name on the workers: default, or a profile's name.",
)
