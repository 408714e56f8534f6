"""The worker's tasks: claim a row, make its one update, record the outcome before the message is acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from attrs import frozen
from docket import CurrentExecution, Execution, Retry
from docket.dependencies import AdmissionBlocked

from gong_tasks_async.bulk import Applier, Failed, JournalRow, Updated
from gong_tasks_async.bulk.outcomes import record_of
from gong_tasks_async.bulk.runner import ROWS_OWN
from gong_tasks_async.distributed.clients import ClientPool
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.effects import JobEffect, effect_of, retry_delay
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobNotFoundError,
    JobStoreError,
    RowCrashedError,
    UnknownCredentialsError,
    UnreadableRowError,
    WrongAddressError,
)
from gong_tasks_async.distributed.messages import row_of_key
from gong_tasks_async.distributed.progress import JobState
from gong_tasks_async.distributed.queue import enqueue_feed, enqueue_rows, enqueue_start
from gong_tasks_async.distributed.records import AttemptCost, Claim
from gong_tasks_async.distributed.serialization import JobSettings
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate

T = TypeVar("T")

logger = logging.getLogger("gong_tasks_async")

WINDOW = 1_000
"""Rows of a job in the queue at once, about: a row in the queue takes four times the memory of one that waits, and
jobs of one company share the workers. Further rows are enqueued when the last page of them is reached."""

FEED_PAGE = 500

REDELIVER_AFTER = timedelta(seconds=0.5)
"""Delay of a row that could not be attempted."""

RETRY_AFTER_BUG = timedelta(minutes=5)
"""Delay of a task that failed with an unexpected exception."""

REDIS_RETRY_DELAY = 0.2
"""Seconds between two attempts to reach Redis."""

DRAIN_TIMEOUT = 10.0
"""Seconds for which a stopping worker still tries to record a row."""

UNREADABLE = JobSettings(credentials="")
"""In place of settings that cannot be read; only its limits are used."""

NO_UPDATE = TaskUpdate(1, "1", status="DONE")
"""In place of an update that cannot be read; it is never sent."""


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
    """The three tasks that Docket runs on a worker.

    Args:
        redis_timeout: seconds for which an unclaimed row waits for Redis; its lease must not expire by then.
    """

    def __init__(
        self, docket: DataDocket, store: JobStore, clients: ClientPool, *, redis_timeout: float
    ) -> None:
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

    async def start_job(self, job: str, retry: Retry = Retry.forever(timedelta(seconds=2))) -> None:  # noqa: ARG002, B008 - Docket reads it
        """Enqueue the first unsettled rows of a job, all of them due now; idempotent."""
        try:
            if await self._store.reopen(job) is JobState.STARTING:
                numbers, last = await self._store.unsettled(job, 0, WINDOW)
                await enqueue_rows(self._docket, job, numbers)
                await self._store.fed(job, 0, last)
        except JobNotFoundError:  # it has expired
            return
        except CorruptJobError:
            logger.exception("The job %s cannot be started.", job)

    async def feed_job(self, job: str, retry: Retry = Retry.forever(timedelta(seconds=2))) -> None:  # noqa: ARG002, B008 - as above
        """Enqueue the next rows of a running job; idempotent."""
        try:
            before = await self._store.fed_rows(job)
            if before is None:
                return
            numbers, last = await self._store.unsettled(job, before, FEED_PAGE)
            await enqueue_rows(self._docket, job, numbers, keep_queued=True)
            await self._store.fed(job, before, last)
        except JobNotFoundError:
            return
        except CorruptJobError:
            logger.exception("Rows of the job %s cannot be enqueued.", job)

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
        try:
            claim = await self._until_answered(lambda: self._store.claim(job, number), self._redis_timeout)
            if claim.feed:
                await self._until_answered(lambda: enqueue_feed(self._docket, job), self._redis_timeout)
        except CorruptJobError:
            logger.exception("Row %d of the job %s cannot be claimed.", number, job)
            return
        if claim.kind == "wait":
            raise _deliver_later(execution)
        if claim.kind == "go":
            await self._read_and_apply(job, number, claim, execution, retry)

    async def quarantine(self, key: bytes, reason: str) -> None:
        """Record a message that was removed from the queue, and give up the row that it names, if any."""
        logger.warning("A message of the queue cannot be read and is set aside: %r: %s", key[:200], reason)
        with suppress(CorruptJobError):
            await self._store.quarantine(key, reason)
        row = row_of_key(key)
        if row is not None and row.number:
            error = UnreadableRowError(job=row.job, number=row.number, reason=f"its message has {reason}")
            effect, cost = JobEffect("given up"), AttemptCost(0, 0, 0)
            with suppress(CorruptJobError):
                await self._store.requeue(row.job, row.number, error, effect, cost, UNREADABLE)

    async def _read_and_apply(
        self, job: str, number: int, claim: Claim, execution: Execution, retry: Retry
    ) -> None:
        settings = UNREADABLE
        try:
            settings = claim.read_settings()
            update = claim.read_update()
        except ValueError as error:
            unreadable = UnreadableRowError(job=job, number=number, reason=str(error))
            row = RowInFlight(job, number, NO_UPDATE, settings, execution, retry)
            await self._retry_or_stop(row, unreadable, AttemptCost(execution.attempt, 0, 0))
            return
        await self._apply(RowInFlight(job, number, update, settings, execution, retry))

    async def _apply(self, row: RowInFlight) -> None:
        try:
            client = await self._clients.client(row.settings)
        except (UnknownCredentialsError, WrongAddressError) as error:
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
        except Exception as error:
            logger.exception("Row %d of the job %s: an unexpected error.", row.number, row.job)
            crashed = RowCrashedError(method="PATCH", attempts=applier.calls, reason=type(error).__name__)
            await self._on_error(row, crashed, _cost_of(row, applier))
        else:
            updated = Updated(row.update, applied.task)
            record = record_of(updated, attempts=applied.attempts, request_id=applied.request_id)
            await self._settle(row, record, _cost_of(row, applier))
        finally:
            self._in_flight.pop((row.job, row.number), None)

    async def _on_error(self, row: RowInFlight, error: GongError, cost: AttemptCost) -> None:
        if error.meaning in ROWS_OWN:
            refused = record_of(Failed(row.update, error))
            await self._until_answered(
                lambda: self._store.refuse(row.job, row.number, refused, cost, row.settings)
            )
            return
        await self._retry_or_stop(row, error, cost)

    async def _retry_or_stop(self, row: RowInFlight, error: GongError, cost: AttemptCost) -> None:
        effect = effect_of(error, datetime.now(UTC))
        if not await self._requeue(row, error, effect, cost):
            return
        if effect.kind in {"untried", "outage"}:
            raise _deliver_later(row.execution)
        row.retry.delay = retry_delay(row.execution.attempt)
        raise error

    async def _settle(self, row: RowInFlight, record: JournalRow, cost: AttemptCost) -> None:
        await self._until_answered(lambda: self._store.settle(row.job, row.number, record, cost))

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
            except CorruptJobError:
                raise
            except JobStoreError:
                most = DRAIN_TIMEOUT if self._draining else limit
                if most is not None and loop.time() - start > most:
                    raise
            await asyncio.sleep(REDIS_RETRY_DELAY)


def _cost_of(row: RowInFlight, applier: Applier) -> AttemptCost:
    return AttemptCost(row.execution.attempt, applier.calls, applier.rate_limited)


def _deliver_later(execution: Execution, delay: timedelta = REDELIVER_AFTER) -> AdmissionBlocked:
    """Have Docket deliver a row again later, without a log entry and without counting an attempt."""
    return AdmissionBlocked(execution, "the job", retry_delay=delay)
