from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from aiolimiter import AsyncLimiter

from gong_tasks_async.simulator import DeadlockError, Engine, VirtualClockLoop, make_app, memory_session
from tests.simulator.simulator_calls import AUTHORIZED, a_task

T = TypeVar("T")


def play(scene: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(scene)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_ten_thousand_hours_pass_in_seconds() -> None:
    async def scene() -> float:
        for _ in range(10_000):
            await asyncio.sleep(3600)
        return now()

    began = time.monotonic()
    assert play(scene()) == pytest.approx(36_000_000)
    assert time.monotonic() - began < 60


def test_timers_fire_in_order_and_at_their_time() -> None:
    async def scene() -> list[float]:
        fired: list[float] = []

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds)
            fired.append(now())

        await asyncio.gather(*map(sleep, (5, 1, 86_400, 0.25)))
        return fired

    assert play(scene()) == pytest.approx([0.25, 1, 5, 86_400])


def test_a_timeout_is_kept() -> None:
    async def scene() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return now()

    assert play(scene()) == pytest.approx(30)


def test_the_clock_creeps_and_never_stands_still() -> None:
    async def scene() -> list[float]:
        times = []
        for start in (0, 1e15):
            asyncio.get_running_loop().advance(start)  # type: ignore[attr-defined]  # a VirtualClockLoop
            for _ in range(3):
                times.append(now())
                await asyncio.sleep(0)
        return times

    times = play(scene())
    assert times == sorted(set(times))


def test_a_deadlock_is_told_and_the_loop_closes_cleanly() -> None:
    cancelled = []

    async def scene() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(DeadlockError, match="nothing is ready"):
        play(scene())
    assert cancelled == [True]


def test_work_in_an_executor_is_waited_for_while_the_clock_stands_still() -> None:
    async def scene() -> tuple[str, float]:
        def work() -> str:
            time.sleep(0.05)
            return "done"

        async with asyncio.timeout(0.01):
            result = await asyncio.to_thread(work)
        return result, now()

    result, passed = play(scene())
    assert result == "done"
    assert passed < 0.001


def test_time_goes_on_after_work_that_fails() -> None:
    async def scene() -> float:
        def work() -> None:
            raise ValueError("bad luck")

        with pytest.raises(ValueError, match="bad luck"):
            await asyncio.to_thread(work)
        await asyncio.sleep(3600)
        return now()

    assert play(scene()) == pytest.approx(3600)


def test_aiolimiter_does_not_livelock() -> None:
    async def scene() -> float:
        limiter = AsyncLimiter(1, 1 / 3)
        for _ in range(2000):
            await limiter.acquire()
        return now()

    assert play(scene()) == pytest.approx(2000 / 3, rel=0.01)


def test_a_thousand_calls_at_the_limit_pass_quickly() -> None:
    engine = Engine(users=1, tasks_per_user=1, second_limit="spacing")
    task_id, user_id = a_task(engine)

    async def scene() -> float:
        async with memory_session(make_app(engine, latency=(0.02, 0.08)), headers=AUTHORIZED) as session:
            for _ in range(1000):
                async with session.patch(
                    f"http://gong.test/v2/tasks/{task_id}", json={"userId": user_id}
                ) as response:
                    assert response.status == 200
                await asyncio.sleep(0.34)
            return now()

    assert 340 < play(scene()) < 450
    assert engine.ledger.refused == 0
