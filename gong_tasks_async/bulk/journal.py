"""One file for one job: the plan, and every outcome. What is in it survives ``kill -9``.

Nothing here is asynchronous: call it from a thread that may wait for a disk.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Self

from gong_tasks_async.bulk.journal_file import (
    Planned,
    check_header,
    connect,
    create,
    exists,
    identify_job,
    locked,
    refuse,
    told,
)
from gong_tasks_async.bulk.journal_schema import (
    BY_USER,
    JOB,
    PAGE_OF_ALL,
    PAGE_OF_STATE,
    SETTLE,
    SPAN,
    TIMELINE,
    Counts,
    Job,
    JournalRow,
    RowState,
    Settled,
    outcome_columns,
    row_from,
    update_from,
)
from gong_tasks_async.errors import JournalError
from gong_tasks_async.models import TaskUpdate

__all__ = [
    "Counts",
    "Journal",
    "JournalError",
    "JournalReader",
    "JournalRow",
    "RowState",
    "Settled",
    "open_journal",
]

PAGE = 1_000
"""Rows read at once, so that neither memory nor the log grows while a report takes its time."""


class JournalReader:
    """A journal for one's own reports; it may be read while a run writes it."""

    def __init__(self, path: Path, database: sqlite3.Connection, held: ExitStack) -> None:
        self.path = path
        self._database = database
        self._mutex = threading.Lock()
        with self._alone():
            check_header(database, path)
            fingerprint, rows, created = database.execute(JOB).fetchone()
        self.job = Job(fingerprint, rows)
        self.created_at = datetime.fromtimestamp(created, UTC)
        self._release = weakref.finalize(self, held.pop_all().close)  # until here, the caller lets go

    def counts(self) -> Counts:
        """How many rows stand where, now."""
        with self._alone() as database:
            return Counts(**dict(database.execute("SELECT state, count(*) FROM rows GROUP BY state")))

    def rows(self, state: RowState | None = None) -> Iterator[JournalRow]:
        """The rows in the plan's order, read as they are taken: a later one may be of a later moment."""
        after = 0
        while page := self._page(after, PAGE, state):
            yield from map(row_from, page)
            after = page[-1][0]

    def by_user(self) -> dict[str, Counts]:
        """How many rows of each user stand where."""
        users: dict[str, dict[str, int]] = {}
        with self._alone() as database:
            for user_id, state, count in database.execute(BY_USER):
                users.setdefault(user_id, {})[state] = count
        return {user_id: Counts(**counts) for user_id, counts in users.items()}

    def timeline(self, buckets: int) -> list[tuple[datetime, int, int]]:
        """How many rows were updated and how many failed in equal spans of time: (begin of the span, both counts).

        Empty as long as nothing was updated and nothing failed.
        """
        if buckets < 1:
            raise ValueError(f"buckets must be at least 1, not {buckets}")
        with self._alone() as database:
            first, last = database.execute(SPAN).fetchone()
            if first is None:
                return []
            width = (last - first) / buckets or 1.0
            found = database.execute(TIMELINE, {"first": first, "width": width, "last": buckets - 1})
            counts = {bucket: (updated, failed) for bucket, updated, failed in found}
        moments = (datetime.fromtimestamp(first + width * bucket, UTC) for bucket in range(buckets))
        return [(moment, *counts.get(bucket, (0, 0))) for bucket, moment in enumerate(moments)]

    def close(self) -> None:
        """Let go of the file. Closing twice is harmless."""
        with self._mutex:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _page(self, after: int, limit: int, state: RowState | None) -> list[tuple[Any, ...]]:
        where = {"after": after, "limit": limit, "state": state and state.value}
        with self._alone() as database:
            return database.execute(PAGE_OF_ALL if state is None else PAGE_OF_STATE, where).fetchall()

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        with self._mutex, told(self.path):
            yield self._database


