"""Change tasks: small functions from a ``Task`` to its update, for :func:`gong_tasks_async.bulk.selection.select`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from datetime import date, datetime, timedelta, tzinfo
from typing import TypeAlias

from gong_tasks_async.bulk.calendar import WEEKEND, checked_weekend, later, next_working_day, on_day
from gong_tasks_async.models import Task, TaskStatus, TaskUpdate

Change: TypeAlias = Callable[[Task], TaskUpdate]


def mark_done(task: Task) -> TaskUpdate:
    """Mark a task as done: ``select(tasks, where, mark_done)``."""
    return task.update(status=TaskStatus.DONE)


def dismiss(task: Task) -> TaskUpdate:
    """Dismiss a task: ``select(tasks, where, dismiss)``."""
    return task.update(status=TaskStatus.DISMISSED)


def reopen(task: Task) -> TaskUpdate:
    """Open a task again: ``select(tasks, where, reopen)``."""
    return task.update(status=TaskStatus.OPEN)


def move_due_by(*, days: int = 0, hours: float = 0, zone: tzinfo | None = None) -> Change:
    """Move the due date: ``move_due_by(days=7)``, ``move_due_by(hours=-2)``.

    Days keep the time of day; hours are hours that pass. See :func:`due_on` for zones, and for the errors of the
    change.

    Args:
        days: days, in which the time of day is kept.
        hours: hours.
        zone: the time zone whose days are meant.

    Raises:
        ValueError: nothing would move, or the days are not whole.
    """
    if days % 1:
        raise ValueError(f"days must be a whole number, not {days}: give the rest as hours")
    by_days, by_hours = timedelta(days=days), timedelta(hours=hours)
    if not (by_days or by_hours):
        raise ValueError("move_due_by moves nothing: give days or hours other than 0")

    def step(due: datetime) -> datetime:
        return later(on_day(due, due.date() + by_days), by_hours)

    return lambda task: _moved(task, step, zone)


def move_due_to_next_working_day(
    weekend: Collection[int] = WEEKEND, holidays: Container[date] = (), *, zone: tzinfo | None = None
) -> Change:
    """Move the due date on to the first working day after it: ``move_due_to_next_working_day(weekend=(4, 5))``.

    It counts from the due date, not from today; for that, ``due_on(next_working_day(date.today()))``. See
    :func:`due_on` for zones, and for the errors of the change.

    Args:
        weekend: days of no work, Monday being 0.
        holidays: further days of no work; any container of dates, such as one of the package ``holidays``.
        zone: the zone of the days; by default the due date's own.

    Raises:
        ValueError: the weekend has no such days, or takes the whole week.
    """
    resting = checked_weekend(weekend)
    return lambda task: _moved(
        task, lambda due: on_day(due, next_working_day(due.date(), resting, holidays)), zone
    )


def due_on(day: date, *, zone: tzinfo | None = None) -> Change:
    """Set the day on which a task is due: ``due_on(date(2026, 3, 2))``.

    The time of day stays, as the clocks of its zone show it: with a ``ZoneInfo``, 9:00 is 9:00 in summer and in
    winter, and a time that the clocks skip is the one as much later. A fixed offset, which is what Gong answers
    with, stays as it is; give the ``zone`` in which people live to have it their way.

    The change raises ``ValueError``, naming the task, where it has no due date (:func:`has_due_date` leaves such
    tasks out), or where the new one would be beyond the calendar.

    Args:
        day: the new day.
        zone: turn the due date to this zone first; by default it stays in its own.

    Raises:
        ValueError: the day is a datetime, whose time of day would be lost.
    """
    if isinstance(day, datetime):
        raise ValueError(f"due_on takes a date, not the moment {day}: use task.update(due_date=...)")  # noqa: TRY004 - as all wrong values here
    return lambda task: _moved(task, lambda due: on_day(due, day), zone)


def _moved(task: Task, step: Callable[[datetime], datetime], zone: tzinfo | None) -> TaskUpdate:
    if task.due_date is None:
        raise ValueError(f"task {task.id} has no due date to move: leave such tasks out with has_due_date")
    try:
        moved = step(task.due_date.astimezone(zone) if zone else task.due_date)
    except OverflowError:
        raise ValueError(f"task {task.id}: its due date would be moved beyond the calendar") from None
    return task.update(due_date=moved)
