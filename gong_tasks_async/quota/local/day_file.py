"""The day's calls in a file of SQLite: opened where it is used, private, opened again after a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gong_tasks_async.errors import QuotaStoreError
from gong_tasks_async.events import logger
from gong_tasks_async.quota.day import PROBE_INTERVAL, believed_until
from gong_tasks_async.quota.local.day_store import KEPT_CALLS, Count, Taken, counts_until, is_probe_due
from gong_tasks_async.sqlite_file import distrust, has_views_or_triggers, header_of

APPLICATION_ID = (
    0x476F6E67  # "Gong", in the file's header; https://www.sqlite.org/pragma.html#pragma_application_id
)
VERSION = 1
BUSY_TIMEOUT = 10.0
"""Seconds to wait for other processes; each holds the file for less than a millisecond."""

_inherited: list[sqlite3.Connection] = []
"""Connections that a fork has left to us. They are the parent's: even closing one could spoil its file."""


class SqliteStore:
    """Counts in a file. A call is on disk before it is sent, so that not even ``kill -9`` makes one forgotten.

    The file is opened by the first step, thus off the event loop, and in the process that uses it:
    https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_file_across_a_fork_

    Args:
        path: the file; it is made if there is none, readable by its owner alone.
        limits: the limits of this process as text; another process with other ones is reported in the log.

    Raises:
        QuotaStoreError: in each step: the file is not ours, of a newer version, or cannot be read or written.
    """

    def __init__(self, path: Path, limits: str = "") -> None:
        self._path = path
        self._limits = limits
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._process = os.getpid()

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """See :class:`DayStore`."""
        with self._step() as database:
            return _take(database, now, since, allowed)

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("DELETE FROM calls WHERE ticket = ?", (ticket,))

    def pause(self, until: float, now: float) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            _pause(database, until, now)

    def reopen(self) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("UPDATE gate SET paused_until = 0")

    def is_reopened(self) -> bool:
        """See :class:`DayStore`."""
        with self._step() as database:
            (until,) = database.execute("SELECT paused_until FROM gate").fetchone()
        return not until

    def count(self, now: float, since: float) -> Count:
        """See :class:`DayStore`."""
        with self._step() as database:
            return _count(database, now, since)

    def close(self) -> None:
        """See :class:`DayStore`."""
        self._check_process()
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def __del__(self) -> None:
        if self._database is not None and self._process == os.getpid():
            with suppress(sqlite3.Error):
                self._database.close()

    @contextmanager
    def _step(self) -> Generator[sqlite3.Connection]:
        """One transaction, alone in this process and among all others."""
        self._check_process()
        with self._lock:
            database = self._database or self._open()
            with self._errors("cannot be used now"):
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise

    def _check_process(self) -> None:
        """After a fork, leave the parent's connection alone, and its lock, which may be held there for ever."""
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), threading.Lock()
            if self._database is not None:
                _inherited.append(self._database)
                self._database = None

    def _open(self) -> sqlite3.Connection:
        with self._errors("cannot be opened"):
            with suppress(OSError):  # SQLite says better what is wrong with the path
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
        self._database = database
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables in a new file and sign it, in one step; refuse another program's file before touching it."""
        distrust(database)
        header = header_of(database)
        if header is None or (
            header.application_id != APPLICATION_ID and (header.application_id or header.objects)
        ):
            raise QuotaStoreError(
                path=str(self._path), reason="it is another program's database: name a new file"
            )
        if header.version > VERSION:
            raise QuotaStoreError(
                path=str(self._path), reason="a newer version of this library made it: upgrade"
            )
        if has_views_or_triggers(database):
            raise QuotaStoreError(
                path=str(self._path), reason="it holds views or triggers, which we never make"
            )
        _log_ahead(database)
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(SCHEMA)
        self._compare_limits(database)

    def _compare_limits(self, database: sqlite3.Connection) -> None:
        """Write down the limits of this process; warn where another one had different ones."""
        (known,) = database.execute("SELECT limits FROM opened").fetchone()
        if known not in {"", self._limits}:
            logger.warning(
                "Different limits for the same calls: %s was last used with %s, now with %s. All processes of a "
                "company need the same QuotaLimits.",
                self._path,
                known,
                self._limits,
            )
        if known != self._limits:
            database.execute("UPDATE opened SET limits = ?", (self._limits,))

    @contextmanager
    def _errors(self, what: str) -> Generator[None]:
        try:
            yield
        except (
            sqlite3.Error,
            ValueError,
            TypeError,
            OverflowError,
        ) as error:  # the last three of spoiled values
            raise QuotaStoreError(path=str(self._path), reason=f"it {what} ({str(error)[:200]})") from error


