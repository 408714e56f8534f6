"""A floor for jobs: Redis in memory or a real one, a fake Gong on a socket, workers in this very loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

from gong_tasks_async import AccessKey, Quota, QuotaLimits, RetryPolicy, TaskUpdate, Unlimited
from gong_tasks_async.distributed import Job, Progress, Worker
from gong_tasks_async.distributed.queue import open_docket, store_of
from gong_tasks_async.distributed.serialization import JobSettings
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.settings import ClientSettings
from gong_tasks_async.simulator import Engine, SecondLimit, Simulator

COMPANY = "acme"
PATIENCE = 120.0
"""Seconds; nothing here takes so long, on whatever machine."""

ONCE = RetryPolicy(attempts=1)

JOB = "nightly"
SETTINGS = JobSettings(credentials="default", row_attempts=2, stop_after=3)
ROWS = [TaskUpdate(number, "1", status="DONE") for number in range(1, 6)]


def engine(tasks: int, **settings: Any) -> Engine:
    usual: dict[str, Any] = {"users": 2, "second_limit": SecondLimit.NONE, "per_day": 10**9}
    return Engine(tasks_per_user=tasks // 2, **usual | settings)


def updates_of(gong: Engine, status: str = "DONE") -> list[TaskUpdate]:
    return [TaskUpdate(number, str(task["userId"]), status=status) for number, task in gong.tasks.items()]


def memory() -> str:
    """An in-memory Redis of the running loop, which nobody else has."""
    return f"memory://{uuid4().hex}"


def unlimited(company: str, limits: QuotaLimits) -> Quota:  # noqa: ARG001 - the interface
    return Unlimited()


def settings_of(gong: Simulator, **settings: Any) -> ClientSettings:
    usual: dict[str, Any] = {
        "credentials": AccessKey(gong.access_key, gong.access_key_secret),
        "base_url": gong.base_url,
        "retry": ONCE,
    }
    return cast("ClientSettings", usual | settings)


@asynccontextmanager
async def running_job() -> AsyncIterator[JobStore]:
    """A store with a job of five rows, which runs."""
    async with open_docket(memory(), COMPANY) as docket:
        store = store_of(docket, COMPANY)
        await store.create(JOB, SETTINGS, ROWS, (), {"fingerprint": "f"})
        await store.fed(JOB, 0, len(ROWS))
        yield store


@asynccontextmanager
async def at_work(url: str, gong: Simulator, **settings: Any) -> AsyncIterator[Worker]:
    usual: dict[str, Any] = {
        "company": COMPANY,
        "credentials": {"default": settings_of(gong)},
        "quota": unlimited,
    }
    async with Worker(url, **usual | settings) as worker:
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await running


async def until(job: Job, is_so: Callable[[Progress], bool]) -> Progress:
    """Wait for a state of a job that it may pass through."""
    async with asyncio.timeout(PATIENCE):
        while not is_so(progress := await job.progress()):  # noqa: ASYNC110 - it stands in Redis
            await asyncio.sleep(0.01)
        return progress


async def over(job: Job) -> Progress:
    """Wait until nothing more will happen by itself."""
    return await until(job, lambda progress: progress.finished)


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await is_so():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
