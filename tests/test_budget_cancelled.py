from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from gong_tasks_async.quota import Permit
from gong_tasks_async.quota.local.day_file import SqliteStore
from gong_tasks_async.quota.local.day_store import Count, Taken
from tests.test_budget import MACHINE, PERSON, call, quota_of, used

pytestmark = pytest.mark.virtual


@pytest.mark.parametrize("moment", [0.0, 0.2, 0.5, 1.0, 1.2, 1.5, 31.0, 31.2, 31.5])
@pytest.mark.parametrize("store", [None, "day"])
async def test_whoever_is_cancelled_while_waiting_costs_the_day_nothing(
    moment: float, store: str | None, tmp_path: Path
) -> None:
    quota = quota_of(100, day_store=tmp_path / store if store else None, adaptive=False)
    turns = [await quota.acquire(PERSON) for _ in range(3)]  # all slots
    waiting = [asyncio.create_task(quota.acquire(lane)) for lane in (MACHINE, PERSON, MACHINE, PERSON)]
    asyncio.get_running_loop().call_later(1.1, quota.pause, 30.0)
    await asyncio.sleep(moment)
    for task in waiting:
        task.cancel()
    gone = await asyncio.gather(*waiting, return_exceptions=True)
    for turn in turns:
        quota.release(turn, status=200)
    await asyncio.sleep(1.0)
    assert await used(quota) == 3 + sum(isinstance(turn, Permit) for turn in gone)
    await call(quota)
    assert quota._head.queue.count_ahead(MACHINE) == 0


@pytest.mark.parametrize("steps", range(12))
async def test_cancelled_at_any_step_of_the_loop_the_count_equals_the_turns_given(
    steps: int, tmp_path: Path
) -> None:
    quota = quota_of(100, day_store=tmp_path / "day")
    waiting = asyncio.create_task(quota.acquire(PERSON))
    for _ in range(steps):
        await asyncio.sleep(0)
    waiting.cancel()
    (gone,) = await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(1.0)  # the virtual clock stands still while the store is at work
    assert await used(quota) == isinstance(gone, Permit)
    await call(quota)


async def test_cancelled_while_the_file_counts_the_call_is_given_back_and_the_next_takes_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, proceed, take = threading.Event(), threading.Event(), SqliteStore.take

    def slow_take(self: SqliteStore, now: float, since: float, allowed: int) -> Taken | Count:
        started.set()
        assert proceed.wait(120)
        return take(self, now, since, allowed)

    monkeypatch.setattr(SqliteStore, "take", slow_take)
    quota = quota_of(100, day_store=tmp_path / "day")
    doomed, after = (asyncio.create_task(call(quota)) for _ in range(2))
    while not started.is_set():  # noqa: ASYNC110 - set in another thread
        await asyncio.sleep(0)
    doomed.cancel()
    await asyncio.sleep(0)
    proceed.set()
    assert await after == pytest.approx(0.0, abs=1e-3)
    await asyncio.sleep(1.0)
    assert doomed.cancelled()
    assert await used(quota) == 1
