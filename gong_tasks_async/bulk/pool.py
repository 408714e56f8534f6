"""A fixed pool of workers that pull from one iterator, so that a million rows cost no memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

YIELD_EVERY = 64
"""Items after which a worker lets the event loop go round, should none of its calls have waited."""


class Feed(Generic[T]):
    """One plain or async iterable, shared by several workers."""

    def __init__(self, items: Iterable[T] | AsyncIterable[T]) -> None:
        self._lock = asyncio.Lock()
        self._async = aiter(items) if isinstance(items, AsyncIterable) else None
        self._plain = None if isinstance(items, AsyncIterable) else iter(items)
        self._waiting: set[asyncio.Task[object]] = set()

    async def take(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: there is none.
        """
        if self._plain is not None:
            for item in self._plain:
                return item
        if self._async is None:
            raise StopAsyncIteration
        return await self._take_async()

    def close(self) -> None:
        """Cancel whoever waits for an item."""
        for task in self._waiting:
            task.cancel()

    async def _take_async(self) -> T:
        task = asyncio.current_task()
        assert self._async is not None  # noqa: S101 - seen by the only caller
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._waiting.add(task)
        try:
            async with self._lock:  # an async generator cannot be asked twice at the same time
                return await anext(self._async)
        finally:
            self._waiting.discard(task)


class Pool(Generic[T]):
    """Workers that hand each item of a feed to ``handle``, until the feed ends or somebody stops the pool.

    Args:
        items: what to work on.
        handle: what to do with each; an exception stops the pool and is raised by :meth:`run`.
        workers: how many items may be under way at once.
        halt: called when the pool is cancelled, to cut short what need not be waited for.
        grace: seconds for which a cancelled pool waits for the items under way.
    """

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        handle: Callable[[T], Awaitable[None]],
        workers: int,
        *,
        halt: Callable[[], None] = lambda: None,
        grace: float = 0.0,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._feed = Feed(items)
        self._handle = handle
        self._workers = workers
        self._halt = halt
        self._grace = grace
        self._stopped = False
        self._failure: Exception | None = None

    def stop(self) -> None:
        """Take no further item; those under way are finished."""
        self._stopped = True

    async def run(self) -> None:
        """Work until done. Cancelled, it returns when all of its workers have ended.

        Raises:
            Exception: what the iterable or ``handle`` raised; the items under way are finished first.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            await self._wind_down(workers)
            raise
        if self._failure is not None:
            raise self._failure

    async def _wind_down(self, workers: list[asyncio.Task[None]]) -> None:
        self.stop()
        self._feed.close()
        self._halt()
        try:
            if self._grace:
                await asyncio.wait(workers, timeout=self._grace)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        count = 0
        try:
            while not self._stopped:
                await self._handle(await self._feed.take())
                count += 1
                if count % YIELD_EVERY == 0:
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
    # Bounds the queue; a bounded queue could not take the end mark at any time.
    room = asyncio.Semaphore(workers)

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
