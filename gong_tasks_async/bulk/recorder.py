"""The journal, from the event loop: one thread does its work, and what waits together is committed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TypeAlias, TypeVar

from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.journal_entries import Note, PendingRow
from gong_tasks_async.bulk.journal_reader import RunRecord
from gong_tasks_async.bulk.outcomes import JournalRow, RowCounts, TaskSnapshot

T = TypeVar("T")

PAGE = 500
"""Rows that are read from the journal at once."""
CLOSE_WITHIN = 5.0
"""Seconds; a cancelled run waits no longer for a journal that is being opened: its rows may be long in coming."""

Entry: TypeAlias = JournalRow | Note | int
"""An outcome, a note about a pending row, or the id of a task that is about to be sent."""


class Recorder:
    """Reads and writes one journal, in a thread of its own."""

    def __init__(self, journal: Journal, thread: ThreadPoolExecutor) -> None:
        self._journal = journal
        self._thread = thread
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, open_journal: Callable[[], Journal]) -> Recorder:
        """Open a journal in its thread. Cancelled, it returns when the journal is closed again.

        Raises:
            JournalError: it cannot be opened, or is not this job's.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="gong-journal")
        try:
            return cls(await _opened(open_journal, thread), thread)
        except BaseException:
            thread.shutdown(wait=False)
            raise

    @property
    def path_stem(self) -> str:
        """Name of the job."""
        return self._journal.path.stem

    async def facts(self) -> dict[str, str]:
        """Facts of the job, by name."""
        return await self._in_thread(lambda: self._journal.facts)

    async def remember(self, name: str, text: str) -> None:
        """Record a fact of the job that is not known yet."""
        await self._in_thread(partial(self._journal.remember, name, text))

    async def begin_run(self, spent: Callable[[], RunRecord]) -> None:
        """Record that a run begins, and with each outcome what it has spent."""
        await self._in_thread(self._journal.begin_run)
        self._journal.spent = spent

    async def end_run(self, run: RunRecord) -> None:
        """Record what a run has spent, and why it stopped."""
        await self._in_thread(partial(self._journal.end_run, run))

    async def pending(self) -> AsyncGenerator[PendingRow]:
        """The pending rows in the plan's order, a page at a time; those that a run has left as suspects come last."""
        for suspect in (False, True):
            after = 0
            while page := await self._in_thread(partial(self._journal.pending, after, PAGE, suspect=suspect)):
                for row in page:
                    yield row
                    after = row.number

    async def settle(self, row: JournalRow) -> None:
        """Return when the row's outcome is on disk.

        Raises:
            JournalError: it could not be written; the row counts as not settled.
        """
        await self._written(row)

    async def note(self, note: Note) -> None:
        """Return when the last attempt at a pending row is on disk; raises as :meth:`settle`."""
        await self._written(note)

    async def send(self, task_id: int) -> None:
        """Return when it is on disk that a row is about to be sent; raises as :meth:`settle`."""
        await self._written(task_id)

    async def look(self, found: Mapping[int, TaskSnapshot]) -> None:
        """Return when the tasks as they were found are on disk; raises as :meth:`settle`."""
        await self._in_thread(partial(self._journal.look, found))

    async def counts(self) -> RowCounts:
        """How many rows of the job are in each state."""
        return await self._in_thread(self._journal.counts)

    async def pending_by_user(self) -> dict[str, int]:
        """How many rows are pending, for each owner of tasks."""
        counts = await self._in_thread(self._journal.by_user)
        return {user_id: each.pending for user_id, each in counts.items()}

    async def close(self) -> None:
        """Close the journal, once what is being written is on disk."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._in_thread(self._journal.close)
        self._thread.shutdown(wait=False)

    async def _written(self, entry: Entry) -> None:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._write_kind(batch, int, self._journal.send)
            await self._write_kind(batch, Note, self._journal.note)
            await self._write_kind(batch, JournalRow, self._journal.settle)

    async def _write_kind(
        self,
        batch: Sequence[tuple[Entry, asyncio.Future[None]]],
        kind: type[T],
        write: Callable[[Sequence[T]], None],
    ) -> None:
        entries = [entry for entry, _ in batch if isinstance(entry, kind)]
        if not entries:
            return
        waiting = [written for entry, written in batch if isinstance(entry, kind)]
        try:
            await self._in_thread(partial(write, entries))
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            _wake(waiting, error)
        else:
            _wake(waiting, None)

    async def _in_thread(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


async def _opened(open_journal: Callable[[], Journal], thread: ThreadPoolExecutor) -> Journal:
    loop, held = asyncio.get_running_loop(), ExitStack()

    def open_and_hold() -> Journal:
        journal = open_journal()
        held.callback(journal.close)
        return journal

    try:
        return await loop.run_in_executor(thread, open_and_hold)
    except asyncio.CancelledError:
        # The thread opens it all the same: its lock would refuse the job's next run, which may begin at once.
        await asyncio.wait([loop.run_in_executor(thread, held.close)], timeout=CLOSE_WITHIN)
        raise


def _wake(waiting: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for written in waiting:
        if written.done():  # its worker was cancelled
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)
