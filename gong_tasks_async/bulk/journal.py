"""One file for one job: the plan, every outcome, and every run. What is in it survives ``kill -9``.

Nothing here is asynchronous: call it from a thread that may wait for a disk.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Self

from gong_tasks_async.bulk.journal_entries import Note, PendingRow
from gong_tasks_async.bulk.journal_file import (
    JobFacts,
    acquire_lock,
    connect,
    create,
    exists,
    identify_job,
    migrate,
    raise_journal_error,
    resolved,
    translate_errors,
)
from gong_tasks_async.bulk.journal_reader import JournalReader, RunRecord, open_journal
from gong_tasks_async.bulk.journal_schema import (
    LOOKED,
    NOTE,
    PENDING,
    RETRY,
    SEND,
    SETTLE,
    error_columns,
    error_text,
    outcome_columns,
    snapshot_from,
    snapshot_text,
    storable,
    update_from,
)
from gong_tasks_async.bulk.outcomes import JournalRow, RowState, TaskSnapshot
from gong_tasks_async.errors import JournalError
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.models.requests import check_update

__all__ = [
    "Journal",
    "JournalError",
    "JournalReader",
    "PendingRow",
    "RunRecord",
    "open_journal",
    "retry_failed",
]


class Journal(JournalReader):
    """A journal that one run writes."""

    spent: Callable[[], RunRecord] | None = None
    """What the run has spent so far; recorded with its outcomes."""

    @classmethod
    def create_or_open(
        cls,
        path: Path | str,
        updates: Iterable[TaskUpdate] | None,
        *,
        unchanged: Iterable[TaskUpdate] = (),
        looked: Mapping[int, TaskSnapshot] | None = None,
        facts: JobFacts | None = None,
    ) -> Self:
        """Write a plan, or resume it where it was written before.

        Args:
            path: The job's file; beside it stands ``<path>-lock``, which is empty and may be removed between runs.
            updates: The job's rows, read one by one; None resumes whatever job the file holds.
            unchanged: Rows of the job that need no call. They make a difference in a new journal only.
            looked: The tasks as they are before the job, by id; as ``unchanged``.
            facts: What else to remember of the job; as ``unchanged``.

        Raises:
            JournalError: two different updates of one task; or the file is of another job, not a journal, of a
                newer version, in use by a running process, or cannot be read or written. It is left as it is.
        """
        path = resolved(path)
        exists(path)  # refuse before there is a lock beside another program's file
        with ExitStack() as held:
            held.callback(acquire_lock(path).close)
            rows = None if updates is None else _planned(updates, unchanged, looked or {})
            _provide(path, rows, facts or JobFacts())
            with translate_errors(path, "cannot be opened for writing"):
                database = connect(path, "mode=rw")
                held.callback(database.close)
                database.execute("PRAGMA journal_mode=WAL").fetchone()
                database.execute("PRAGMA synchronous=FULL")
                migrate(database, path)
            return cls(path, database, held)

    def pending(self, after: int, limit: int, *, suspect: bool = False) -> list[PendingRow]:
        """The next pending rows in the plan's order; their numbers are above ``after``.

        Args:
            after: the last number that was read.
            limit: how many rows to read.
            suspect: whether to read those that were refused together, or all others.
        """
        where = {"after": after, "limit": limit, "suspect": int(suspect)}
        with self._reading() as database:
            return [
                PendingRow(number, update_from(*wanted), snapshot_from(before), bool(sent), lives)
                for number, *wanted, before, sent, lives in database.execute(PENDING, where)
            ]

    def settle(self, rows: Sequence[JournalRow]) -> None:
        """Record outcomes, all or none; they are on disk when this returns.

        A row that was settled before keeps its first outcome: that one was reported.

        Raises:
            JournalError: the disk is full or broken, and none of these is recorded. Try again once it is repaired.
            ValueError: a task is not in the plan, or a row is pending, and none of these is recorded.
        """
        if any(row.state is RowState.PENDING for row in rows):
            raise ValueError("a pending row is not settled")
        now = time.time()
        with self._transaction() as database:
            recorded = database.executemany(SETTLE, [outcome_columns(row, now) for row in rows]).rowcount
            if recorded < len(rows):
                _refuse_unplanned(database, rows)
            self._write_spent(database)

    def note(self, notes: Sequence[Note]) -> None:
        """Record the last attempts at rows that stay pending.

        Raises:
            JournalError: they cannot be written.
        """
        with self._transaction() as database:
            database.executemany(NOTE, map(_note_columns, notes))
            self._write_spent(database)

    def send(self, task_ids: Sequence[int]) -> None:
        """Record that rows are about to be sent, so that a later run knows whose changes it finds.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as database:
            database.executemany(SEND, [(task_id,) for task_id in task_ids])

    def look(self, found: Mapping[int, TaskSnapshot]) -> None:
        """Record the tasks as they are before the job, where that is not known yet.

        Raises:
            JournalError: it cannot be written.
        """
        columns = [(snapshot_text(snapshot), task_id) for task_id, snapshot in found.items()]
        with self._transaction() as database:
            database.executemany(LOOKED, columns)

    def remember(self, name: str, text: str) -> None:
        """Record a fact of the job that is not known yet.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, text))

    def retry_failed(self, kinds: Collection[str] | None = None) -> int:
        """Make failed rows pending again; see :func:`retry_failed`."""
        with self._transaction() as database:
            names = None if kinds is None else json.dumps(sorted(kinds))
            return database.execute(RETRY, {"kinds": names}).rowcount

    def begin_run(self) -> None:
        """Record that a run has begun.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as database:
            inserted = database.execute("INSERT INTO runs (began_at) VALUES (?)", (time.time(),))
            self._run = inserted.lastrowid

    def end_run(self, run: RunRecord) -> None:
        """Record what a run has spent, and why it stopped.

        Raises:
            JournalError: it cannot be written.
        """
        self.spent = None
        with self._transaction() as database:
            resume = None if run.resume_after is None else run.resume_after.timestamp()
            why = error_text(run.stopped_because)
            columns = (time.time(), run.calls, run.listings, run.rate_limited, why, resume, self._run)
            database.execute(
                "UPDATE runs SET ended_at = ?, calls = ?, listings = ?, rate_limited = ?, stopped = ?, resume_after = ? "
                "WHERE number = ?",
                columns,
            )

    def close(self) -> None:
        """Close the file, as one plain file that can be copied, unless another process is reading it."""
        with self._mutex, suppress(sqlite3.Error):
            self._database.execute("PRAGMA busy_timeout=0")
            self._database.execute("PRAGMA journal_mode=DELETE").fetchone()
        super().close()

    _run: int | None = None
    """Number of the run that is being recorded."""

    def _write_spent(self, database: sqlite3.Connection) -> None:
        if self.spent is not None:
            run = self.spent()
            columns = (time.time(), run.calls, run.listings, run.rate_limited, self._run)
            database.execute(
                "UPDATE runs SET ended_at = ?, calls = ?, listings = ?, rate_limited = ? WHERE number = ?",
                columns,
            )

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._exclusive() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite ends some by itself, as on a full disk
                    database.execute("ROLLBACK")
                raise


