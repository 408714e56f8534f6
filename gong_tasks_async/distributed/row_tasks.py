"""What a worker does: it takes a row, makes its one change, and records what came of it before the line forgets it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from attrs import frozen
from docket import CurrentExecution, Docket, Execution, Retry
from docket.dependencies import AdmissionBlocked

from gong_tasks_async.bulk import Applier, RowState
from gong_tasks_async.bulk.runner import ROWS_OWN
from gong_tasks_async.distributed.clients import ClientPool
from gong_tasks_async.distributed.errors import JobNotFoundError, JobStoreError, UnknownCredentialsError
from gong_tasks_async.distributed.progress import JobState
from gong_tasks_async.distributed.queue import enqueue_rows, enqueue_start
from gong_tasks_async.distributed.serialization import JobSettings, Settlement
from gong_tasks_async.distributed.store import AttemptCost, JobEffect, JobStore
from gong_tasks_async.errors import DailyQuotaError, GongError, Meaning, RateLimitError
from gong_tasks_async.models import TaskUpdate

T = TypeVar("T")

REDELIVER_AFTER = timedelta(seconds=0.5)
"""After which a row comes again that could not even be tried."""

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=2), timedelta(minutes=5)
"""After which a row comes again that got no final answer: the caller has tried it several times already."""

SHORTEST_PAUSE = timedelta(minutes=1)
"""For which a job rests whose day is spent: a rolling day frees its calls one by one, and the whole job would be put
in line for each. The same where Gong refused without saying for how long."""

AFTER_A_BUG = timedelta(minutes=5)
"""After which a row comes again that failed in a way nobody foresaw."""

BETWEEN_TRIES = 0.2
"""Seconds between two tries to reach Redis."""

DRAIN_TIMEOUT = 10.0
"""Seconds for which a worker that shall end still tries to record a row."""


def effect_of(error: GongError, now: datetime) -> JobEffect:
    """What an error that does not settle its row means for the rest of its job."""
    if isinstance(error, RateLimitError):
        return JobEffect("paused", _resume_after(error, now))
    if error.meaning is Meaning.RUN:
        return JobEffect("stopped")
    # What was never sent says nothing about Gong: it was the wait in the queue, or the quota's own Redis, which a run
    # in one process takes for a reason to stop. Workers are to outlive their Redis.
    return JobEffect("fault" if error.attempts else "untried")


def retry_delay(attempt: int) -> timedelta:
    """How long a row rests after so many goes."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempt - 1, 30))


def _resume_after(error: RateLimitError, now: datetime) -> datetime:
    if isinstance(error, DailyQuotaError):
        return max(error.resets_at or now, now + SHORTEST_PAUSE)
    return now + (SHORTEST_PAUSE if error.retry_after is None else timedelta(seconds=error.retry_after))


@frozen
class RowInFlight:
    """One row in hand."""

    job: str
    number: int
    update: TaskUpdate
    settings: JobSettings
    execution: Execution
    retry: Retry


