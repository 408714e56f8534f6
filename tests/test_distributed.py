"""What jobs on many workers mean, over an in-memory Redis and a fake Gong."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest

from gong_tasks_async import (
    BulkReport,
    GongTasksClient,
    Lane,
    Permit,
    Plan,
    PlanConflictError,
    RetryPolicy,
    RowState,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.distributed import (
    JobExistsError,
    JobNotFoundError,
    Jobs,
    JobState,
    Worker,
)
from gong_tasks_async.distributed.queue import enqueue_rows, enqueue_start
from gong_tasks_async.simulator import Fault, Simulator
from tests.distributed_floor import (
    COMPANY,
    PATIENCE,
    at_work,
    engine,
    eventually,
    memory,
    over,
    settings_of,
    until,
    updates_of,
)

GONE = TaskUpdate(99_999_999, "77", status="DONE")
"""A task that Gong does not know."""


def described(report: BulkReport) -> object:
    """All that a report says, but for times and the ids of requests."""
    failures = {(f.update, type(f.error), f.error.request.rpartition("/")[2]) for f in report.failures}
    counts = (
        report.updated,
        report.unchanged,
        report.failed,
        report.pending,
        report.calls,
        report.rate_limited,
    )
    moments = [(moment.updated, moment.failed) for moment in report.timeline]
    return counts, failures, report.by_user, tuple(map(sum, zip(*moments, strict=True)))


async def test_a_job_s_report_is_that_of_a_run_in_one_process() -> None:
    url, here, there = memory(), engine(20), engine(20)
    wanted = [*updates_of(here), GONE]
    async with Simulator(here) as gong, GongTasksClient(**settings_of(gong, quota=Unlimited())) as client:
        local = await client.update_many(wanted)
    async with Simulator(there) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(wanted)
        await over(job)
        report = await job.report()
        failed = [row async for row in job.rows(RowState.FAILED)]
    assert described(report) == described(local)
    assert (report.updated, report.failed, report.pending, report.calls) == (20, 1, 0, 21)
    assert report.complete
    assert [(row.update, row.error_kind, row.status) for row in failed] == [(GONE, "TaskNotFoundError", 404)]
    assert failed[0].error == str(report.failures[0].error)
    assert report.job == job.name
    assert there.tasks.keys() == {number for number, task in there.tasks.items() if task["status"] == "DONE"}


async def test_what_a_plan_leaves_out_counts_and_costs_no_call() -> None:
    url, gong_engine = memory(), engine(6)
    first, *others = updates_of(gong_engine)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(Plan(updates=tuple(others), unchanged=(first,)))
        await over(job)
        report = await job.report()
        assert [row.update async for row in job.rows(RowState.UNCHANGED)] == [first]
    assert (report.updated, report.unchanged, report.total, gong.ledger.calls) == (5, 1, 6, 5)
    assert report.by_user[first.user_id].unchanged == 1


async def test_duplicates_are_merged_and_contradictions_refused_before_anything_is_written() -> None:
    url, gong_engine = memory(), engine(4)
    duplicate, *others = updates_of(gong_engine)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        with pytest.raises(PlanConflictError):
            await jobs.submit(
                [duplicate, TaskUpdate(duplicate.task_id, duplicate.user_id, status="OPEN")], name="bad"
            )
        with pytest.raises(JobNotFoundError, match="acme has no job 'bad'"):
            await jobs.job("bad").progress()
        job = await jobs.submit([duplicate, duplicate, *others, duplicate])
        assert (await over(job)).rows == 4
    assert gong.ledger.calls == 4


async def test_a_job_waits_for_workers_and_its_progress_adds_up() -> None:
    url, gong_engine = memory(), engine(30)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        job = await jobs.submit(updates_of(gong_engine), name="nightly")
        before = await job.report()
        assert (before.pending, before.calls, before.started_at) == (30, 0, None)
        assert (await job.progress()).state is JobState.STARTING
        async with at_work(url, gong), at_work(url, gong), asyncio.timeout(PATIENCE):
            seen = [progress async for progress in jobs.job("nightly").watch(every=0.01)]
    settled = [progress.settled for progress in seen]
    assert settled == sorted(settled)
    assert all(progress.settled + progress.pending == 30 for progress in seen)
    assert seen[-1].state is JobState.ENDED
    assert Counter(entry.task_id for entry in gong.ledger.entries) == dict.fromkeys(gong_engine.tasks, 1)


async def test_the_same_rows_under_the_same_name_are_one_job_and_others_are_refused() -> None:
    url, gong_engine = memory(), engine(6)
    wanted = updates_of(gong_engine)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(wanted, name="nightly")
        await over(job)
        await over(await jobs.submit(reversed(wanted), name="nightly"))
        with pytest.raises(JobExistsError, match="'nightly'"):
            await jobs.submit(wanted[1:], name="nightly")
        assert (await job.progress()).rows == 6
    assert gong.ledger.calls == 6


async def test_all_jobs_of_a_company_are_found_and_no_other_s() -> None:
    url, rows = memory(), updates_of(engine(6))
    async with Jobs(url, company=COMPANY) as jobs, Jobs(url, company=f"{COMPANY}2") as theirs:
        assert await jobs.overview() == []
        await jobs.submit(rows, name="b")
        await jobs.submit(rows[:2], name="a")
        await theirs.submit(rows, name="c")
        assert [(found.job, found.rows) for found in await jobs.overview()] == [("a", 2), ("b", 6)]


async def test_nothing_to_do_is_done_at_once() -> None:
    async with Jobs(memory(), company=COMPANY) as jobs:
        job = await jobs.submit(Plan(updates=(), unchanged=(GONE,)))
        progress = await job.progress()
        assert (progress.state, progress.unchanged, progress.finished) == (JobState.ENDED, 1, True)
        assert (await jobs.submit([])).name != job.name


async def test_a_settled_row_that_is_delivered_again_costs_no_call() -> None:
    url, gong_engine = memory(), engine(2)
    first, second = updates_of(gong_engine)
    gong_engine.inject_fault(Fault.UNAVAILABLE)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=1),
    ):
        job = await jobs.submit([first, second])  # the first meets the fault, and rests for a while
        await until(job, lambda progress: progress.updated == 1)
        await enqueue_rows(jobs._docket, job.name, [2])

        async def is_dealt_with() -> bool:
            return await jobs._docket.get_execution(f"{job.name}:2") is None

        await eventually(is_dealt_with)
        assert (await job.progress()).state is JobState.RUNNING
        await over(job)
    assert [entry.task_id for entry in gong.ledger.entries] == [first.task_id, second.task_id, first.task_id]


async def test_a_cancelled_job_sends_no_further_row() -> None:
    url, gong_engine = memory(), engine(100)
    async with (
        Simulator(gong_engine, latency=(0.05, 0.05)) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, concurrency=2),
    ):
        job = await jobs.submit(updates_of(gong_engine))
        await until(job, lambda progress: progress.updated >= 3)
        await job.cancel()
        progress = await over(job)
        report = await job.report()
        assert await job.resume() is JobState.CANCELLED
        assert (await job.progress()).state is JobState.CANCELLED
    assert progress.state is JobState.CANCELLED
    assert report.updated == gong.ledger.calls < 10
    assert report.pending == 100 - report.updated
    with pytest.raises(JobNotFoundError):
        async with Jobs(url, company=COMPANY) as jobs:
            await jobs.job("nobody-s").cancel()


class Line(Unlimited):
    """A quota in which nobody's turn comes until somebody opens it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        assert lane is Lane.BULK
        assert deadline is not None
        self.waiting += 1
        try:
            await self.opened.wait()
        finally:
            self.waiting -= 1
        return await super().acquire(lane, deadline=deadline, max_wait=max_wait, returning=returning)


