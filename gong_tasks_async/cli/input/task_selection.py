"""The tasks of a selection, listed from Gong, and their updates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

from attrs import frozen

from gong_tasks_async.bulk.selection import (
    Change,
    all_of,
    due_on,
    has_due_date,
    move_due_by,
    select,
)
from gong_tasks_async.cli.input.source import Source, change_of_rows
from gong_tasks_async.cli.input.users import active_users, named_users
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.errors import TaskNotFoundError
from gong_tasks_async.models import Task, TaskUpdate, User, UserTasks


@frozen
class Selected:
    """The result of a selection: the updates, and the tasks as they are now."""

    updates: tuple[TaskUpdate, ...]
    tasks: tuple[Task, ...]
    users: Mapping[str, User | None]
    """The users whose tasks were listed, by id; None for one that was not looked up."""
    unlisted: int = 0
    """Users whose tasks could not be listed."""


async def select_tasks(
    client: GongTasksClient, source: Source, on_listed: Callable[[int, int], None]
) -> Selected:
    """List the selected tasks, one call for each user, and make their updates.

    Args:
        client: of the company.
        source: the selection.
        on_listed: called with the number of users listed, and of all.

    Raises:
        click.UsageError: an e-mail address is unknown, or a condition makes no sense.
        GongError: no user's tasks can be listed, or it concerns every call.
    """
    where, change = source.query.condition(), change_of(source)
    users = await active_users(client) if source.all_users else await named_users(client, source.users)
    listings = [found async for found in _listed(client, source, list(users), on_listed)]
    tasks = _tasks_of(listings)
    failed = {found.filter.user_id for found in listings if found.error is not None}
    if hint := source.query.hint(tasks):
        note(hint)
    selected = list(filter(where, tasks))
    return Selected(
        tuple(select(movable(source, selected), all_of(), change)),
        tuple(selected),
        {user_id: user for user_id, user in users.items() if user_id not in failed},
        len(failed),
    )


async def _listed(
    client: GongTasksClient, source: Source, users: Sequence[str], on_listed: Callable[[int, int], None]
) -> AsyncIterator[UserTasks]:
    """The listings, as they come; it is unknown whether Gong answers 404 for a user without tasks."""
    done = 0
    async with aclosing(client.list_many(source.query.filters(users))) as listings:
        async for found in listings:
            done += 1
            on_listed(done, len(users))
            if source.all_users and isinstance(found.error, TaskNotFoundError):
                yield UserTasks(found.filter)
                continue
            if found.error is not None and found.error.meaning.concerns_all:
                raise found.error
            yield found


def _tasks_of(listings: Sequence[UserTasks]) -> list[Task]:
    """The tasks of all that could be listed, with a note of each that could not.

    Raises:
        GongError: None could.
    """
    errors = [found for found in listings if found.error is not None]
    if errors and len(errors) == len(listings):
        listings[0].unwrap()
    for found in errors:
        if found.error is not None:
            note(f"User {found.filter.user_id}, left out: {line_for_operator(found.error)}")
    return [task for found in listings if found.error is None for task in found.tasks]


def movable(source: Source, tasks: Sequence[Task]) -> list[Task]:
    """Leave out tasks without a due date if that is to be moved, with a note."""
    if source.move_due is None:
        return list(tasks)
    dated = list(filter(has_due_date, tasks))
    if left_out := len(tasks) - len(dated):
        note(f"Left out: {left_out:,} tasks without a due date.")
    return dated


def change_of(source: Source) -> Change:
    """The update of each task."""
    due = _due_change(source)

    def change(task: Task) -> TaskUpdate:
        due_date = due(task) if due else None
        return task.update(status=source.status, due_date=due_date, priority=source.set_priority)

    return change


def _due_change(source: Source) -> Callable[[Task], datetime | None] | None:
    zone = source.clock.zone
    if source.move_due is not None:
        moved = move_due_by(days=source.move_due.days, hours=source.move_due.hours, zone=zone)
        return lambda task: moved(task).due_date
    fixed = change_of_rows(source).due_date
    if fixed is None:
        return None
    if not source.keep_time:
        return lambda _: fixed
    on_that_day = due_on(fixed.date(), zone=zone)
    # A task without a due date has no time of day to keep.
    return lambda task: on_that_day(task).due_date if has_due_date(task) else fixed
