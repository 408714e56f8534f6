"""The journal's file: which files are refused, which process may write one, and how a plan is written.

A plan is written beside its place, and moved there when it is complete and on disk. So a journal is whole or missing,
at whatever moment the process dies.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from os import O_RDONLY, PathLike, close, fsync, open as open_descriptor
from os.path import realpath
from pathlib import Path
from typing import NoReturn

from attrs import field, frozen

from gong_tasks_async.bulk.journal_schema import (
    APPLICATION_ID,
    INSERT,
    MIGRATE,
    SELECT_UPDATE,
    TABLES,
    VERSION,
    JobIdentity,
    fingerprint,
    snapshot_text,
    update_columns,
    update_from,
)
from gong_tasks_async.bulk.outcomes import JournalRow, RowState
from gong_tasks_async.errors import JournalError
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.sqlite_file import has_views_or_triggers, header_of

BUSY_TIMEOUT = 10.0
"""Seconds to wait where a reader and the run's start or end meet; neither takes long."""
LOCK_TIMEOUT = 0.5
"""Seconds: longer than two that start at the same moment are in each other's way."""

SPOILED = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, OSError)
"""What the values of a file raise that was changed by another hand, or by a broken disk; a moment far beyond the calendar
raises an OSError."""


def raise_journal_error(path: Path, reason: str) -> NoReturn:
    """Raise what is wrong with a journal, and what to do."""
    raise JournalError(path=str(path), reason=reason)


@contextmanager
def translate_errors(path: Path, what: str = "cannot be used now") -> Generator[None]:
    """Raise the errors of SQLite and of the disk as errors of this journal."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:  # a spoiled schema may hold any bytes
        raise _trouble(path, what, error) from error


@contextmanager
def translate_values(path: Path) -> Generator[None]:
    """Raise what spoiled values raise as an error of this journal."""
    try:
        yield
    except SPOILED as error:
        reason = f"it holds values that no run has written ({type(error).__name__}: {str(error)[:200]}): restore a copy of it"
        raise JournalError(path=str(path), reason=reason) from error


def _trouble(path: Path, what: str, error: Exception) -> JournalError:
    return JournalError(
        path=str(path),
        reason=f"it {what} ({error}). What was recorded stands: repair the file, its folder or its disk, "
        "and run again with the same journal",
    )


# Which file it is


def connect(path: Path, how: str) -> sqlite3.Connection:
    """Open a file that exists; ``how`` as in https://www.sqlite.org/uri.html#recognized_query_parameters."""
    return sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


def resolved(path: str | PathLike[str]) -> Path:
    """The file itself, where a link was named: its log and its lock stand beside it.

    Raises:
        JournalError: the links lead in a circle.
    """
    file = Path(realpath(path))
    if file.is_symlink():  # which no other link is, once all are followed
        raise_journal_error(file, "its links lead in a circle: name a file")
    return file


def exists(path: Path) -> bool:
    """Whether a journal is there. Whatever else may be there is refused, and left as it is."""
    with translate_errors(path):
        if not path.parent.is_dir():
            raise_journal_error(path, "its folder does not exist: make it, or name another")
        if not path.exists():
            return False
        if not path.is_file():
            raise_journal_error(path, "it is a directory or a device: name a file")
        if not path.stat().st_size:
            return False
        # Opened as immutable, so that SQLite makes no file beside that of another program. A plain
        # open() would do worse: closing it frees the locks of this process (https://www.sqlite.org/howtocorrupt.html).
        with closing(connect(path, "mode=ro&immutable=1")) as database:
            check_header(database, path)
        return True


def check_header(database: sqlite3.Connection, path: Path) -> int:
    """Refuse a file of another program, of a newer version of this one, or of no database; return its version."""
    header = header_of(database)
    if header is None:
        raise_journal_error(path, "it is not a journal, nor a database at all: name a new file")
    if header.application_id != APPLICATION_ID:
        raise_journal_error(path, "it is another program's database: name a new file")
    if header.version > VERSION:
        raise_journal_error(path, "a newer version of this library made it: upgrade")
    if header.version < 1 or has_views_or_triggers(database):
        raise_journal_error(path, "it was changed by another program: name a new file")
    return header.version


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Give a journal of an earlier version today's tables: all of them, or none."""
    if check_header(database, path) < VERSION:
        database.executescript(f"BEGIN IMMEDIATE; {MIGRATE} COMMIT;")


