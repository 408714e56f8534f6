"""Jobs on many workers leave alone what was changed since, and can be undone and retried: as a run in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from gong_tasks_async import GongTasksClient, Plan, TaskUpdate
from gong_tasks_async.distributed import Job, JobBusyError, Jobs, JobState, effects, guards
from gong_tasks_async.events import CallSent, Event
from gong_tasks_async.simulator import Engine, Fault, Simulator
from tests.distributed_floor import COMPANY, at_work, engine, memory, over, settings_of, until, updates_of


class Floor:
    """A company, its jobs, and a client for plans."""

    def __init__(self, gong: Simulator, jobs: Jobs, client: GongTasksClient, url: str) -> None:
        self.gong, self.jobs, self.client, self.url = gong, jobs, client, url

    @property
    def engine(self) -> Engine:
        return self.gong.engine

    def calls(self, method: str) -> int:
        return sum(entry.method == method for entry in self.gong.ledger.entries)

    def touch(self, number: int, **values: Any) -> None:
        """Change a task as a person would."""
        task = self.engine.tasks[number]
        task |= {**values, "updated": "2090-01-01T00:00:00Z"}

    def fault(self, fault: Fault) -> Callable[[Event], None]:
        """What injects a fault into the first update."""
        pending = [fault]

        def on_event(event: Event) -> None:
            if isinstance(event, CallSent) and event.operation == "update_task" and pending:
                self.engine.inject_fault(pending.pop())

        return on_event

    async def submit(self, updates: list[TaskUpdate], **settings: Any) -> Job:
        plan = await self.client.plan_updates(updates, guard=True)
        return await self.jobs.submit(plan, guard=True, **settings)

    async def done(self, job: Job, workers: int = 1) -> Any:
        async with at_work(self.url, self.gong):
            if workers == 1:
                return await over(job)
            async with at_work(self.url, self.gong):
                return await over(job)


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    url, gong_engine = memory(), engine(8)
    for task in gong_engine.tasks.values():
        task["status"] = "OPEN"
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        GongTasksClient(**settings_of(gong)) as client,
    ):
        yield Floor(gong, jobs, client, url)


class TestGuard:
    async def test_what_was_changed_since_the_plan_is_skipped(self, floor: Floor) -> None:
        job = await floor.submit(updates_of(floor.engine))
        changed, *rest = floor.engine.tasks
        floor.touch(changed, priority={"id": 1, "name": "High", "weight": 1})
        progress = await floor.done(job)
        assert (progress.state, progress.updated, progress.skipped) == (JobState.ENDED, 7, 1)
        assert floor.engine.tasks[changed]["status"] == "OPEN"
        assert {floor.engine.tasks[number]["status"] for number in rest} == {"DONE"}
        report = await job.report()
        assert (report.skipped, report.updated, report.pending) == (1, 7, 0)
        (skipped,) = [row async for row in job.rows() if row.state == "skipped"]
        assert skipped.reason == "changed since"

    async def test_what_has_its_values_by_then_costs_no_call(self, floor: Floor) -> None:
        job = await floor.submit(updates_of(floor.engine))
        floor.touch(next(iter(floor.engine.tasks)), status="DONE")
        progress = await floor.done(job)
        assert (progress.updated, progress.unchanged, floor.calls("PATCH")) == (7, 1, 7)

    async def test_its_price_is_a_listing_for_each_owner_and_worker(self, floor: Floor) -> None:
        job = await floor.submit(updates_of(floor.engine))
        planning = floor.calls("POST")
        progress = await floor.done(job, workers=2)
        listings = floor.calls("POST") - planning
        assert 2 <= listings <= 4
        assert (progress.calls, progress.listings) == (8 + listings, listings)

    async def test_a_job_without_it_lists_nobody(self, floor: Floor) -> None:
        job = await floor.jobs.submit(await floor.client.plan_updates(updates_of(floor.engine), guard=True))
        changed = next(iter(floor.engine.tasks))
        floor.touch(changed, priority={"id": 1, "name": "High", "weight": 1})
        planning = floor.calls("POST")
        progress = await floor.done(job)
        assert (progress.updated, progress.listings, floor.calls("POST")) == (8, 0, planning)

    async def test_it_needs_a_look(self, floor: Floor) -> None:
        with pytest.raises(ValueError, match="needs a plan with a look"):
            await floor.jobs.submit(updates_of(floor.engine), guard=True)

    async def test_rows_that_the_look_did_not_find_are_counted(self, floor: Floor) -> None:
        gone = TaskUpdate(99_999_999, floor.engine.user_ids[0], status="DONE")
        job = await floor.submit([*updates_of(floor.engine), gone])
        progress = await floor.done(job)
        assert (progress.unguarded, progress.failed, (await job.report()).unguarded) == (1, 1, 1)

    async def test_a_resumed_job_looks_again(self, floor: Floor) -> None:
        """What a person did while it was stopped counts, although the worker has looked within the hour."""
        job = await floor.submit(updates_of(floor.engine), stop_after=1)
        credentials = {"default": settings_of(floor.gong, on_event=floor.fault(Fault.UNAVAILABLE))}
        async with at_work(floor.url, floor.gong, concurrency=1, credentials=credentials):
            await until(job, lambda progress: progress.state is JobState.STOPPED)
            for number in floor.engine.tasks:
                floor.touch(number, priority={"id": 1, "name": "High", "weight": 1})
            await job.resume()
            progress = await over(job)
        assert (progress.skipped, progress.updated) == (8, 0)

    async def test_an_update_that_was_made_unnoticed_is_found(
        self, floor: Floor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its response was lost, and the next delivery looks before it sends the update again."""
        monkeypatch.setattr(effects, "FIRST_RETRY", timedelta(milliseconds=1))
        job = await floor.submit(updates_of(floor.engine)[:1])
        credentials = {"default": settings_of(floor.gong, on_event=floor.fault(Fault.RESET_AFTER))}
        async with at_work(floor.url, floor.gong, credentials=credentials):
            progress = await over(job)
        assert (progress.updated, progress.skipped, floor.calls("PATCH")) == (1, 0, 1)

    async def test_looks_of_many_jobs_do_not_pile_up(self, floor: Floor) -> None:
        async with at_work(floor.url, floor.gong) as worker:
            for number, update in enumerate(updates_of(floor.engine)):
                await over(await floor.submit([update], name=f"n{number}"))
            assert len(worker._tasks._attempts._guards._guards) == guards.KEPT


