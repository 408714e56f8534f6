"""One distributed job: follow it, read its results, act on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection

from attrs import field, frozen

from gong_tasks_async.bulk import BulkReport, JournalRow, RowState
from gong_tasks_async.bulk.outcomes import error_name
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.errors import JobBusyError, UnreadableRowError
from gong_tasks_async.distributed.progress import JobState, Progress
from gong_tasks_async.distributed.queue import enqueue_start
from gong_tasks_async.distributed.records import StoredRow
from gong_tasks_async.distributed.report import report_of
from gong_tasks_async.distributed.serialization import LastAttempt
from gong_tasks_async.distributed.store import JobStore


@frozen(repr=False)
class Job:
    """One job. All methods raise JobStoreError if Redis does not respond, and JobNotFoundError if the job is gone.

    Attributes:
        name: the job's name.
        submitted_before: of a job that ``submit`` returned: it had these rows under this name already; ``progress``
            has its state.
    """

    name: str
    _store: JobStore
    _docket: DataDocket
    submitted_before: bool = field(default=False, eq=False)

    async def progress(self) -> Progress:
        """Its progress, in one round trip."""
        return await self._store.progress(self.name)

    async def watch(self, every: float = 1.0) -> AsyncGenerator[Progress]:
        """Its progress, now and after each change, until the job is finished.

        Args:
            every: seconds between two reads.
        """
        before = None
        while before is None or not before.finished:
            now = await self.progress()
            if now != before:
                yield now
            before = now
            if not now.finished:
                await asyncio.sleep(every)

    async def report(self) -> BulkReport:
        """Its report so far; reads all rows."""
        return await report_of(self._store, self.name)

    async def rows(self, state: RowState | None = None) -> AsyncGenerator[JournalRow]:
        """The rows and their current states, in the plan's order; pending ones have their last error.

        A row that this version cannot read is left out: see :meth:`problems`.

        Args:
            state: only rows in this state; None for all.
        """
        async for stored in self._store.rows(self.name):
            if stored.row is not None and (state is None or stored.row.state is state):
                yield stored.row

    async def problems(self) -> dict[int, LastAttempt]:
        """The last attempt of each pending row that has failed, by the row's number in the plan; reads all rows."""
        found: dict[int, LastAttempt] = {}
        async for stored in self._store.rows(self.name):
            if stored.last_attempt is not None:
                found[stored.number] = stored.last_attempt
            elif stored.row is None:
                reason = "it is not a row of this version"
                error = UnreadableRowError(job=self.name, number=stored.number, reason=reason)
                found[stored.number] = LastAttempt(0, error)
        return found

    async def cancel(self) -> None:
        """Send no further row. Rows in flight finish; updates made remain."""
        await self._store.cancel(self.name)

    async def resume(self, *, accept_refusals: bool = False) -> JobState:
        """Resume a stopped or paused job, and retry given-up rows; return the resulting state.

        Args:
            accept_refusals: settle each refused row as failed from now on, however many are refused alike.
        """
        state = await self._store.reopen(self.name, accept_refusals=accept_refusals)
        if state is JobState.STARTING:
            await enqueue_start(self._docket, self.name)
        return state

    async def retry(self, kinds: Collection[str] | None = None) -> int:
        """Make failed rows pending again, and resume the job; return how many they are.

        Workers look at the tasks first: what is as it should be by now is not sent.

        Args:
            kinds: class names of errors, such as ``{"TaskNotFoundError"}``; None for all failed rows.

        Raises:
            JobBusyError: the job is neither ended nor stopped; no row was changed.
        """
        failed = [row async for row in self._store.rows(self.name) if _failed_with(row, kinds)]
        state, moved = await self._store.retry(self.name, failed)
        if state not in {JobState.ENDED, JobState.STOPPED}:
            raise JobBusyError(job=self.name, state=str(state))
        if moved:
            await self.resume()
        return moved

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _failed_with(stored: StoredRow, kinds: Collection[str] | None) -> bool:
    row = stored.row
    if row is None or row.state is not RowState.FAILED or row.cause is None:
        return False
    return kinds is None or error_name(row.cause) in kinds
