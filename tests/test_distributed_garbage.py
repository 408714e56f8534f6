"""Garbage in any key of a company's jobs, of any type: no worker and no command ends by it, and honest jobs are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from gong_tasks_async import GongError
from gong_tasks_async.distributed import Job, Jobs
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.store import PARTS
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import COMPANY, at_work, engine, memory, over, updates_of

FIELDS = ("1", "2", "x")
VALUES = ["", "garbage", "\x1b[2J", "9" * 400, "[" * 5_000, '{"v":2}', "1!:{}", "-1 x"]
TYPES = ["string", "list", "set", "hash"]


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    async with Jobs(memory(), company=COMPANY) as found:
        yield found


async def looks(job: Job) -> None:
    """All that a person may do with it."""
    for look in (job.progress, job.report, job.problems, job.resume, job.retry, job.cancel):
        with suppress(GongError):
            str(await look())
    with suppress(GongError):
        async for row in job.rows():
            str(row)


@pytest.mark.parametrize("part", PARTS)
async def test_in_the_fields_of_a_job_s_key(part: str, jobs: Jobs) -> None:
    gong_engine, queue = engine(2), jobs._docket
    bad = [
        await jobs.submit(updates_of(gong_engine), name=f"bad{number}", row_attempts=1)
        for number in range(len(VALUES))
    ]
    async with queue.redis() as redis:
        for number, value in enumerate(VALUES):
            key = queue.key(f"jobs:bad{number}:{part}")
            if part == "faulty":
                await redis.sadd(key, value)
            else:
                await redis.hset(key, mapping=dict.fromkeys(FIELDS, value))
    await bear(jobs, bad)


@pytest.mark.parametrize("part", ["", *PARTS])
async def test_of_another_type(part: str, jobs: Jobs) -> None:
    gong_engine, queue, bad = engine(2), jobs._docket, []
    for kind in TYPES:
        bad.append(await jobs.submit(updates_of(gong_engine), name=kind, row_attempts=1))
        await turn_into(queue, queue.key(f"jobs:{kind}" + (f":{part}" if part else "")), kind)
    await bear(jobs, bad)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "name", ["worker-up", "quarantine", "stream", "queue", "strikes", "workers", "runs:honest:1"]
)
async def test_in_a_key_of_the_company(name: str, kind: str, jobs: Jobs) -> None:
    """What needs that key waits until it is gone; the worker goes on."""
    gong_engine, queue = engine(2), jobs._docket
    key = queue.key(name)
    async with Simulator(gong_engine) as gong, at_work(queue.url, gong), queue.redis() as redis:
        await turn_into(queue, key, kind)
        with suppress(GongError):
            await jobs.submit(updates_of(gong_engine), name="honest")
        for look in (jobs.overview, jobs.quarantined):
            with suppress(GongError):
                str(await look())
        await asyncio.sleep(0)
        await redis.delete(key)
        assert (await over(await jobs.submit(updates_of(gong_engine), name="next"))).updated == 2


async def turn_into(queue: DataDocket, key: str, kind: str) -> None:
    """Have a key hold something of another type."""
    async with queue.redis() as redis:
        await redis.delete(key)
        write: dict[str, Any] = {
            "string": lambda: redis.set(key, "x"),
            "list": lambda: redis.lpush(key, "x"),
            "set": lambda: redis.sadd(key, "x"),
            "hash": lambda: redis.hset(key, mapping={"x": "x"}),
        }
        await write[kind]()


async def bear(jobs: Jobs, bad: list[Job]) -> None:
    """Work, and look, beside jobs that are damaged."""
    gong_engine = engine(2)
    async with Simulator(gong_engine) as gong, at_work(jobs._docket.url, gong) as worker:
        for _ in range(2):
            assert (await over(await jobs.submit(updates_of(gong_engine)))).updated == 2
            for job in bad:
                await looks(job)
        assert worker.is_healthy
    assert len(await jobs.overview()) >= 2
