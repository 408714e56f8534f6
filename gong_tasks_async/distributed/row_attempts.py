"""One attempt at a claimed row: look at its task if the job has a guard, make the update, record the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from attrs import evolve, frozen
from docket import Execution, Retry
from docket.dependencies import AdmissionBlocked

from gong_tasks_async.bulk import Applier, Failed, JournalRow, RowState, Updated
from gong_tasks_async.bulk.guard import RowLooks
from gong_tasks_async.bulk.journal_entries import PendingRow
from gong_tasks_async.bulk.outcomes import record_of
from gong_tasks_async.bulk.runner import ROWS_OWN
from gong_tasks_async.distributed.clients import ClientPool
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.effects import JobEffect, effect_of, retry_delay
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobStoreError,
    RowCrashedError,
    UnknownCredentialsError,
    UnreadableRowError,
    WrongAddressError,
)
from gong_tasks_async.distributed.guards import Guards
from gong_tasks_async.distributed.queue import enqueue_start
from gong_tasks_async.distributed.records import AttemptCost, Claim, Settled
from gong_tasks_async.distributed.serialization import JobSettings, PlannedRow
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.errors import DeadlineExceeded, GongError
from gong_tasks_async.events import EventSink, RowClaimed, RowEnded
from gong_tasks_async.models import TaskUpdate

T = TypeVar("T")

logger: Final = logging.getLogger("gong_tasks_async")

REDELIVER_AFTER = timedelta(seconds=0.5)
"""Delay of a row that could not be attempted."""

REDIS_RETRY_DELAY = 0.2
"""Seconds between two attempts to reach Redis."""

DRAIN_TIMEOUT = 10.0
"""Seconds for which a stopping worker still tries to record a row."""

UNREADABLE = JobSettings(credentials="")
"""In place of settings that cannot be read; only its limits are used."""

NO_ROW = PlannedRow(TaskUpdate(1, "1", status="DONE"))
"""In place of a row that cannot be read; it is never sent."""


@frozen
class RowInFlight:
    """A row in flight."""

    job: str
    number: int
    planned: PlannedRow
    settings: JobSettings
    claim: Claim
    execution: Execution
    retry: Retry
    since: float
    """When the delivery began, by the event loop's clock."""

    def cost(self, applier: Applier | None = None) -> AttemptCost:
        """What this attempt has cost."""
        attempt = self.execution.attempt
        if applier is None:
            return AttemptCost(attempt, 0, 0)
        return AttemptCost(attempt, applier.calls, applier.rate_limited, applier.listings)


