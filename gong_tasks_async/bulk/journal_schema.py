"""Tables of a journal, and how rows, errors and runs are written in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from types import UnionType
from typing import Any, Final

from attrs import frozen

from gong_tasks_async.bulk.error_facts import error_of, facts_of, shown
from gong_tasks_async.bulk.outcomes import JournalRow, RecordedError, RowState, TaskSnapshot, error_name
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskStatus, TaskUpdate

APPLICATION_ID = (
    0x476F6E6A  # "Gonj", in the file's header; https://www.sqlite.org/pragma.html#pragma_application_id
)
VERSION = 2


@frozen
class JobIdentity:
    """What makes two plans the same job: the same rows, in any order."""

    fingerprint: str
    rows: int


def update_columns(update: TaskUpdate) -> tuple[Any, ...]:
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


def outcome_columns(row: JournalRow, now: float) -> tuple[Any, ...]:
    """The columns of an outcome, in the order of :data:`SETTLE`."""
    return (
        row.state.value,
        row.attempts,
        storable(row.request_id),
        *error_columns(row.cause),
        now,
        storable(row.reason),
        snapshot_text(row.after),
        row.update.task_id,
    )


def error_columns(error: GongError | None) -> tuple[Any, ...]:
    """The columns of an error: its message, its class, the HTTP status, and its facts as JSON."""
    if error is None:
        return None, None, None, None
    status = getattr(error, "status", None)
    return storable(str(error)), error_name(error), status, error_text(error)


def storable(text: str | None) -> str | None:
    """The text with half a character, as in Gong's messages, spelled out: it must not keep a row from being recorded."""
    return None if text is None else text.encode(errors="backslashreplace").decode()


def error_text(error: GongError | None) -> str | None:
    """An error's facts as JSON."""
    return None if error is None else json.dumps(facts_of(error), separators=(",", ":"), default=str)


def error_from(text: str | None) -> GongError | None:
    """The error of such a text."""
    return None if text is None else error_of(json.loads(text))


def snapshot_text(snapshot: TaskSnapshot | None) -> str | None:
    """A snapshot as JSON."""
    if snapshot is None:
        return None
    moments = (snapshot.due_date, snapshot.updated)
    due, updated = (None if moment is None else moment.isoformat() for moment in moments)
    return json.dumps([snapshot.status, due, snapshot.priority, updated], separators=(",", ":"))


def snapshot_from(text: str | None) -> TaskSnapshot | None:
    """The snapshot of such a text."""
    if text is None:
        return None
    status, due, priority, updated = json.loads(text)
    return TaskSnapshot(
        None if status is None else TaskStatus(status),
        None if due is None else datetime.fromisoformat(due),
        priority,
        None if updated is None else datetime.fromisoformat(updated),
    )


def check_types(values: tuple[object, ...], kind: type | UnionType) -> None:
    """Check what a column holds: SQLite keeps any value in any column.

    Raises:
        TypeError: another type.
    """
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"{type(value).__name__} in the place of {kind}")


def row_from(columns: tuple[Any, ...]) -> JournalRow:
    """The row of these columns, in the order of :data:`COLUMNS`."""
    _, *wanted, state, attempts, request_id, error, kind, status, settled_at, facts, reason, before, after = (
        columns
    )
    check_types((attempts,), int)
    check_types((request_id, reason), str | None)
    cause = error_from(facts)
    if cause is None and error is not None:  # recorded by an earlier version
        recorded: dict[str, Any] = {
            "message": error,
            "kind": kind or "GongError",
            "status": status,
            "request_id": request_id,
        }
        cause = shown(RecordedError(attempts=attempts, **recorded))
    return JournalRow(
        update_from(*wanted),
        RowState(state),
        attempts,
        request_id,
        cause,
        None if settled_at is None else datetime.fromtimestamp(settled_at, UTC),
        reason,
        snapshot_from(before),
        snapshot_from(after),
    )


