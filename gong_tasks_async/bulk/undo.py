"""Undo of a job: updates that restore the state before, from its journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from gong_tasks_async.bulk.outcomes import JournalRow, RowState, TaskSnapshot
from gong_tasks_async.bulk.plan import Look, LostValue, Plan
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.models import TaskUpdate

NAMES = ("status", "due_date", "priority")
"""What an update sets."""
LOOKED_FOR = 200
SAME_CHANGE = timedelta(seconds=5)
"""A listing may give a slightly later time of the last change than the response to the PATCH that made it."""


def plan_undo(rows: Iterable[JournalRow], look: Look) -> Plan:
    """The updates that restore the tasks which a job has updated.

    Only tasks that are still as the job left them are restored. ``unchanged`` are those in which all that the job has set
    is as before again, such as after an earlier undo. ``lost`` lists the others, and the values that PATCH cannot
    restore: an empty due date, an empty priority.

    Args:
        rows: the rows of the job's journal.
        look: the tasks as they are now.
    """
    updates: list[TaskUpdate] = []
    unchanged: list[TaskUpdate] = []
    lost: list[LostValue] = []
    for row in rows:
        if row.state is RowState.UPDATED:
            now = look.tasks.get(row.update.task_id)
            if row.before is not None and now is not None and _is_as_before(row.update, row.before, now):
                unchanged += _as_before(row.update, row.before)
                continue
            reason = _reason_to_leave(row, now)
            if reason is not None:
                lost.append(LostValue(row.update.task_id, row.update.user_id, reason))
                continue
            update, missing = _restored(row, look.tasks[row.update.task_id])
            lost += [LostValue(row.update.task_id, row.update.user_id, reason) for reason in missing]
            updates += [] if update is None else [update]
    return Plan(updates=tuple(updates), unchanged=tuple(unchanged), look=look, lost=tuple(lost))


def owners_of(rows: Iterable[JournalRow]) -> list[str]:
    """The users whose tasks a job has updated."""
    return list(dict.fromkeys(row.update.user_id for row in rows if row.state is RowState.UPDATED))


def first_updated(rows: Iterable[JournalRow]) -> frozenset[int]:
    """The first tasks that a job has updated: among them are those that a plan shows, unless people changed them all."""
    updated = (row.update.task_id for row in rows if row.state is RowState.UPDATED)
    return frozenset(islice(updated, LOOKED_FOR))


def _reason_to_leave(row: JournalRow, now: TaskSnapshot | None) -> str | None:
    if row.before is None:
        return "its state before the job is not known: the job did not list the tasks first (--guard)"
    if now is None:
        return "not found: deleted, or not listed by Gong"
    left = row.after or expected_after(row.before, row.update)
    changed_later = (
        now.updated and row.after and row.after.updated and now.updated > row.after.updated + SAME_CHANGE
    )
    return "changed since the job" if now.values != left.values or changed_later else None


def expected_after(before: TaskSnapshot, update: TaskUpdate) -> TaskSnapshot:
    """A task as an update leaves it, where Gong's response could not be read or did not come."""
    return TaskSnapshot(
        update.status or before.status, update.due_date or before.due_date, update.priority or before.priority
    )


def _is_as_before(update: TaskUpdate, before: TaskSnapshot, now: TaskSnapshot) -> bool:
    """Whether each value that the job has set is what it was before."""
    return all(getattr(update, name) is None or _same(before, now, name) for name in NAMES)


def _as_before(update: TaskUpdate, before: TaskSnapshot) -> list[TaskUpdate]:
    """The update that would restore a task, as far as there is one."""
    values = {name: getattr(before, name) for name in NAMES if getattr(update, name) is not None}
    known = {name: value for name, value in values.items() if value and _can_be_set(update, name, value)}
    return [TaskUpdate(update.task_id, update.user_id, **known)] if known else []


def _restored(row: JournalRow, now: TaskSnapshot) -> tuple[TaskUpdate | None, list[str]]:
    """The update that restores what a row has changed, and what it cannot restore."""
    before, update = row.before or now, row.update
    values: dict[str, object] = {}
    missing: list[str] = []
    for name in NAMES:
        if getattr(update, name) is None or _same(before, now, name):
            continue
        if (value := getattr(before, name)) is None:
            missing.append(f"its {name.replace('_', ' ')} was empty, which an update cannot restore")
        elif _can_be_set(update, name, value):
            values[name] = value
        else:
            missing.append(f"its {name.replace('_', ' ')} was {value}, which an update cannot set")
    return (TaskUpdate(update.task_id, update.user_id, **values) if values else None), missing  # type: ignore[arg-type]  # names and types match


def _can_be_set(update: TaskUpdate, name: str, value: object) -> bool:
    """Whether an update takes a value that Gong once sent."""
    try:
        TaskUpdate(update.task_id, update.user_id, **{name: value})  # type: ignore[arg-type]  # refused if wrong
    except InvalidValueError:
        return False
    return True


def _same(before: TaskSnapshot, now: TaskSnapshot, name: str) -> bool:
    place = NAMES.index(name)
    return before.values[place] == now.values[place]
