"""A submission becomes a job in one step, or leaves nothing behind; and what a long job costs Redis."""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gong_tasks_async import GongError, GongTasksClient, Plan, QuotaLimits, TaskUpdate
from gong_tasks_async.distributed import JobExistsError, Jobs, JobState, JobStoreError, row_tasks
from gong_tasks_async.simulator import Simulator
from tests.distributed_floor import (
    COMPANY,
    PATIENCE,
    at_work,
    engine,
    memory,
    over,
    settings_of,
    until,
    updates_of,
)
from tests.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.usefixtures("patient_quota")

PREFIX = "{gong-jobs:acme}:"
PAGE = (Path(__file__).parent.parent / "docs" / "distributed-jobs.md").read_text(encoding="utf-8")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path) as server:
        yield server


async def command(server: Redis, *words: object) -> Any:
    execute: Any = server.execute_command  # without types
    return await execute(*words)


def rows(status: str, count: int = 1_200) -> list[TaskUpdate]:
    return [TaskUpdate(number, "7", status=status) for number in range(1, count + 1)]


async def statuses(jobs: Jobs, name: str) -> set[str]:
    return {str(row.update.status) async for row in jobs.job(name).rows()}


@pytest.mark.parametrize("kind", ["memory", "server"])
async def test_of_two_submissions_under_one_name_one_is_the_job_whole(kind: str, redis: RedisServer) -> None:
    url = memory() if kind == "memory" else redis.url

    async def submit(status: str) -> str | None:
        async with Jobs(url, company=COMPANY) as mine:
            with suppress(JobExistsError):
                await mine.submit(rows(status), name="nightly")
                return status
        return None

    async with Jobs(url, company=COMPANY) as jobs:
        accepted = {status for status in await asyncio.gather(submit("DONE"), submit("DISMISSED")) if status}
        assert len(accepted) == 1
        assert await statuses(jobs, "nightly") == accepted
        assert (await jobs.job("nightly").progress()).rows == 1_200


async def test_a_submission_that_was_cut_off_leaves_nothing_in_the_next_one(redis: RedisServer) -> None:
    updates = rows("DONE", 10)
    async with (
        Redis(port=redis.port) as server,
        Jobs(redis.url.replace("//", "//half:pw@"), company=COMPANY) as cut_off,
        Jobs(redis.url, company=COMPANY) as jobs,
    ):
        rights = ("on", ">pw", "~*", "&*", "+@all", "-evalsha", "-eval")  # the step that decides is refused
        await command(server, "ACL", "SETUSER", "half", *rights)
        with pytest.raises(JobStoreError):
            await cut_off.submit(Plan(updates=tuple(updates[:3]), unchanged=tuple(updates[3:])), name="n")
        drafts = [key async for key in server.scan_iter(match="*drafts*")]
        assert all([0 < await server.ttl(key) <= 3_600 for key in drafts])
        assert await jobs.overview() == []
        job = await jobs.submit(updates, name="n")
        assert (await job.progress()).pending == 10


async def test_a_draft_that_is_gone_makes_no_job(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Jobs(redis.url, company=COMPANY) as jobs:

        async def nothing(*_: object) -> None:
            pass

        monkeypatch.setattr(type(jobs._store.server), "write", nothing)
        with pytest.raises(JobStoreError, match="lost the job's rows"):
            await jobs.submit(rows("DONE", 3), name="n")
        assert await jobs.overview() == []


async def test_what_was_left_of_an_expired_job_is_no_part_of_the_next_one() -> None:
    async with Jobs(memory(), company=COMPANY) as jobs:
        done = rows("DONE", 4)
        await jobs.submit(Plan(updates=(done[0],), unchanged=tuple(done[1:])), name="n")
        async with jobs._docket.redis() as redis:
            await redis.delete(f"{PREFIX}jobs:n")  # its other keys live a moment longer
        assert (await (await jobs.submit(done, name="n")).report()).pending == 4


async def test_a_job_without_rows_leaves_its_name_to_the_next() -> None:
    async with Jobs(memory(), company=COMPANY) as jobs:
        assert not (await jobs.submit([], name="n")).submitted_before
        assert (await jobs.submit([], name="n")).submitted_before
        await jobs.job("n").cancel()
        job = await jobs.submit(rows("DONE", 3), name="n")
        assert not job.submitted_before
        assert ((await job.progress()).state, (await job.progress()).rows) == (JobState.STARTING, 3)
        assert [row.update async for row in job.rows()] == rows("DONE", 3)
        with pytest.raises(JobExistsError):
            await jobs.submit([], name="n")


async def test_a_cancelled_name_and_one_that_was_submitted_before_say_so() -> None:
    async with Jobs(memory(), company=COMPANY) as jobs:
        first = await jobs.submit(rows("DONE", 3), name="n", origin={"file": "close.csv"})
        assert not first.submitted_before
        assert (await first.progress()).origin == {"file": "close.csv"}
        assert (await jobs.submit(rows("DONE", 3), name="n")).submitted_before
        await first.cancel()
        with pytest.raises(JobExistsError, match="which is cancelled") as refused:
            await jobs.submit(rows("DONE", 3), name="n")
        assert refused.value.state == "cancelled"


async def test_a_long_job_is_in_the_queue_a_window_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_tasks, "WINDOW", 40)
    monkeypatch.setattr(row_tasks, "FEED_PAGE", 20)
    monkeypatch.setattr("gong_tasks_async.distributed.store.QUEUE_PAGE", 20)
    url, gong_engine, longest = memory(), engine(150), 0
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        job = await jobs.submit(updates_of(gong_engine))
        async with jobs._docket.redis() as redis, asyncio.timeout(PATIENCE):
            while not (await job.progress()).finished:
                longest = max(longest, await redis.xlen(jobs._docket.stream_key))
                await asyncio.sleep(0.02)
        assert (await job.progress()).updated == 150
    assert longest < 75
    assert Counter(entry.task_id for entry in gong.ledger.entries) == dict.fromkeys(gong_engine.tasks, 1)


