"""Parse an input's rows: each becomes an update of one task, or problems that name its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, lru_cache, partial
from hashlib import blake2b
from typing import Any, Final

from attrs import field, frozen

from gong_tasks_async.bulk.dates import Clock
from gong_tasks_async.cli.input.cells import (
    read_priority,
    read_status,
    read_task_id,
    read_user,
)
from gong_tasks_async.cli.input.columns import CHANGES, Column, Layout, layout_of
from gong_tasks_async.cli.input.dates import read_date
from gong_tasks_async.cli.input.problems import Problem
from gong_tasks_async.cli.input.records import Record, Table
from gong_tasks_async.cli.input.row_checks import rounded_ids
from gong_tasks_async.cli.messages import message_of
from gong_tasks_async.cli.output.as_listed import ListedValues, read_listed
from gong_tasks_async.models import TaskStatus, TaskUpdate
from gong_tasks_async.models.checks import is_address

NOTIFY_EVERY: Final = 1_000
"""Rows after which the progress is known to have moved."""
PLACEHOLDER = "0"
"""Stands for any user's id where a change alone is checked."""


@frozen
class Change:
    """New values of a task; None leaves a value as it is."""

    status: TaskStatus | None = None
    due_date: datetime | None = None
    priority: str | None = None

    def __bool__(self) -> bool:
        return bool(self.status or self.due_date or self.priority)


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
    clock: Clock = field(factory=Clock.now_in)
    """What resolves due dates: its zone is that of dates without one."""
    date_format: str | None = None
    """A further format of dates."""
    lenient: bool = False
    """Whether unknown columns are left unread instead of refused."""


@frozen
class ParsedInput:
    """An input's rows, and all that is wrong with it."""

    rows: tuple[ParsedRow, ...]
    problems: tuple[Problem, ...]
    unread: tuple[Column, ...] = ()
    """Columns that were left unread, overridden by ``--set-*``."""
    unknown: tuple[str, ...] = ()
    """Names of columns that are not known, and left unread."""
    unedited: int = 0
    """Rows that are as they were listed, and so change nothing."""
    hidden: int = 0
    """How many of the rows a spreadsheet does not show, as those that a filter leaves out."""
    fingerprint: str = ""
    """The same for the same rows as typed, in any order: a relative date stays relative."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Owners given by e-mail address, each once."""
        return tuple(dict.fromkeys(row.user for row in self.rows if is_address(row.user)))


def parse_rows(
    table: Table, options: ParseOptions, on_rows: Callable[[int, int], None] = lambda _done, _all: None
) -> ParsedInput:
    """Parse all rows, and collect all that is wrong with them.

    Args:
        table: the input.
        options: how to parse it.
        on_rows: called now and then with the number of rows parsed, and about how many there are.

    Raises:
        ValueError: there are none.
    """
    reader = _Reader(options)
    if table.header is not None and (problems := list(reader.header_problems(table.header))):
        return ParsedInput((), tuple(problems))
    rows: list[ParsedRow] = []
    found: list[Problem] = []
    count = 0
    for count, record in enumerate(table.found, 1):
        if isinstance(record, Problem):
            found.append(record)
        else:
            found += reader.read(record, rows)
        if count % NOTIFY_EVERY == 0:
            on_rows(count, table.lines)
    if not count:
        raise ValueError("it has no rows" + (" below its header" if table.header else ""))
    found += rounded_ids(rows)
    return ParsedInput(
        tuple(rows),
        tuple(found),
        reader.unread,
        reader.unknown,
        reader.unedited,
        reader.hidden,
        reader.fingerprint,
    )


