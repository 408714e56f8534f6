"""Select tasks by composable conditions, and change them: small functions over ``Task``.

A condition selects a task; a change makes its update. Both are plain functions, so your own compose with them::

    late = all_of(in_flow("Renewals"), overdue(now), not_(titled("*[[]urgent]*")))
    plan = plan_updates(select(await gong.list_tasks(user_id), late, move_due_by(days=7)))

Names are compared without regard to case, CRM ids exactly. A task that lacks what a condition asks about does
not meet it. Nothing here calls Gong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gong_tasks_async.bulk.calendar import next_working_day
from gong_tasks_async.bulk.changes import (
    Change,
    dismiss,
    due_on,
    mark_done,
    move_due_by,
    move_due_to_next_working_day,
    reopen,
)
from gong_tasks_async.bulk.conditions import (
    Condition,
    all_of,
    any_of,
    due_after,
    due_before,
    has_due_date,
    having_status,
    in_flow,
    not_,
    of_account,
    of_type,
    overdue,
    titled,
    with_contact,
    with_priority,
)
from gong_tasks_async.models import Task, TaskUpdate

__all__ = [
    "Change",
    "Condition",
    "all_of",
    "any_of",
    "dismiss",
    "due_after",
    "due_before",
    "due_on",
    "has_due_date",
    "having_status",
    "in_flow",
    "mark_done",
    "move_due_by",
    "move_due_to_next_working_day",
    "next_working_day",
    "not_",
    "of_account",
    "of_type",
    "overdue",
    "reopen",
    "select",
    "titled",
    "with_contact",
    "with_priority",
]


def select(tasks: Iterable[Task], where: Condition, change: Change) -> Iterator[TaskUpdate]:
    """The changes of those tasks that meet a condition, made one by one as they are asked for.

    ::

        updates = select(tasks, all_of(of_account("Acme"), due_before(friday)), mark_done)

    >>> tasks = [Task(id=7, user_id="12", title="Call"), Task(id=8, user_id="12", title="Follow up")]
    >>> [update.task_id for update in select(tasks, titled("*follow*"), dismiss)]
    [8]

    Args:
        tasks: the tasks to choose from.
        where: the condition.
        change: what to change of those that meet it.

    Raises:
        ValueError: a task cannot be changed this way, such as one without a due date that is to be moved, or
            without an owner. Plan all updates before the first is sent, and it comes before the first call.
    """
    return (change(task) for task in tasks if where(task))
