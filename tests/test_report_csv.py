from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gong_tasks_async import JournalRow, RowState, TaskUpdate
from gong_tasks_async.bulk.outcomes import RecordedError
from gong_tasks_async.bulk.render.csv_rows import COLUMNS, write_journal_csv
from gong_tasks_async.bulk.render.formulas import escape_formula
from tests.reports import BIG_ID, HOSTILE, NOON

# CSV


def row_of(task_id: int = 7, user_id: str = "21", **facts: Any) -> JournalRow:
    changes: dict[str, Any] = {"status": "DONE"} | {
        name: facts.pop(name) for name in ("due_date", "priority") if name in facts
    }
    return JournalRow(TaskUpdate(task_id, user_id, **changes), **facts)


def error(message: str) -> RecordedError:
    return RecordedError(message=message, kind="TaskNotFoundError")


def written(*rows: JournalRow) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    assert write_journal_csv(rows, file) == len(rows)
    return list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))


def test_the_csv_reads_back_in_gong_s_spelling() -> None:
    facts: dict[str, Any] = {"due_date": NOON, "priority": "HIGH", "attempts": 2, "request_id": "req-1"}
    settled_at = NOON + timedelta(seconds=1)
    row = row_of(BIG_ID, state=RowState.FAILED, cause=error("No such task"), settled_at=settled_at, **facts)
    assert written(row) == [
        {
            "taskId": str(BIG_ID),
            "userId": "21",
            "status": "DONE",
            "dueDate": "2026-03-12T12:00:00+00:00",
            "priority": "HIGH",
            "state": "failed",
            "attempts": "2",
            "requestId": "req-1",
            "error": "No such task",
            "settledAt": "2026-03-12T12:00:01+00:00",
        }
    ]


def test_the_csv_marks_ids_as_text_and_attempts_as_a_number() -> None:
    file = io.StringIO(newline="")
    write_journal_csv([row_of(BIG_ID, attempts=3)], file)
    typed = list(csv.reader(io.StringIO(file.getvalue(), newline=""), quoting=csv.QUOTE_NONNUMERIC))
    assert typed[1] == [str(BIG_ID), "21", "DONE", "", "", "pending", 3.0, "", "", ""]


def test_a_csv_without_rows_still_names_its_columns() -> None:
    file = io.StringIO(newline="")
    assert write_journal_csv([], file) == 0
    assert next(csv.reader([file.getvalue()])) == list(COLUMNS)


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1+1", "-2*3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+\u0661", "-1\n=1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(formula: str) -> None:
    [read] = written(row_of(request_id=formula, cause=error(formula)))
    assert read["requestId"] == read["error"] == escape_formula(formula)
    assert read["error"] != formula
    assert read["error"].replace("'", "") == formula


@pytest.mark.parametrize("number", ["-5", "+5", "-0.25", "5", ""])
def test_plain_numbers_and_nothing_stay_as_they_are(number: str) -> None:
    assert written(row_of(request_id=number))[0]["requestId"] == number


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_stay_within_their_cell(hostile: str) -> None:
    [read] = written(row_of(cause=error(hostile)))
    assert read["error"].replace("'", "") == hostile.replace("'", "")
    assert list(read) == list(COLUMNS)


def test_rows_are_written_as_they_come() -> None:
    file = io.StringIO(newline="")

    def rows() -> Iterator[JournalRow]:
        for number in range(1, 4):
            assert file.getvalue().count("\r\n") == number
            yield row_of(number)

    assert write_journal_csv(rows(), file) == 3