class RowTasks:
    """The two tasks that Docket runs on a worker.

    Args:
        patience: seconds for which a row waits for Redis before it is begun; the line must not have given it to
            another worker by then.
    """

    def __init__(self, docket: Docket, store: JobStore, clients: ClientPool, *, patience: float) -> None:
        self._docket = docket
        self._store = store
        self._clients = clients
        self._patience = patience
        self._in_flight: dict[tuple[str, int], Applier] = {}
        self._draining = False

    def drain(self) -> None:
        """Begin no further row; what waits for its turn goes back, what was sent comes to its end."""
        self._draining = True
        for applier in self._in_flight.values():
            applier.halt()

    async def start_job(self, job: str, retry: Retry = Retry.forever(FIRST_RETRY)) -> None:  # noqa: ARG002, B008 - Docket reads it
        """Put all rows of a job in line that are not settled; doing it twice changes nothing."""
        try:
            if await self._store.reopen(job) is not JobState.STARTING:
                return
            async for numbers in self._store.waiting(job):
                await enqueue_rows(self._docket, job, numbers)
            await self._store.started(job)
        except JobNotFoundError:  # its time was over
            return

    async def update_row(
        self,
        job: str,
        number: int,
        execution: Execution = CurrentExecution(),  # noqa: B008 - how Docket hands it in
        retry: Retry = Retry.forever(AFTER_A_BUG),  # noqa: B008 - as above
    ) -> None:
        """Make one change, unless that was done, or shall not be done now."""
        if self._draining:
            raise _not_now(execution, timedelta())
        begun = await self._patiently(lambda: self._store.begin(job, number), self._patience)
        if begun == "wait":
            raise _not_now(execution)
        if begun != "over":
            await self._apply(RowInFlight(job, number, begun.update, begun.settings, execution, retry))

    async def _apply(self, row: RowInFlight) -> None:
        try:
            client = await self._clients.client(row.settings)
        except UnknownCredentialsError as error:
            await self._put_back(row, error, JobEffect("stopped"), AttemptCost(row.execution.attempt, 0, 0))
            return
        applier = self._in_flight[row.job, row.number] = client.applier()
        try:
            applied = await applier.apply(row.update)
        except GongError as error:
            await self._not_updated(row, error, _spent(row, applier))
        except asyncio.CancelledError:
            await self._hand_back(row, applier)
            raise
        else:
            updated = Settlement(RowState.UPDATED, applied.attempts, datetime.now(UTC), applied.request_id)
            await self._settle(row, updated, _spent(row, applier))
        finally:
            self._in_flight.pop((row.job, row.number), None)

    async def _not_updated(self, row: RowInFlight, error: GongError, spent: AttemptCost) -> None:
        now = datetime.now(UTC)
        if error.meaning in ROWS_OWN:
            request_id = getattr(error, "request_id", None)
            failed = Settlement(RowState.FAILED, error.attempts, now, request_id, error)
            await self._settle(row, failed, spent)
            return
        verdict = effect_of(error, now)
        if not await self._put_back(row, error, verdict, spent):
            return
        if verdict.kind == "untried":
            raise _not_now(row.execution)
        row.retry.delay = retry_delay(row.execution.attempt)
        raise error

    async def _settle(self, row: RowInFlight, settlement: Settlement, spent: AttemptCost) -> None:
        await self._patiently(lambda: self._store.settle(row.job, row.number, settlement, spent))

    async def _put_back(
        self, row: RowInFlight, error: GongError, verdict: JobEffect, spent: AttemptCost
    ) -> bool:
        async def requeue() -> bool:
            # Before, so that no crash leaves a job paused for ever; and after, should it have rung already.
            await self._set_alarm(row.job, verdict)
            again = await self._store.requeue(row.job, row.number, error, verdict, spent, row.settings)
            await self._set_alarm(row.job, verdict)
            return again

        return await self._patiently(requeue)

    async def _set_alarm(self, job: str, verdict: JobEffect) -> None:
        if verdict.resume_after is not None:
            await enqueue_start(self._docket, job, verdict.resume_after)

    async def _hand_back(self, row: RowInFlight, applier: Applier) -> None:
        """A row that waited, for its turn or for another try, when the worker was told to end is another's at once."""
        task = asyncio.current_task()
        if not self._draining or task is None:
            return
        task.uncancel()
        if await self._put_back(row, GongError(method="PATCH"), JobEffect("untried"), _spent(row, applier)):
            raise _not_now(row.execution, timedelta()) from None

    async def _patiently(self, ask: Callable[[], Awaitable[T]], patience: float | None = None) -> T:
        """Ask Redis until it answers: what Gong has done must not be forgotten because Redis was away."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            try:
                return await ask()
            except JobStoreError:
                most = DRAIN_TIMEOUT if self._draining else patience
                if most is not None and loop.time() - begun > most:
                    raise
            await asyncio.sleep(BETWEEN_TRIES)


def _spent(row: RowInFlight, applier: Applier) -> AttemptCost:
    return AttemptCost(row.execution.attempt, applier.calls, applier.rate_limited)


def _not_now(execution: Execution, delay: timedelta = REDELIVER_AFTER) -> AdmissionBlocked:
    """What has Docket deliver a row again later, without a word in the log and without counting an attempt."""
    return AdmissionBlocked(execution, "the job", retry_delay=delay)
