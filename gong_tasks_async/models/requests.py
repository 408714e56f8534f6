"""Request models, validated when made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from attrs import field, frozen

from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.models.enums import EnumT, OpenEnum, TaskAction, TaskStatus, TaskType, documented_words

INT64_MAX = 2**63 - 1


def _refuse(what: str, problems: Sequence[str | None]) -> None:
    """Report all problems at once."""
    if found := [problem for problem in problems if problem]:
        raise InvalidValueError(what, found)


def _listed(kind: type[EnumT], value: object) -> EnumT:
    """Convert a text to its documented member; anything else stays, and is validated later.

    A text must be a documented word, since most others are typos. A member is taken as it is: an undocumented one
    came from Gong, or was made on purpose.
    """
    return cast("EnumT", documented_words(kind).get(value, value) if type(value) is str else value)


def _each_listed(kind: type[EnumT], values: object) -> tuple[EnumT, ...]:
    several = (values,) if isinstance(values, str) or not isinstance(values, Iterable) else values
    members: list[EnumT] = []
    for value in several:
        if (member := _listed(kind, value)) not in members:
            members.append(member)
    return tuple(members)


def _types(values: Iterable[TaskType | str] | TaskType | str) -> tuple[TaskType, ...]:
    return _each_listed(TaskType, values)


def _actions(values: Iterable[TaskAction | str] | TaskAction | str) -> tuple[TaskAction, ...]:
    return _each_listed(TaskAction, values)


def _statuses(values: Iterable[TaskStatus | str] | TaskStatus | str) -> tuple[TaskStatus, ...]:
    return _each_listed(TaskStatus, values)


def _status(value: TaskStatus | str | None) -> TaskStatus | None:
    return None if value is None else _listed(TaskStatus, value)


def _text_problem(
    name: str, value: object, *, such_as: str = "234599484848423", empty: str = "say whose tasks are meant"
) -> str | None:
    if not isinstance(value, str):
        return f"{name} must be text such as {such_as!r}, not {type(value).__name__} {value!r}"
    if not (stripped := value.strip()):
        return f"{name} is empty: {empty}"
    if value != stripped or not value.isprintable():
        return f"{name} {value!r} has blanks around it or characters that cannot be shown: strip them"
    return None


def _member_problem(name: str, kind: type[OpenEnum], value: object) -> str | None:
    return None if isinstance(value, kind) else f"{name} {value!r} is not one of {', '.join(kind)}"


def _members_problems(name: str, kind: type[OpenEnum], values: Sequence[object]) -> list[str | None]:
    if not values:
        return [f"{name} is empty: name at least one of {', '.join(kind)}, or leave it out"]
    return [_member_problem(name, kind, value) for value in values]


def _due_date_problem(value: object) -> str | None:
    if not isinstance(value, datetime):
        return f"due_date must be a datetime with a time zone, not {value!r}"
    if value.utcoffset() is None:
        return f"due_date {value.isoformat()} has no time zone: add one, such as tzinfo=datetime.UTC"
    if not _known_to_utc(value):
        return f"due_date {value.isoformat()} is beyond the calendar"
    return None


def _known_to_utc(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _task_id_problem(value: object) -> str | None:
    if type(value) is not int:
        return f"task_id must be an int, not {type(value).__name__} {value!r}"
    if not 0 < value <= INT64_MAX:
        return f"task_id {value} is outside 1..2**63-1, so it cannot be a Gong task"
    return None


@frozen
class TaskFilter:
    """Which tasks of one user to list.

    ``types``, ``actions`` and ``statuses`` take members or their texts, one or several.

    Raises:
        ValueError: the user id is empty, or one of the lists is empty or holds an unknown text.

    See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
    """

    user_id: str
    workspace_id: str | None = None
    types: tuple[TaskType, ...] = field(default=tuple(TaskType), converter=_types)
    actions: tuple[TaskAction, ...] = field(default=(TaskAction.CALL,), converter=_actions)
    statuses: tuple[TaskStatus, ...] = field(default=(TaskStatus.OPEN,), converter=_statuses)

    def __attrs_post_init__(self) -> None:
        """Validate all fields."""
        problems = [_text_problem("user_id", self.user_id)]
        if self.workspace_id is not None:
            nowhere = "leave it out to mean all workspaces"
            problems += [_text_problem("workspace_id", self.workspace_id, empty=nowhere)]
        problems += _members_problems("types", TaskType, self.types)
        problems += _members_problems("actions", TaskAction, self.actions)
        problems += _members_problems("statuses", TaskStatus, self.statuses)
        _refuse("TaskFilter", problems)


@frozen
class TaskUpdate:
    """An update of one task. Fields left out stay unchanged.

    ``status`` takes a member or its text; ``due_date`` an aware datetime; ``priority`` a text such as
    ``"MEDIUM"`` (Gong publishes no list of them).

    Raises:
        ValueError: nothing would change, the due date has no time zone, the task id is not a positive int64,
            or the user id is empty; all that is wrong is named at once.

    See https://help.gong.io/apidocs/update-task-v2taskstaskid-1
    """

    task_id: int
    user_id: str
    status: TaskStatus | None = field(default=None, converter=_status)
    due_date: datetime | None = None
    priority: str | None = None

    def __attrs_post_init__(self) -> None:
        """Validate all fields; an update without a change is invalid too."""
        problems = [_task_id_problem(self.task_id), _text_problem("user_id", self.user_id)]
        if self.status is None and self.due_date is None and self.priority is None:
            problems += ["it changes nothing: give a status, a due_date or a priority"]
        if self.status is not None:
            problems += [_member_problem("status", TaskStatus, self.status)]
        if self.due_date is not None:
            problems += [_due_date_problem(self.due_date)]
        if self.priority is not None:
            kept = "leave it out to keep it"
            problems += [_text_problem("priority", self.priority, such_as="MEDIUM", empty=kept)]
        _refuse("TaskUpdate", problems)
