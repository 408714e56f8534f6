from __future__ import annotations

import asyncio
import math

import pytest

from gong_tasks_async.http.time_limits import TimeLimits

pytestmark = pytest.mark.virtual


async def sleep_within(limits: TimeLimits, limit: float, seconds: float) -> tuple[float, bool]:
    """When a block ended that sleeps for so long, and whether it was its limit that ended it."""
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    try:
        with limits.within(limit):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return round(loop.time() - began, 3), True
    return round(loop.time() - began, 3), False


async def test_each_limit_is_exact_whatever_the_order_in_which_they_begin() -> None:
    limits = TimeLimits()
    ended = await asyncio.gather(*(sleep_within(limits, limit, 50.0) for limit in (60, 20, 5, 40, 5)))
    assert ended == [(50.0, False), (20.0, True), (5.0, True), (40.0, True), (5.0, True)]


async def test_no_limit_ends_nothing() -> None:
    assert await sleep_within(TimeLimits(), math.inf, 1e6) == (1e6, False)


async def test_a_task_that_is_cancelled_by_another_stays_cancelled() -> None:
    limits = TimeLimits()
    task = asyncio.create_task(sleep_within(limits, 5.0, 50.0))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await sleep_within(limits, 5.0, 50.0) == (5.0, True)


async def test_a_cancel_in_the_moment_of_the_limit_is_not_lost() -> None:
    limits = TimeLimits()
    task = asyncio.create_task(sleep_within(limits, 5.0, 50.0))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(asyncio.get_running_loop().time() + 5.0, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_within_a_timeout_of_the_caller_leaves_the_caller_its_own() -> None:
    limits = TimeLimits()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3.0):
            await sleep_within(limits, 5.0, 50.0)
    assert await sleep_within(limits, 5.0, 50.0) == (5.0, True)


async def test_one_timer_serves_all_and_none_is_left_behind() -> None:
    limits = TimeLimits()
    await asyncio.gather(*(sleep_within(limits, 5.0, 1.0) for _ in range(100)))
    assert not limits.ends
    await asyncio.sleep(10)
    assert limits._timer is None
