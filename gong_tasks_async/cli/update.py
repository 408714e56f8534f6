"""`gong-tasks update`: one change to some tasks of one user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

import click
from attrs import evolve, frozen

from gong_tasks_async.bulk.dates import Clock
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.input.filters import moment_option
from gong_tasks_async.cli.input.shared_options import (
    TASK,
    date_format_option,
    dry_run_option,
    refuse_filters,
    set_due_option,
    set_priority_option,
    set_status_option,
    zone_option,
)
from gong_tasks_async.cli.input.users import named_users
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output, OutputFormat, output_option
from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_table
from gong_tasks_async.cli.output.task_rows import TASKS, OwnedTask, person, reason, user_name
from gong_tasks_async.cli.output.visible import visible_line
from gong_tasks_async.cli.owners import with_names
from gong_tasks_async.cli.session import client_options, open_client, run
from gong_tasks_async.errors import BadRequestError, GongError, TaskNotFoundError
from gong_tasks_async.models import Priority, Task, TaskFilter, TaskStatus, TaskUpdate, User

if TYPE_CHECKING:
    from gong_tasks_async.client import GongTasksClient
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks update 5678901234567890123 --user ana@example.com --set-status DONE
gong-tasks update 5678901234567890123 5678901234567890124 --user 'Ana Example' --set-due +7d --dry-run
gong-tasks update 5678901234567890123 --user 234599484848423 --set-due 2026-03-02T17:00:00+01:00
"""


@click.command("update", cls=Command, examples=EXAMPLES)
@click.argument("task_ids", metavar="TASK...", type=TASK, nargs=-1, required=True)
@click.option("-u", "--user", metavar="ID|EMAIL|NAME", required=True, help="The tasks' owner.")
@set_status_option
@set_due_option
@set_priority_option
@zone_option
@date_format_option
@refuse_filters
@dry_run_option
@output_option
@client_options
def command(
    *,
    task_ids: tuple[int, ...],
    user: str,
    status: TaskStatus | None,
    set_due: str | None,
    set_priority: str | None,
    zone: tzinfo | None,
    date_format: str | None,
    dry_run: bool,
    output: Output,
    configuration: Configuration,
) -> None:
    """Change tasks: status, due date, priority.

    All of one user. On a terminal it shows what changed, which takes a call to read the tasks first; in a pipe it prints the tasks
    after the update. Ends with 1 if some of them could not be changed.
    """
    if status is None and set_due is None and set_priority is None:
        raise click.UsageError(
            "name the change: --set-status DONE, --set-due 2026-03-02, --set-priority HIGH"
        )
    due = moment_option("set_due", set_due, Clock.now_in(zone), date_format)
    # The user may still be an address; every other mistake is reported before any call.
    updates = [
        TaskUpdate(task_id, "1", status=status, due_date=due, priority=set_priority)
        for task_id in dict.fromkeys(task_ids)
    ]
    is_table = output.is_table
    with Listing(TASKS, Output(OutputFormat.JSONL) if is_table else output) as listing:
        changes = _Changes(updates, None if is_table else listing, dry_run=dry_run)
        run(_update(configuration, user, changes))
    click.get_current_context().exit(changes.exit_code)


async def _update(configuration: Configuration, user: str, changes: _Changes) -> None:
    async with open_client(configuration) as client:
        owners = await named_users(client, [user])
        (user_id,) = owners
        if changes.looks_first:
            owners = await with_names(client, owners)
            changes.before = await tasks_of(client, user_id)
        changes.owner = owners[user_id]
        for update in changes.updates:
            await changes.make(client, evolve(update, user_id=user_id))


async def tasks_of(client: GongTasksClient, user_id: str) -> Mapping[int, Task]:
    """A user's tasks before the change, by id; none where they cannot be listed, which is no reason not to try."""
    for statuses in (tuple(TaskStatus), (TaskStatus.OPEN,)):
        # Gong's reference is of two minds on whether tasks that are not open can be listed.
        try:
            return {task.id: task for task in await client.list_tasks(TaskFilter(user_id, statuses=statuses))}
        except TaskNotFoundError:
            break
        except BadRequestError:
            continue
    return {}