class TestUndo:
    async def test_the_tasks_are_as_they_were_before(self, floor: Floor) -> None:
        before = {number: task["status"] for number, task in floor.engine.tasks.items()}
        job = await floor.submit(updates_of(floor.engine))
        await floor.done(job)
        touched = next(iter(floor.engine.tasks))
        floor.touch(touched, status="DISMISSED")
        plan = await floor.client.plan_undo(job.rows())
        assert [lost.task_id for lost in plan.lost] == [touched]
        undo = await floor.jobs.submit(plan, guard=True)
        assert (await floor.done(undo)).updated == 7
        now = {number: task["status"] for number, task in floor.engine.tasks.items()}
        assert now == before | {touched: "DISMISSED"}

    async def test_what_was_not_looked_at_cannot_be_restored(self, floor: Floor) -> None:
        job = await floor.jobs.submit(updates_of(floor.engine))
        await floor.done(job)
        plan = await floor.client.plan_undo(job.rows())
        assert (plan.calls, len(plan.lost)) == (0, 8)


class TestRetry:
    async def test_failed_rows_are_tried_again_in_the_same_job(self, floor: Floor) -> None:
        rows = updates_of(floor.engine)
        hidden = {number: floor.engine.tasks.pop(number) for number in [row.task_id for row in rows[:2]]}
        job = await floor.jobs.submit(rows)
        assert (await floor.done(job)).failed == 2
        floor.engine.tasks.update(hidden)
        hidden[rows[0].task_id]["status"] = "DONE"  # by a person
        assert await job.retry({"ServerError"}) == 0
        assert await job.retry({"TaskNotFoundError"}) == 2
        progress = await floor.done(job)
        assert (progress.state, progress.failed, progress.updated, progress.unchanged) == (
            JobState.ENDED,
            0,
            7,
            1,
        )

    async def test_rows_in_flight_are_left_alone(self, floor: Floor) -> None:
        job = await floor.jobs.submit(updates_of(floor.engine))
        with pytest.raises(JobBusyError, match="is starting"):
            await job.retry()
        await job.cancel()
        with pytest.raises(JobBusyError, match="is cancelled"):
            await job.retry()

    async def test_without_failed_rows_nothing_happens(self, floor: Floor) -> None:
        job = await floor.jobs.submit(Plan(updates=()))
        assert await job.retry() == 0
        assert (await job.progress()).state is JobState.ENDED
