"""What an attempt at a row does while Redis, or a look, takes its time."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast

import pytest
from docket import Execution

from gong_tasks_async import GongTasksClient
from gong_tasks_async.api.call_events import CallEvents
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.distributed import CorruptJobError, Jobs, JobStoreError, row_tasks
from gong_tasks_async.distributed.records import Claim
from gong_tasks_async.distributed.row_attempts import (
    DRAIN_TIMEOUT,
    REDIS_RETRY_DELAY,
    RowAttempts,
    RowInFlight,
)
from gong_tasks_async.distributed.row_tasks import RowTasks
from gong_tasks_async.events import Event, EventSink, RowEnded
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Attempts
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import (
    COMPANY,
    at_work,
    engine,
    eventually,
    memory,
    over,
    settings_of,
    updates_of,
)


class Away:
    """A Redis that does not respond for so many seconds."""

    def __init__(self, seconds: float, error: type[JobStoreError] = JobStoreError) -> None:
        self.until = asyncio.get_running_loop().time() + seconds
        self.error = error

    async def __call__(self) -> str:
        if asyncio.get_running_loop().time() < self.until:
            raise self.error(reason="away")
        return "here"


@pytest.fixture
def attempts() -> RowAttempts:
    nothing = cast("Any", None)
    return RowAttempts(nothing, nothing, nothing, redis_timeout=1.0, events=EventSink())


@pytest.mark.virtual
class TestUntilAnswered:
    async def test_an_outcome_waits_for_as_long_as_it_takes(self, attempts: RowAttempts) -> None:
        assert await attempts.until_answered(Away(600.0)) == "here"

    async def test_a_claim_waits_for_its_time_and_no_longer(self, attempts: RowAttempts) -> None:
        assert await attempts.until_answered(Away(14.0), 15.0) == "here"
        began = asyncio.get_running_loop().time()
        with pytest.raises(JobStoreError):
            await attempts.until_answered(Away(60.0), 15.0)
        waited = asyncio.get_running_loop().time() - began
        assert 15.0 < waited <= 15.0 + 2 * REDIS_RETRY_DELAY

    async def test_a_worker_that_stops_does_not_wait_for_ever(self, attempts: RowAttempts) -> None:
        attempts.drain()
        assert await attempts.until_answered(Away(DRAIN_TIMEOUT - 1)) == "here"
        with pytest.raises(JobStoreError):
            await attempts.until_answered(Away(DRAIN_TIMEOUT + 1))

    async def test_damage_does_not_mend_by_itself(self, attempts: RowAttempts) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(CorruptJobError):
            await attempts.until_answered(Away(60.0, CorruptJobError))
        assert asyncio.get_running_loop().time() - began < REDIS_RETRY_DELAY


async def test_a_long_look_leaves_its_update_to_the_next_delivery() -> None:
    """Half of the lease belongs to the update; the next delivery finds the look fresh, and lists nobody."""
    url, gong_engine, ended = memory(), engine(2), list[Event]()
    for task in gong_engine.tasks.values():
        task["status"] = "OPEN"
    async with (
        Simulator(gong_engine, latency=(0.4, 0.4)) as gong,
        Jobs(url, company=COMPANY) as jobs,
        GongTasksClient(**settings_of(gong)) as client,
    ):
        plan = await client.plan_updates(updates_of(gong_engine)[:1], guard=True)
        async with at_work(url, gong, lease=2.4, on_event=ended.append):
            job = await jobs.submit(plan, guard=True, row_attempts=1)
            progress = await over(job)
    assert (progress.updated, progress.given_up) == (1, 0)
    assert (progress.listings, progress.calls) == (1, 2)
    outcomes = [(event.outcome, event.error) for event in ended if isinstance(event, RowEnded)]
    assert (outcomes[0], outcomes[-1]) == (("pending", "DeadlineExceeded"), ("updated", None))


async def test_a_process_asks_for_further_rows_until_its_request_is_a_new_one(
    attempts: RowAttempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is at work already may not know of the last rows that were enqueued."""
    asked, new = list[str](), iter([False, True, True])

    async def enqueue(_: object, job: str) -> bool:
        asked.append(job)
        return next(new)

    monkeypatch.setattr(row_tasks, "enqueue_feed", enqueue)
    tasks = RowTasks(attempts)
    for _ in range(5):
        await tasks._feed("a", b"250/1")
    assert asked == ["a", "a"]
    await tasks._feed("a", b"250/2")  # resumed
    await tasks._feed("a", b"")
    assert len(asked) == 3


OF_A_ROW = (RowInFlight, UpdateApplier, Attempts, CallEvents, HttpRequest, HttpResponse, Claim, Execution)


def held_of_rows() -> int:
    """How many objects are there that a worker makes for each row.

    asyncio holds a cancelled timer, and its context, until its time or until there are 100; those do not count.
    """
    loop: Any = asyncio.get_running_loop()
    loop._scheduled = sorted(timer for timer in loop._scheduled if not timer.cancelled())
    gc.collect()
    return sum(isinstance(value, OF_A_ROW) for value in gc.get_objects())


async def test_a_worker_holds_nothing_of_the_rows_that_it_has_settled() -> None:
    """Its memory is the same after any number of them."""
    url, gong_engine = memory(), engine(40)
    updates = updates_of(gong_engine)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        await over(await jobs.submit(updates[:8]))
        before = held_of_rows()
        await over(await jobs.submit(updates[8:]))

        async def has_forgotten() -> bool:
            return held_of_rows() <= before

        await eventually(has_forgotten)
