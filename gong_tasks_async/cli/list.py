"""`gong-tasks list`: the tasks of some users, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.input.filters import TaskQuery, filter_options
from gong_tasks_async.cli.input.row_selection import RowSelection, selection_options
from gong_tasks_async.cli.input.shared_options import all_users_option, refuse_changes, users_option
from gong_tasks_async.cli.input.users import active_users, named_users
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import emit, note, stderr_console
from gong_tasks_async.cli.output.formats import Output, OutputFormat, output_option
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.task_rows import TASKS, OwnedTask, user_name
from gong_tasks_async.cli.owners import with_names
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import GongError, TransportError
from gong_tasks_async.models import Task, User, UserTasks

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks list --user 234599484848423
gong-tasks list --user ana@example.com --due-before 2026-03-01 --sort due
gong-tasks list --user 'Ana Example' --fields taskId,title,account --limit 10
gong-tasks list --all-users --output csv > open.csv
gong-tasks list --user 234599484848423 | jq -r .contact.data.lastName
"""

STOP_AFTER = 5
"""Users in a row without a response, as in a bulk run."""


@click.command("list", cls=Command, examples=EXAMPLES)
@users_option
@all_users_option
@filter_options
@refuse_changes
@selection_options(TASKS)
@output_option
@client_options
def command(
    *,
    users: tuple[str, ...],
    all_users: bool,
    query: TaskQuery,
    selection: RowSelection,
    output: Output,
    configuration: Configuration,
) -> None:
    """List the tasks of some users, or of all.

    One call for each user, at the pace that Gong allows. An error of one user does not stop the others.
    """
    if bool(users) == all_users:
        raise click.UsageError("name the owners: --user ID|EMAIL|NAME, as often as you like, or --all-users")
    with Listing(
        selection.layout(TASKS), Output(OutputFormat.TABLE) if selection.count else output
    ) as listing:
        found = _Found(listing, query, selection)
        run(_list(configuration, users, found, named=output.is_table and not selection.count))
        found.finish()
    click.get_current_context().exit(found.exit_code)


async def _list(configuration: Configuration, users: Sequence[str], found: _Found, *, named: bool) -> None:
    async with open_client(configuration) as client:
        owners = await named_users(client, users) if users else await active_users(client)
        found.owners = await with_names(client, owners) if named else owners
        await _list_all(client, found)


async def _list_all(client: GongTasksClient, found: _Found) -> None:
    from gong_tasks_async.cli.output.progress import ProgressNotes, bar_for, show_quota  # noqa: PLC0415 - rich

    filters = found.query.filters(list(found.owners))
    hidden = found.listing.shares_screen and not found.selection.waits_for_all
    notes = ProgressNotes("users listed", len(filters)) if hidden else None
    with bar_for(stderr_console(), "Users", len(filters), hidden=hidden) as (progress, bar):
        async with aclosing(client.list_many(filters)) as listings:
            async for listed in listings:
                found.take(listed)
                progress.advance(bar)
                if notes:
                    notes.advance()
                await show_quota(progress, bar, client.quota)
                if found.is_enough:
                    break


class _Found:
    """What has been found, user by user, and what could not be."""

    def __init__(self, listing: Listing[OwnedTask], query: TaskQuery, selection: RowSelection) -> None:
        self.listing = listing
        self.query = query
        self.selection = selection
        self.owners: Mapping[str, User | None] = {}
        self._is_meant = query.condition()
        self._kept: list[OwnedTask] = []
        self._of_any_flow: list[Task] = []
        """What a note about an unknown flow needs."""
        self._written = 0
        self._listed = 0
        self._errors: list[GongError] = []
        self._without_response = 0
        """Users in a row whose calls had no response."""

    def take(self, listed: UserTasks) -> None:
        """Write one user's tasks, or keep them where all have to be known first.

        Raises:
            GongError: it would meet all the others too.
        """
        error = listed.error
        self._without_response = self._without_response + 1 if isinstance(error, TransportError) else 0
        if error is None:
            self._listed += 1
            self._add(listed)
            return
        if error.meaning.concerns_all or self._without_response >= STOP_AFTER:
            raise error
        self._errors.append(error)
        user_id = listed.filter.user_id
        name = user_name(self.owners.get(user_id))
        note(f"User {f'{name} ({user_id})' if name else user_id}: {line_for_operator(error)}")

    def _add(self, listed: UserTasks) -> None:
        if self.query.flow is not None:
            self._of_any_flow.extend(listed.tasks)
        owner = self.owners.get(listed.filter.user_id)
        meant = [OwnedTask(task, owner) for task in listed.tasks if self._is_meant(task)]
        if self.selection.waits_for_all:
            self._kept.extend(meant)
            return
        if self.selection.limit is not None:
            meant = meant[: self.selection.limit - self._written]
        self._written += len(meant)
        self.listing.add(meant)

    @property
    def is_enough(self) -> bool:
        """Whether no further row would be written, so that no further call is needed."""
        limit = self.selection.limit
        return limit is not None and not self.selection.waits_for_all and self._written >= limit

    def finish(self) -> None:
        """Write what waited for the last row, and what helps where nothing was found."""
        if hint := self.query.hint(self._of_any_flow):
            note(hint)
        rows = self.selection.rows(TASKS, self._kept)
        if self.selection.count:
            emit(str(len(rows)))
            self.listing.discard()
        elif self.selection.waits_for_all:
            self.listing.add(rows)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code; where no user's tasks could be listed, that of the first error."""
        if not self._errors:
            return ExitCode.DONE
        return ExitCode.ROWS_FAILED if self._listed else exit_code_of(self._errors[0])
