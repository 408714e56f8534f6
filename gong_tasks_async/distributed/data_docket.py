"""Docket whose messages are data: nothing out of Redis is unpickled, and no odd message ends the worker.

Docket 0.27 unpickles messages in ``Execution.from_message`` and strikes in ``StrikeList``. Messages are checked and
then pickled by this process before it sees them; strikes, which nothing here uses, are never read. ``tests/test_distributed_data.py``
pins the places; pyproject.toml bounds the version.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import docket
from docket import Docket, Execution
from docket.dependencies import AdmissionBlocked
from docket.strikelist import StrikeList
from docket.worker import _stream_due_tasks

from gong_tasks_async.distributed.messages import check_message
from gong_tasks_async.distributed.redis_client import (
    is_response_error,
    is_unavailable,
    is_wrong_type,
    replace_closed_connections,
    restore_errors,
)

logger: Final = logging.getLogger("gong_tasks_async")
# Docket warns of each second of an outage; without logging set up, those lines would go to standard error:
# https://docs.python.org/3/howto/logging.html#configuring-logging-for-a-library
logging.getLogger("docket").addHandler(logging.NullHandler())

LONGEST_DELAY: Final = 90_000.0
"""Seconds; an hour more than a day's reset is away. Nothing of ours waits longer, so what is scheduled for later was by a
clock that was ahead."""
LOOK_EVERY: Final = 60.0
"""Seconds between two looks for such entries."""
LOOKED_AT: Final = 1_000
"""Entries in one look."""

Quarantine = Callable[[bytes, str], Awaitable[None]]
"""Records a message that cannot be read: its key, and the reason."""


class DataDocket(Docket):
    """A company's Docket. It keeps no results: outcomes are stored beside it."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name, url, execution_ttl=timedelta(0))
        self.strike_list: StrikeList = StrikeList()  # of this process alone: a strike in Redis is a pickle

    @property
    def prefix(self) -> str:
        """The name, which is a hash tag already; Docket adds a second pair of braces on a Cluster."""
        return self.name

    @property
    def is_memory(self) -> bool:
        """Whether it is a Redis in memory."""
        return self._redis.is_memory

    @property
    def is_cluster(self) -> bool:
        """Whether it is a Redis Cluster."""
        return self._redis.is_cluster

    @property
    def is_sentinel(self) -> bool:
        """Whether Sentinel knows where it is."""
        return self._redis.is_sentinel

    @property
    def client(self) -> Any:
        """The open client, which is closed with this Docket."""
        return self._redis.cluster_client or self._redis._client  # noqa: SLF001 - there is no public way

    async def __aenter__(self) -> Self:
        """Open the connection; nothing is read."""
        await self._redis.__aenter__()
        for pool in (self._redis._connection_pool, self._redis._node_pool):  # noqa: SLF001 - as above
            if pool is not None:
                replace_closed_connections(pool)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._redis.__aexit__(kind, error, traceback)


