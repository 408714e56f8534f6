"""The rows of a job as CSV, one after the other: a million of them need no memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

from attrs import frozen

from gong_tasks_async.bulk.journal_schema import JournalRow

COLUMNS = (
    "taskId",
    "userId",
    "status",
    "dueDate",
    "priority",
    "state",
    "attempts",
    "requestId",
    "error",
    "settledAt",
)
"""Gong's spelling, where Gong has the word."""

# What makes a spreadsheet run a cell: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@frozen
class CsvRow:
    """One update and what became of it."""

    task_id: int
    user_id: str
    status: str | None = None
    due_date: datetime | None = None
    priority: str | None = None
    state: str = "pending"
    attempts: int = 0
    request_id: str | None = None
    error: str | None = None
    settled_at: datetime | None = None


def write_journal_csv(rows: Iterable[JournalRow], file: TextIO) -> int:
    """As :func:`write_csv`, for the rows of a journal: ``write_journal_csv(open_journal(path).rows(), file)``."""
    return write_csv(map(_csv_row, rows), file)


def write_csv(rows: Iterable[CsvRow], file: TextIO) -> int:
    """Write a line of column names and one line for each row; return how many rows there were.

    Open the file with ``newline=""`` and ``encoding="utf-8"``, as the csv module wants it. A text that a
    spreadsheet would run as a formula gets an apostrophe in front.
    """
    # Quotes mark all text, ids included; only the attempts are a number.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(_cells(row))
        count += 1
    return count


def _csv_row(row: JournalRow) -> CsvRow:
    wanted = row.update
    return CsvRow(
        wanted.task_id,
        wanted.user_id,
        wanted.status,
        wanted.due_date,
        wanted.priority,
        row.state.value,
        row.attempts,
        row.request_id,
        row.error,
        row.settled_at,
    )


def _cells(row: CsvRow) -> tuple[str | int, ...]:
    return (
        str(row.task_id),
        _harmless(row.user_id),
        _harmless(row.status),
        _iso(row.due_date),
        _harmless(row.priority),
        _harmless(row.state),
        row.attempts,
        _harmless(row.request_id),
        _harmless(row.error),
        _iso(row.settled_at),
    )


def _harmless(text: str | None) -> str:
    if not text:
        return ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(text) else text


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