NEW_COLUMNS: Final = {
    "facts": "TEXT",
    "reason": "TEXT",
    "before": "TEXT",
    "after": "TEXT",
    "suspect": "INTEGER NOT NULL DEFAULT 0",
    "lives": "INTEGER NOT NULL DEFAULT 0",
    "sent": "INTEGER NOT NULL DEFAULT 0",
}
"""Columns of the rows that version 1 lacks: error and snapshots as JSON; whether the row is a suspect; how many runs
have tried it without an outcome; whether it was sent without a recorded outcome."""
NEW_TABLES: Final = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, began_at REAL NOT NULL, ended_at REAL, calls INTEGER NOT NULL DEFAULT 0,
    listings INTEGER NOT NULL DEFAULT 0, rate_limited INTEGER NOT NULL DEFAULT 0, stopped TEXT, resume_after REAL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE users (user_id TEXT PRIMARY KEY, name TEXT NOT NULL);
"""
"""The runs of the job; facts about it, such as the company's address; names of the tasks' owners."""
_ADDED = "".join(f", {name} {kind}" for name, kind in NEW_COLUMNS.items())
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
    settled_at REAL{_ADDED}
);
{NEW_TABLES}
"""
MIGRATE = f"""
{"".join(f"ALTER TABLE rows ADD COLUMN {name} {kind};" for name, kind in NEW_COLUMNS.items())}
{NEW_TABLES}
PRAGMA user_version = {VERSION};
"""
"""From version 1."""

INSERT = """
INSERT INTO rows (task_id, user_id, status, due_date, priority, state, settled_at, before)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (task_id) DO NOTHING
"""
SELECT_UPDATE = "SELECT task_id, user_id, status, due_date, priority FROM rows WHERE task_id = ?"
JOB = "SELECT fingerprint, rows, created_at FROM job"
COLUMNS = """number, task_id, user_id, status, due_date, priority,
    state, attempts, request_id, error, error_kind, http_status, settled_at"""
EXTRA = "facts, reason, before, after"


def select_rows(version: int, where: str) -> str:
    """The statement that reads a page of rows, from a journal of any version."""
    extra = EXTRA if version > 1 else "NULL, NULL, NULL, NULL"
    return f"SELECT {COLUMNS}, {extra} FROM rows WHERE {where} ORDER BY number LIMIT :limit"  # noqa: S608 - our own texts


PENDING = """
SELECT number, task_id, user_id, status, due_date, priority, before, sent, lives FROM rows
WHERE state = 'pending' AND suspect = :suspect AND number > :after ORDER BY number LIMIT :limit
"""
BY_USER = "SELECT user_id, state, count(*) FROM rows GROUP BY user_id, state"
SETTLE = """
UPDATE rows
SET state = ?, attempts = ?, request_id = ?, error = ?, error_kind = ?, http_status = ?, facts = ?,
    settled_at = ?, reason = ?, after = ?, suspect = 0
WHERE task_id = ? AND state = 'pending'
"""
NOTE = """
UPDATE rows
SET attempts = ?, request_id = ?, error = ?, error_kind = ?, http_status = ?, facts = ?, suspect = ?, lives = lives + ?,
    sent = sent * ?
WHERE task_id = ? AND state = 'pending'
"""
SEND = "UPDATE rows SET sent = 1 WHERE task_id = ? AND state = 'pending'"
LOOKED = "UPDATE rows SET before = ? WHERE task_id = ? AND before IS NULL AND state = 'pending'"
RETRY = """
UPDATE rows
SET state = 'pending', settled_at = NULL, suspect = 0, lives = 0, sent = 0
WHERE state = 'failed' AND (:kinds IS NULL OR error_kind IN (SELECT value FROM json_each(:kinds)))
"""
SPAN = "SELECT min(settled_at), max(settled_at) FROM rows WHERE state IN ('updated', 'failed')"
TIMELINE = """
SELECT min(CAST((settled_at - :first) / :width AS INTEGER), :last) AS bucket,
    sum(state = 'updated'), sum(state = 'failed')
FROM rows WHERE state IN ('updated', 'failed') GROUP BY bucket
"""
RUNS = "SELECT began_at, ended_at, calls, listings, rate_limited, stopped, resume_after FROM runs ORDER BY number"