async def test_a_worker_that_ends_finishes_what_it_sent_and_hands_the_rest_on_at_once() -> None:
    url, gong_engine, line = memory(), engine(20), Line()
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        async with at_work(url, gong, quota=lambda *_: line, concurrency=4) as leaving:
            job = await jobs.submit(updates_of(gong_engine))
            await until(job, lambda progress: progress.in_flight == 4)

            async def all_wait() -> bool:
                return line.waiting == 4

            await eventually(all_wait)
            leaving.stop()
        assert (await job.progress()).in_flight == 0
        assert gong.ledger.calls == 0
        async with at_work(url, gong):  # long before the lease of two minutes is over
            assert (await over(job)).updated == 20
    assert gong.ledger.calls == 20


async def test_what_was_sent_is_recorded_before_a_worker_ends() -> None:
    url, gong_engine = memory(), engine(40)
    async with Simulator(gong_engine, latency=(0.2, 0.2)) as gong, Jobs(url, company=COMPANY) as jobs:
        async with at_work(url, gong, concurrency=4):
            job = await jobs.submit(updates_of(gong_engine))

            async def are_sent() -> bool:
                return gong.ledger.calls >= 4

            await eventually(are_sent)
        progress = await job.progress()
    assert progress.updated == gong.ledger.calls < 40
    assert progress.in_flight == 0


