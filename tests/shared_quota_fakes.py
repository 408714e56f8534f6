"""A Redis in memory whose clock is the event loop's, so that a day of a shared quota passes in seconds.

The script asks the server for the time, and nobody else: that is what makes it the company's. So tests own the
*server's* clock; the script knows nothing of tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from gong_tasks_async import QuotaLimits, RedisQuota

BEGAN = 1_800_000_000.0
"""Where virtual time starts; any moment of this century would do."""

MakeShared = Callable[..., RedisQuota]


@pytest.fixture
async def shared(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeShared]:
    """Makes quotas of one company, each as another process would have it, over one server."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(time, "time", lambda: BEGAN + loop.time())
    server = FakeServer()
    async with AsyncExitStack() as stack:

        def make(
            limits: QuotaLimits | None = None, *, decode_responses: bool = False, **settings: object
        ) -> RedisQuota:
            client = FakeAsyncRedis(server=server, decode_responses=decode_responses)
            stack.push_async_callback(client.aclose)
            settings.setdefault("wall_clock", time.time)
            settings.setdefault("company", "acme")
            quota = RedisQuota(client, limits=limits, **settings)  # type: ignore[arg-type]  # kept short
            stack.push_async_callback(quota.close)
            return quota

        yield make
