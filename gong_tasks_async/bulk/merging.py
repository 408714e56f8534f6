"""Rows of one task: the same update twice is one, two different ones are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from itertools import islice

from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.models.requests import check_update

NAMED_CONFLICTS = 20
"""How many conflicts the message of an error names; its ``conflicts`` holds them all."""


class PlanConflictError(ValueError):
    """Some tasks have two different updates, and whichever came last would win.

    ``conflicts`` has all these tasks by their ids, each with its first two updates.
    """

    def __init__(self, conflicts: Mapping[int, tuple[TaskUpdate, TaskUpdate]]) -> None:
        super().__init__(conflicts)
        self.conflicts = conflicts

    def __str__(self) -> str:
        named = [
            f"task {task_id}: {_spelled(first)}, or {_spelled(second)}"
            for task_id, (first, second) in islice(self.conflicts.items(), NAMED_CONFLICTS)
        ]
        if rest := len(self.conflicts) - len(named):
            named.append(f"and {rest:,} more")
        tasks = counted(len(self.conflicts), "task")
        return f"{tasks} with two different updates, of which only one can stay: " + "; ".join(named)


def merged(updates: Iterable[TaskUpdate]) -> tuple[int, dict[int, TaskUpdate]]:
    """The number of rows, and the first row of each task.

    Raises:
        PlanConflictError: some tasks have two different updates.
        InvalidValueError: something else than an update is among them.
    """
    rows = 0
    first_rows: dict[int, TaskUpdate] = {}
    conflicts: dict[int, tuple[TaskUpdate, TaskUpdate]] = {}
    for update in updates:
        if type(update) is not TaskUpdate:
            check_update(update)
        rows += 1
        first = first_rows.setdefault(update.task_id, update)
        if first is not update and _meaning(first) != _meaning(update):
            conflicts.setdefault(update.task_id, (first, update))
    if conflicts:
        raise PlanConflictError(conflicts)
    return rows, first_rows


def _meaning(update: TaskUpdate) -> tuple[object, ...]:
    """Equal for updates of one task that ask the same of Gong."""
    return (
        update.user_id,
        update.status,
        # In UTC, since Python compares moments of one zone by the clock on the wall, which shows some hours twice.
        update.due_date and update.due_date.astimezone(UTC),
        update.priority and update.priority.casefold(),
    )


def _spelled(update: TaskUpdate) -> str:
    return ", ".join(_values(update)) + f" for user {update.user_id}"


def _values(update: TaskUpdate) -> Iterator[str]:
    if update.status is not None:
        yield f"status {update.status}"
    if update.due_date is not None:
        yield f"due {update.due_date.isoformat()}"
    if update.priority is not None:
        yield f"priority {update.priority}"
