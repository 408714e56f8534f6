"""A journal's rows: what stands in them, how that is written, and what to say when it cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from attrs import Attribute, field, frozen

from gong_tasks_async.models import TaskStatus, TaskUpdate

APPLICATION_ID = (
    0x476F6E6A  # "Gonj", in the file's header; https://www.sqlite.org/pragma.html#pragma_application_id
)
VERSION = 1


class RowState(StrEnum):
    """What became of a row."""

    PENDING = "pending"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@frozen
class Job:
    """What makes two plans the same job: the same rows, in any order."""

    fingerprint: str
    rows: int


@frozen
class JournalRow:
    """One row as it stands."""

    update: TaskUpdate
    state: RowState
    attempts: int = 0
    request_id: str | None = None
    error: str | None = None
    """The error in words."""
    error_kind: str | None = None
    """Its class, such as ``"TaskNotFoundError"``."""
    status: int | None = None
    """Gong's HTTP status, where it answered."""
    settled_at: datetime | None = None


def _is_an_outcome(_: object, __: Attribute[RowState], state: RowState) -> None:
    if state is RowState.PENDING:
        raise ValueError("a pending row is not settled")


@frozen
class Settled:
    """What became of the row of a task; the journal adds the time."""

    task_id: int
    state: RowState = field(validator=_is_an_outcome)
    attempts: int
    request_id: str | None = None
    error: str | None = None
    error_kind: str | None = None
    status: int | None = None


@frozen
class Counts:
    """How many rows stand where."""

    pending: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0

    @property
    def settled(self) -> int:
        """Rows that cost no further call."""
        return self.updated + self.unchanged + self.failed

    @property
    def total(self) -> int:
        """All rows."""
        return self.pending + self.settled


def wish(update: TaskUpdate) -> tuple[Any, ...]:
    """The columns of an update."""
    return (
        update.task_id,
        update.user_id,
        None if update.status is None else str(update.status),
        None if update.due_date is None else update.due_date.isoformat(),
        update.priority,
    )


def update_from(
    task_id: int, user_id: str, status: str | None, due_date: str | None, priority: str | None
) -> TaskUpdate:
    """The update of these columns; the due date has its UTC offset again, though not its zone's name."""
    return TaskUpdate(
        task_id,
        user_id,
        status=None if status is None else TaskStatus(status),
        due_date=None if due_date is None else datetime.fromisoformat(due_date),
        priority=priority,
    )


def fingerprint(update: TaskUpdate) -> int:
    """The same for equal updates, in every process; a due date counts as a moment, as in ``==``."""
    moment = None if update.due_date is None else update.due_date.astimezone(UTC).isoformat()
    status = None if update.status is None else str(update.status)
    # ascii(), since repr() depends on the Unicode version of the Python that runs it
    text = ascii(
        (update.task_id, str(update.user_id), status, moment, update.priority and str(update.priority))
    )
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def outcome_columns(row: Settled, now: float) -> tuple[Any, ...]:
    """The columns of an outcome. Half a character in Gong's words must not keep them from being recorded."""
    request_id, error = (
        text and text.encode(errors="backslashreplace").decode() for text in (row.request_id, row.error)
    )
    return row.state.value, row.attempts, request_id, error, row.error_kind, row.status, now, row.task_id


def row_from(columns: tuple[Any, ...]) -> JournalRow:
    """The row of these columns."""
    _, *wanted, state, attempts, request_id, error, error_kind, status, settled_at = columns
    moment = None if settled_at is None else datetime.fromtimestamp(settled_at, UTC)
    outcome = (attempts, request_id, error, error_kind, status, moment)
    return JournalRow(update_from(*wanted), RowState(state), *outcome)


TABLES = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = FULL;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
BEGIN;
CREATE TABLE job (
    only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL, rows INTEGER NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE rows (
    number INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    status TEXT,
    due_date TEXT,
    priority TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    request_id TEXT,
    error TEXT,
    error_kind TEXT,
    http_status INTEGER,
    settled_at REAL
);
"""
INSERT = """
INSERT INTO rows (task_id, user_id, status, due_date, priority, state, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (task_id) DO NOTHING
"""
SELECT_UPDATE = "SELECT task_id, user_id, status, due_date, priority FROM rows WHERE task_id = ?"
JOB = "SELECT fingerprint, rows, created_at FROM job"
COLUMNS = """
SELECT number, task_id, user_id, status, due_date, priority,
    state, attempts, request_id, error, error_kind, http_status, settled_at
FROM rows
"""
PAGE_OF_ALL = f"{COLUMNS} WHERE number > :after ORDER BY number LIMIT :limit"
PAGE_OF_STATE = f"{COLUMNS} WHERE state = :state AND number > :after ORDER BY number LIMIT :limit"
BY_USER = "SELECT user_id, state, count(*) FROM rows GROUP BY user_id, state"
SETTLE = """
UPDATE rows
SET state = ?, attempts = ?, request_id = ?, error = ?, error_kind = ?, http_status = ?, settled_at = ?
WHERE task_id = ? AND state = 'pending'
"""
SPAN = "SELECT min(settled_at), max(settled_at) FROM rows WHERE state IN ('updated', 'failed')"
TIMELINE = """
SELECT min(CAST((settled_at - :first) / :width AS INTEGER), :last) AS bucket,
    sum(state = 'updated'), sum(state = 'failed')
FROM rows WHERE state IN ('updated', 'failed') GROUP BY bucket
"""
