"""The journal's file: which files are not ours, who may write one, and how a plan gets there.

A plan is written beside the place where it shall stand, and moved there when it is complete and on disk. So a
journal is whole or not there, at whatever moment the process dies.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from os import O_RDONLY, close, fsync, open as open_descriptor
from pathlib import Path
from typing import NoReturn, TypeAlias

from gong_tasks_async.bulk.journal_schema import (
    APPLICATION_ID,
    INSERT,
    SELECT_UPDATE,
    TABLES,
    VERSION,
    Job,
    RowState,
    fingerprint,
    update_from,
    wish,
)
from gong_tasks_async.errors import JournalError
from gong_tasks_async.models import TaskUpdate

BUSY_TIMEOUT = 10.0
"""Seconds to wait where a reader and the run's start or end meet; neither takes long."""
LOCK_TIMEOUT = 0.5
"""Seconds: longer than two that start at the same moment are in each other's way."""

Planned: TypeAlias = tuple[TaskUpdate, RowState]


def refuse(path: Path, reason: str) -> NoReturn:
    """Say what is wrong with a journal, and what to do."""
    raise JournalError(path=str(path), reason=reason)


@contextmanager
def told(path: Path, what: str = "cannot be used now") -> Iterator[None]:
    """Tell the trouble of SQLite and of the disk as trouble with this journal."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _trouble(path, what, error) from error


def _trouble(path: Path, what: str, error: Exception) -> JournalError:
    return JournalError(
        path=str(path),
        reason=f"it {what} ({error}). What was recorded stands: mend the file, its folder or its disk, "
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


def exists(path: Path) -> bool:
    """Whether a journal is there. Whatever else may be there is refused, and left as it is."""
    with told(path):
        if not path.parent.is_dir():
            refuse(path, "its folder does not exist: make it, or name another")
        if not path.exists():
            return False
        if not path.is_file():
            refuse(path, "it is a directory or a device: name a file")
        if not path.stat().st_size:
            return False
        # Looked at as if nobody could write it: so SQLite makes no file beside that of another program. A plain
        # open() would do worse: closing it frees the locks of this process (https://www.sqlite.org/howtocorrupt.html).
        with closing(connect(path, "mode=ro&immutable=1")) as database:
            check_header(database, path)
        return True


def check_header(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a file of another program, of a newer version of this one, or of no database at all."""
    try:
        (identity,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        refuse(path, "it is not a journal, nor a database at all: name a new file")
    if identity != APPLICATION_ID:
        refuse(path, "it is another program's database: name a new file")
    if version > VERSION:
        refuse(path, "a newer version of this library made it: upgrade")


# Who may write it


def locked(path: Path) -> sqlite3.Connection:
    """Hold a second database: the operating system frees it with the process, however that ends."""
    with ExitStack() as held, told(path, "cannot be locked"):
        lock = sqlite3.connect(
            f"{path}-lock", timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        held.callback(lock.close)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                refuse(
                    path, "a running process uses it: let that one end, or name a new file for another job"
                )
            raise
        held.pop_all()
        return lock


# Writing the plan


def write_plan(database: sqlite3.Connection, path: Path, planned: Iterable[Planned]) -> Job:
    """Write the rows as they come, identical ones once; what fails leaves a file to be thrown away.

    Raises:
        JournalError: two rows ask for different changes of one task, or the disk has no room.
    """
    created, total, count = time.time(), 0, 0
    with told(path, "cannot be made"):
        database.executescript(TABLES)
    for update, state in planned:
        number = fingerprint(update)
        if _is_new(database, path, update, state, created):
            total, count = total + number, count + 1
        elif fingerprint(twin := _planned_before(database, update.task_id)) != number:
            refuse(
                path,
                f"two different updates of task {update.task_id} would race: "
                f"{twin} and {update}: leave one of them out",
            )
    job = Job(f"{total % 2**128:032x}", count)
    with told(path, "cannot be made"):
        database.execute("INSERT INTO job VALUES (1, ?, ?, ?)", (job.fingerprint, job.rows, created))
        database.execute("CREATE INDEX rows_by_state ON rows (state)")
        database.execute("COMMIT")
    return job


def _is_new(
    database: sqlite3.Connection, path: Path, update: TaskUpdate, state: RowState, created: float
) -> bool:
    settled_at = None if state is RowState.PENDING else created
    try:
        return database.execute(INSERT, (*wish(update), state.value, settled_at)).rowcount == 1
    except (sqlite3.Error, UnicodeEncodeError) as error:
        raise _trouble(path, f"cannot take the row of task {update.task_id}", error) from error


def _planned_before(database: sqlite3.Connection, task_id: int) -> TaskUpdate:
    return update_from(*database.execute(SELECT_UPDATE, (task_id,)).fetchone())


def identify_job(planned: Iterable[Planned], path: Path) -> Job:
    """The job of a plan, found in a nameless database that SQLite keeps in memory while it is small."""
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        return write_plan(scratch, path, planned)


def create(path: Path, planned: Iterable[Planned]) -> None:
    """Put a complete plan in its place, on disk; or nothing."""
    unfinished = Path(f"{path}-unfinished")
    with told(path, "cannot be made"):
        # A log that outlived its database would be played into ours.
        for left_behind in (unfinished, *(Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal"))):
            left_behind.unlink(missing_ok=True)
        database = sqlite3.connect(unfinished, isolation_level=None)
    try:
        with closing(database):
            write_plan(database, path, planned)
        with told(path, "cannot be made"):
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
