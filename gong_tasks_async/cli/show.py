"""`gong-tasks show`: one task, with every fact that Gong has."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.shared_options import TASK, all_users_option, users_option
from gong_tasks_async.cli.input.users import active_users, named_users
from gong_tasks_async.cli.output.console import stderr_console
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.output.task_facts import task_facts
from gong_tasks_async.cli.output.task_rows import TASKS, OwnedTask
from gong_tasks_async.cli.owners import with_names
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import BadRequestError
from gong_tasks_async.models import TaskFilter, TaskStatus, User

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks show 5678901234567890123 --user ana@example.com
gong-tasks show 5678901234567890123 --all-users --output json
"""


@click.command("show", cls=Command, examples=EXAMPLES)
@click.argument("task_id", metavar="TASK", type=TASK)
@users_option
@all_users_option
@output_option
@client_options
def command(
    *,
    task_id: int,
    users: tuple[str, ...],
    all_users: bool,
    output: Output,
    configuration: Configuration,
) -> None:
    """Show one task.

    Of any status. Gong has no call for one task, so its owner's tasks are listed.
    """
    if bool(users) == all_users:
        raise click.UsageError("name the task's owner: --user ID|EMAIL|NAME, or search with --all-users")
    found = run(_find(configuration, task_id, users, named=output.is_table))
    if found is None:
        raise click.ClickException(f"Not found: task {task_id} was deleted, or is another user's")
    if output.is_table:
        draw_facts(task_facts(found))
        return
    with Listing(TASKS, output) as listing:
        listing.add([found])


async def _find(
    configuration: Configuration, task_id: int, users: tuple[str, ...], *, named: bool
) -> OwnedTask | None:
    async with open_client(configuration) as client:
        owners = await named_users(client, users) if users else await active_users(client)
        found = await find_task(client, task_id, owners)
        if found is None or not named or found.owner is not None:
            return found
        return OwnedTask(
            found.task, (await with_names(client, {found.task.user_id: None})).get(found.task.user_id)
        )


async def find_task(
    client: GongTasksClient, task_id: int, owners: Mapping[str, User | None]
) -> OwnedTask | None:
    """Find a task among those of its possible owners; None where none of them has it.

    Raises:
        GongError: one user's tasks cannot be listed.
    """
    try:
        return await _find_of(client, task_id, owners, tuple(TaskStatus))
    except (
        BadRequestError
    ):  # Gong's reference is of two minds on whether tasks that are not open can be listed
        return await _find_of(client, task_id, owners, (TaskStatus.OPEN,))


async def _find_of(
    client: GongTasksClient, task_id: int, owners: Mapping[str, User | None], statuses: tuple[TaskStatus, ...]
) -> OwnedTask | None:
    from gong_tasks_async.cli.output.progress import bar_for  # noqa: PLC0415 - rich, which help need not load

    filters = [TaskFilter(user_id, statuses=statuses) for user_id in owners]
    with bar_for(stderr_console(), "Users", len(filters), hidden=len(filters) == 1) as (progress, bar):
        async with aclosing(client.list_many(filters)) as listings:
            async for listed in listings:
                progress.advance(bar)
                for task in listed.unwrap():
                    if task.id == task_id:
                        return OwnedTask(task, owners.get(listed.filter.user_id))
    return None