class CheckedRedis:
    """A Redis client that hands out only messages that were checked; it quarantines and removes the others."""

    def __init__(self, redis: Any, queue: Docket, quarantine: Quarantine) -> None:
        self._redis = redis
        self._queue = queue
        self._quarantine = quarantine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)

    async def xreadgroup(self, *args: Any, **settings: Any) -> list[tuple[Any, Any]]:
        """New messages."""
        streams = await self._redis.xreadgroup(*args, **settings)
        return [(stream, await self._checked(messages)) for stream, messages in streams]

    async def xautoclaim(self, *args: Any, **settings: Any) -> tuple[Any, Any]:
        """Messages whose lease has expired."""
        cursor, messages, *_ = await self._redis.xautoclaim(*args, **settings)
        return cursor, await self._checked(messages)

    async def remove_unreadable_due(self, now: float) -> None:
        """Quarantine the scheduled messages that are due and unreadable: one of them stops Docket's scheduler."""
        for key in await self._redis.zrangebyscore(self._queue.queue_key, 0, now):
            try:
                parked = await self._redis.hgetall(self._queue.parked_task_key(_text(key)))
                if check_message(parked)[b"key"] == key:
                    continue
                reason = "another message's key"
            except ValueError as error:
                reason = str(error)
            except Exception as error:
                if not is_wrong_type(error):
                    raise
                reason = "a key of another type"
            # The parked key is left alone: a hostile member may name any key.
            await self._redis.zrem(self._queue.queue_key, key)
            with restore_errors():
                await self._quarantine(key, reason)

    async def bring_near(self, now: float) -> None:
        """Make due what is scheduled for later than anything waits."""
        queue = self._queue.queue_key
        far = await self._redis.zrangebyscore(queue, now + LONGEST_DELAY, "+inf")
        for key in far[:LOOKED_AT]:
            await self._redis.zadd(queue, {key: now}, xx=True)

    async def _checked(self, messages: list[tuple[Any, Mapping[bytes, bytes]]]) -> list[tuple[Any, Any]]:
        readable: list[tuple[Any, Any]] = []
        for number, fields in messages:
            if not fields:  # deleted meanwhile
                continue
            try:
                readable.append((number, check_message(fields)))
            except ValueError as error:
                with restore_errors():
                    await self._quarantine(fields.get(b"key", b""), str(error))
                await self._redis.xack(self._queue.stream_key, self._queue.worker_group_name, number)
                await self._redis.xdel(self._queue.stream_key, number)
        return readable


class DataWorker(docket.Worker):
    """Docket's worker, over checked messages."""

    quarantine: Quarantine

    async def _worker_loop(self, redis: Any, forever: bool = False) -> None:
        await super()._worker_loop(CheckedRedis(redis, self.docket, self.quarantine), forever)  # type: ignore[arg-type]  # a proxy

    async def _execute(self, execution: Execution, session: Any) -> None:
        """Run a task; whatever garbage Docket meets in the task's own keys does not end the worker."""
        try:
            await super()._execute(execution, session)
        except AdmissionBlocked:
            raise
        except Exception as error:
            if is_unavailable(error):
                raise  # the message stays in the queue
            with restore_errors():
                await self.quarantine(execution.key.encode(), f"{type(error).__name__} before the task")
            await self._remove(execution)

    async def _remove(self, execution: Execution) -> None:
        execution._acked = execution._ended = True  # noqa: SLF001 - what Docket's own ending does
        async with self.docket.redis() as redis:
            await redis.delete(self.docket.runs_key(execution.key))
            if execution.message_id is not None:
                group = self.docket.worker_group_name
                await redis.xack(self.docket.stream_key, group, execution.message_id)
                await redis.xdel(self.docket.stream_key, execution.message_id)

    async def _handle_cancellation(self, message: Any) -> None:
        """Ignore Docket's own cancellations: a job is cancelled in its own record, and a row is never cut off."""

    async def _scheduler_loop(self, redis: Any) -> None:
        """As Docket's, which one unreadable message stops for good."""
        session, look_at = self._processing_session, 0.0
        while session is not None and not session.stopping.is_set():
            now, clock = datetime.now(UTC).timestamp(), asyncio.get_running_loop().time()
            try:
                if clock >= look_at:
                    look_at = clock + LOOK_EVERY
                    await redis.bring_near(now)
                await self._move_due(redis, now)
            except Exception:
                logger.exception("The queue's scheduler failed; it continues.")
            await _wait(session.stopping, self.scheduling_resolution.total_seconds())

    async def _move_due(self, redis: CheckedRedis, now: float) -> None:
        prefix = self.docket.prefix
        keys = {"queue_key": self.docket.queue_key, "stream_key": self.docket.stream_key}
        try:
            with self._maybe_suppress_instrumentation():
                await _stream_due_tasks(redis, **keys, now_timestamp=now, docket_prefix=prefix)  # type: ignore[arg-type]  # a proxy
        except Exception as error:
            if not is_response_error(error):
                raise
            await redis.remove_unreadable_due(now)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _text(key: bytes) -> str:
    return key.decode("utf-8", "replace")
