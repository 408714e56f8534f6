"""Jobs over a real Redis that goes away and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gong_tasks_async import CallEnded, Event
from gong_tasks_async.distributed import Job, JobNotFoundError, Jobs, JobState, JobStoreError, row_attempts
from gong_tasks_async.simulator import Engine, Request, Response, Simulator
from tests.distributed_floor import (
    COMPANY,
    PATIENCE,
    at_work,
    engine,
    eventually,
    over,
    settings_of,
    updates_of,
)
from tests.redis_server import RedisServer, require_redis, spare_port

pytestmark = pytest.mark.usefixtures("patient_quota")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path, appendonly=True) as server:
        yield server


@pytest.fixture
def killed_by_the_first_call(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """A Redis that dies while the first call of a test is at Gong, which has not answered."""
    doomed, answer = [redis], Engine.answer

    def answer_after(gong: Engine, request: Request, now: float) -> Response:
        while doomed:
            doomed.pop().kill()
        return answer(gong, request, now)

    monkeypatch.setattr(Engine, "answer", answer_after)
    return redis


async def test_a_call_that_is_answered_while_redis_is_away_is_recorded_when_it_is_back(
    killed_by_the_first_call: RedisServer,
) -> None:
    redis, gong_engine, answered = killed_by_the_first_call, engine(2), asyncio.Event()

    def hear(event: Event) -> None:
        if isinstance(event, CallEnded):
            answered.set()

    async with (
        Simulator(gong_engine) as gong,
        Jobs(redis.url, company=COMPANY) as jobs,
        at_work(
            redis.url,
            gong,
            credentials={"default": settings_of(gong, on_event=hear)},
        ),
    ):
        job = await jobs.submit(updates_of(gong_engine)[:1])
        await asyncio.wait_for(answered.wait(), PATIENCE)
        with pytest.raises(JobStoreError, match=r"no response \(ConnectionError\)"):
            await job.progress()
        redis.start()
        await eventually(lambda: _answers(job))
        assert (await over(job)).updated == 1
    assert gong.ledger.calls == 1


async def test_a_worker_that_starts_before_its_redis_waits_for_it(tmp_path: Path) -> None:
    require_redis()
    server, gong_engine = RedisServer(tmp_path), engine(6)
    async with Simulator(gong_engine) as gong, at_work(server.url, gong):
        with server:
            async with Jobs(server.url, company=COMPANY) as jobs:
                assert (await over(await jobs.submit(updates_of(gong_engine)))).updated == 6


async def test_a_worker_ends_when_told_to_although_redis_is_away(redis: RedisServer) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        Simulator(engine(2)) as gong,
        at_work(redis.url, gong),
        Jobs(redis.url, company=COMPANY) as jobs,
    ):
        await over(await jobs.submit([]))
        redis.kill()


async def test_a_worker_that_must_end_while_redis_is_away_gives_up_what_it_cannot_record(
    killed_by_the_first_call: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_attempts, "DRAIN_TIMEOUT", 0.1)
    redis, gong_engine = killed_by_the_first_call, engine(2)
    async with Simulator(gong_engine) as gong, Jobs(redis.url, company=COMPANY) as jobs:
        async with at_work(redis.url, gong, lease=1.0):
            job = await jobs.submit(updates_of(gong_engine)[:1])
            await eventually(lambda: _arrived(gong, 1))
        redis.start()
        async with at_work(redis.url, gong, lease=4.0):
            await eventually(lambda: _answers(job))
            assert (await over(job)).updated == 1
    assert gong.ledger.calls == 2  # the same values once more


async def test_a_job_outlives_its_redis_and_its_scripts(redis: RedisServer) -> None:
    gong_engine = engine(10)
    async with Simulator(gong_engine) as gong, Jobs(redis.url, company=COMPANY) as jobs:
        job = await jobs.submit(updates_of(gong_engine), name="nightly")
        redis.restart()  # which forgets all scripts
        await eventually(lambda: _is(jobs, JobState.STARTING))
        async with at_work(redis.url, gong):
            assert (await over(job)).updated == 10
        redis.restart()
        await eventually(lambda: _is(jobs, JobState.ENDED))
        assert (await job.report()).updated == 10


async def test_an_empty_redis_says_that_the_job_is_gone(tmp_path: Path) -> None:
    require_redis()
    gong_engine = engine(4)
    with RedisServer(tmp_path) as redis:  # keeps nothing
        async with Jobs(redis.url, company=COMPANY) as jobs:
            job = await jobs.submit(updates_of(gong_engine))
            redis.restart()
            with pytest.raises((JobNotFoundError, JobStoreError)):
                await job.progress()
            with pytest.raises(JobNotFoundError):
                await job.report()


async def test_no_error_and_no_log_shows_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    require_redis()
    caplog.set_level(logging.DEBUG)
    with RedisServer(tmp_path, "--requirepass", "opensesame") as redis:
        right, wrong = (redis.url.replace("//", f"//:{password}@") for password in ("opensesame", "hunter2"))
        gong_engine = engine(4)
        async with (
            Simulator(gong_engine) as gong,
            Jobs(right, company=COMPANY) as jobs,
            at_work(right, gong),
            at_work(wrong, gong),
        ):
            assert (await over(await jobs.submit(updates_of(gong_engine)))).updated == 4
        async with Jobs(wrong, company=COMPANY) as jobs:
            with pytest.raises(JobStoreError, match=r"AuthenticationError|ResponseError") as refused:
                await jobs.submit(updates_of(gong_engine))
    nobody = f"redis://:hunter2@127.0.0.1:{spare_port()}/0"
    async with Jobs(nobody, company=COMPANY) as jobs:
        with pytest.raises(JobStoreError) as unreachable:
            await jobs.submit(updates_of(gong_engine))
    said = f"{refused.value} {unreachable.value} {refused.value.__cause__} {unreachable.value.__cause__} {caplog.text}"
    assert "opensesame" not in said
    assert "hunter2" not in said


async def _arrived(gong: Simulator, calls: int) -> bool:
    return gong.ledger.calls == calls


async def _answers(job: Job) -> bool:
    try:
        await job.progress()
    except JobStoreError:  # a connection of before
        return False
    return True


async def _is(jobs: Jobs, state: JobState) -> bool:
    try:
        return (await jobs.job("nightly").progress()).state is state
    except JobStoreError:  # a connection of before
        return False


async def test_connections_that_the_server_closed_while_they_were_idle_are_replaced(
    redis: RedisServer,
) -> None:
    """As managed ones do after minutes, and Redis with ``timeout``."""
    async with Jobs(redis.url, company=COMPANY) as jobs, Redis(port=redis.port) as admin:

        async def is_alone() -> bool:
            return len(await admin.client_list(_type="normal")) == 1

        for _ in range(3):
            assert await jobs.overview() == []
            assert await admin.client_kill_filter(_type="normal", skipme=True) >= 1
            await eventually(is_alone)
            await asyncio.sleep(0.01)  # until this loop has read that the connections have ended
