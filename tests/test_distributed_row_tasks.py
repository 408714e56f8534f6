"""What each of a worker's three tasks does with jobs in each state, and with those that are gone or damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from docket import Retry
from docket.dependencies import AdmissionBlocked

from gong_tasks_async import GongError, TaskUpdate
from gong_tasks_async.distributed import JobState
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.effects import JobEffect
from gong_tasks_async.distributed.queue import open_docket, store_of
from gong_tasks_async.distributed.records import AttemptCost
from gong_tasks_async.distributed.row_attempts import REDELIVER_AFTER, RowAttempts
from gong_tasks_async.distributed.row_tasks import WINDOW, RowTasks
from gong_tasks_async.distributed.store import JobStore
from tests.distributed_floor import COMPANY, JOB, ROWS, SETTINGS, memory

RETRY: Any = Retry.forever(timedelta(minutes=5))


class Attempts(RowAttempts):
    """Notes which rows would be attempted."""

    def __init__(self, docket: DataDocket, store: JobStore) -> None:
        nothing: Any = None
        super().__init__(docket, store, nothing, redis_timeout=5.0, events=nothing)
        self.attempted: list[int] = []

    async def attempt(self, job: str, number: int, *_: Any) -> None:
        assert job == JOB
        self.attempted.append(number)


@pytest.fixture
async def attempts() -> AsyncIterator[Attempts]:
    """A worker's attempts, beside a job that was submitted and not yet started."""
    async with open_docket(memory(), COMPANY) as docket:
        store = store_of(docket, COMPANY)
        await store.create(JOB, SETTINGS, ROWS, (), {"fingerprint": "f"})
        yield Attempts(docket, store)


@pytest.fixture
def tasks(attempts: Attempts) -> RowTasks:
    return RowTasks(attempts)


async def queued(attempts: Attempts) -> list[str]:
    """The keys of the messages in the queue."""
    async with attempts.docket.redis() as redis:
        return [entry[b"key"].decode() for _, entry in await redis.xrange(attempts.docket.stream_key)]


def rows(*numbers: int) -> list[str]:
    return [f"{JOB}:{number}" for number in numbers]


async def damage(attempts: Attempts) -> None:
    async with attempts.docket.redis() as redis:
        await redis.hset(attempts.docket.key(f"jobs:{JOB}"), "rows", "many")


async def stop(attempts: Attempts) -> None:
    error = GongError(method="PATCH")
    await attempts.store.requeue(JOB, 1, error, JobEffect("stopped"), AttemptCost(1, 0, 0), SETTINGS)


async def update(tasks: RowTasks, number: int, job: str = JOB) -> None:
    execution: Any = SimpleNamespace(key=f"{job}:{number}")  # Docket's, and only passed on
    await tasks.update_row(job, number, execution, RETRY)


