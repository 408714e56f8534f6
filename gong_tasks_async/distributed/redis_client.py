"""What is asked of Redis, over Docket's connection. The only importer of redis.

So whatever Docket reaches (TLS, Sentinel, Cluster, memory) is reached here too, and nobody configures it twice.
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

ANSWER_TIMEOUT = 10.0
"""Seconds; a connection that is silent for so long is taken to be dead."""

PAGE = 500
"""Fields in one command, so that none holds Redis for long."""


class DocketRedis(Protocol):
    """What is needed of Docket's Redis client."""

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str) -> Any:
        """Run a script that Redis knows."""

    async def script_load(self, script: str) -> str:
        """Make a script known."""

    async def hgetall(self, name: str) -> dict[bytes, bytes]:
        """Read a whole hash."""

    async def hset(self, name: str, *, mapping: Mapping[str, str]) -> int:
        """Set fields of a hash."""

    async def expire(self, name: str, time: int) -> bool:
        """Have a key end by itself."""

    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        """Go through the keys that look like this, so many at a time."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise JobStoreError for whatever Redis, or the way to it, has failed with."""
    try:
        yield
    except (RedisError, OSError) as error:  # a timeout is an OSError
        # Its own text may name the host; whoever debugs finds it as the cause.
        raise JobStoreError(reason=f"no answer ({type(error).__name__})") from error


@frozen
class RedisClient:
    """A Redis that may be away. Everything here raises JobStoreError where it does not answer."""

    connect: Callable[[], AbstractAsyncContextManager[Any]]

    async def run(self, script: str, keys: tuple[str, ...], *arguments: object) -> Any:
        """Run a script; a Redis that was restarted is told it again."""
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
        """A whole hash, empty where there is none."""
        return await self._ask(lambda redis: redis.hgetall(name))

    async def names(self, beginning: str) -> set[str]:
        """The keys that begin so, as far as they stood there all the while; Redis looks through all it has."""

        async def ask(redis: DocketRedis) -> set[str]:
            return {key.decode() async for key in redis.scan_iter(match=f"{beginning}*", count=PAGE)}

        return await self._ask(ask)

    async def write(self, name: str, fields: Mapping[str, str], seconds: int) -> None:
        """Set fields of a hash, a page at a time, and have it end after so long."""
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
            async with asyncio.timeout(ANSWER_TIMEOUT), self.connect() as redis:
                return await question(redis)