# Who may write it


def acquire_lock(path: Path) -> sqlite3.Connection:
    """Hold a second database: the operating system frees it with the process, however that ends."""
    with ExitStack() as held, translate_errors(path, "cannot be locked"):
        Path(f"{path}-lock").touch(mode=0o600)
        lock = sqlite3.connect(
            f"{path}-lock", timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        held.callback(lock.close)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise_journal_error(
                    path, "a running process uses it: let that one end, or name a new file for another job"
                )
            raise
        held.pop_all()
        return lock


# Writing the plan


@frozen
class JobFacts:
    """What a journal holds of its job besides the rows."""

    texts: Mapping[str, str] = field(factory=dict[str, str])
    """Facts by name, such as the company's address."""
    users: Mapping[str, str] = field(factory=dict[str, str])
    """Names of the tasks' owners, by user id."""


def write_plan(
    database: sqlite3.Connection, path: Path, rows: Iterable[JournalRow], facts: JobFacts
) -> JobIdentity:
    """Write the rows as they come, identical ones once; what fails leaves a file to be thrown away.

    Raises:
        JournalError: two rows ask for different changes of one task, or the disk has no room.
    """
    created, total, count = time.time(), 0, 0
    with translate_errors(path, "cannot be made"):
        database.executescript(TABLES)
    for row in rows:
        number = fingerprint(row.update)
        if _is_new(database, path, row, created):
            total, count = total + number, count + 1
        elif fingerprint(first := _planned_before(database, row.update.task_id)) != number:
            raise_journal_error(
                path,
                f"conflicting updates of task {row.update.task_id}: {first} and {row.update}: leave one of them out",
            )
    job = JobIdentity(f"{total % 2**128:032x}", count)
    with translate_errors(path, "cannot be made"):
        database.execute("INSERT INTO job VALUES (1, ?, ?, ?)", (job.fingerprint, job.rows, created))
        database.execute("CREATE INDEX rows_by_state ON rows (state)")
        database.executemany("INSERT INTO facts VALUES (?, ?)", facts.texts.items())
        database.executemany("INSERT INTO users VALUES (?, ?)", facts.users.items())
        database.execute("COMMIT")
    return job


def _is_new(database: sqlite3.Connection, path: Path, row: JournalRow, created: float) -> bool:
    settled_at = None if row.state is RowState.PENDING else created
    columns = *update_columns(row.update), row.state.value, settled_at, snapshot_text(row.before)
    try:
        return database.execute(INSERT, columns).rowcount == 1
    except (sqlite3.Error, UnicodeEncodeError) as error:
        raise _trouble(path, f"cannot take the row of task {row.update.task_id}", error) from error


def _planned_before(database: sqlite3.Connection, task_id: int) -> TaskUpdate:
    return update_from(*database.execute(SELECT_UPDATE, (task_id,)).fetchone())


def identify_job(rows: Iterable[JournalRow], path: Path) -> JobIdentity:
    """The job of rows that may hold duplicates, found in a database that SQLite keeps in memory while it is small."""
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        return write_plan(scratch, path, rows, JobFacts())


LOGS = ("-wal", "-shm", "-journal")


def create(path: Path, rows: Iterable[JournalRow], facts: JobFacts) -> None:
    """Put a complete plan in its place, on disk; or nothing."""
    unfinished = Path(f"{path}-unfinished")
    with translate_errors(path, "cannot be made"):
        # A log that outlived its database would be played into ours.
        for left_behind in (
            unfinished,
            *(Path(f"{file}{end}") for file in (path, unfinished) for end in LOGS),
        ):
            left_behind.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)  # its rows and messages are not for other users of the machine
        database = sqlite3.connect(unfinished, isolation_level=None)
    try:
        with closing(database):
            write_plan(database, path, rows, facts)
            # Before it has its name: killed during this, it would need a rollback, which no reader can do.
            with translate_errors(path, "cannot be made"):
                database.execute("PRAGMA journal_mode = WAL")
        with translate_errors(path, "cannot be made"):
            if path.exists():  # empty, such as a temporary file that only its owner may read
                shutil.copymode(path, unfinished)
            unfinished.replace(path)
            _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name last; where a folder cannot be synced (Windows), the system does it by itself."""
    with suppress(OSError):
        descriptor = open_descriptor(folder, O_RDONLY)
        try:
            fsync(descriptor)
        finally:
            close(descriptor)
