from __future__ import annotations

import asyncio

import pytest

from gong_tasks_async import AccessKey, Event, ResponseDelayed, RetryPolicy, TransportError, Unlimited
from tests.fakes import Answer, ScriptedClient, ScriptedTransport, answer

pytestmark = pytest.mark.virtual


async def delays(seconds: float, *answers: Answer, calls: int = 1) -> list[tuple[float, float]]:
    """When events came while so many calls were in flight, and what they said."""
    loop, printed = asyncio.get_running_loop(), list[tuple[float, float]]()

    def on_event(event: Event) -> None:
        if isinstance(event, ResponseDelayed):
            assert (event.method, event.url) == ("POST", "https://api.gong.io/v2/tasks")
            printed.append((round(loop.time(), 3), round(event.seconds, 3)))

    client = ScriptedClient(
        AccessKey("k", "s"), quota=Unlimited(), on_event=on_event, retry=RetryPolicy(attempts=1)
    )
    client.transport = ScriptedTransport(*answers or [answer()], seconds=seconds)
    async with client:
        await asyncio.gather(*(client.list_tasks("1") for _ in range(calls)), return_exceptions=True)
    await asyncio.sleep(100)  # nothing comes late
    return printed


async def test_a_server_that_accepts_and_never_answers_is_reported_after_fifteen_seconds() -> None:
    assert await delays(300.0) == [(15.0, 15.0)]


async def test_each_request_is_reported_once() -> None:
    assert await delays(60.0, calls=3) == [(15.0, 15.0)] * 3


@pytest.mark.parametrize("outcome", [answer(), TransportError(reason="reset")])
async def test_a_request_that_ends_in_time_is_not_reported(outcome: Answer) -> None:
    assert await delays(12.0, outcome) == []