class Journal(JournalReader):
    """A journal that a run writes, and nobody else meanwhile."""

    @classmethod
    def create_or_open(
        cls,
        path: Path | str,
        updates: Iterable[TaskUpdate] | None,
        *,
        unchanged: Iterable[TaskUpdate] = (),
    ) -> Self:
        """Write a plan down, or go on with it where it was written before.

        Args:
            path: The job's file; beside it stands ``<path>-lock``, which is empty and may be removed between runs.
            updates: The job's rows, read one by one; None goes on with whatever job the file holds.
            unchanged: Rows of the job that are as wanted already. They make a difference in a new journal only.

        Raises:
            JournalError: two different updates of one task; or the file is of another job, not a journal, of a
                newer version, in use by a running process, or cannot be read or written. It is left as it is.
        """
        path = Path(path).resolve()
        exists(path)  # refuse before there is a lock beside a file of somebody else
        with ExitStack() as held:
            held.callback(locked(path).close)
            _provide(path, None if updates is None else _planned(updates, unchanged))
            with told(path, "cannot be opened for writing"):
                database = connect(path, "mode=rw")
                held.callback(database.close)
                database.execute("PRAGMA journal_mode=WAL").fetchone()
                database.execute("PRAGMA synchronous=FULL")
            return cls(path, database, held)

    def pending(self, after: int, limit: int) -> list[tuple[int, TaskUpdate]]:
        """The next pending rows in the plan's order, with their numbers; the first number is above ``after``."""
        page = self._page(after, limit, RowState.PENDING)
        return [(columns[0], update_from(*columns[1:6])) for columns in page]

    def settle(self, rows: Sequence[Settled]) -> None:
        """Record outcomes, all or none; they are on disk when this returns.

        A row that was settled before keeps its first outcome: that one was reported.

        Raises:
            JournalError: the disk is full or broken, and none of these is recorded. Try again once it is mended.
            ValueError: a task is not in the plan, and none of these is recorded.
        """
        now = time.time()
        with self._transaction() as database:
            recorded = database.executemany(SETTLE, [outcome_columns(row, now) for row in rows]).rowcount
            if recorded < len(rows):
                _refuse_strangers(database, rows)

    def close(self) -> None:
        """Let go of the file, as one plain file that can be copied, unless somebody is reading it."""
        with self._mutex, suppress(sqlite3.Error):
            self._database.execute("PRAGMA busy_timeout=0")
            self._database.execute("PRAGMA journal_mode=DELETE").fetchone()
        super().close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._alone() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite ends some by itself, as on a full disk
                    database.execute("ROLLBACK")
                raise


def open_journal(path: Path | str) -> JournalReader:
    """Read a journal, also while a run writes it; it cannot be changed through this.

    Raises:
        JournalError: there is none, or the file is not ours or cannot be read.
    """
    path = Path(path).resolve()
    if not exists(path):
        refuse(path, "there is none: look for the name that was given to the run")
    with ExitStack() as held, told(path, "cannot be read"):
        database = connect(path, "mode=ro")
        held.callback(database.close)
        return JournalReader(path, database, held)


def _planned(updates: Iterable[TaskUpdate], unchanged: Iterable[TaskUpdate]) -> Iterator[Planned]:
    return chain(
        ((update, RowState.PENDING) for update in updates),
        ((update, RowState.UNCHANGED) for update in unchanged),
    )


def _provide(path: Path, planned: Iterable[Planned] | None) -> None:
    """See that the file holds this plan, writing it where there is none."""
    if not exists(path):
        if planned is None:
            refuse(path, "there is none to go on with: give it the updates")
        create(path, planned)
    elif planned is not None:
        with open_journal(path) as journal:  # read-only: a writer would change the file when it closes
            same = identify_job(planned, path) == journal.job
        if not same:
            refuse(
                path,
                "it is another job's journal: name a new file, or go on with that job without new updates",
            )


def _refuse_strangers(database: sqlite3.Connection, rows: Sequence[Settled]) -> None:
    for row in rows:
        if not database.execute("SELECT 1 FROM rows WHERE task_id = ?", (row.task_id,)).fetchone():
            raise ValueError(f"task {row.task_id} is not in this journal's plan")
