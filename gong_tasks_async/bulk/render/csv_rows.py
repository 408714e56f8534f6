"""The rows of a job as CSV, one after the other: a million of them need no memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from gong_tasks_async.bulk.outcomes import JournalRow
from gong_tasks_async.bulk.render.format import to_iso
from gong_tasks_async.bulk.render.formulas import escape_formula

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


def write_journal_csv(rows: Iterable[JournalRow], file: TextIO) -> int:
    """Write a line of column names and one line for each row; return how many rows there were.

    For the rows of a journal: ``write_journal_csv(open_journal(path).rows(), file)``. Open the file with
    ``newline=""`` and ``encoding="utf-8"``, as the csv module wants it. A text that a spreadsheet would run as a
    formula gets an apostrophe in front.

    Args:
        rows: the rows, such as those of :meth:`JournalReader.rows`.
        file: a text file that is open for writing, with ``newline=""``.
    """
    # Quotes mark all text, ids included; only the attempts are a number.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(_cells(row))
        count += 1
    return count


def _cells(row: JournalRow) -> tuple[str | int, ...]:
    update = row.update
    return (
        str(update.task_id),
        escape_formula(update.user_id),
        escape_formula(update.status),
        to_iso(update.due_date) or "",
        escape_formula(update.priority),
        row.state.value,
        row.attempts,
        escape_formula(row.request_id),
        escape_formula(row.error or row.reason),
        to_iso(row.settled_at) or "",
    )