async def test_a_job_whose_time_is_over_is_gone_and_its_rows_cost_nothing() -> None:
    url, gong_engine = memory(), engine(10)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        job = await jobs.submit(updates_of(gong_engine))
        async with jobs._docket.redis() as redis:
            await redis.delete(*[key for key in await redis.keys() if b":jobs:" in key])
        await enqueue_rows(jobs._docket, job.name, range(1, 11))
        async with at_work(url, gong):

            async def is_empty() -> bool:
                snapshot = await jobs._docket.snapshot()
                return not (snapshot.future or snapshot.running or snapshot.total_tasks)

            await eventually(is_empty)
        with pytest.raises(JobNotFoundError):
            await job.progress()
    assert gong.ledger.calls == 0


async def test_a_row_that_rests_between_two_tries_is_handed_on_as_well() -> None:
    url, gong_engine = memory(), engine(2)
    patient = RetryPolicy(backoff=1e6, max_backoff=1e6)
    gong_engine.inject_fault(Fault.UNAVAILABLE)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        credentials = {"default": settings_of(gong, retry=patient)}
        async with at_work(url, gong, credentials=credentials, concurrency=1):
            job = await jobs.submit(updates_of(gong_engine))

            async def rests() -> bool:
                return gong.ledger.calls == 1

            await eventually(rests)
        assert (await job.progress()).calls == 1
        async with at_work(url, gong):
            progress = await over(job)
    assert (progress.updated, progress.calls, gong.ledger.calls) == (2, 3, 3)


async def test_a_worker_whose_task_is_cancelled_records_what_it_has_sent() -> None:
    url, gong_engine = memory(), engine(40)
    async with (
        Simulator(gong_engine, latency=(0.2, 0.2)) as gong,
        Jobs(url, company=COMPANY) as jobs,
        Worker(
            url,
            company=COMPANY,
            credentials={"default": settings_of(gong)},
            quota=lambda *_: Unlimited(),
            concurrency=4,
        ) as worker,
    ):
        running = asyncio.create_task(worker.run())
        job = await jobs.submit(updates_of(gong_engine))

        async def are_sent() -> bool:
            return gong.ledger.calls >= 4

        await eventually(are_sent)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        progress = await job.progress()
    assert (progress.updated, progress.in_flight) == (gong.ledger.calls, 0)


async def test_to_start_a_job_again_changes_nothing() -> None:
    url, gong_engine = memory(), engine(4)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(updates_of(gong_engine))
        await over(job)
        await enqueue_start(jobs._docket, job.name)

        async def is_dealt_with() -> bool:
            return await jobs._docket.get_execution(f"{job.name}:start") is None

        await eventually(is_dealt_with)
        assert (await job.progress()).state is JobState.ENDED
    assert gong.ledger.calls == 4
