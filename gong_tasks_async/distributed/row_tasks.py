"""The worker's tasks: claim a row, make its one update, record the outcome before the message is acknowledged."""

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
"""Delay of a row that could not be attempted."""

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=2), timedelta(minutes=5)
"""Delays of a row without a final response; the caller has already retried it several times."""

SHORTEST_PAUSE = timedelta(minutes=1)
"""Shortest pause of a job whose daily budget is spent: a rolling day frees its calls one by one, and the whole job
would be enqueued for each. Also the pause after a 429 that names no duration."""

RETRY_AFTER_BUG = timedelta(minutes=5)
"""Delay of a row that failed with an unexpected exception."""

REDIS_RETRY_DELAY = 0.2
"""Seconds between two attempts to reach Redis."""

DRAIN_TIMEOUT = 10.0
"""Seconds for which a stopping worker still tries to record a row."""


def effect_of(error: GongError, now: datetime) -> JobEffect:
    """What an error that is not final means for its job."""
    if isinstance(error, RateLimitError):
        return JobEffect("paused", _resume_after(error, now))
    if error.meaning is Meaning.RUN:
        return JobEffect("stopped")
    # Nothing was sent, so it is no evidence about Gong: the queue wait was too long, or the quota's Redis unreachable,
    # which stops a run in one process. Workers must outlive their Redis.
    return JobEffect("fault" if error.attempts else "untried")


def retry_delay(attempt: int) -> timedelta:
    """The delay after that many attempts."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempt - 1, 30))


def _resume_after(error: RateLimitError, now: datetime) -> datetime:
    if isinstance(error, DailyQuotaError):
        return max(error.resets_at or now, now + SHORTEST_PAUSE)
    return now + (SHORTEST_PAUSE if error.retry_after is None else timedelta(seconds=error.retry_after))


@frozen
class RowInFlight:
    """A row in flight."""

    job: str
    number: int
    update: TaskUpdate
    settings: JobSettings
    execution: Execution
    retry: Retry


class RowTasks:
    """The two tasks that Docket runs on a worker.

    Args:
        redis_timeout: seconds for which an unclaimed row waits for Redis; its lease must not expire by then.
    """

    def __init__(self, docket: Docket, store: JobStore, clients: ClientPool, *, redis_timeout: float) -> None:
        self._docket = docket
        self._store = store
        self._clients = clients
        self._redis_timeout = redis_timeout
        self._in_flight: dict[tuple[str, int], Applier] = {}
        self._draining = False

    def drain(self) -> None:
        """Claim no further row; rows waiting for a permit are requeued, those sent are finished."""
        self._draining = True
        for applier in self._in_flight.values():
            applier.halt()

    async def start_job(self, job: str, retry: Retry = Retry.forever(FIRST_RETRY)) -> None:  # noqa: ARG002, B008 - Docket reads it
        """Enqueue all unsettled rows of a job; idempotent."""
        try:
            if await self._store.reopen(job) is not JobState.STARTING:
                return
            async for numbers in self._store.unsettled(job):
                await enqueue_rows(self._docket, job, numbers)
            await self._store.started(job)
        except JobNotFoundError:  # it has expired
            return

    async def update_row(
        self,
        job: str,
        number: int,
        execution: Execution = CurrentExecution(),  # noqa: B008 - how Docket passes it
        retry: Retry = Retry.forever(RETRY_AFTER_BUG),  # noqa: B008 - as above
    ) -> None:
        """Make one update, unless the row is settled or its job not running."""
        if self._draining:
            raise _deliver_later(execution, timedelta())
        claimed = await self._until_answered(lambda: self._store.claim(job, number), self._redis_timeout)
        if claimed == "wait":
            raise _deliver_later(execution)
        if claimed != "over":
            await self._apply(RowInFlight(job, number, claimed.update, claimed.settings, execution, retry))

    async def _apply(self, row: RowInFlight) -> None:
        try:
            client = await self._clients.client(row.settings)
        except UnknownCredentialsError as error:
            await self._requeue(row, error, JobEffect("stopped"), AttemptCost(row.execution.attempt, 0, 0))
            return
        applier = self._in_flight[row.job, row.number] = client.applier()
        try:
            applied = await applier.apply(row.update)
        except GongError as error:
            await self._on_error(row, error, _cost_of(row, applier))
        except asyncio.CancelledError:
            await self._release(row, applier)
            raise
        else:
            updated = Settlement(RowState.UPDATED, applied.attempts, datetime.now(UTC), applied.request_id)
            await self._settle(row, updated, _cost_of(row, applier))
        finally:
            self._in_flight.pop((row.job, row.number), None)

    async def _on_error(self, row: RowInFlight, error: GongError, cost: AttemptCost) -> None:
        now = datetime.now(UTC)
        if error.meaning in ROWS_OWN:
            request_id = getattr(error, "request_id", None)
            failed = Settlement(RowState.FAILED, error.attempts, now, request_id, error)
            await self._settle(row, failed, cost)
            return
        effect = effect_of(error, now)
        if not await self._requeue(row, error, effect, cost):
            return
        if effect.kind == "untried":
            raise _deliver_later(row.execution)
        row.retry.delay = retry_delay(row.execution.attempt)
        raise error

    async def _settle(self, row: RowInFlight, settlement: Settlement, cost: AttemptCost) -> None:
        await self._until_answered(lambda: self._store.settle(row.job, row.number, settlement, cost))

    async def _requeue(
        self, row: RowInFlight, error: GongError, effect: JobEffect, cost: AttemptCost
    ) -> bool:
        async def requeue() -> bool:
            # Before, so that no crash leaves a job paused for ever; and after, should it have rung already.
            await self._set_alarm(row.job, effect)
            again = await self._store.requeue(row.job, row.number, error, effect, cost, row.settings)
            await self._set_alarm(row.job, effect)
            return again

        return await self._until_answered(requeue)

    async def _set_alarm(self, job: str, effect: JobEffect) -> None:
        if effect.resume_after is not None:
            await enqueue_start(self._docket, job, effect.resume_after)

    async def _release(self, row: RowInFlight, applier: Applier) -> None:
        """Requeue at once a row that waited, for a permit or a retry, when the worker began to stop."""
        task = asyncio.current_task()
        if not self._draining or task is None:
            return
        task.uncancel()
        if await self._requeue(row, GongError(method="PATCH"), JobEffect("untried"), _cost_of(row, applier)):
            raise _deliver_later(row.execution, timedelta()) from None

    async def _until_answered(self, ask: Callable[[], Awaitable[T]], limit: float | None = None) -> T:
        """Ask Redis until it responds: an update made at Gong must not be lost because Redis was unreachable."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            try:
                return await ask()
            except JobStoreError:
                limit = DRAIN_TIMEOUT if self._draining else limit
                if limit is not None and loop.time() - start > limit:
                    raise
            await asyncio.sleep(REDIS_RETRY_DELAY)


def _cost_of(row: RowInFlight, applier: Applier) -> AttemptCost:
    return AttemptCost(row.execution.attempt, applier.calls, applier.rate_limited)


def _deliver_later(execution: Execution, delay: timedelta = REDELIVER_AFTER) -> AdmissionBlocked:
    """Have Docket deliver a row again later, without a log entry and without counting an attempt."""
    return AdmissionBlocked(execution, "the job", retry_delay=delay)
