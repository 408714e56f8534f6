"""Processes of a shared quota take turns; what disturbs one of them costs the others little."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gong_tasks_async import AccessKey, GongTasksClient, Lane
from gong_tasks_async.quota.redis.redis_backend import RedisBackend
from gong_tasks_async.simulator import Engine, SecondLimit, make_app, memory_session
from tests.conftest import credentials_of
from tests.shared_quota_fakes import MakeShared, shared as shared  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.virtual


async def test_a_person_s_call_puts_processes_off_by_one_call_and_not_out_of_turn(
    shared: MakeShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas, asked, calls = [shared() for _ in range(4)], [0], [0] * 4
    run = RedisBackend._run

    async def counted(self: RedisBackend, request: tuple[str | bytes, ...]) -> list[object]:
        asked[0] += 1
        return await run(self, request)

    monkeypatch.setattr(RedisBackend, "_run", counted)

    async def work(place: int, lane: Lane, rest: float) -> None:
        while True:
            await asyncio.sleep(rest)
            permit = await quotas[place].acquire(lane)
            await asyncio.sleep(0.001)
            quotas[place].release(permit, status=200)
            calls[place] += 1

    tasks = [asyncio.create_task(work(place, Lane.BULK, 0.0)) for place in range(4) for _ in range(4)]
    tasks.append(asyncio.create_task(work(0, Lane.INTERACTIVE, 7.0)))
    await asyncio.sleep(40.0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert asked[0] / sum(calls) < 2.2
    assert sum(calls) > 40 * 2.75
    assert min(calls) > 0.75 * max(calls)  # the last 6 of the most are the persons


async def test_a_vault_that_hangs_holds_no_permit_of_a_shared_quota(shared: MakeShared) -> None:
    engine = Engine(users=1, second_limit=SecondLimit.NONE)
    released = asyncio.Event()

    async def vault() -> AccessKey:
        await released.wait()
        return credentials_of(engine)

    quota, loop = shared(), asyncio.get_running_loop()
    async with memory_session(make_app(engine, (0, 0))) as session:
        make = partial(GongTasksClient, base_url="http://localhost", session=session, quota=quota)
        async with make(vault) as hung, make(credentials_of(engine)) as other:
            waiting = [asyncio.create_task(hung.list_tasks(engine.user_ids[0])) for _ in range(5)]
            await asyncio.sleep(0.1)
            before = loop.time()
            await other.list_tasks(engine.user_ids[0])
            assert loop.time() - before < 1.5
            assert (await quota.snapshot()).used == 1
            released.set()
            await asyncio.gather(*waiting)
