"""Which tasks are meant, and what is to become of them: small functions over ``Task`` that go together.

A condition says whether a task is meant; a change makes its update. Both are plain functions, so your own go
with them::

    late = all_of(in_flow("Renewals"), overdue(now), not_(titled("*[[]urgent]*")))
    plan = plan_updates(select(await gong.list_tasks(user_id), late, move_due_by(days=7)))

Names are compared without regard to case, CRM ids exactly. A task that lacks what a condition asks about does
not meet it. Nothing here calls Gong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from fnmatch import translate
from typing import TypeAlias

from gong_tasks_async.bulk.calendar import WEEKEND, checked_weekend, later, next_working_day, on_day
from gong_tasks_async.models import Contact, Flow, OpenEnum, Task, TaskStatus, TaskType, TaskUpdate
from gong_tasks_async.models.enums import documented_words

Condition: TypeAlias = Callable[[Task], bool]
Change: TypeAlias = Callable[[Task], TaskUpdate]


def select(tasks: Iterable[Task], where: Condition, change: Change) -> Iterator[TaskUpdate]:
    """The changes of those tasks that meet a condition, made one by one as they are asked for.

    ::

        updates = select(tasks, all_of(of_account("Acme"), due_before(friday)), mark_done)

    Raises:
        ValueError: a task cannot be changed this way, such as one without a due date that is to be moved, or
            without an owner. Plan all updates before the first is sent, and it comes before the first call.
    """
    return (change(task) for task in tasks if where(task))


def due_before(moment: datetime) -> Condition:
    """Due before a moment: ``due_before(datetime(2026, 3, 1, tzinfo=UTC))``; not at that very moment.

    Raises:
        ValueError: the moment has no time zone.
    """
    limit = _moment(moment)
    return lambda task: task.due_date is not None and task.due_date < limit


def due_after(moment: datetime) -> Condition:
    """Due after a moment: ``due_after(datetime(2026, 3, 1, tzinfo=UTC))``; not at that very moment.

    Raises:
        ValueError: the moment has no time zone.
    """
    limit = _moment(moment)
    return lambda task: task.due_date is not None and task.due_date > limit


def has_due_date(task: Task) -> bool:
    """Due at some time, so that it can be moved: ``all_of(in_flow(7), has_due_date)``."""
    return task.due_date is not None


def overdue(now: datetime) -> Condition:
    """Still open, and due before now: ``overdue(datetime.now(UTC))``.

    Raises:
        ValueError: the moment has no time zone.
    """
    return all_of(having_status(TaskStatus.OPEN), due_before(now))


def in_flow(id_or_name: int | str) -> Condition:
    """Made by a flow: ``in_flow(1234)`` by its id, ``in_flow("Renewals")`` by its name or its id as text.

    Raises:
        ValueError: the text is empty.
    """
    wanted = _text("flow", str(id_or_name))

    def is_meant(flow: Flow) -> bool:
        if flow.id is not None and str(flow.id) == wanted:
            return True
        return isinstance(id_or_name, str) and _same_name(flow.name, wanted)

    return lambda task: task.flow is not None and is_meant(task.flow)


def of_account(crm_id_or_name: str) -> Condition:
    """Of a CRM account: ``of_account("Acme")``.

    Raises:
        ValueError: the text is empty.
    """
    wanted = _text("account", crm_id_or_name)
    return lambda task: (
        task.account is not None and (task.account.crm_id == wanted or _same_name(task.account.name, wanted))
    )


def with_contact(crm_id_or_email_or_name: str) -> Condition:
    """With a contact, be it the one to be called or an additional one: ``with_contact("jo@acme.com")``.

    A name is the first and the last one: ``with_contact("Jo Doe")``.

    Raises:
        ValueError: the text is empty.
    """
    wanted = _text("contact", crm_id_or_email_or_name)
    return lambda task: any(
        contact.crm_id == wanted or any(_same_name(name, wanted) for name in _names(contact))
        for contact in _contacts(task)
    )


def titled(pattern: str) -> Condition:
    """With a title that a glob matches as a whole, without regard to case: ``titled("*follow up*")``.

    ``*`` stands for any text, ``?`` for one character, ``[ab]`` for one of these, ``[[]`` for a bracket.
    """
    matches = re.compile(translate(pattern), re.IGNORECASE).match
    return lambda task: task.title is not None and matches(task.title) is not None


def of_type(*types: TaskType | str) -> Condition:
    """Of one of these types: ``of_type(TaskType.MANUAL)``.

    Raises:
        ValueError: none is given, or a text is not one of Gong's types.
    """
    wanted = _listed(TaskType, types)
    return lambda task: task.type in wanted


def having_status(*statuses: TaskStatus | str) -> Condition:
    """In one of these statuses: ``having_status("OPEN", "DISMISSED")``.

    Raises:
        ValueError: none is given, or a text is not one of Gong's statuses.
    """
    wanted = _listed(TaskStatus, statuses)
    return lambda task: task.status in wanted


def all_of(*conditions: Condition) -> Condition:
    """Meeting every condition: ``all_of(in_flow(7), has_due_date)``; ``all_of()`` is met by every task."""
    return lambda task: all(condition(task) for condition in conditions)


def any_of(*conditions: Condition) -> Condition:
    """Meeting at least one condition: ``any_of(in_flow(7), in_flow(8))``; ``any_of()`` is met by none."""
    return lambda task: any(condition(task) for condition in conditions)


def not_(condition: Condition) -> Condition:
    """Not meeting a condition: ``not_(has_due_date)``."""
    return lambda task: not condition(task)


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


def move_due_to_next_working_day(weekend: Collection[int] = WEEKEND, *, zone: tzinfo | None = None) -> Change:
    """Move the due date on to the first working day after it: ``move_due_to_next_working_day(weekend=(4, 5))``.

    It counts from the due date, not from today; for that, ``due_on(next_working_day(date.today()))``. See
    :func:`due_on` for zones, and for the errors of the change.

    Args:
        weekend: days of no work, Monday being 0.
        zone: whose days are meant; by default those of the due date's own zone.

    Raises:
        ValueError: the weekend has no such days, or takes the whole week.
    """
    resting = checked_weekend(weekend)
    return lambda task: _moved(task, lambda due: on_day(due, next_working_day(due.date(), resting)), zone)


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
        raise ValueError(f"due_on takes a date, not the moment {day}: use task.update(due_date=...) for that")  # noqa: TRY004 - as all wrong values here
    return lambda task: _moved(task, lambda due: on_day(due, day), zone)


def _moment(moment: datetime) -> datetime:
    """The moment in UTC, since Python compares moments of one zone by the clock on the wall."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: add one, such as tzinfo=datetime.UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is beyond the calendar") from None


