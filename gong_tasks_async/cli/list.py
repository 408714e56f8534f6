"""`gong-tasks list`: the tasks of some users, or of everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

import click

from gong_tasks_async.bulk.selection import due_before as is_due_before
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.input.dates import limit_option
from gong_tasks_async.cli.input.users import active_user_ids, user_ids
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note, stderr_console
from gong_tasks_async.cli.output.listing import Listing, OutputFormat, output_option
from gong_tasks_async.cli.output.progress import bar_for, show_quota
from gong_tasks_async.cli.output.task_rows import TASKS
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import GongError, TransportError
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskType, UserTasks

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration

EXAMPLES = """
gong-tasks list --user 234599484848423
gong-tasks list --user ana@example.com --due-before 2026-03-01
gong-tasks list --all-users --output csv > open.csv
gong-tasks list --user 234599484848423 | jq -r .contact.data.lastName
"""

STOP_AFTER = 5
"""Users in a row without an answer, as in a bulk run."""


@click.command("list", cls=Command, examples=EXAMPLES)
@click.option("-u", "--user", "users", metavar="ID|EMAIL", multiple=True, help="Whose tasks; repeatable.")
@click.option("--all-users", is_flag=True, help="The tasks of everybody who is active: a call for each.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(list(TaskStatus), case_sensitive=False),
    metavar="|".join(TaskStatus),
    multiple=True,
    default=[TaskStatus.OPEN],
    show_default=True,
    help="Repeatable.",
)
@click.option(
    "--type",
    "types",
    type=click.Choice(list(TaskType), case_sensitive=False),
    metavar="|".join(TaskType),
    multiple=True,
    default=list(TaskType),
    help="Made by a flow, or one-off; by default both.",
)
@click.option(
    "--due-before",
    type=limit_option,
    metavar="DATE",
    help="A day or moment, or a shift from now such as +7d.",
)
@click.option("--workspace", metavar="ID", help="Only tasks of this workspace.")
@output_option
@client_options
def command(
    *,
    users: tuple[str, ...],
    all_users: bool,
    statuses: tuple[TaskStatus, ...],
    types: tuple[TaskType, ...],
    due_before: datetime | None,
    workspace: str | None,
    output: OutputFormat,
    configuration: Configuration,
) -> None:
    """List the tasks of some users, or of all.

    One call for each user, at the pace that Gong allows. An error of one user does not stop the others.
    """
    if bool(users) == all_users:
        raise click.UsageError("say whose tasks: --user ID|EMAIL, as often as you like, or --all-users")

    def wanted(user_id: str) -> TaskFilter:
        return TaskFilter(user_id, workspace, types=types, statuses=statuses)

    keep = is_due_before(due_before) if due_before else _every
    with Listing(TASKS, output) as listing:
        found = _Found(listing, keep)
        run(_list(configuration, users, wanted, found))
    click.get_current_context().exit(found.exit_code)


def _every(_task: Task) -> bool:
    return True


async def _list(
    configuration: Configuration,
    users: Sequence[str],
    wanted: Callable[[str], TaskFilter],
    found: _Found,
) -> None:
    async with open_client(configuration) as client:
        ids = await user_ids(client, users) if users else await active_user_ids(client)
        hidden = found.listing.shares_screen
        with bar_for(stderr_console(), "Users", len(ids), hidden=hidden) as (progress, bar):
            async with aclosing(client.list_many(map(wanted, ids))) as answers:
                async for listed in answers:
                    found.take(listed)
                    progress.advance(bar)
                    await show_quota(progress, bar, client.quota)


class _Found:
    """What has been found, user by user, and what could not be."""

    def __init__(self, listing: Listing[Task], keep: Callable[[Task], bool]) -> None:
        self.listing = listing
        self._keep = keep
        self._listed = 0
        self._errors: list[GongError] = []
        self._unanswered = 0
        """Users in a row whose calls had no answer."""

    def take(self, listed: UserTasks) -> None:
        """Write one user's tasks.

        Raises:
            GongError: it would meet all the others too.
        """
        error = listed.error
        self._unanswered = self._unanswered + 1 if isinstance(error, TransportError) else 0
        if error is None:
            self._listed += 1
            self.listing.add(filter(self._keep, listed.tasks))
            return
        if error.meaning.concerns_all or self._unanswered >= STOP_AFTER:
            raise error
        self._errors.append(error)
        note(f"User {listed.filter.user_id}: {line_for_operator(error)}")

    @property
    def exit_code(self) -> ExitCode:
        """The exit code; where no user's tasks could be listed, that of the first error."""
        if not self._errors:
            return ExitCode.DONE
        return ExitCode.ROWS_FAILED if self._listed else exit_code_of(self._errors[0])