class _Reader:
    """Parses row by row; reports an unknown column once."""

    def __init__(self, options: ParseOptions) -> None:
        self._options = options
        self._layout = cache(partial(layout_of, lenient=options.lenient))
        self._known_layout: Layout | None = None
        self._reported: set[str] = set()
        self._unread: set[Column] = set()
        self._unknown: dict[str, None] = {}
        self._fingerprint = 0
        self.unedited = self.hidden = 0
        self._due = _remember(self._read_due)
        self._readers: Mapping[Column, Callable[[str], object]] = {
            **_READERS,
            Column.DUE_DATE: self._due_or_reason,
        }
        self._change = _checked(options.change) if options.change else None

    @property
    def unread(self) -> tuple[Column, ...]:
        return tuple(column for column in CHANGES if column in self._unread)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(self._unknown)

    @property
    def fingerprint(self) -> str:
        return f"{self._fingerprint % 2**128:032x}"

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
        cells = {column: record.values[place] for column, place in layout.places}
        reasons = [] if layout is self._known_layout else self._problems_of(layout)
        columns = (Column.TASK_ID, Column.USER_ID, *self._changing(cells))
        values: dict[Column, Any] = {}
        for column in columns:
            try:
                values[column] = self._readers[column](cells.get(column, ""))
            except ValueError as error:
                reasons.append(str(error))
        if not reasons and not self._is_unedited(cells, columns):
            reasons += self._append(record.place, values, rows)
            self._fingerprint += _number(cells, values)
            self.hidden += record.hidden
        return [Problem(record.place, reason) for reason in reasons]

    def _problems_of(self, layout: Layout) -> list[str]:
        """What is wrong with the columns, once for all rows."""
        self._known_layout = layout
        self._unknown.update(dict.fromkeys(layout.unknown))
        reasons = [reason for reason in layout.problems if reason not in self._reported]
        self._reported.update(reasons)
        return reasons

    def _is_unedited(self, cells: Mapping[Column, str], columns: Sequence[Column]) -> bool:
        """Whether the row changes nothing because it is as it was listed."""
        if len(columns) > 2 or self._options.change or read_listed(cells.get(Column.AS_LISTED, "")) is None:  # noqa: PLR2004 - the two ids
            return False
        self.unedited += 1
        return True

    def _changing(self, cells: Mapping[Column, str]) -> list[Column]:
        """The columns of this row that hold a change: cells that are still as they were listed hold none."""
        filled = [column for column in CHANGES if column in cells and cells[column].strip()]
        if (cell := cells.get(Column.AS_LISTED)) and (listed := read_listed(cell)):
            filled = [column for column in filled if not self._is_listed(column, cells[column], listed)]
        if self._change is None:
            return filled
        self._unread.update(filled)
        return []

    def _is_listed(self, column: Column, text: str, listed: ListedValues) -> bool:
        if column is Column.STATUS:
            return listed.has_status(text)
        if column is Column.PRIORITY:
            return listed.has_priority(text)
        with suppress(ValueError):  # reported when the cell's value is read
            return listed.is_due(self._due(text))
        return False

    def _read_due(self, text: str) -> datetime:
        return self._options.clock.due(read_date(text, self._options.date_format))

    def _due_or_reason(self, text: str) -> datetime:
        try:
            return self._due(text)
        except ValueError as error:
            raise ValueError(f"dueDate {error}") from None

    def _append(self, place: str, values: Mapping[Column, Any], rows: list[ParsedRow]) -> list[str]:
        change, problem = self._change or _checked_change(*map(values.get, CHANGES))
        if problem is None:
            rows.append(ParsedRow(place, values[Column.TASK_ID], values[Column.USER_ID], change))
            return []
        return [problem]


_remember = lru_cache(maxsize=10_000)
"""Most files repeat a few owners and values, which are read once."""

_READERS: Final[Mapping[Column, Callable[[str], object]]] = {
    Column.TASK_ID: read_task_id,
    Column.USER_ID: _remember(read_user),
    Column.STATUS: _remember(read_status),
    Column.PRIORITY: _remember(read_priority),
}


@_remember
def _checked_change(
    status: TaskStatus | None, due_date: datetime | None, priority: str | None
) -> tuple[Change, str | None]:
    return _checked(Change(status, due_date, priority))


def _checked(change: Change) -> tuple[Change, str | None]:
    """A change, and why Gong would refuse it, whatever the task."""
    if not change:
        return change, "no change: fill in status, dueDate or priority, or add --set-status DONE"
    try:
        ParsedRow("", 1, PLACEHOLDER, change).update(PLACEHOLDER)
    except ValueError as error:
        return change, message_of(error).what
    return change, None


def _number(cells: Mapping[Column, str], values: Mapping[Column, object]) -> int:
    """A number of a row; of rows in any order, the sum is the same.

    It is made of what the cells say, however a spreadsheet spells it; of a date the text, so that a relative one stays
    relative.
    """
    parts = [
        cells[column].strip() if column is Column.DUE_DATE else str(value) for column, value in values.items()
    ]
    text = "\0".join(parts).encode(errors="backslashreplace")  # no cell holds a NUL character
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")
