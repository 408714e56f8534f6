"""Where the day's calls are counted: in memory, or in a file that processes of one machine share."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from bisect import insort
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from attrs import frozen

from gong_tasks_async.errors import QuotaStoreError
from gong_tasks_async.sqlite_file import header_of

APPLICATION_ID = (
    0x476F6E67  # "Gong", in the file's header; https://www.sqlite.org/pragma.html#pragma_application_id
)
VERSION = 1
BUSY_TIMEOUT = 10.0
"""Seconds to wait for other processes; each holds the file for less than a millisecond."""


@frozen
class Count:
    """What the store knows: the moments of the calls that count, oldest first, and until when Gong is shut."""

    made: Sequence[float] = ()
    paused_until: float = 0.0


class Taken(NamedTuple):
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
        self._calls: deque[tuple[float, int]] = deque()
        self._next_ticket = 0
        self._shut_until = 0.0

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """See :class:`DayStore`."""
        calls = self._calls
        while calls and calls[0][0] <= since:
            calls.popleft()
        if len(calls) >= allowed or now < self._shut_until:
            return self.count(since)
        self._next_ticket += 1
        call = (now, self._next_ticket)
        if not calls or calls[-1] < call:
            calls.append(call)
        else:  # the clock was set back
            insort(calls, call)
        return Taken(self._next_ticket, len(calls))

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        for place in range(len(self._calls) - 1, -1, -1):  # the latest first: it is nearly always one of them
            if self._calls[place][1] == ticket:
                del self._calls[place]
                return

    def shut(self, until: float) -> None:
        """See :class:`DayStore`."""
        self._shut_until = max(self._shut_until, until)

    def count(self, since: float) -> Count:
        """See :class:`DayStore`."""
        self._forget(since)
        return Count(tuple(made for made, _ in self._calls), self._shut_until)

    def _forget(self, since: float) -> None:
        while self._calls and self._calls[0][0] <= since:
            self._calls.popleft()


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
            database.execute("DELETE FROM calls WHERE made <= ?", (since,))
            # All that are left count. Without a condition SQLite counts pages rather than rows: 5 us, not 130.
            (used,) = database.execute("SELECT count(*) FROM calls").fetchone()
            if used >= allowed or now < self._shut_until():
                return self._count(since)
            ticket = database.execute("INSERT INTO calls (made) VALUES (?)", (now,)).lastrowid
            return Taken(ticket or 0, used + 1)

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("DELETE FROM calls WHERE ticket = ?", (ticket,))

    def shut(self, until: float) -> None:
        """See :class:`DayStore`."""
        with self._step() as database:
            database.execute("UPDATE gate SET paused_until = max(paused_until, ?)", (until,))

    def count(self, since: float) -> Count:
        """See :class:`DayStore`."""
        with self._step():
            return self._count(since)

    def _count(self, since: float) -> Count:
        rows = self._database.execute("SELECT made FROM calls WHERE made > ? ORDER BY made", (since,))
        return Count(tuple(made for (made,) in rows), self._shut_until())

    def _shut_until(self) -> float:
        (until,) = self._database.execute("SELECT paused_until FROM gate").fetchone()
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
        """Make the tables in a new file and sign it, in one step; refuse a file of somebody else before touching it."""
        header = header_of(self._database)
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
        self._log_ahead()
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)

    def _log_ahead(self) -> None:
        """Switch to a write-ahead log. Who switches while others do is refused at once, whatever the timeout."""
        patience = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                with closing(self._database.execute("PRAGMA journal_mode=WAL")):
                    return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
            time.sleep(0.001)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise QuotaStoreError(path=str(self._path), reason=f"it {what} ({error})") from error


SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS calls (ticket INTEGER PRIMARY KEY AUTOINCREMENT, made REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_made ON calls (made);
CREATE TABLE IF NOT EXISTS gate (only INTEGER PRIMARY KEY CHECK (only = 1), paused_until REAL NOT NULL);
INSERT OR IGNORE INTO gate VALUES (1, 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""  # noqa: S608 - our own numbers
