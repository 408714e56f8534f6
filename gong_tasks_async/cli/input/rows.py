"""From an input's rows to what is wanted: every row becomes a wish, or problems that name it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache, partial
from typing import Any

from attrs import field, frozen

from gong_tasks_async.cli.advice import cli_message
from gong_tasks_async.cli.input.cells import (
    are_rounded,
    is_address,
    read_priority,
    read_status,
    read_task_id,
    read_user,
)
from gong_tasks_async.cli.input.columns import CHANGES, Column, Layout, layout_of
from gong_tasks_async.cli.input.dates import read_due
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Record, Table
from gong_tasks_async.models import TaskStatus, TaskUpdate


@frozen
class Change:
    """What is to become of a task; what is None stays as it is."""

    status: TaskStatus | None = None
    due_date: datetime | None = None
    priority: str | None = None

    def __bool__(self) -> bool:
        return any((self.status, self.due_date, self.priority))


@frozen
class ParsedRow:
    """One row: its place, the task, its owner by id or by e-mail address, and the change."""

    place: str
    task_id: int
    user: str
    change: Change

    def update(self, user_id: str) -> TaskUpdate:
        """The update, once it is known who the user is.

        Raises:
            ValueError: Gong would refuse it.
        """
        change = self.change
        return TaskUpdate(self.task_id, user_id, change.status, change.due_date, change.priority)


@frozen
class ParseOptions:
    """How rows are read."""

    change: Change = field(factory=Change)
    """What is to become of all tasks; where it is said, the columns that would say it are not read."""
    zone: tzinfo | None = None
    """The zone of due dates that name none."""
    lenient: bool = False
    """Whether unknown columns are left unread instead of refused."""


@frozen
class ParsedInput:
    """What an input wants, and all that is wrong with it."""

    wishes: tuple[ParsedRow, ...]
    problems: tuple[Problem, ...]
    unread: tuple[Column, ...] = ()
    """Columns that were left unread, since the command line says what is to change."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Users who are named by their e-mail addresses, each once."""
        return tuple(dict.fromkeys(wish.user for wish in self.wishes if is_address(wish.user)))


def parse_rows(table: Table, reading: ParseOptions) -> ParsedInput:
    """Read all rows, and find all that is wrong with them.

    Raises:
        ValueError: there are none.
    """
    reader = _Reader(reading)
    if table.header is not None and (problems := list(reader.header_problems(table.header))):
        return ParsedInput((), tuple(problems))
    if not table.found:
        raise ValueError("it has no rows" + (" below its header" if table.header else ""))
    wishes: list[ParsedRow] = []
    found: list[Problem] = []
    for record in table.found:
        problems = [record] if isinstance(record, Problem) else reader.read(record, wishes)
        found += problems
    found += _rounded(wishes)
    return ParsedInput(tuple(wishes), tuple(found), reader.unread)


class _Reader:
    """Reads one row after the other; an unknown column is told once."""

    def __init__(self, reading: ParseOptions) -> None:
        self._reading = reading
        self._layout = cache(partial(layout_of, lenient=reading.lenient))
        self._told: set[str] = set()
        self._unread: set[Column] = set()

    @property
    def unread(self) -> tuple[Column, ...]:
        return tuple(column for column in CHANGES if column in self._unread)

    def header_problems(self, header: Record) -> Iterator[Problem]:
        layout = self._layout(header.names)
        for reason in (*layout.missing, *layout.problems):
            yield Problem(header.place, reason)
        if not (self._reading.change or set(layout.columns) & set(CHANGES)):
            reason = "nothing says what to change: add a column status or dueDate, or say --set-status DONE"
            yield Problem(header.place, reason)

    def read(self, record: Record, wishes: list[ParsedRow]) -> list[Problem]:
        """Add the row's wish, or return what is wrong with the row."""
        layout = self._layout(record.names)
        cells = _cells(record, layout)
        reasons = [reason for reason in layout.problems if reason not in self._told]
        self._told.update(reasons)
        values: dict[Column, Any] = {}
        for column in (Column.TASK_ID, Column.USER_ID, *self._changing(cells)):
            try:
                values[column] = self._value(column, cells)
            except ValueError as error:
                reasons.append(str(error))
        if not reasons:
            reasons += self._wish(record.place, values, wishes)
        return [Problem(record.place, reason) for reason in reasons]

    def _changing(self, cells: Mapping[Column, str]) -> list[Column]:
        """The columns of this row that say what is to become of its task."""
        filled = [column for column in CHANGES if cells.get(column, "").strip()]
        if not self._reading.change:
            return filled
        self._unread.update(filled)
        return []

    def _value(self, column: Column, cells: Mapping[Column, str]) -> object:
        text = cells.get(column, "")
        if column is Column.DUE_DATE:
            return read_due(text, self._reading.zone)
        return _READERS[column](text)

    def _wish(self, place: str, values: Mapping[Column, Any], wishes: list[ParsedRow]) -> list[str]:
        change = self._reading.change or Change(*(values.get(column) for column in CHANGES))
        wish = ParsedRow(place, values[Column.TASK_ID], values[Column.USER_ID], change)
        if not change:
            return ["it changes nothing: fill in status, dueDate or priority, or say --set-status DONE"]
        try:
            wish.update(wish.user)
        except ValueError as error:
            return [cli_message(error)]
        wishes.append(wish)
        return []


_READERS = {
    Column.TASK_ID: read_task_id,
    Column.USER_ID: read_user,
    Column.STATUS: read_status,
    Column.PRIORITY: read_priority,
}


def _cells(record: Record, layout: Layout) -> dict[Column, str]:
    pairs = zip(layout.columns, record.values, strict=True)
    return {column: value for column, value in pairs if column is not None}


def _rounded(wishes: Sequence[ParsedRow]) -> Iterator[Problem]:
    for name, ids in (
        ("taskId", [str(wish.task_id) for wish in wishes]),
        ("userId", list({wish.user for wish in wishes})),
    ):
        if are_rounded(ids):
            yield Problem(
                "",
                f"every long {name} ends in zeros, such as {max(ids, key=len)}: a spreadsheet has rounded them to "
                "15 digits; export them again, the column formatted as text",
            )


def conflicts(wishes: Sequence[ParsedRow], task_ids: Sequence[int]) -> Iterator[Problem]:
    """The rows that want different things of one task, named together."""
    places: dict[int, list[str]] = defaultdict(list)
    wanted = set(task_ids)
    for wish in wishes:
        if wish.task_id in wanted:
            places[wish.task_id].append(wish.place)
    for task_id, named in places.items():
        yield Problem(", ".join(named), f"want different things of task {task_id}: keep one of these rows")


def resolve_owners(
    wishes: Sequence[ParsedRow], ids: Mapping[str, str]
) -> tuple[list[TaskUpdate], list[Problem]]:
    """The updates, each address replaced by its user's id; and the rows whose user nobody knows."""
    updates: list[TaskUpdate] = []
    problems: list[Problem] = []
    for wish in wishes:
        user_id = ids.get(wish.user) if is_address(wish.user) else wish.user
        if user_id is None:
            problems.append(
                Problem(wish.place, f"no user of this company has the e-mail address {wish.user}")
            )
        else:
            updates.append(wish.update(user_id))
    return updates, problems
