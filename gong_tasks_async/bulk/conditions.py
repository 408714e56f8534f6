"""Conditions on tasks: small functions over ``Task``, for :func:`gong_tasks_async.bulk.selection.select`.

Names are compared without regard to case, CRM ids exactly. A task that lacks what a condition asks about does not
meet it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, tzinfo
from fnmatch import translate
from typing import TypeAlias

from gong_tasks_async.bulk.dates import Clock
from gong_tasks_async.models import Contact, Flow, OpenEnum, Task, TaskStatus, TaskType
from gong_tasks_async.models.addresses import name_key
from gong_tasks_async.models.checks import each_listed, word_problem

Condition: TypeAlias = Callable[[Task], bool]


def due_before(when: datetime | date, *, zone: tzinfo | None = None) -> Condition:
    """Due before a moment, or before a day begins: ``due_before(date(2026, 3, 1))``; not at that very moment.

    Args:
        when: a date-time with its time zone, or a date.
        zone: where the day begins; by default, where this machine is.

    Raises:
        ValueError: the date-time has no time zone.
    """
    limit = _utc(when) if isinstance(when, datetime) else Clock.now_in(zone).limit(when).astimezone(UTC)
    return lambda task: task.due_date is not None and task.due_date < limit


def due_after(when: datetime | date, *, zone: tzinfo | None = None) -> Condition:
    """Due after a moment, not at that very moment; or when a day has ended: ``due_after(date(2026, 3, 1))``.

    Args:
        when: a date-time with its time zone, or a date.
        zone: where the day ends; by default, where this machine is.

    Raises:
        ValueError: the date-time has no time zone.
    """
    if not isinstance(when, datetime):
        end = Clock.now_in(zone).end(when).astimezone(UTC)
        return lambda task: task.due_date is not None and task.due_date >= end
    limit = _utc(when)
    return lambda task: task.due_date is not None and task.due_date > limit


def has_due_date(task: Task) -> bool:
    """Due at some time, so that it can be moved: ``all_of(in_flow(7), has_due_date)``."""
    return task.due_date is not None


def overdue(now: datetime) -> Condition:
    """Still open, and due before now: ``overdue(datetime.now(UTC))``.

    Args:
        now: the moment with which due dates are compared; aware.

    Raises:
        ValueError: the moment has no time zone.
    """
    return all_of(having_status(TaskStatus.OPEN), due_before(now))


def in_flow(id_or_name: int | str) -> Condition:
    """Made by a flow: ``in_flow(1234)`` by its id, ``in_flow("Renewals")`` by its name or its id as text.

    Args:
        id_or_name: the flow's id, or its name in any case.

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

    Args:
        crm_id_or_name: the account's id in the CRM, or its name in any case.

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

    Args:
        crm_id_or_email_or_name: the contact's id in the CRM, an e-mail address, or a name in any case.

    Raises:
        ValueError: the text is empty.
    """
    wanted = _text("contact", crm_id_or_email_or_name)
    return lambda task: any(
        contact.crm_id == wanted or any(_same_name(name, wanted) for name in _names(contact))
        for contact in _contacts(task)
    )


def with_priority(name: str) -> Condition:
    """Of a priority, by its name: ``with_priority("high")``.

    Args:
        name: the priority's name in any case, such as ``high``.

    Raises:
        ValueError: the text is empty.
    """
    wanted = _text("priority", name)
    return lambda task: task.priority is not None and _same_name(task.priority.name, wanted)


def titled(pattern: str) -> Condition:
    """With a title that a glob matches as a whole, without regard to case: ``titled("*follow up*")``.

    ``*`` stands for any text, ``?`` for one character, ``[ab]`` for one of these, ``[[]`` for a bracket.

    >>> titled("*follow up*")(Task(id=7, title="Follow up with Umbrella"))
    True

    Args:
        pattern: a pattern of the title with ``*`` and ``?``, in any case.
    """
    matches = re.compile(translate(_one_spelling(pattern)), re.IGNORECASE).match
    return lambda task: task.title is not None and matches(_one_spelling(task.title)) is not None


def _one_spelling(text: str) -> str:
    """A text with letters and accents together, and with plain blanks: a page has others, and keeps them when copied."""
    return re.sub(r"\s", " ", unicodedata.normalize("NFC", text))


def of_type(*types: TaskType | str) -> Condition:
    """Of one of these types: ``of_type(TaskType.MANUAL)``.

    Args:
        types: types, as members or as texts in any case.

    Raises:
        ValueError: None is given, or a text is not one of Gong's types.
    """
    wanted = _listed(TaskType, types)
    return lambda task: task.type in wanted


def having_status(*statuses: TaskStatus | str) -> Condition:
    """In one of these statuses: ``having_status("OPEN", "DISMISSED")``.

    Args:
        statuses: statuses, as members or as texts in any case.

    Raises:
        ValueError: None is given, or a text is not one of Gong's statuses.
    """
    wanted = _listed(TaskStatus, statuses)
    return lambda task: task.status in wanted


def all_of(*conditions: Condition) -> Condition:
    """Meeting every condition: ``all_of(in_flow(7), has_due_date)``; ``all_of()`` is met by every task.

    Args:
        conditions: the conditions.
    """
    return lambda task: all(condition(task) for condition in conditions)


def any_of(*conditions: Condition) -> Condition:
    """Meeting at least one condition: ``any_of(in_flow(7), in_flow(8))``; ``any_of()`` is met by none.

    Args:
        conditions: the conditions.
    """
    return lambda task: any(condition(task) for condition in conditions)


def not_(condition: Condition) -> Condition:
    """Not meeting a condition: ``not_(has_due_date)``.

    Args:
        condition: the condition.
    """
    return lambda task: not condition(task)


def _utc(moment: datetime) -> datetime:
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
    return name is not None and name_key(name) == name_key(wanted)


def _contacts(task: Task) -> Iterator[Contact]:
    if task.contact is not None:
        yield task.contact
    yield from task.additional_contacts


def _names(contact: Contact) -> Iterator[str | None]:
    if data := contact.data:
        yield f"{data.first_name or ''} {data.last_name or ''}"
        yield from (address.email for address in data.emails)


def _listed(kind: type[OpenEnum], values: tuple[str, ...]) -> frozenset[str]:
    """Words are those of ``TaskFilter``: texts in any case, and members."""
    members = each_listed(kind, values)
    if unknown := [str(member) for member in members if word_problem("", kind, member)]:
        raise ValueError(f"{', '.join(map(repr, unknown))} is not one of {', '.join(kind)}")
    if not values:
        raise ValueError(f"name at least one of {', '.join(kind)}")
    return frozenset(members)
