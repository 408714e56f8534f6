"""The one module that talks to Redis: one script, one channel, and errors without secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import Any, cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError, NoScriptError, RedisError

from gong_tasks_async.errors import QuotaUnavailable
from gong_tasks_async.events import logger
from gong_tasks_async.quota.redis.commands import SOURCE, text
from gong_tasks_async.quota.redis.url import read_url, unreadable_url

DIGEST = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()
PARTS = ("state", "leases", "day", "news")
RECONNECT_DELAY = 0.25
"""Seconds until subscribing is tried again."""
IDLE = 60.0


class RedisBackend:
    """One company's keys on one Redis, or one Cluster.

    Args:
        url_or_client: where it is; a client of the user's own is used as it is, and never closed.
        company: names the keys; they share a hash tag, so that they live on one node of a Cluster.
        timeout: seconds for each step, connecting included.

    Raises:
        ValueError: the URL cannot be read.
    """

    def __init__(self, url_or_client: str | Redis | RedisCluster, company: str, timeout: float) -> None:
        self._keys = tuple(f"{{gong:{company}}}:{part}" for part in PARTS)
        self._timeout = timeout
        self._own = isinstance(url_or_client, str)
        self.address: str = "the Redis client that was given"
        self._secrets: tuple[str, ...] = ()
        if isinstance(url_or_client, str):
            self.address, self._secrets = read_url(url_or_client)
            url_or_client = _open(url_or_client, timeout)
        self._client = url_or_client

    async def run(self, asked: tuple[str | bytes, ...]) -> list[object]:
        """Take one step of the script: one round trip, and another where the server has not got the script.

        Servers close idle connections, so a step is tried once more on a fresh one. If the first was taken after all,
        its permit is lost, and nothing counts twice.

        Raises:
            QuotaUnavailable: no reply came, or it was an error.
        """
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._run(asked)
                except (RedisConnectionError, ConnectionError):
                    if isinstance(self._client, Redis):  # a Cluster's client sees to its nodes itself
                        await self._client.connection_pool.disconnect(inuse_connections=False)
                    return await self._run(asked)
        except Exception as error:  # noqa: BLE001 - clients raise KeyError, RuntimeError and errors of their own, too
            failure = self._unavailable(error)
        raise failure  # out here: a chain would show whatever the cause has to say

    async def _run(self, asked: tuple[str | bytes, ...]) -> list[object]:
        client: Any = self._client  # redis-py types a script's reply as a text
        try:
            reply = await client.execute_command("EVALSHA", DIGEST, len(self._keys), *self._keys, *asked)
        except NoScriptError:
            reply = await client.execute_command("EVAL", SOURCE, len(self._keys), *self._keys, *asked)
        return cast("list[object]", reply)

    async def receive(self, on_message: Callable[[str], None]) -> None:
        """Receive for ever what other processes publish. What is missed comes with the next reply of the script."""
        while True:
            try:
                async with self._node() as client, client.pubsub() as pubsub:
                    async with asyncio.timeout(self._timeout):
                        await pubsub.subscribe(self._keys[-1])
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=IDLE)
                        if message:
                            on_message(text(message["data"]))
            except Exception as error:  # noqa: BLE001 - as above, and whatever a message may do
                foreseen = isinstance(error, RedisError | OSError | TimeoutError)  # the next request emits it
                level, reason = logging.DEBUG if foreseen else logging.ERROR, self._unavailable(error).reason
                logger.log(level, "The shared quota is subscribed to again: %s", reason)
            await asyncio.sleep(RECONNECT_DELAY)

    @asynccontextmanager
    async def _node(self) -> AsyncGenerator[Any]:  # redis-py types no subscription
        """The client, or one for the Cluster's node that holds the keys: the Cluster's own does not subscribe reliably."""
        if isinstance(self._client, Redis):
            yield self._client
            return
        async with asyncio.timeout(self._timeout):
            await self._client.initialize()
        node = self._client.get_node_from_key(self._keys[0])
        if node is None:
            raise KeyError(self._keys[0])
        pool = ConnectionPool(connection_class=node.connection_class, **node.connection_kwargs)
        async with Redis.from_pool(pool) as client:
            yield client

    async def close(self) -> None:
        """Close the client that was made here."""
        if self._own:
            await self._client.aclose()

    def _unavailable(self, error: Exception) -> QuotaUnavailable:
        message = str(error) or f"no answer within {self._timeout:g} s"
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return QuotaUnavailable(server=self.address, reason=f"{type(error).__name__}: {message.rstrip('.')}")


def check_options(url: str) -> None:
    """Refuse options of a URL that redis-py does not know, before it quotes one; no connection is opened.

    Raises:
        ValueError: there are such.
    """
    try:
        ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]  # redis-py's
    except (ValueError, TypeError, AttributeError, RedisError):
        failure = unreadable_url()
    else:
        return
    raise failure


def _open(url: str, timeout: float) -> Redis:
    check_options(url)
    # What is tried again, and when, is decided by the quota, which has deadlines to keep.
    retry = Retry(NoBackoff(), 0)
    client: Any = Redis  # redis-py leaves the types of options out
    return cast(
        "Redis",
        client.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry),
    )
