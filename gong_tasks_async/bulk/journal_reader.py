"""Reading a journal, also while a run writes it."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen

from gong_tasks_async.bulk.journal_file import (
    check_header,
    connect,
    exists,
    raise_journal_error,
    resolved,
    translate_errors,
    translate_values,
)
from gong_tasks_async.bulk.journal_schema import (
    BY_USER,
    JOB,
    RUNS,
    SPAN,
    TIMELINE,
    JobIdentity,
    check_types,
    error_from,
    row_from,
    select_rows,
)
from gong_tasks_async.bulk.outcomes import JournalRow, RowCounts, RowState, count_states
from gong_tasks_async.errors import GongError
from gong_tasks_async.sqlite_file import distrust

if TYPE_CHECKING:
    from gong_tasks_async.bulk.report import BulkReport

PAGE = 1_000
"""Rows read at once, so that neither memory nor the log grows while a report takes its time."""


@frozen(kw_only=True)
class RunRecord:
    """One run of a job.

    Attributes:
        began_at: when the run began (UTC); None where the journal does not have it.
        ended_at: of a run that was killed, when it last recorded an outcome.
        calls: requests sent, listings and retries included.
        listings: how many of them listed tasks.
        rate_limited: how many of them were answered 429.
        stopped_because: why it ended before its rows did, if it did.
        resume_after: when to resume, where that is known.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    calls: int = 0
    listings: int = 0
    rate_limited: int = 0
    stopped_because: GongError | None = None
    resume_after: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long it took, as far as is known."""
        if self.began_at is None or self.ended_at is None:
            return 0.0
        return max(0.0, (self.ended_at - self.began_at).total_seconds())


class JournalReader:
    """A journal for reports; it may be read while a run writes it."""

    def __init__(self, path: Path, database: sqlite3.Connection, held: ExitStack) -> None:
        self.path = path
        self._database = database
        self._mutex = threading.Lock()
        with self._reading():
            distrust(database)
            self._version = check_header(database, path)
            fingerprint, rows, created = database.execute(JOB).fetchone()
            self.job: JobIdentity = JobIdentity(fingerprint, rows)
            self.created_at: datetime = datetime.fromtimestamp(created, UTC)
        self._release = weakref.finalize(self, held.pop_all().close)  # until here, the caller closes it

    @property
    def facts(self) -> dict[str, str]:
        """Facts of the job by name; empty in a journal of an earlier version."""
        return dict(self._all("SELECT name, value FROM facts"))

    @property
    def users(self) -> dict[str, str]:
        """Names of the tasks' owners by user id, where the plan knew them."""
        return dict(self._all("SELECT user_id, name FROM users"))

    @property
    def company(self) -> str | None:
        """Base URL of the company whose tasks the job changes; None in a journal of an earlier version."""
        return self.facts.get("base_url")

    def counts(self) -> RowCounts:
        """How many rows are in each state, now."""
        with self._reading() as database:
            return count_states(dict(database.execute("SELECT state, count(*) FROM rows GROUP BY state")))

    def rows(self, state: RowState | None = None) -> Iterator[JournalRow]:
        """The rows in the plan's order, read as they are taken: a later one may be of a later moment.

        Args:
            state: only rows in this state; None for all.
        """
        after = 0
        while page := self._page(after, PAGE, state):
            yield from (row for _, row in page)
            after = page[-1][0]

    def by_user(self) -> dict[str, RowCounts]:
        """How many rows of each user are in each state."""
        users: dict[str, dict[str, int]] = {}
        with self._reading() as database:
            for user_id, state, count in database.execute(BY_USER):
                users.setdefault(user_id, {})[state] = count
            return {user_id: count_states(counts) for user_id, counts in users.items()}

    def timeline(self, buckets: int) -> list[tuple[datetime, int, int]]:
        """How many rows were updated and how many failed in equal spans of time: (begin of the span, both counts).

        Empty as long as nothing was updated and nothing failed.

        Args:
            buckets: into how many equal spans the job is divided.
        """
        if buckets < 1:
            raise ValueError(f"buckets must be at least 1, not {buckets}")
        with self._reading() as database:
            first, last = database.execute(SPAN).fetchone()
            if first is None:
                return []
            width = (last - first) / buckets or 1.0
            found = database.execute(TIMELINE, {"first": first, "width": width, "last": buckets - 1})
            counts = {bucket: (updated, failed) for bucket, updated, failed in found}
            moments = [datetime.fromtimestamp(first + width * bucket, UTC) for bucket in range(buckets)]
        return [(moment, *counts.get(bucket, (0, 0))) for bucket, moment in enumerate(moments)]

    def runs(self) -> list[RunRecord]:
        """The runs of the job, the first one first; none in a journal of an earlier version."""
        found = self._all(RUNS)
        with translate_values(self.path):
            return [_run_record(*columns) for columns in found]

    def report(self) -> BulkReport:
        """The report of the job, over all its runs, as it stands now.

        Raises:
            JournalError: the journal cannot be read.
        """
        from gong_tasks_async.bulk.journal_report import report_of  # noqa: PLC0415 - it reads this

        return report_of(self)

    def first_rows(self, state: RowState, count: int) -> tuple[JournalRow, ...]:
        """The first rows in a state, at most ``count``.

        Args:
            state: the state of the rows.
            count: how many at the most.
        """
        return tuple(islice(self.rows(state), count))

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        with self._mutex:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _page(self, after: int, limit: int, state: RowState | None) -> list[tuple[int, JournalRow]]:
        where = "number > :after" + ("" if state is None else " AND state = :state")
        values = {"after": after, "limit": limit, "state": state and state.value}
        with self._reading() as database:
            found = database.execute(select_rows(self._version, where), values)
            return [(columns[0], row_from(columns)) for columns in found]

    def _all(self, statement: str) -> list[Any]:
        """All that a statement finds in a table which version 1 lacks."""
        with self._reading() as database:
            return database.execute(statement).fetchall() if self._version > 1 else []

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._exclusive() as database, translate_values(self.path):
            yield database

    @contextmanager
    def _exclusive(self) -> Generator[sqlite3.Connection]:
        with self._mutex, translate_errors(self.path):
            yield self._database


def open_journal(path: Path | str) -> JournalReader:
    """Read a journal, also while a run writes it; it cannot be changed through this.

    Args:
        path: the journal's file.

    Raises:
        JournalError: there is none, or the file is not ours or cannot be read.
    """
    path = resolved(path)
    if not exists(path):
        raise_journal_error(path, "there is none: look for the name that was given to the run")
    with ExitStack() as held, translate_errors(path, "cannot be read"):
        database = connect(path, "mode=ro")
        held.callback(database.close)
        return JournalReader(path, database, held)


def _run_record(
    began: float,
    ended: float | None,
    calls: int,
    listings: int,
    limited: int,
    stopped: str | None,
    resume: float | None,
) -> RunRecord:
    check_types((calls, listings, limited), int)
    began_at, ended_at, resume_after = (
        None if moment is None else datetime.fromtimestamp(moment, UTC) for moment in (began, ended, resume)
    )
    return RunRecord(
        began_at=began_at,
        ended_at=ended_at,
        calls=calls,
        listings=listings,
        rate_limited=limited,
        stopped_because=error_from(stopped),
        resume_after=resume_after,
    )
