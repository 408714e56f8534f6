"""The kinds of work over Redis whose cost :mod:`benchmarks.scale` measures against their size.

Their time is that of this process and of the redis-server together, so that neither can hide it from the other.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from benchmarks import jobs_cost
from benchmarks.redis_parts import Part, run
from benchmarks.scale_work import Ready, Work
from benchmarks.script_cost import cost_of_the_script
from benchmarks.stub_server import PROJECT
from gong_tasks_async import AccessKey
from gong_tasks_async.distributed import Jobs, Worker, clients

NAME = "job"
CALLERS = 4
SECONDS = 120.0
"""Of virtual time, in which a company's processes share its 3 calls a second."""
PERMITS = 1_000


@contextmanager
def submission(size: int, _: Path) -> Generator[Ready]:
    """A job whose plan has a look, written to Redis."""
    plan = jobs_cost.planned(size, look=True)
    with _server() as (url, server):

        async def submit(jobs: Jobs) -> object:
            return await jobs.submit(plan, name=NAME)

        yield _ready(url, server, submit)


@contextmanager
def rows(size: int, _: Path) -> Generator[Ready]:
    """The rows of a job that waits, and its report, read from Redis."""
    with _submitted(size) as (url, server):

        async def read(jobs: Jobs) -> object:
            return await jobs.job(NAME).report()

        yield _ready(url, server, read)


@contextmanager
def worked(size: int, _: Path) -> Generator[Ready]:
    """A job, settled by one worker for which Gong responds at once; another process holds its plan, and submits it."""
    with _server() as (url, server), patch.object(clients, "RowClient", jobs_cost.InstantClient):
        command = [sys.executable, "-m", "benchmarks.scale_redis", url, str(size)]
        subprocess.run(command, cwd=PROJECT, check=True)  # noqa: S603 - this file

        async def work(jobs: Jobs) -> None:
            worker = Worker(
                url,
                company=jobs_cost.COMPANY,
                credentials=lambda _: AccessKey("key", "secret"),
                quota=jobs_cost.unlimited,
                concurrency=32,
            )
            async with worker:
                working = asyncio.create_task(worker.run())
                async for _ in jobs.job(NAME).watch(every=0.5):
                    pass
                worker.stop()
                await working

        yield _ready(url, server, work)


@contextmanager
def processes(size: int, _: Path) -> Generator[Ready]:
    """Processes of one company in virtual time; the script's runs are repeated on a real Redis, which counts its time."""
    spent = [0.0]

    def live() -> None:
        part = Part("scale", network="40-120 ms", callers=(CALLERS,) * size)
        seen, asked = run(part, on=True, seconds=SECONDS)
        _, for_a_permit = cost_of_the_script(asked, seen.calls)
        spent[0] += for_a_permit * PERMITS / 1e6

    yield Ready(live, clock=lambda: spent[0])


@contextmanager
def _server() -> Generator[tuple[str, Redis]]:
    with jobs_cost.redis_server() as url, Redis.from_url(url) as client:
        asyncio.run(_until_it_answers(url))
        yield url, client


async def _until_it_answers(url: str) -> None:
    async with AsyncRedis.from_url(url) as client:
        await jobs_cost._until_it_answers(client)  # noqa: SLF001 - of a script like this one


@contextmanager
def _submitted(size: int) -> Generator[tuple[str, Redis]]:
    with _server() as (url, server):
        _submit(url, size)
        yield url, server


def _submit(url: str, size: int) -> None:
    async def submit(jobs: Jobs) -> None:
        await jobs.submit(jobs_cost.planned(size, look=True), name=NAME)

    asyncio.run(_with_jobs(url, submit))


def _ready(url: str, server: Redis, work: Callable[[Jobs], Awaitable[object]]) -> Ready:
    before = _memory(server)
    return Ready(
        lambda: asyncio.run(_with_jobs(url, work)),
        stored=lambda: _memory(server) - before,
        clock=lambda: time.process_time() + _cpu(server),
    )


async def _with_jobs(url: str, work: Callable[[Jobs], Awaitable[object]]) -> None:
    async with Jobs(url, company=jobs_cost.COMPANY) as jobs:
        await work(jobs)


def _memory(server: Redis) -> int:
    info = server.info("memory")
    return int(info["used_memory"]) - int(info["mem_clients_normal"])


def _cpu(server: Redis) -> float:
    info = server.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


TO_300_000 = (3_000, 30_000, 300_000)
REDIS_WORKS = {
    "redis_submission": Work(
        "rows of a job in Redis, submitted", submission, (300, 1_000, 3_000), TO_300_000, most_stored=400
    ),
    "redis_report": Work("rows of a job in Redis, reported", rows, (300, 1_000, 3_000), TO_300_000, True),
    "redis_worker": Work(
        "rows of a job in Redis, by a worker",
        worked,
        (100, 300, 1_000),
        (1_000, 4_000, 16_000),
        True,
        resident=True,
    ),
    "redis_processes": Work(
        f"processes on one Redis, {PERMITS:,} permits", processes, (1, 4), (1, 2, 4, 8, 16, 32), resident=True
    ),
}


if __name__ == "__main__":
    _submit(sys.argv[1], int(sys.argv[2]))
