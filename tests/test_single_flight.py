from __future__ import annotations

import asyncio

import pytest

from gong_tasks_async.auth.single_flight import SingleFlight


async def depart(order: list[str]) -> None:
    """Starts a flight that nobody waits for, and returns while it is under way."""

    async def exchange() -> None:
        async with asyncio.timeout(60):
            await asyncio.sleep(0.01)
        order.append("saved")

    await asyncio.wait([asyncio.create_task(SingleFlight[None]().run(exchange))], timeout=0)


def test_a_loop_that_is_torn_down_waits_for_what_is_under_way() -> None:
    order: list[str] = []
    asyncio.run(depart(order))
    assert order == ["saved"]


async def test_whoever_cancels_all_tasks_does_not_cancel_it() -> None:
    order: list[str] = []
    await depart(order)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    assert order == ["saved"]


@pytest.mark.virtual
async def test_its_own_timeout_still_ends_it() -> None:
    async def exchange() -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await SingleFlight[None]().run(exchange)