class _Changes:
    """The changes that were asked for, and what came of each."""

    def __init__(
        self, updates: Sequence[TaskUpdate], listing: Listing[OwnedTask] | None, *, dry_run: bool
    ) -> None:
        self.updates = updates
        self.before: Mapping[int, Task] = {}
        self.owner: User | None = None
        self._listing = listing
        """Where tasks are written for programs; None where a person reads."""
        self._dry_run = dry_run
        self._errors: list[GongError] = []

    @property
    def looks_first(self) -> bool:
        """Whether the tasks are read before the change: to be shown beside it, or in its place."""
        return self._dry_run or self._listing is None

    async def make(self, client: GongTasksClient, update: TaskUpdate) -> None:
        """Make one change and show it, or show what it would be.

        Raises:
            GongError: it would meet the further changes too, or there is only one.
        """
        before = self.before.get(update.task_id)
        if self._dry_run:
            self._preview(update, before)
            return
        try:
            after = await client.update_task(update)
        except GongError as error:
            if error.meaning.concerns_all or len(self.updates) == 1:
                raise
            self._errors.append(error)
            note(f"Task {update.task_id}: {line_for_operator(error)}")
        else:
            self._show(before, after)

    def _preview(self, update: TaskUpdate, before: Task | None) -> None:
        if before is None:
            note(
                f"Task {update.task_id} is not among the tasks of {user_name(self.owner) or update.user_id}."
            )
            return
        self._show(before, changed(before, update))

    def _show(self, before: Task | None, after: Task) -> None:
        if self._listing is None:
            show_change(before, after, user_name(self.owner), would=self._dry_run)
        else:
            self._listing.add([OwnedTask(after, self.owner)])

    @property
    def exit_code(self) -> ExitCode:
        """0 if all changes were made; 1 if some were; else that of the first error."""
        if not self._errors:
            return ExitCode.DONE
        all_failed = len(self._errors) == len(self.updates)
        return exit_code_of(self._errors[0]) if all_failed else ExitCode.ROWS_FAILED


def changed(task: Task, update: TaskUpdate) -> Task:
    """The task as it would be after an update."""
    status = update.status if update.status is not None else task.status
    due = update.due_date if update.due_date is not None else task.due_date
    priority = Priority(name=update.priority) if update.priority is not None else task.priority
    return evolve(task, status=status, due_date=due, priority=priority)


@frozen
class _Part:
    """One part of a task, before and after."""

    name: str
    before: str
    after: str


def parts(before: Task | None, after: Task) -> Iterator[_Part]:
    """All that can change; ``?`` where the task could not be read before."""
    for name, spell in _SPELLED.items():
        yield _Part(name, "?" if before is None else spell(before), spell(after))


_SPELLED: Final[dict[str, Callable[[Task], str]]] = {
    "Status": lambda task: task.status or "",
    "Due": lambda task: local_time(task.due_date),
    "Priority": lambda task: (task.priority and task.priority.name) or "",
}


def show_change(before: Task | None, after: Task, owner: str, *, would: bool) -> None:
    """Show what changed, or would change, as a table."""
    now = "Then" if would else "Now"
    different = [part for part in parts(before, after) if part.before != part.after]
    if different:
        note(f"Task {after.id}{_named(after, owner)}:")
        draw_table(_layout(now), different)
    else:
        note(f"Task {after.id}{_named(after, owner)} is unchanged.")


def _layout(now: str) -> Layout[_Part]:
    columns = (
        Column[_Part]("", lambda part: part.name),
        Column[_Part](now, lambda part: part.after),
        Column[_Part]("Before", lambda part: part.before),
    )
    return Layout(what="changes", to_json=lambda part: {part.name: part.after}, csv=(), table=columns)


def _named(task: Task, owner: str) -> str:
    words = visible_line(" ".join(filter(None, (reason(task), person(task)))))
    return (
        f" ({', '.join(filter(None, (words, owner and f'owner {visible_line(owner)}')))})"
        if words or owner
        else ""
    )
