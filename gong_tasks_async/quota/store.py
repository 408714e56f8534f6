"""Where the day's calls are counted: in memory, or in a file that processes of one machine share."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from attrs import frozen

from gong_tasks_async.errors import QuotaStoreError

OURS = 0x476F6E67  # "Gong", in the file's header; https://www.sqlite.org/pragma.html#pragma_application_id
VERSION = 1
BUSY_TIMEOUT = 10.0
"""Seconds to wait for other processes; each holds the file for less than a millisecond."""


@frozen
class Count:
    """What the store knows: the moments of the calls that count, oldest first, and until when Gong is shut."""

    made: Sequence[float] = ()
    shut_until: float = 0.0


@frozen
class Taken:
    """A call was counted; ``used`` with it, under ``ticket``."""

    ticket: int
    used: int


class DayStore(Protocol):
    """Counts calls. Each method is one atomic step."""

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """Count a call, unless as many as are allowed have been made since, or Gong is shut: then tell the count."""

    def give_back(self, ticket: int) -> None:
        """Forget a call that was counted and never sent, or that Gong does not count."""

    def shut(self, until: float) -> None:
        """Remember that Gong takes no calls until then; a later moment that was told before stands."""

    def count(self, since: float) -> Count:
        """What is known now."""


class MemoryStore:
    """Counts in this process alone, and forgets with it."""

    def __init__(self) -> None:
        self._made: list[float] = []
        self._tickets: list[int] = []
        self._next_ticket = 0
        self._shut_until = 0.0

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """See :class:`DayStore`."""
        self._forget(since)
        if len(self._made) >= allowed or now < self._shut_until:
            return self.count(since)
        self._made.append(now)
        self._tickets.append(self._next_ticket)
        self._next_ticket += 1
        return Taken(self._tickets[-1], len(self._made))

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        place = bisect_right(self._tickets, ticket) - 1
        if place >= 0 and self._tickets[place] == ticket:
            del self._made[place], self._tickets[place]

    def shut(self, until: float) -> None:
        """See :class:`DayStore`."""
        self._shut_until = max(self._shut_until, until)

    def count(self, since: float) -> Count:
        """See :class:`DayStore`."""
        self._forget(since)
        return Count(tuple(self._made), self._shut_until)

    def _forget(self, since: float) -> None:
        gone = 0
        while gone < len(self._made) and self._made[gone] <= since:
            gone += 1
        if gone:
            del self._made[:gone], self._tickets[:gone]


class SqliteStore:
    """Counts in a file. A call is on disk before it is sent, so that not even ``kill -9`` makes one forgotten.

    Raises:
        QuotaStoreError: the file is not ours, of a newer version, or cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._errors("cannot be opened"):
            self._database = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            weakref.finalize(self, self._database.close)
            self._prepare()

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """See :class:`DayStore`."""
        with self._step() as database:
            (used,) = database.execute("SELECT count(*) FROM calls WHERE made > ?", (since,)).fetchone()
            if used >= allowed or now < self._shut_until():
                return self._count(since)
            database.execute("DELETE FROM calls WHERE made <= ?", (since,))
            ticket = database.execute("INSERT INTO calls (made) VALUES (?)", (now,)).lastrowid
            return Taken(ticket or 0, used + 1)

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("DELETE FROM calls WHERE ticket = ?", (ticket,))

    def shut(self, until: float) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("UPDATE gate SET shut_until = max(shut_until, ?)", (until,))

    def count(self, since: float) -> Count:
        """See :class:`DayStore`."""
        with self._step():
            return self._count(since)

    def _count(self, since: float) -> Count:
        rows = self._database.execute("SELECT made FROM calls WHERE made > ? ORDER BY made", (since,))
        return Count(tuple(made for (made,) in rows), self._shut_until())

    def _shut_until(self) -> float:
        (until,) = self._database.execute("SELECT shut_until FROM gate").fetchone()
        return float(until)

    @contextmanager
    def _step(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone in this process and among all others."""
        with self._lock, self._errors("cannot be used now"):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        """Make the tables in a new file; refuse a file of somebody else before touching it."""
        (identity,) = self._database.execute("PRAGMA application_id").fetchone()
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and identity != OURS:
            raise QuotaStoreError(
                path=str(self._path), reason="it is another program's database: name a new file"
            )
        if version > VERSION:
            raise QuotaStoreError(
                path=str(self._path), reason="a newer version of this library made it: upgrade"
            )
        with closing(self._database.execute("PRAGMA journal_mode=WAL")):
            pass
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self._database.execute(f"PRAGMA application_id = {OURS}")
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise QuotaStoreError(path=str(self._path), reason=f"it {what} ({error})") from error


SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS calls (ticket INTEGER PRIMARY KEY AUTOINCREMENT, made REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_made ON calls (made);
CREATE TABLE IF NOT EXISTS gate (only INTEGER PRIMARY KEY CHECK (only = 1), shut_until REAL NOT NULL);
INSERT OR IGNORE INTO gate VALUES (1, 0);
COMMIT;
"""