def _text(what: str, wanted: str) -> str:
    """Refuse an empty text, which is a slip, and which a task without a name would answer to."""
    if not wanted.strip():
        raise ValueError(f"the {what} is empty: give its id or its name")
    return wanted.strip()


def _same_name(name: str | None, wanted: str) -> bool:
    return name is not None and name.strip().casefold() == wanted.casefold()


def _contacts(task: Task) -> Iterator[Contact]:
    if task.contact is not None:
        yield task.contact
    yield from task.additional_contacts


def _names(contact: Contact) -> Iterator[str | None]:
    if data := contact.data:
        yield f"{data.first_name or ''} {data.last_name or ''}"
        yield from (address.email for address in data.emails)


def _listed(kind: type[OpenEnum], values: tuple[str, ...]) -> frozenset[str]:
    """A text is held to Gong's words, since others are slips; a member is taken as it is, as in ``TaskFilter``."""
    words = documented_words(kind)
    if unknown := [value for value in values if type(value) is str and value not in words]:
        raise ValueError(f"{', '.join(map(repr, unknown))} is not one of {', '.join(words)}")
    if not values:
        raise ValueError(f"name at least one of {', '.join(words)}")
    return frozenset(values)


def _moved(task: Task, step: Callable[[datetime], datetime], zone: tzinfo | None) -> TaskUpdate:
    if task.due_date is None:
        raise ValueError(f"task {task.id} has no due date to move: leave such tasks out with has_due_date")
    try:
        moved = step(task.due_date.astimezone(zone) if zone else task.due_date)
    except OverflowError:
        raise ValueError(f"task {task.id}: its due date would be moved beyond the calendar") from None
    return task.update(due_date=moved)
