"""A simulated company in memory, on a virtual clock: what the pictures show is what happened there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from gong_tasks_async import AccessKey, Event, GongTasksClient, LocalQuota, Quota, QuotaLimits
from gong_tasks_async.simulator import Engine, VirtualClockLoop, make_app, memory_session

T = TypeVar("T")
LATENCY = (0.06, 0.12)
"""Seconds of a round trip, at the least and the most."""
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()
"""When each run begins, by the wall clock."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a virtual clock; chance is the same each time."""
    random.seed(1)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)


@asynccontextmanager
async def client_of(
    engine: Engine,
    on_event: Callable[[float, Event], None] = lambda _at, _event: None,
    quota: Quota | None = None,
) -> AsyncIterator[GongTasksClient]:
    """A client of the company; events come with the virtual time, in seconds."""
    loop = asyncio.get_running_loop()

    def observe(event: Event) -> None:
        on_event(loop.time(), event)

    own = LocalQuota(QuotaLimits(), on_event=observe, wall_clock=lambda: MORNING + loop.time())
    key = AccessKey(engine.access_key, engine.access_key_secret)
    async with (
        memory_session(make_app(engine, LATENCY)) as session,
        GongTasksClient(
            key, base_url="http://localhost", quota=quota or own, session=session, on_event=observe
        ) as gong,
    ):
        yield gong
