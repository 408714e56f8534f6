"""Hears what other processes tell: that Gong has refused one of them, that there is room for machines again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.quota.redis.backend import Backend, Subscription

IDLE_TIMEOUT = 5.0
"""Seconds without a word after which a sign of life is asked for. A lost connection is noticed at once, save for one
that is half open; and then the other one, for the script, is half open most likely too."""
PING_TIMEOUT = 1.0
"""Seconds for which it is waited then."""
PING_GRACE = 0.5
"""Seconds for which a question may be open, and the silence before it still means that there was no news."""
RECONNECT_DELAY = 0.25
"""Seconds until it is tried again to listen."""


class Subscriber:
    """A subscription that is kept alive, and knows whether it would have heard."""

    def __init__(self, server: Backend, on_news: Callable[[str], None]) -> None:
        self._server = server
        self._on_news = on_news
        self._listens = False
        self._asked_at: float | None = None
        self._needed = False
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def sure(self) -> bool:
        """Whether news of the last moments would have come: a turn given before them needs no second look then."""
        self._needed = True
        if self._asked_at is None:
            return self._listens
        return self._listens and asyncio.get_running_loop().time() - self._asked_at < PING_GRACE

    def start(self) -> None:
        """Listen from now on."""
        self._task = asyncio.create_task(self._keep_listening())

    async def close(self) -> None:
        """Listen no more."""
        self._closing = True  # a cancellation can get lost in a client that is about to fail anyway
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep_listening(self) -> None:
        while not self._closing:
            try:
                async with self._server.news() as channel:
                    await self._listen(channel)
            except QuotaUnavailable:
                pass  # whoever needs the server tells that it is gone
            finally:
                self._listens, self._asked_at = False, None
            await asyncio.sleep(RECONNECT_DELAY)

    async def _listen(self, channel: Subscription) -> None:
        """Hear one message after another, until a question stays without an answer."""
        while not self._closing:
            heard = await channel.heard(IDLE_TIMEOUT if self._asked_at is None else PING_TIMEOUT)
            if heard is not None:
                self._listens, self._asked_at = True, None
                if heard:
                    self._on_news(heard)
            elif self._asked_at is not None:
                return
            elif self._needed:
                self._needed = False
                self._asked_at = asyncio.get_running_loop().time()
                await channel.ping()