class RowAttempts:
    """Attempts at rows, and what each result means for the row and its job.

    Args:
        redis_timeout: seconds for which an unclaimed row waits for Redis, and a claimed one may take before its update is sent, or
            its lease might expire.
        events: is passed what happens to rows.
    """

    def __init__(
        self,
        docket: DataDocket,
        store: JobStore,
        clients: ClientPool,
        *,
        redis_timeout: float,
        events: EventSink,
    ) -> None:
        self.docket: DataDocket = docket
        self.store: JobStore = store
        self._clients = clients
        self.redis_timeout: float = redis_timeout
        self._events = events
        self._guards = Guards()
        self._in_flight: dict[tuple[str, int], Applier] = {}
        self.draining: bool = False
        """Whether the worker is stopping."""

    def drain(self) -> None:
        """Requeue the rows that wait for a permit; those sent are finished."""
        self.draining = True
        for applier in self._in_flight.values():
            applier.halt()

    async def attempt(
        self, job: str, number: int, claim: Claim, execution: Execution, retry: Retry, since: float
    ) -> None:
        """Read a claimed row, and settle it, requeue it or give it up."""
        row = RowInFlight(job, number, NO_ROW, UNREADABLE, claim, execution, retry, since)
        if self._events.wants_call_events:
            self._events.emit(RowClaimed(job=job, number=number, trace=claim.read_trace()))
        try:
            row = evolve(row, settings=claim.read_settings())
            row = evolve(row, planned=claim.read_row())
        except ValueError as error:
            unreadable = UnreadableRowError(job=job, number=number, reason=str(error))
            await self._retry_or_stop(row, unreadable, row.cost())
            return
        await self._apply(row)

    async def until_answered(self, ask: Callable[[], Awaitable[T]], limit: float | None = None) -> T:
        """Ask Redis until it responds: an update made at Gong must not be lost because Redis was unreachable."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            try:
                return await ask()
            except CorruptJobError:
                raise
            except JobStoreError:
                most = DRAIN_TIMEOUT if self.draining else limit
                if most is not None and loop.time() - start > most:
                    raise
            await asyncio.sleep(REDIS_RETRY_DELAY)

    async def _apply(self, row: RowInFlight) -> None:
        try:
            client = await self._clients.client(row.settings)
        except (UnknownCredentialsError, WrongAddressError) as error:
            await self._requeue(row, error, JobEffect("stopped"), row.cost())
            return
        applier = self._in_flight[row.job, row.number] = client.applier()
        try:
            record = await self._result(row, applier)
        except GongError as error:
            await self._on_error(row, error, row.cost(applier))
        except asyncio.CancelledError:
            await self._release(row, applier)
            raise
        except Exception as error:
            logger.exception("Row %d of the job %s: an unexpected error.", row.number, row.job)
            crashed = RowCrashedError(method="PATCH", attempts=applier.calls, reason=type(error).__name__)
            await self._on_error(row, crashed, row.cost(applier))
        else:
            await self._settle(row, record, row.cost(applier))
        finally:
            self._in_flight.pop((row.job, row.number), None)

    async def _result(self, row: RowInFlight, applier: Applier) -> JournalRow:
        """Make the update, unless the guard has the outcome already."""
        looks = self._looks(row, applier)
        found = None if looks is None else await self._look(row, looks)
        if found is None:
            found = await _made(row.planned.update, applier, looks)
        # What was not looked at cannot be undone, so there is no use for its state after.
        return found if row.planned.before is not None else evolve(found, after=None)

    def _looks(self, row: RowInFlight, applier: Applier) -> RowLooks | None:
        if not (row.settings.guard or row.claim.look):
            return None
        pending = PendingRow(row.number, row.planned.update, row.planned.before, row.claim.may_be_made)
        life = row.job, row.claim.life
        return self._guards.looks(life, pending, applier, skip_changed=row.settings.guard)

    async def _look(self, row: RowInFlight, looks: RowLooks) -> JournalRow | None:
        found = await looks.check()
        if found is None and asyncio.get_running_loop().time() - row.since > self.redis_timeout:
            # Half of the lease belongs to the update. The next delivery finds the look fresh.
            raise DeadlineExceeded(method="PATCH", reason="listing the owner's tasks took too long")
        return found

    async def _on_error(self, row: RowInFlight, error: GongError, cost: AttemptCost) -> None:
        if error.meaning not in ROWS_OWN:
            await self._retry_or_stop(row, error, cost)
            return
        refused = record_of(Failed(row.planned.update, error))
        settled = await self.until_answered(
            lambda: self.store.refuse(row.job, row.number, refused, cost, row.settings)
        )
        self._ended(row, RowState.PENDING, error, settled)

    async def _retry_or_stop(self, row: RowInFlight, error: GongError, cost: AttemptCost) -> None:
        effect = effect_of(error, datetime.now(UTC))
        if not await self._requeue(row, error, effect, cost):
            return
        if effect.kind in {"untried", "outage"}:
            raise deliver_later(row.execution)
        row.retry.delay = retry_delay(row.execution.attempt)
        raise error

    async def _settle(self, row: RowInFlight, record: JournalRow, cost: AttemptCost) -> None:
        settled = await self.until_answered(lambda: self.store.settle(row.job, row.number, record, cost))
        self._ended(row, record.state if settled.row else RowState.PENDING, None, settled)

    async def _requeue(
        self, row: RowInFlight, error: GongError, effect: JobEffect, cost: AttemptCost
    ) -> bool:
        async def requeue() -> bool:
            # Before, so that no crash leaves a job paused for ever; and after, should it have rung already.
            await self._set_alarm(row.job, effect)
            again = await self.store.requeue(row.job, row.number, error, effect, cost, row.settings)
            await self._set_alarm(row.job, effect)
            return again

        again = await self.until_answered(requeue)
        self._ended(row, RowState.PENDING, error)
        return again

    async def _set_alarm(self, job: str, effect: JobEffect) -> None:
        if effect.resume_after is not None:
            await enqueue_start(self.docket, job, effect.resume_after)

    async def _release(self, row: RowInFlight, applier: Applier) -> None:
        """Requeue at once a row that waited, for a permit or a retry, when the worker began to stop."""
        task = asyncio.current_task()
        if not self.draining or task is None:
            return
        task.uncancel()
        if await self._requeue(row, GongError(method="PATCH"), JobEffect("untried"), row.cost(applier)):
            raise deliver_later(row.execution, timedelta()) from None

    def _ended(
        self, row: RowInFlight, state: RowState, error: GongError | None, settled: Settled | None = None
    ) -> None:
        if not self._events.wants_call_events:
            return
        kind = None if error is None else type(error).__name__
        failed = 0 if settled is None else settled.failed
        self._events.emit(RowEnded(job=row.job, number=row.number, outcome=state, error=kind, failed=failed))


async def _made(update: TaskUpdate, applier: Applier, looks: RowLooks | None) -> JournalRow:
    try:
        applied = await applier.apply(update, looks)
    except GongError:
        if looks is None or (found := looks.outcome()) is None:
            raise
        return found
    return record_of(Updated(update, applied.task), attempts=applied.attempts, request_id=applied.request_id)


def deliver_later(execution: Execution, delay: timedelta = REDELIVER_AFTER) -> AdmissionBlocked:
    """Have Docket deliver a row again later, without a log entry and without counting an attempt."""
    return AdmissionBlocked(execution, "the job", retry_delay=delay)