class TestStart:
    async def test_the_rows_of_a_submitted_job_are_enqueued_from_the_first_and_it_runs(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await tasks.start_job(JOB)
        assert await queued(attempts) == rows(1, 2, 3, 4, 5)
        assert (await attempts.store.progress(JOB)).state is JobState.RUNNING

    async def test_a_long_job_begins_with_a_window_of_its_rows(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        """Exactly: were it no whole number of pages, up to a page more would be in the queue."""
        many = [TaskUpdate(number, "1", status="DONE") for number in range(1, 601)]
        await attempts.store.create("long", SETTINGS, many, (), {"fingerprint": "f"})
        await tasks.start_job("long")
        assert len(await queued(attempts)) == await attempts.store.fed_rows("long") == WINDOW

    async def test_a_job_that_runs_or_is_cancelled_is_not_started_again(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await attempts.store.fed(JOB, 0, 5)
        await tasks.start_job(JOB)
        await attempts.store.cancel(JOB)
        await tasks.start_job(JOB)
        assert await queued(attempts) == []

    async def test_a_job_that_has_expired_is_nothing_to_do(self, tasks: RowTasks, attempts: Attempts) -> None:
        await tasks.start_job("last-year")
        await tasks.feed_job("last-year")
        assert await queued(attempts) == []

    async def test_a_damaged_job_is_named_in_the_log_and_not_started_again_and_again(
        self, tasks: RowTasks, attempts: Attempts, caplog: pytest.LogCaptureFixture
    ) -> None:
        await damage(attempts)
        await tasks.start_job(JOB)
        await attempts.store.fed(JOB, 0, 5)
        await tasks.feed_job(JOB)
        assert caplog.messages == [
            f"The job {JOB} cannot be started.",
            f"Rows of the job {JOB} cannot be enqueued.",
        ]


class TestFeed:
    async def test_it_enqueues_the_rows_after_those_that_were(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await attempts.store.fed(JOB, 0, 3)
        await tasks.feed_job(JOB)
        assert await queued(attempts) == rows(4, 5)
        assert await attempts.store.fed_rows(JOB) is None
        await tasks.feed_job(JOB)
        assert await queued(attempts) == rows(4, 5)

    @pytest.mark.parametrize("end", [stop, lambda attempts: attempts.store.cancel(JOB)])
    async def test_of_a_job_that_does_not_run_nothing_is_enqueued(
        self, end: Any, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await attempts.store.fed(JOB, 0, 3)
        await end(attempts)
        assert await attempts.store.fed_rows(JOB) is None
        await tasks.feed_job(JOB)
        assert await queued(attempts) == []

    async def test_each_page_of_rows_asks_for_the_next_one_once(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        """A claim of the last page that is in the queue asks, and the job's last page has none behind it."""
        await attempts.store.fed(JOB, 0, 3)
        await update(tasks, 1)
        assert await queued(attempts) == [f"{JOB}:feed"]
        await attempts.docket.clear()
        await update(tasks, 2)
        assert await queued(attempts) == []
        await attempts.store.fed(JOB, 3, 4)
        await update(tasks, 3)
        assert await queued(attempts) == [f"{JOB}:feed"]
        await attempts.docket.clear()
        await attempts.store.fed(JOB, 4, 5)
        await update(tasks, 4)
        assert await queued(attempts) == []


class TestUpdate:
    async def test_a_row_of_a_running_job_is_attempted(self, tasks: RowTasks, attempts: Attempts) -> None:
        await attempts.store.fed(JOB, 0, 5)
        await update(tasks, 2)
        assert attempts.attempted == [2]
        assert (await attempts.store.progress(JOB)).in_flight == 1

    async def test_a_row_of_a_job_that_does_not_run_is_not(self, tasks: RowTasks, attempts: Attempts) -> None:
        await attempts.store.fed(JOB, 0, 5)
        await attempts.store.cancel(JOB)
        await update(tasks, 2)
        await update(tasks, 2, "last-year")
        assert attempts.attempted == []

    async def test_a_row_of_a_job_that_starts_comes_again_in_a_moment(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        with pytest.raises(AdmissionBlocked) as later:
            await update(tasks, 2)
        assert (later.value.retry_delay, attempts.attempted) == (REDELIVER_AFTER, [])

    async def test_a_worker_that_stops_leaves_a_row_to_others_at_once_and_claims_it_not(
        self, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await attempts.store.fed(JOB, 0, 5)
        tasks.drain()
        with pytest.raises(AdmissionBlocked) as later:
            await update(tasks, 2)
        assert (later.value.retry_delay, attempts.attempted) == (timedelta(), [])
        assert (await attempts.store.progress(JOB)).in_flight == 0

    async def test_each_delivery_is_another_one(self, tasks: RowTasks, attempts: Attempts) -> None:
        """A row that ends its workers is known by that."""
        await attempts.store.fed(JOB, 0, 5)
        for _ in range(3):
            await update(tasks, 2)
        assert attempts.attempted == [2, 2]  # SETTINGS have 2 attempts
        assert (await attempts.store.progress(JOB)).given_up == 1

    async def test_a_damaged_row_is_named_in_the_log(
        self, tasks: RowTasks, attempts: Attempts, caplog: pytest.LogCaptureFixture
    ) -> None:
        await attempts.store.fed(JOB, 0, 5)
        async with attempts.docket.redis() as redis:
            await redis.set(attempts.docket.key(f"jobs:{JOB}:outcomes"), "of another type")
        await update(tasks, 2)
        assert caplog.messages == [f"Row 2 of the job {JOB} cannot be claimed."]
        assert attempts.attempted == []


class TestQuarantine:
    async def test_a_message_of_a_row_gives_that_row_up(self, tasks: RowTasks, attempts: Attempts) -> None:
        await attempts.store.fed(JOB, 0, 5)
        await tasks.quarantine(f"{JOB}:2".encode(), "arguments of another type")
        [problem] = [row async for row in attempts.store.rows(JOB) if row.last_attempt]
        assert problem.number == 2
        assert problem.last_attempt is not None
        assert problem.last_attempt.given_up
        assert "its message has arguments of another type" in str(problem.last_attempt.error)
        assert (await attempts.store.progress(JOB)).given_up == 1

    @pytest.mark.parametrize("key", [f"{JOB}:start", f"{JOB}:feed", "garbage", "last-year:7"])
    async def test_any_other_message_is_remembered_alone(
        self, key: str, tasks: RowTasks, attempts: Attempts
    ) -> None:
        await attempts.store.fed(JOB, 0, 5)
        await tasks.quarantine(key.encode(), "an odd time")
        assert await attempts.store.quarantined() == [f"b'{key}': an odd time"]
        assert (await attempts.store.progress(JOB)).given_up == 0
