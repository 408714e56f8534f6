"""Request models, validated when made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from gong_tasks_async.errors.checks import refuse
from gong_tasks_async.models.base import mutable_class
from gong_tasks_async.models.checks import (
    INT64_MAX,
    INT64_MIN,
    due_date_problem,
    each_listed,
    is_user_id,
    listed,
    task_id_problem,
    text_problem,
    user_id_problem,
    word_problem,
    word_problems,
)
from gong_tasks_async.models.enums import TaskAction, TaskStatus, TaskType, documented_words, lower_words

_STATUSES: Final = {**documented_words(TaskStatus), **lower_words(TaskStatus)}
"""By the usual spellings; :func:`listed` knows the others."""


def _types(values: Iterable[TaskType | str] | TaskType | str) -> tuple[TaskType, ...]:
    return each_listed(TaskType, values)


def _actions(values: Iterable[TaskAction | str] | TaskAction | str) -> tuple[TaskAction, ...]:
    return each_listed(TaskAction, values)


def _statuses(values: Iterable[TaskStatus | str] | TaskStatus | str) -> tuple[TaskStatus, ...]:
    return each_listed(TaskStatus, values)


def _status(value: TaskStatus | str | None) -> TaskStatus | None:
    return None if value is None else listed(TaskStatus, value)


def _priority(value: str | None) -> str | None:
    # Gong publishes no list; its reference has MEDIUM for a request and "high" for a response.
    return value.upper() if isinstance(value, str) else value


@frozen
class TaskFilter:
    """Which tasks of one user to list.

    ``types``, ``actions`` and ``statuses`` take members or their texts in any case, one or several.

    Attributes:
        user_id: the tasks' owner: digits, from :meth:`GongTasksClient.iter_users`.
        workspace_id: one workspace; None for all.
        types: types to list; all by default.
        actions: actions to list; calls by default.
        statuses: statuses to list; open tasks by default.

    Raises:
        InvalidValueError: the user id has other characters than digits, or one of the lists is empty or holds an
            unknown word; all that is wrong is named at once. Also a ValueError.

    See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
    """

    user_id: str
    workspace_id: str | None = None
    types: tuple[TaskType, ...] = field(default=tuple(TaskType), converter=_types)
    actions: tuple[TaskAction, ...] = field(default=(TaskAction.CALL,), converter=_actions)
    statuses: tuple[TaskStatus, ...] = field(default=(TaskStatus.OPEN,), converter=_statuses)

    def __attrs_post_init__(self) -> None:
        """Validate all fields."""
        problems = [user_id_problem(self.user_id)]
        if self.workspace_id is not None:
            nowhere = "leave it out to mean all workspaces"
            problems += [text_problem("workspace_id", self.workspace_id, empty=nowhere)]
        problems += word_problems("types", TaskType, self.types)
        problems += word_problems("actions", TaskAction, self.actions)
        problems += word_problems("statuses", TaskStatus, self.statuses)
        refuse("TaskFilter", problems)


@frozen(init=False)
class TaskUpdate:
    """An update of one task. Fields left out stay unchanged.

    ``status`` takes a member or its text in any case; ``due_date`` an aware datetime; ``priority`` a text such as
    ``"MEDIUM"`` in any case (Gong publishes no list of them).

    >>> TaskUpdate(9067931441193858457, "234599484848423", status="done").status
    <TaskStatus.DONE: 'DONE'>
    >>> TaskUpdate(7, "234599484848423")
    Traceback (most recent call last):
    gong_tasks_async.errors.invalid.InvalidValueError: TaskUpdate refused: it changes nothing: give a status, a due_date or a priority

    Attributes:
        task_id: the task.
        user_id: its owner.
        status: the new status.
        due_date: the new due date; aware.
        priority: the new priority, such as ``MEDIUM``.

    Raises:
        InvalidValueError: nothing would change, the due date has no time zone, the task id is not an int64, or the user
            id has other characters than digits; all that is wrong is named at once. Also a ValueError.

    See https://help.gong.io/apidocs/update-task-v2taskstaskid-1
    """

    task_id: int
    user_id: str
    status: TaskStatus | None = field(default=None, converter=_status)
    due_date: datetime | None = None
    priority: str | None = field(default=None, converter=_priority)

    def __init__(
        self,
        task_id: int,
        user_id: str,
        status: TaskStatus | str | None = None,
        due_date: datetime | None = None,
        priority: str | None = None,
    ) -> None:
        """Make a usual update in a third of the time that attrs takes; it makes the others, with all checks."""
        known = _STATUSES.get(status) if type(status) is str or type(status) is TaskStatus else None
        is_usual = (
            (due_date is not None if status is None else known is not None)
            and (due_date is None or due_date_problem(due_date) is None)
            and priority is None
            and type(task_id) is int
            and INT64_MIN <= task_id <= INT64_MAX
            and type(user_id) is str
            and is_user_id(user_id)
            and type(self) is TaskUpdate
        )
        draft: Any = self
        if not is_usual:
            draft.__attrs_init__(task_id, user_id, status, due_date, priority)
            return
        object.__setattr__(self, "__class__", _UpdateDraft)
        draft.task_id = task_id
        draft.user_id = user_id
        draft.status = known
        draft.due_date = due_date
        draft.priority = None
        draft.__class__ = TaskUpdate

    def __attrs_post_init__(self) -> None:
        """Validate all fields; an update without a change is invalid too."""
        problems = [task_id_problem(self.task_id), user_id_problem(self.user_id)]
        if self.status is None and self.due_date is None and self.priority is None:
            problems.append("it changes nothing: give a status, a due_date or a priority")
        if self.status is not None:
            problems.append(word_problem("status", TaskStatus, self.status))
        if self.due_date is not None:
            problems.append(due_date_problem(self.due_date))
        if self.priority is not None:
            kept = "leave it out to keep it"
            problems.append(text_problem("priority", self.priority, such_as="MEDIUM", empty=kept))
        refuse("TaskUpdate", problems)


_UpdateDraft: Final = mutable_class(TaskUpdate)


def check_update(value: object) -> None:
    """Refuse anything but an update, before a call is made of it.

    Raises:
        InvalidValueError: it is something else.
    """
    if not isinstance(value, TaskUpdate):
        kind = type(value).__name__
        refuse("update", [f"it must be a TaskUpdate, not {kind}: make one with task.update(status=...)"])