async def test_a_long_job_that_was_stopped_in_the_middle_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_tasks, "WINDOW", 20)
    monkeypatch.setattr(row_tasks, "FEED_PAGE", 10)
    monkeypatch.setattr("gong_tasks_async.distributed.store.QUEUE_PAGE", 10)
    url, gong_engine = memory(), engine(80)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong) as worker,
    ):
        job = await jobs.submit(updates_of(gong_engine))
        await until(job, lambda progress: progress.updated >= 30)
        worker.stop()
        await asyncio.sleep(0)
    async with Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs, at_work(url, gong):
        progress = await over(jobs.job(job.name))
    assert (progress.state, progress.updated) == (JobState.ENDED, 80)


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[str]:
    """A Cluster of one node."""
    with RedisServer(folder, "--cluster-enabled", "yes") as server:
        async with Redis(port=server.port) as node, asyncio.timeout(PATIENCE):
            await command(node, "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while "cluster_state:ok" not in str(await command(node, "CLUSTER", "INFO")):  # noqa: ASYNC110 - a server
                await asyncio.sleep(0.02)
        yield f"redis+cluster://127.0.0.1:{server.port}"


async def test_default_workers_run_on_a_cluster(tmp_path: Path) -> None:
    require_redis()
    gong_engine = engine(6)
    async with cluster(tmp_path) as url, Simulator(gong_engine) as gong, Jobs(url, company=COMPANY) as jobs:
        async with at_work(url, gong, quota=None):
            job = await jobs.submit(updates_of(gong_engine))
            assert (await over(job)).updated == 6
        assert [found.job for found in await jobs.overview()] == [job.name]
        async with jobs.quota(QuotaLimits()) as quota:  # that of the workers
            assert (await quota.snapshot()).used == 6


async def test_default_workers_in_memory_share_one_quota() -> None:
    url, gong_engine = memory(), engine(6)
    async with (
        Simulator(gong_engine) as gong,
        Jobs(url, company=COMPANY) as jobs,
        at_work(url, gong, quota=None) as one,
        at_work(url, gong, quota=None) as other,
    ):
        assert (await over(await jobs.submit(updates_of(gong_engine)))).updated == 6
        quotas = {id(quota) for worker in (one, other) for quota in worker._clients._quotas.values()}
    assert len(quotas) == 1


async def test_the_documented_acl_is_enough_and_reaches_no_other_company(redis: RedisServer) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith("ACL SETUSER acme"))
    gong_engine = engine(6)
    async with Redis(port=redis.port) as server, Simulator(gong_engine) as gong:
        await command(server, "ACL", "SETUSER", "acme", *line.replace("PASSWORD", "pw").split()[3:])
        url = redis.url.replace("//", "//acme:pw@")
        await command(server, "SCRIPT", "FLUSH")
        async with Jobs(url, company=COMPANY) as jobs, at_work(url, gong, quota=None):
            job = await jobs.submit(updates_of(gong_engine), name="n")
            await over(job)
            await job.report()
            await job.retry()
            await jobs.overview()
            async with GongTasksClient(**settings_of(gong)) as client:
                plan = await client.plan_updates(updates_of(gong_engine, "DISMISSED"), guard=True)
            await over(await jobs.submit(plan, guard=True, name="guarded"))
            await jobs.quarantined()
            await (await jobs.submit(updates_of(gong_engine)[:1], name="m")).cancel()
        denied = await command(server, "ACL", "LOG")
        assert denied == []
        async with Jobs(url, company="globex") as theirs:
            for look in (theirs.job("n").progress, lambda: theirs.submit(rows("DONE", 1))):
                with pytest.raises(GongError, match="NoPermission"):
                    await look()


async def test_the_programs_of_the_page_work_together() -> None:
    submit, work = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    async with Simulator(engine(4)) as gong:
        names = {"redis_url": memory(), "updates": updates_of(gong.engine)}
        secrets = {"key": gong.access_key, "secret": gong.access_key_secret}
        secrets |= {f"bot_{name}": value for name, value in secrets.items()}
        working = asyncio.create_task(run_block(work, gong, names | secrets))
        report = (await run_block(submit, gong, names))["report"]
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    assert (report.updated, report.pending) == (4, 0)


async def run_block(text: str, gong: Simulator, names: dict[str, Any]) -> dict[str, Any]:
    """Run a program of the page, which waits at its top level, and return its names."""
    text = text.replace("https://us-12345.api.gong.io", gong.base_url)
    names = dict(names)
    await eval(compile(text, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307 - our own page
    return names
