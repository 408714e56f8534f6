"""Submit jobs, follow them and read their results, from any machine that reaches the same Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from attrs import evolve

from gong_tasks_async.bulk import Plan, Updates, collect, plan_updates
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.journal_schema import fingerprint
from gong_tasks_async.distributed.clients import redis_quota
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobExistsError,
    JobNotFoundError,
)
from gong_tasks_async.distributed.job import Job
from gong_tasks_async.distributed.progress import JobState, Progress
from gong_tasks_async.distributed.queue import (
    company_problem,
    enqueue_start,
    open_docket,
    store_of,
    url_problem,
)
from gong_tasks_async.distributed.serialization import JobSettings, origin_text
from gong_tasks_async.errors.checks import conceals_arguments, function_problem, refuse
from gong_tasks_async.events import Event
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.quota.redis import RedisQuota

WEEK = timedelta(days=7)


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

    Raises:
        InvalidValueError: a setting cannot be used; all are named at once.
    """

    @conceals_arguments
    def __init__(
        self, url: str, *, company: str, trace_context: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        trace = function_problem(
            "trace_context", trace_context, "a function that gives headers", or_none=True
        )
        refuse("Jobs", [url_problem(url), company_problem(company), trace])
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
            name: the same rows submitted again under the same name are the same job; nothing is done twice. A job without
                rows leaves its name to the next.
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
            InvalidValueError: a setting is of another type or out of range; all are named at once.
            ValueError: ``guard`` is given without a plan that has a look.
        """
        plan = updates if isinstance(updates, Plan) else plan_updates(await collect(updates))
        settings = JobSettings(
            credentials=credentials,
            base_url=base_url,
            limits=limits,
            row_attempts=row_attempts,
            stop_after=stop_after,
            stop_after_refusals=stop_after_refusals,
            outage_timeout=outage_timeout,
            keep=_whole_seconds(keep),
            guard=guard,
        )
        if guard and plan.look is None:
            raise ValueError(
                "guard=True needs a plan with a look: await gong.plan_updates(updates, guard=True)"
            )
        if base_url is not None:
            settings = evolve(settings, base_url=checked_base_url(base_url))
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
        found: list[Progress] = []
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


def _whole_seconds(keep: object) -> Any:
    return int(keep.total_seconds()) if isinstance(keep, timedelta) else keep


def _fingerprint(updates: Iterable[TaskUpdate]) -> str:
    """The same for the same rows in any order."""
    return f"{sum(map(fingerprint, updates)) % 2**128:032x}"
