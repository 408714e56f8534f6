"""Parse an input's rows: each becomes an update of one task, or problems that name its place."""

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
    """New values of a task; None leaves a value as it is."""

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
        """The update, once the owner's id is known.

        Raises:
            ValueError: Gong would refuse it.
        """
        change = self.change
        return TaskUpdate(self.task_id, user_id, change.status, change.due_date, change.priority)


@frozen
class ParseOptions:
    """Options of parsing rows."""

    change: Change = field(factory=Change)
    """A change of all tasks; if given, the columns that hold changes are not read."""
    zone: tzinfo | None = None
    """The time zone of due dates without one."""
    lenient: bool = False
    """Whether unknown columns are left unread instead of refused."""


@frozen
class ParsedInput:
    """An input's rows, and all that is wrong with it."""

    rows: tuple[ParsedRow, ...]
    problems: tuple[Problem, ...]
    unread: tuple[Column, ...] = ()
    """Columns that were left unread, overridden by ``--set-*``."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Owners given by e-mail address, each once."""
        return tuple(dict.fromkeys(row.user for row in self.rows if is_address(row.user)))


def parse_rows(table: Table, options: ParseOptions) -> ParsedInput:
    """Parse all rows, and collect all that is wrong with them.

    Raises:
        ValueError: there are none.
    """
    reader = _Reader(options)
    if table.header is not None and (problems := list(reader.header_problems(table.header))):
        return ParsedInput((), tuple(problems))
    if not table.found:
        raise ValueError("it has no rows" + (" below its header" if table.header else ""))
    rows: list[ParsedRow] = []
    found: list[Problem] = []
    for record in table.found:
        problems = [record] if isinstance(record, Problem) else reader.read(record, rows)
        found += problems
    found += _rounded(rows)
    return ParsedInput(tuple(rows), tuple(found), reader.unread)


class _Reader:
    """Parses row by row; reports an unknown column once."""

    def __init__(self, options: ParseOptions) -> None:
        self._options = options
        self._layout = cache(partial(layout_of, lenient=options.lenient))
        self._reported: set[str] = set()
        self._unread: set[Column] = set()

    @property
    def unread(self) -> tuple[Column, ...]:
        return tuple(column for column in CHANGES if column in self._unread)

    def header_problems(self, header: Record) -> Iterator[Problem]:
        layout = self._layout(header.names)
        for reason in (*layout.missing, *layout.problems):
            yield Problem(header.place, reason)
        if not (self._options.change or set(layout.columns) & set(CHANGES)):
            reason = "no change: add a column status or dueDate, or --set-status DONE"
            yield Problem(header.place, reason)

    def read(self, record: Record, rows: list[ParsedRow]) -> list[Problem]:
        """Append the parsed row, or return what is wrong with it."""
        layout = self._layout(record.names)
        cells = _cells(record, layout)
        reasons = [reason for reason in layout.problems if reason not in self._reported]
        self._reported.update(reasons)
        values: dict[Column, Any] = {}
        for column in (Column.TASK_ID, Column.USER_ID, *self._changing(cells)):
            try:
                values[column] = self._value(column, cells)
            except ValueError as error:
                reasons.append(str(error))
        if not reasons:
            reasons += self._append(record.place, values, rows)
        return [Problem(record.place, reason) for reason in reasons]

    def _changing(self, cells: Mapping[Column, str]) -> list[Column]:
        """The columns of this row that hold a change."""
        filled = [column for column in CHANGES if cells.get(column, "").strip()]
        if not self._options.change:
            return filled
        self._unread.update(filled)
        return []

    def _value(self, column: Column, cells: Mapping[Column, str]) -> object:
        text = cells.get(column, "")
        if column is Column.DUE_DATE:
            return read_due(text, self._options.zone)
        return _READERS[column](text)

    def _append(self, place: str, values: Mapping[Column, Any], rows: list[ParsedRow]) -> list[str]:
        change = self._options.change or Change(*(values.get(column) for column in CHANGES))
        row = ParsedRow(place, values[Column.TASK_ID], values[Column.USER_ID], change)
        if not change:
            return ["no change: fill in status, dueDate or priority, or add --set-status DONE"]
        try:
            row.update(row.user)
        except ValueError as error:
            return [cli_message(error)]
        rows.append(row)
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


def _rounded(rows: Sequence[ParsedRow]) -> Iterator[Problem]:
    for name, ids in (
        ("taskId", [str(row.task_id) for row in rows]),
        ("userId", list({row.user for row in rows})),
    ):
        if are_rounded(ids):
            yield Problem(
                "",
                f"every long {name} ends in zeros, such as {max(ids, key=len)}: a spreadsheet has rounded them to "
                "15 digits; export them again, the column formatted as text",
            )


def conflicts(rows: Sequence[ParsedRow], task_ids: Sequence[int]) -> Iterator[Problem]:
    """Rows with conflicting updates of one task, named together."""
    places: dict[int, list[str]] = defaultdict(list)
    conflicting = set(task_ids)
    for row in rows:
        if row.task_id in conflicting:
            places[row.task_id].append(row.place)
    for task_id, named in places.items():
        yield Problem(", ".join(named), f"conflicting updates of task {task_id}: keep one of these rows")


def resolve_owners(
    rows: Sequence[ParsedRow], ids: Mapping[str, str]
) -> tuple[list[TaskUpdate], list[Problem]]:
    """The updates, each address replaced by its user's id; and the rows whose address is unknown."""
    updates: list[TaskUpdate] = []
    problems: list[Problem] = []
    for row in rows:
        user_id = ids.get(row.user) if is_address(row.user) else row.user
        if user_id is None:
            problems.append(Problem(row.place, f"no user of this company has the e-mail address {row.user}"))
        else:
            updates.append(row.update(user_id))
    return updates, problems