def retry_failed(path: Path | str, kinds: Collection[str] | None = None) -> int:
    """Make failed rows of a job pending again, so that resuming the job tries them; return how many.

    Args:
        path: the job's journal.
        kinds: class names of errors, such as ``{"TaskNotFoundError"}``; None for all failed rows.

    Raises:
        JournalError: there is no such journal, it is in use, or cannot be written.
    """
    with Journal.create_or_open(path, None) as journal:
        return journal.retry_failed(kinds)


def _planned(
    updates: Iterable[TaskUpdate], unchanged: Iterable[TaskUpdate], looked: Mapping[int, TaskSnapshot]
) -> Iterator[JournalRow]:
    return chain(
        (_pending_row(update, looked) for update in updates),
        (JournalRow(update, RowState.UNCHANGED) for update in unchanged),
    )


def _provide(path: Path, rows: Iterable[JournalRow] | None, facts: JobFacts) -> None:
    """See that the file holds this plan, writing it where there is none."""
    if not exists(path):
        if rows is None:
            raise_journal_error(path, "there is none to resume: give it the updates")
        create(path, rows, facts)
    elif rows is not None:
        with open_journal(path) as journal:  # read-only: a writer would change the file when it closes
            same = identify_job(rows, path) == journal.job
        if not same:
            raise_journal_error(
                path,
                "it is another job's journal: name a new file, or resume that job with resume_many(), "
                "which takes no updates",
            )


def _note_columns(note: Note) -> tuple[object, ...]:
    request_id = storable(getattr(note.error, "request_id", None))
    columns = note.error.attempts, request_id, *error_columns(note.error)
    return *columns, int(note.suspect), note.life, int(note.may_be_made), note.task_id


def _refuse_unplanned(database: sqlite3.Connection, rows: Sequence[JournalRow]) -> None:
    for row in rows:
        task_id = row.update.task_id
        if not database.execute("SELECT 1 FROM rows WHERE task_id = ?", (task_id,)).fetchone():
            raise ValueError(f"task {task_id} is not in this journal's plan")


def _pending_row(update: TaskUpdate, looked: Mapping[int, TaskSnapshot]) -> JournalRow:
    check_update(update)
    return JournalRow(update, before=looked.get(update.task_id))
