from __future__ import annotations

import asyncio

import pytest

from gong_tasks_async.http.timeouts import ROUND, Timeouts

pytestmark = pytest.mark.virtual


def now() -> float:
    return asyncio.get_running_loop().time()


async def limited(limits: Timeouts, seconds: float, work: float) -> float | None:
    """Work under a limit; how long it took, or None where the limit ended it."""
    began = now()
    limit = limits.begin(seconds)
    try:
        async with limit:
            await asyncio.sleep(work)
    except TimeoutError:
        assert now() - began == pytest.approx(seconds, abs=1e-6)
        return None
    finally:
        limits.end(limit)
    return now() - began


@pytest.mark.parametrize("seconds", [0.01, ROUND, ROUND + 1e-6, 1.5 * ROUND, 2 * ROUND, 60.0, 3_600.0])
async def test_a_limit_ends_what_takes_longer_and_leaves_alone_what_does_not(seconds: float) -> None:
    limits = Timeouts()
    assert await limited(limits, seconds, seconds * 1.001) is None
    assert await limited(limits, seconds, seconds * 0.999) == pytest.approx(seconds * 0.999, abs=1e-6)


async def test_limits_that_begin_at_any_moment_end_at_their_own() -> None:
    limits = Timeouts()

    async def later(delay: float, seconds: float) -> None:
        await asyncio.sleep(delay)
        assert await limited(limits, seconds, 1_000.0) is None

    await asyncio.gather(*(later(1.3 * number, 0.3 + 3.7 * number) for number in range(30)))


async def test_no_limit_at_all_never_ends() -> None:
    assert await limited(Timeouts(), float("inf"), 100_000.0) == pytest.approx(100_000.0, abs=1e-3)


async def test_being_cancelled_is_not_being_late() -> None:
    limits = Timeouts()
    task = asyncio.create_task(limited(limits, 5 * ROUND, 100 * ROUND))
    await asyncio.sleep(ROUND)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_no_timer_is_left_where_nothing_is_under_way() -> None:
    limits = Timeouts()
    await asyncio.gather(*(limited(limits, 6 * ROUND, 0.1) for _ in range(10)))
    await asyncio.sleep(2 * ROUND)
    assert limits._next_round is None
