"""Redis commands, over Docket's connection. The only importer of redis.

So whatever Docket can connect to (TLS, Sentinel, Cluster, memory) works here too, configured once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from hashlib import sha1
from itertools import islice
from typing import Any, Protocol, TypeVar

from attrs import frozen
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from gong_tasks_async.distributed.errors import CorruptJobError, JobStoreError

T = TypeVar("T")

RESPONSE_TIMEOUT = 10.0
"""Seconds after which a silent connection is considered dead."""

PAGE = 500
"""Fields in one command, so that none blocks Redis for long."""


class DocketRedis(Protocol):
    """The commands used of Docket's Redis client."""

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str) -> Any:
        """Run a cached script."""
        ...

    async def script_load(self, script: str) -> str:
        """Cache a script."""
        ...

    async def hgetall(self, name: str) -> dict[bytes, bytes]:
        """Read a whole hash."""
        ...

    async def hset(self, name: str, *, mapping: Mapping[str, str]) -> int:
        """Set fields of a hash."""
        ...

    async def expire(self, name: str, time: int) -> bool:
        """Set the time to live of a key, in seconds."""
        ...

    async def set(self, name: str, value: str, *, ex: int) -> Any:
        """Set a text and its time to live, in seconds."""
        ...

    async def lpush(self, name: str, value: str) -> int:
        """Put a text in front of a list."""
        ...

    async def ltrim(self, name: str, start: int, end: int) -> Any:
        """Keep a part of a list."""
        ...

    async def lrange(self, name: str, start: int, end: int) -> list[bytes]:
        """Read a part of a list."""
        ...

    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]:
        """Iterate over the keys that match, ``count`` at a time."""
        ...


def is_response_error(error: BaseException) -> bool:
    """Whether Redis refused a command."""
    return isinstance(error, ResponseError)


def is_unavailable(error: BaseException) -> bool:
    """Whether Redis, or the connection, failed for now: the same command may succeed later."""
    return isinstance(error, RedisError) and not is_wrong_type(error)


def is_wrong_type(error: BaseException) -> bool:
    """Whether a key holds another type than the command needs, directly or in a script."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


def replace_closed_connections(pool: Any) -> None:
    """Have a pool open a new connection for one that the server closed while it was idle, as managed ones do.

    redis-py 8 looks for that only where it takes no maintenance notifications, and by default it does. A command on
    such a connection fails, and a worker reconnects again and again.
    """
    plain: Any = pool.connection_class

    class Connection(plain):  # type: ignore[misc]  # whatever class the URL asks for
        """A connection that a pool does not hand out after its end."""

        async def can_read(self) -> bool:
            """Whether there is something to read; raise what makes the pool connect again at the end."""
            _raise_if_closed(self._reader)
            return bool(await plain.can_read(self))

        async def can_read_destructive(self) -> bool:
            """The same, as pools before redis-py 8 ask it."""
            _raise_if_closed(self._reader)
            return bool(await plain.can_read_destructive(self))

    pool.connection_class = Connection


def _raise_if_closed(reader: asyncio.StreamReader | None) -> None:
    if reader is not None and reader.at_eof():
        raise RedisConnectionError("closed by the server")


@contextmanager
def translate_errors() -> Generator[None]:
    """Raise JobStoreError for any failure of Redis or of the connection."""
    try:
        yield
    # A timeout is an OSError; redis-py's cluster errors are no RedisError. Their own messages may name the host; for
    # debugging they are the cause.
    except (RedisError, RedisClusterException, OSError) as error:
        if is_wrong_type(error):
            raise CorruptJobError(reason="a key holds data of another type") from error
        raise JobStoreError(reason=f"no response ({type(error).__name__})") from error


@contextmanager
def restore_errors() -> Generator[None]:
    """Raise the error of Redis that a JobStoreError was made of, for Docket, which knows only those."""
    try:
        yield
    except JobStoreError as error:
        cause = error.__cause__
        raise (cause if isinstance(cause, RedisError) else RedisError(type(cause).__name__)) from None


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
            return {
                key.decode("utf-8", "replace")
                async for key in redis.scan_iter(match=f"{prefix}*", count=PAGE)
            }

        return await self._ask(ask)

    async def write(self, name: str, fields: Mapping[str, str], seconds: int) -> None:
        """Set fields of a hash, a page at a time, and its time to live."""
        pairs = iter(fields.items())
        while page := dict(islice(pairs, PAGE)):
            await self._write_page(name, page, seconds)

    async def mark(self, name: str, value: str, seconds: int) -> None:
        """Set a text that expires."""
        await self._ask(lambda redis: redis.set(name, value, ex=seconds))

    async def remember(self, name: str, text: str, *, most: int, seconds: int) -> None:
        """Put a text in front of a bounded list that expires."""

        async def ask(redis: DocketRedis) -> None:
            await redis.lpush(name, text)
            await redis.ltrim(name, 0, most - 1)
            await redis.expire(name, seconds)

        await self._ask(ask)

    async def remembered(self, name: str) -> list[bytes]:
        """Such a list, latest first."""
        return await self._ask(lambda redis: redis.lrange(name, 0, -1))

    async def _write_page(self, name: str, page: Mapping[str, str], seconds: int) -> None:
        async def ask(redis: DocketRedis) -> None:
            await redis.hset(name, mapping=page)
            await redis.expire(name, seconds)

        await self._ask(ask)

    async def _ask(self, question: Callable[[DocketRedis], Awaitable[T]]) -> T:
        with translate_errors():
            async with asyncio.timeout(RESPONSE_TIMEOUT), self.connect() as redis:
                return await question(redis)