def _log_ahead(database: sqlite3.Connection) -> None:
    """Switch to a write-ahead log. If two switch at once, one of them fails at once, whatever the timeout."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            with closing(database.execute("PRAGMA journal_mode=WAL")):
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.001)


SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS calls (ticket INTEGER PRIMARY KEY AUTOINCREMENT, made REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_made ON calls (made);
CREATE TABLE IF NOT EXISTS gate (only INTEGER PRIMARY KEY CHECK (only = 1), paused_until REAL NOT NULL);
INSERT OR IGNORE INTO gate VALUES (1, 0);
CREATE TABLE IF NOT EXISTS probe (only INTEGER PRIMARY KEY CHECK (only = 1), next_at REAL NOT NULL);
INSERT OR IGNORE INTO probe VALUES (1, 0);
CREATE TABLE IF NOT EXISTS opened (only INTEGER PRIMARY KEY CHECK (only = 1), limits TEXT NOT NULL);
INSERT OR IGNORE INTO opened VALUES (1, '');
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""  # noqa: S608 - our own numbers


def _take(database: sqlite3.Connection, now: float, since: float, allowed: int) -> Taken | Count:
    """Count a call in a file, within a transaction; see :class:`DayStore`."""
    (used,) = database.execute(
        "SELECT count(*) FROM calls WHERE made > ? AND made <= ?", (since, counts_until(now))
    ).fetchone()
    paused_until, probe_at = _read_pause(database, now)
    paused = now < paused_until
    if used >= allowed or (paused and not is_probe_due(probe_at, now)):
        return _count(database, now, since)
    if paused:
        database.execute("UPDATE probe SET next_at = ?", (now + PROBE_INTERVAL,))
    ticket = database.execute("INSERT INTO calls (made) VALUES (?)", (now,)).lastrowid or 0
    database.execute(
        "DELETE FROM calls WHERE ticket <= ? AND NOT (made > ? AND made <= ?)",
        (ticket - KEPT_CALLS, since, counts_until(now)),
    )
    return Taken(ticket, used + 1, probe=paused)


def _count(database: sqlite3.Connection, now: float, since: float) -> Count:
    """What a file knows now; see :class:`DayStore`."""
    rows = database.execute(
        "SELECT min(made, ?) FROM calls WHERE made > ? AND made <= ? ORDER BY made",
        (now, since, counts_until(now)),
    )
    return Count(tuple(made for (made,) in rows), *_read_pause(database, now))


def _pause(database: sqlite3.Connection, until: float, now: float) -> None:
    """Note a pause in a file; see :class:`DayStore`."""
    known, _ = _read_pause(database, now)
    database.execute("UPDATE gate SET paused_until = ?", (max(known, until),))
    database.execute("UPDATE probe SET next_at = ?", (now + PROBE_INTERVAL,))


def _read_pause(database: sqlite3.Connection, now: float) -> tuple[float, float]:
    """Until when Gong is paused, as far as that can be believed, and when a probe is due."""
    until, probe_at = database.execute("SELECT paused_until, next_at FROM gate, probe").fetchone()
    return believed_until(float(until), now), float(probe_at)
