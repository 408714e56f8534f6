"""A fixed pool of workers that pull from one iterator, so that a million rows cost no memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

BREATH = 64
"""Items after which a worker lets the event loop go round, should none of its calls have waited."""


class Feed(Generic[T]):
    """One plain or async iterable, shared by several workers."""

    def __init__(self, items: Iterable[T] | AsyncIterable[T]) -> None:
        self._lock = asyncio.Lock()
        self._async = aiter(items) if isinstance(items, AsyncIterable) else None
        self._plain = None if isinstance(items, AsyncIterable) else iter(items)

    async def take(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: there is none.
        """
        if self._plain is not None:
            for item in self._plain:
                return item
            raise StopAsyncIteration
        if self._async is None:
            raise StopAsyncIteration
        async with self._lock:  # an async generator cannot be asked twice at the same time
            return await anext(self._async)


class Pool(Generic[T]):
    """Workers that hand each item of a feed to ``handle``, until the feed ends or somebody stops the pool."""

    def __init__(
        self, items: Iterable[T] | AsyncIterable[T], handle: Callable[[T], Awaitable[None]], workers: int
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._feed = Feed(items)
        self._handle = handle
        self._workers = workers
        self._stopped = False
        self._failure: Exception | None = None

    def stop(self) -> None:
        """Take no further item; those under way are finished."""
        self._stopped = True

    async def run(self) -> None:
        """Work until done. Cancelled, it cancels its workers and returns when they have ended.

        Raises:
            Exception: what the iterable or ``handle`` raised; the items under way are finished first.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())
        if self._failure is not None:
            raise self._failure

    async def _work(self) -> None:
        count = 0
        try:
            while not self._stopped:
                await self._handle(await self._feed.take())
                count += 1
                if count % BREATH == 0:
                    await asyncio.sleep(0)
        except StopAsyncIteration:
            self.stop()
        except Exception as error:  # noqa: BLE001 - raised by run(), once the other items are finished
            self._failure = self._failure or error
            self.stop()


async def each_result(
    items: Iterable[T] | AsyncIterable[T], apply: Callable[[T], Awaitable[R]], workers: int
) -> AsyncGenerator[R]:
    """The results of ``apply``, as they come. Workers wait while nobody takes results."""
    results: asyncio.Queue[R | None] = asyncio.Queue()
    room = asyncio.Semaphore(
        workers
    )  # bounds the queue; a bounded queue could not take the end mark at any time

    async def handle(item: T) -> None:
        result = await apply(item)
        await room.acquire()
        results.put_nowait(result)

    async def run() -> None:
        try:
            await Pool(items, handle, workers).run()
        finally:
            results.put_nowait(None)

    runner = asyncio.create_task(run())
    try:
        while (result := await results.get()) is not None:
            room.release()
            yield result
        await runner
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
