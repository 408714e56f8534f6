"""The one place that speaks to Redis: one script, one channel, and errors without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.quota.redis.commands import SOURCE, text
from gong_tasks_async.quota.redis.url import read_url, unreadable_url

DIGEST = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()
PARTS = ("state", "slots", "day", "people", "holes", "callers", "news")


class RedisBackend:
    """One company's keys on one Redis.

    Args:
        url_or_client: where it is; a client of the user's own is used as it is, and never closed.
        company: names the keys; they share a hash tag, so that they live on one node of a cluster.
        timeout: seconds for each step, connecting included.

    Raises:
        ValueError: the URL cannot be read.
    """

    def __init__(self, url_or_client: str | Redis, company: str, timeout: float) -> None:
        self._keys = tuple(f"{{gong:{company}}}:{part}" for part in PARTS)
        self._timeout = timeout
        self._secrets: tuple[str, ...] = ()
        self._own = isinstance(url_or_client, str)
        if isinstance(url_or_client, str):
            self.place, self._secrets = read_url(url_or_client)
            self._client = _client(url_or_client, timeout)
        else:
            self.place = "the Redis client that was given"
            self._client = url_or_client

    async def run(self, asked: str) -> list[object]:
        """Take one step of the script: one round trip, and a second one where the server has forgotten the script.

        Raises:
            QuotaUnavailable: no answer came, or it was an error.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._run(asked)
        except (RedisError, OSError, TimeoutError) as error:
            failure = self._unavailable(error)
        raise failure  # out here: a chain would show whatever the cause has to say

    async def _run(self, asked: str) -> list[object]:
        # evalsha() is typed as answering a text, and in older releases not at all.
        execute = cast("Callable[..., Awaitable[list[object]]]", self._client.execute_command)
        rest = (len(self._keys), *self._keys, asked)
        try:
            return await execute("EVALSHA", DIGEST, *rest)
        except NoScriptError:
            return await execute("EVAL", SOURCE, *rest)

    @asynccontextmanager
    async def news(self) -> AsyncIterator[RedisSubscription]:
        """Listen to what other processes tell.

        Raises:
            QuotaUnavailable: it cannot be listened to, or no longer.
        """
        try:
            async with self._client.pubsub() as pubsub:
                async with asyncio.timeout(self._timeout):
                    await pubsub.subscribe(self._keys[-1])
                yield RedisSubscription(pubsub)
                return
        except (RedisError, OSError, TimeoutError, AttributeError) as error:
            failure = self._unavailable(error)  # AttributeError: a cluster's client has no pubsub()
        raise failure

    async def close(self) -> None:
        """Close the client that was made here."""
        if self._own:
            await self._client.aclose()

    def _unavailable(self, error: Exception) -> QuotaUnavailable:
        said = str(error) or f"no answer within {self._timeout:g} s"
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return QuotaUnavailable(server=self.place, reason=f"{type(error).__name__}: {said.rstrip('.')}")


class RedisSubscription:
    """A subscription."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    async def heard(self, seconds: float) -> str | None:
        """See :class:`Channel`."""
        message = await self._pubsub.get_message(timeout=seconds)
        if message is None:
            return None
        return text(message["data"]) if message["type"] == "message" else ""

    async def ping(self) -> None:
        """See :class:`Channel`."""
        await self._pubsub.ping()


def _client(url: str, timeout: float) -> Redis:
    failure = None
    try:
        # What is tried again, and when, is decided by the quota, which has deadlines to keep.
        return Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        failure = unreadable_url()
    raise failure
