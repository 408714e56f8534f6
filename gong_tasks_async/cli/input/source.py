"""The command line's source of updates: a file or a selection of tasks, and the change."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import click
from attrs import field, frozen

from gong_tasks_async.bulk.dates import Clock, Shift, When
from gong_tasks_async.cli.input.csv_records import read_csv
from gong_tasks_async.cli.input.decoding import decoded
from gong_tasks_async.cli.input.filters import TaskQuery
from gong_tasks_async.cli.input.json_records import looks_like_json, read_json
from gong_tasks_async.cli.input.problems import BadInputError, Problem, write_problems
from gong_tasks_async.cli.input.records import Table
from gong_tasks_async.cli.input.rows import Change, ParsedInput, ParseOptions, parse_rows
from gong_tasks_async.cli.input.workbook_records import SIGNATURE, read_xlsx
from gong_tasks_async.cli.output.reading_bar import reading_bar
from gong_tasks_async.models import TaskStatus

STDIN = "-"


@frozen(kw_only=True)
class Source:
    """The options that describe the updates."""

    file: str | None = None
    """A path, or ``-`` for standard input."""
    encoding: str | None = None
    skip_unknown: bool = False
    problems: Path | None = None
    """Where all problems of the file are written."""
    users: tuple[str, ...] = ()
    all_users: bool = False
    query: TaskQuery = field(factory=TaskQuery)
    """Which of the users' tasks are selected; its clock resolves all dates."""
    status: TaskStatus | None = None
    """The new status; the next ones are changes, too."""
    due: When | None = None
    keep_time: bool = False
    """Whether a new due date keeps each task's time of day."""
    move_due: Shift | None = None
    set_priority: str | None = None
    line: str = field(default="", repr=False)
    """The options as typed, equal for equal ones: a relative date stays relative."""

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself, and dates beyond the calendar."""
        if problem := next(self._problems(), None):
            raise click.UsageError(problem)
        change_of_rows(self)

    @property
    def selects(self) -> bool:
        """Whether tasks are selected, not listed in a file."""
        return self.file is None

    @property
    def label(self) -> str:
        """A short name of the source, for the job's name."""
        if self.file is None:
            return f"selection-{blake2b(self.line.encode(), digest_size=4).hexdigest()}"
        return "stdin" if self.file == STDIN else Path(self.file).stem

    @property
    def clock(self) -> Clock:
        """What dates are resolved by."""
        return self.query.clock

    def _problems(self) -> Iterator[str]:
        selecting = bool(self.users or self.all_users)
        if self.file is None and not selecting:
            yield "no tasks: add a FILE (or - for standard input), or select them by --user or --all-users"
        if self.file is not None and (selecting or self.query.filters_tasks):
            yield (
                "a FILE lists the tasks, and --user, --all-users, --status, --due-before and the like select them: "
                "leave one out (changes are --set-status, --set-due, --set-priority)"
            )
        if self.users and self.all_users:
            yield "--user and --all-users exclude each other: leave one out"
        yield from self._problems_of_dates()
        if selecting and not (self.status or self.due or self.move_due or self.set_priority):
            yield "no change of these tasks: add --set-status DONE, --set-due 2026-03-02, --move-due +7d"

    def _problems_of_dates(self) -> Iterator[str]:
        if self.due is not None and self.move_due is not None:
            yield "--set-due and --move-due exclude each other: leave one out"
        if self.file is not None and (self.move_due is not None or self.keep_time):
            option = "--keep-time" if self.keep_time else "--move-due"
            yield f"{option} needs the tasks' current due dates, which a FILE has not: use --set-due"
        elif self.keep_time and (self.due is None or self.clock.day(self.due) is None):
            yield "--keep-time needs a new day: add --set-due 2026-03-02"


def read_source(source: Source) -> ParsedInput:
    """Read the rows of the source's file.

    Raises:
        BadInputError: there are none, or some are wrong; all problems are listed, and written to ``problems`` if given.
    """
    named = "standard input" if source.file == STDIN else str(source.file)
    try:
        parsed_input = parsed(_bytes(source.file or STDIN), source)
    except (ValueError, OSError) as error:
        raise BadInputError(named, [Problem("", _reason(error))]) from error
    refuse(source, parsed_input.problems)
    return parsed_input


def refuse(source: Source, problems: tuple[Problem, ...] | list[Problem]) -> None:
    """Refuse the input if there are problems.

    Raises:
        BadInputError: there are problems.
    """
    if not problems:
        return
    if source.problems is not None:
        write_problems(problems, source.problems)
    raise BadInputError("standard input" if source.file == STDIN else str(source.file), problems)


def parsed(data: bytes, source: Source) -> ParsedInput:
    """Parse these bytes: rows and problems.

    Raises:
        ValueError: they are not a table.
    """
    table = _table(data, source.encoding)
    options = ParseOptions(
        change_of_rows(source), source.clock, source.query.date_format, source.skip_unknown
    )
    with reading_bar() as show:
        return parse_rows(table, options, show)


def _table(data: bytes, encoding: str | None) -> Table:
    if data.startswith(SIGNATURE):
        return read_xlsx(data)
    text = decoded(data, encoding)
    if not text.strip():
        raise ValueError("it is empty")
    return read_json(text) if looks_like_json(text) else read_csv(text)


def change_of_rows(source: Source) -> Change:
    """The change of every row's task.

    Raises:
        click.UsageError: a date is beyond the calendar.
    """
    try:
        due = None if source.due is None else source.clock.due(source.due)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Change(source.status, due, source.set_priority)


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such file: check the name, and the folder you are in"
        case IsADirectoryError():
            return "it is a directory: name a CSV, JSON lines or .xlsx file in it"
        case PermissionError():
            return "you may not read it: check its permissions"
        case OSError():
            return f"it cannot be read: {error.strerror or error}"
        case _:
            return str(error)


def name_from(text: str) -> str:
    """A job's name made of any text, such as a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60] or "job"
