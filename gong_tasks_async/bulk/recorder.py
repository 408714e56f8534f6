"""The journal, from the event loop: one thread does its work, and outcomes that wait together are committed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from gong_tasks_async.bulk.applier import Applied
from gong_tasks_async.bulk.journal import Journal, RowState, Settled
from gong_tasks_async.bulk.report import Failed
from gong_tasks_async.errors import APIError, DecodeError
from gong_tasks_async.models import TaskUpdate

T = TypeVar("T")

PAGE = 500
"""Rows that are read from the journal at once."""


def updated_row(update: TaskUpdate, applied: Applied) -> Settled:
    """How a change that was made is written down."""
    return Settled(update.task_id, RowState.UPDATED, applied.attempts, applied.request_id)


def failed_row(failed: Failed) -> Settled:
    """How a final no is written down."""
    error = failed.error
    return Settled(
        failed.update.task_id,
        RowState.FAILED,
        error.attempts,
        error.request_id if isinstance(error, APIError | DecodeError) else None,
        str(error),
        type(error).__name__,
        error.status if isinstance(error, APIError) else None,
    )


class Recorder:
    """Reads and writes one journal, in a thread of its own."""

    def __init__(self, journal: Journal, thread: ThreadPoolExecutor) -> None:
        self._journal = journal
        self._thread = thread
        self._waiting: list[tuple[Settled, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, open_journal: Callable[[], Journal]) -> Recorder:
        """Open a journal in its thread.

        Raises:
            JournalError: it cannot be opened, or is not this job's.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="gong-journal")
        try:
            journal = await asyncio.get_running_loop().run_in_executor(thread, open_journal)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(journal, thread)

    async def pending(self) -> AsyncGenerator[TaskUpdate]:
        """The rows that are not settled, in the plan's order, a page at a time."""
        after = 0
        while page := await self._in_thread(partial(self._journal.pending, after, PAGE)):
            for number, update in page:
                yield update
                after = number

    async def settle(self, row: Settled) -> None:
        """Return when the row's outcome is on disk.

        Raises:
            JournalError: it could not be written; the row counts as not settled.
        """
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((row, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def pending_count(self) -> int:
        """How many rows are not settled."""
        return (await self._in_thread(self._journal.counts)).pending

    async def pending_by_user(self) -> dict[str, int]:
        """The same for each owner of tasks."""
        counts = await self._in_thread(self._journal.by_user)
        return {user_id: each.pending for user_id, each in counts.items()}

    async def close(self) -> None:
        """Let go of the journal, once what is being written is on disk."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._in_thread(self._journal.close)
        self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._in_thread(partial(self._journal.settle, [row for row, _ in batch]))
            except Exception as error:  # noqa: BLE001 - handed to those who wait
                _tell(batch, error)
            else:
                _tell(batch, None)

    async def _in_thread(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


def _tell(batch: Sequence[tuple[Settled, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, written in batch:
        if written.done():  # its worker was cancelled
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)
