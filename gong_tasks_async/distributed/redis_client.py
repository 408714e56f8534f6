"""Redis commands, over Docket's connection. The only importer of redis.

So whatever Docket can connect to (TLS, Sentinel, Cluster, memory) works here too, configured once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from hashlib import sha1
from itertools import islice
from typing import Any, Protocol, TypeVar

from attrs import frozen
from redis.exceptions import NoScriptError, RedisError

from gong_tasks_async.distributed.errors import JobStoreError

T = TypeVar("T")

RESPONSE_TIMEOUT = 10.0
"""Seconds after which a silent connection is considered dead."""

PAGE = 500
"""Fields in one command, so that none blocks Redis for long."""


class DocketRedis(Protocol):
    """The commands used of Docket's Redis client."""

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str) -> Any:
        """Run a cached script."""

    async def script_load(self, script: str) -> str:
        """Cache a script."""

    async def hgetall(self, name: str) -> dict[bytes, bytes]:
        """Read a whole hash."""

    async def hset(self, name: str, *, mapping: Mapping[str, str]) -> int:
        """Set fields of a hash."""

    async def expire(self, name: str, time: int) -> bool:
        """Set the time to live of a key, in seconds."""

    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        """Iterate over the keys that match, ``count`` at a time."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise JobStoreError for any failure of Redis or of the connection."""
    try:
        yield
    except (RedisError, OSError) as error:  # a timeout is an OSError
        # Its own message may name the host; for debugging it is the cause.
        raise JobStoreError(reason=f"no answer ({type(error).__name__})") from error


@frozen
class RedisClient:
    """A Redis that may be unreachable. All methods raise JobStoreError if it does not respond."""

    connect: Callable[[], AbstractAsyncContextManager[Any]]

    async def run(self, script: str, keys: tuple[str, ...], *arguments: object) -> Any:
        """Run a script; loaded again if Redis has lost it, as after a restart."""
        texts = [*keys, *map(str, arguments)]
        sha = sha1(script.encode(), usedforsecurity=False).hexdigest()

        async def ask(redis: DocketRedis) -> Any:
            try:
                return await redis.evalsha(sha, len(keys), *texts)
            except NoScriptError:
                await redis.script_load(script)
                return await redis.evalsha(sha, len(keys), *texts)

        return await self._ask(ask)

    async def read(self, name: str) -> dict[bytes, bytes]:
        """A whole hash; empty if there is none."""
        return await self._ask(lambda redis: redis.hgetall(name))

    async def names(self, prefix: str) -> set[str]:
        """The keys with that prefix, by a scan of all keys."""

        async def ask(redis: DocketRedis) -> set[str]:
            return {key.decode() async for key in redis.scan_iter(match=f"{prefix}*", count=PAGE)}

        return await self._ask(ask)

    async def write(self, name: str, fields: Mapping[str, str], seconds: int) -> None:
        """Set fields of a hash, a page at a time, and its time to live."""
        pairs = iter(fields.items())
        while page := dict(islice(pairs, PAGE)):
            await self._write_page(name, page, seconds)

    async def _write_page(self, name: str, page: Mapping[str, str], seconds: int) -> None:
        async def ask(redis: DocketRedis) -> None:
            await redis.hset(name, mapping=page)
            await redis.expire(name, seconds)

        await self._ask(ask)

    async def _ask(self, question: Callable[[DocketRedis], Awaitable[T]]) -> T:
        with translate_errors():
            async with asyncio.timeout(RESPONSE_TIMEOUT), self.connect() as redis:
                return await question(redis)
