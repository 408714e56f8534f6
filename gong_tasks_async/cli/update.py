"""`gong-tasks update`: one change to one task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click
from attrs import evolve, frozen

from gong_tasks_async.bulk.render.format import one_line
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.dates import due_option
from gong_tasks_async.cli.input.users import user_ids
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing, OutputFormat, output_option
from gong_tasks_async.cli.output.tables import draw_table
from gong_tasks_async.cli.output.task_rows import TASKS, person, reason
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import BadRequestError, TaskNotFoundError
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskUpdate
from gong_tasks_async.models.checks import is_address

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration
    from gong_tasks_async.client import GongTasksClient

EXAMPLES = """
gong-tasks update 5678901234567890123 --user ana@example.com --status DONE
gong-tasks update 5678901234567890123 --user 234599484848423 --due +7d
gong-tasks update 5678901234567890123 --user 234599484848423 --due 2026-03-02T17:00:00+01:00
"""


NOT_YET_KNOWN = "0"
"""The owner's id until the address was looked up."""


@click.command("update", cls=Command, examples=EXAMPLES)
@click.argument("task_id", metavar="TASK", type=int)
@click.option("-u", "--user", metavar="ID|EMAIL", required=True, help="The task's owner.")
@click.option(
    "--status",
    type=click.Choice(list(TaskStatus), case_sensitive=False),
    metavar="|".join(TaskStatus),
    help="New status.",
)
@click.option(
    "--due",
    type=due_option,
    metavar="DATE",
    help="New due date: a date (its noon, local time), a date-time, or +7d for a week from today.",
)
@click.option("--priority", metavar="WORD", help="Such as MEDIUM; Gong publishes no list of them.")
@output_option
@client_options
def command(
    *,
    task_id: int,
    user: str,
    status: TaskStatus | None,
    due: datetime | None,
    priority: str | None,
    output: OutputFormat,
    configuration: Configuration,
) -> None:
    """Change one task: status, due date, priority.

    On a terminal it shows what changed, which takes a call to read the task first; in a pipe it prints the task
    after the update.
    """
    if status is None and due is None and priority is None:
        raise click.UsageError("say what to change: --status DONE, --due 2026-03-02, --priority MEDIUM")
    # An address is looked up later; every mistake is reported before any call.
    user_id = NOT_YET_KNOWN if is_address(user) else user
    update = TaskUpdate(task_id, user_id, status=status, due_date=due, priority=priority)
    run(_update(configuration, user, update, output))


async def _update(configuration: Configuration, user: str, wanted: TaskUpdate, output: OutputFormat) -> None:
    async with open_client(configuration) as client:
        (user_id,) = await user_ids(client, [user])
        update = evolve(wanted, user_id=user_id)
        if output is not OutputFormat.TABLE:
            changed = await client.update_task(update)
            Listing(TASKS, output).add([changed])
            return
        before = await _as_it_is(client, update)
        _show(before, await client.update_task(update))


async def _as_it_is(client: GongTasksClient, update: TaskUpdate) -> Task | None:
    """The task before the change; None where it is not to be seen, which is no reason not to try."""
    owned = TaskFilter(update.user_id, statuses=tuple(TaskStatus))
    # Gong's reference is of two minds on whether tasks that are not open can be listed.
    with suppress(BadRequestError, TaskNotFoundError):
        async for task in client.iter_tasks(owned):
            if task.id == update.task_id:
                return task
    return None


@frozen
class _Part:
    """One part of a task, before and after."""

    name: str
    before: str
    after: str


def parts(before: Task | None, after: Task) -> Iterator[_Part]:
    """All that can change; where the task was not to be seen before, that is left open."""
    for name, spell in _SPELLED.items():
        yield _Part(name, "?" if before is None else spell(before), spell(after))


_SPELLED: Final[dict[str, Callable[[Task], str]]] = {
    "Status": lambda task: task.status or "",
    "Due": lambda task: local_time(task.due_date),
    "Priority": lambda task: (task.priority and task.priority.name) or "",
}

_PARTS: Final = Layout[_Part](
    what="changes",
    to_json=lambda part: {part.name: part.after},
    csv=(),
    table=(
        Column("", lambda part: part.name),
        Column("Now", lambda part: part.after),
        Column("Before", lambda part: part.before),
    ),
)


def _show(before: Task | None, after: Task) -> None:
    """Show what changed, as a table."""
    changed = [part for part in parts(before, after) if part.before != part.after]
    if changed:
        note(f"Task {after.id}{_named(after)}:")
        draw_table(_PARTS, changed)
    else:
        note(f"Task {after.id}{_named(after)} is unchanged.")


def _named(task: Task) -> str:
    words = " ".join(filter(None, (reason(task), person(task))))
    return f" ({one_line(words)})" if words else ""
