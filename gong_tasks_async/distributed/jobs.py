"""Submit jobs, follow them and read their results, from any machine that reaches the same Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import uuid4

from attrs import evolve, field, frozen

from gong_tasks_async.bulk import BulkReport, JournalRow, Plan, RowState, Updates, collect, plan_updates
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.journal_schema import fingerprint
from gong_tasks_async.bulk.outcomes import error_name
from gong_tasks_async.distributed.clients import redis_quota
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobBusyError,
    JobExistsError,
    JobNotFoundError,
    UnreadableRowError,
)
from gong_tasks_async.distributed.progress import JobState, Progress
from gong_tasks_async.distributed.queue import enqueue_start, open_docket, store_of
from gong_tasks_async.distributed.records import StoredRow
from gong_tasks_async.distributed.report import report_of
from gong_tasks_async.distributed.serialization import JobSettings, LastAttempt, origin_text
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.events import Event
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.quota.redis import RedisQuota

WEEK = timedelta(days=7)


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
        found = {}
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


class Jobs:
    """The jobs of one company.

    An async context manager::

        async with Jobs(redis_url, company="acme") as jobs:
            job = await jobs.submit(updates)
            async for progress in job.watch():
                print(progress.settled, "of", progress.rows)
            print(await job.report())

    Args:
        url: the jobs' Redis, such as ``rediss://:password@redis.example:6379/0``; never shown.
        company: the company whose jobs these are.
        trace_context: gives the trace context of a submission, as headers, which is stored with the job; such as
            ``OpenTelemetry().trace_context``. The workers' spans link to it.
    """

    def __init__(
        self, url: str, *, company: str, trace_context: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        self.company = company
        self._trace_context = trace_context
        self._docket = open_docket(url, company)
        self._store = store_of(self._docket, company)

    async def submit(
        self,
        updates: Plan | Updates,
        *,
        name: str | None = None,
        guard: bool = False,
        credentials: str = "default",
        base_url: str | None = None,
        limits: QuotaLimits | None = None,
        row_attempts: int = 5,
        stop_after: int = 5,
        stop_after_refusals: int = 25,
        outage_timeout: float = 300.0,
        keep: timedelta = WEEK,
        origin: Mapping[str, str] | None = None,
    ) -> Job:
        """Submit a job to the workers; those that are up process it, now or later.

        Args:
            updates: a plan, or the rows; duplicates in them are merged, conflicts refused.
            name: the same rows submitted again under the same name are the same job; nothing is done twice.
            guard: skip rows whose task was changed since the plan's look, as ``update_many(guard=True)`` does; the
                plan is one of ``gong.plan_updates(updates, guard=True)``. Each worker lists each owner's tasks once
                an hour, one call each.
            credentials: the name of the credentials on the workers.
            base_url: the company's API address. A worker whose credentials are for another one stops the job.
            limits: the company's limits at Gong, where the workers do not set them.
            row_attempts: attempts at one row before it is left pending, each with all retries of a call.
            stop_after: consecutive rows, over all workers, without a final response that stop the job.
            stop_after_refusals: consecutive rows refused alike, over all workers, that stop the job; until then they
                are pending.
            outage_timeout: seconds for which the job waits and probes while no connection to Gong can be made.
            origin: notes about the submission, such as its file; found in the job's progress.
            keep: how long rows and outcomes are kept after the last change; at least a day.

        Raises:
            PlanConflictError: two rows are conflicting updates of one task.
            JobExistsError: a job of that name exists with other rows, or with these rows but cancelled.
            JobStoreError: Redis does not respond. The job may have been stored: submit it again under its name.
            ValueError: a setting is out of range, or ``guard`` is given without a plan that has a look.
        """
        plan = updates if isinstance(updates, Plan) else plan_updates(await collect(updates))
        if guard and plan.look is None:
            raise ValueError(
                "guard=True needs a plan with a look: await gong.plan_updates(updates, guard=True)"
            )
        settings = JobSettings(
            credentials=credentials,
            base_url=None if base_url is None else checked_base_url(base_url),
            limits=limits,
            row_attempts=row_attempts,
            stop_after=stop_after,
            stop_after_refusals=stop_after_refusals,
            outage_timeout=outage_timeout,
            keep=int(keep.total_seconds()),
            guard=guard,
        )
        return await self._submit(
            self.job(uuid4().hex if name is None else name), plan, settings, origin or {}
        )

    def job(self, name: str) -> Job:
        """The job of that name, not checked for existence.

        Args:
            name: the job's name.
        """
        return Job(checked_job_name(name), self._store, self._docket)

    def quota(self, limits: QuotaLimits, *, on_event: Callable[[Event], None] | None = None) -> RedisQuota:
        """The quota that default workers of the company share, for calls beside them; to be entered.

        Args:
            limits: how fast Gong may be called.
            on_event: called with each event of the quota.

        Raises:
            ValueError: the URL cannot be read, or is that of a Redis in memory.
        """
        return redis_quota(self._docket, self.company, limits, on_event=on_event)

    async def overview(self) -> list[Progress]:
        """The progress of each job that Redis still has, by name. Redis scans all its keys: do not poll this.

        Raises:
            JobStoreError: Redis does not respond.
        """
        found = []
        for name in await self._store.names():
            try:
                found.append(await self._store.progress(name))
            except JobNotFoundError:  # it has just expired
                continue
            except CorruptJobError as error:
                unreadable = Progress(job=name, state=JobState.UNREADABLE, rows=0, stopped_because=error)
                found.append(unreadable)
        return found

    async def quarantined(self) -> list[str]:
        """Messages that workers removed from the queue since they could not be read, latest first, at most 100.

        Raises:
            JobStoreError: Redis does not respond.
        """
        return await self._store.quarantined()

    async def __aenter__(self) -> Self:
        await self._docket.__aenter__()  # opens the connection; reads nothing
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._docket.__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.company}>"

    async def _submit(self, job: Job, plan: Plan, settings: JobSettings, origin: Mapping[str, str]) -> Job:
        rows = _fingerprint((*plan.updates, *plan.unchanged))
        facts: dict[str, object] = {"fingerprint": rows, "origin": origin_text(origin)}
        if self._trace_context is not None:
            facts["trace"] = origin_text(self._trace_context())
        if settings.guard:
            facts["unguarded"] = sum(update.task_id not in plan.looked for update in plan.updates)
        created = await self._store.create(
            job.name, settings, plan.updates, plan.unchanged, facts, plan.looked
        )
        cancelled = created.state is JobState.CANCELLED
        if created.fingerprint != rows or cancelled:
            same = created.fingerprint == rows
            raise JobExistsError(job=job.name, state=str(created.state) if same else None)
        if created.state is JobState.STARTING:
            await enqueue_start(self._docket, job.name)
        return evolve(job, submitted_before=not created.is_new)


def _fingerprint(updates: Iterable[TaskUpdate]) -> str:
    """The same for the same rows in any order."""
    return f"{sum(map(fingerprint, updates)) % 2**128:032x}"
