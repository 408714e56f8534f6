"""A fixed pool of workers that pull from one iterator, so that a million rows cost no memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from gong_tasks_async.errors.checks import count_problem, refuse
from gong_tasks_async.errors.kinds import is_async_generator, is_generator

T = TypeVar("T")
R = TypeVar("R")

YIELD_EVERY = 64
"""Items after which a worker lets the event loop go round, should none of its calls have waited."""
CANCELLED_AGAIN = 0.05
"""Seconds; a second cancel within them comes from a scope that cancels at each await, as anyio's do, and not from a
caller that wants the end at once."""


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

    def cancel_waiting(self) -> None:
        """Cancel the workers that wait for an item."""
        for task in self._waiting:
            task.cancel()

    async def close(self) -> None:
        """Close a generator that was not read to its end, so that its ``finally`` runs now."""
        if is_generator(self._plain):
            self._plain.close()
        if is_async_generator(self._async):
            await self._async.aclose()

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
    """Workers that hand each item of a feed to ``handle``, until the feed ends or the pool is stopped.

    Args:
        items: what to work on; a generator is closed at the end.
        handle: what to do with each; an exception stops the pool and is raised by :meth:`run`.
        workers: how many items may be in flight at once.
        halt: called when the pool is cancelled, to cut short what need not be waited for.
        grace: seconds for which a cancelled pool waits for the items in flight.
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
        refuse("Pool", [count_problem("workers", workers)])
        self._feed = Feed(items)
        self._handle = handle
        self._workers = workers
        self._halt = halt
        self._grace = grace
        self._stopped = False
        self._failure: Exception | None = None

    def stop(self) -> None:
        """Take no further item; those in flight are finished."""
        self._stopped = True

    async def run(self) -> None:
        """Work until done. Cancelled, it returns when all of its workers have ended.

        Raises:
            Exception: what the iterable or ``handle`` raised; the items in flight are finished first.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            await self._wind_down(workers)
            raise
        finally:
            await self._feed.close()
        if self._failure is not None:
            raise self._failure

    async def _wind_down(self, workers: list[asyncio.Task[None]]) -> None:
        self.stop()
        self._feed.cancel_waiting()
        self._halt()
        try:
            if self._grace:
                await asyncio.wait(workers, timeout=self._grace)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

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


class Channel(Generic[T]):
    """A queue that holds few items, to which an end mark can be added at any time."""

    def __init__(self, room: int) -> None:
        # Bounds the queue; a bounded queue could not take the end mark at any time.
        self._room = asyncio.Semaphore(room)
        self._items: asyncio.Queue[tuple[T] | None] = asyncio.Queue()
        self._abandoned = False
        self._blocked = 0

    async def put(self, item: T) -> None:
        """Add an item; wait for room while there is a reader."""
        if not self._abandoned:
            self._blocked += 1
            try:
                await self._room.acquire()
            finally:
                self._blocked -= 1
        self._items.put_nowait((item,))

    def end(self) -> None:
        """Add the end mark."""
        self._items.put_nowait(None)

    def abandon(self) -> None:
        """Let writers go on: there is no reader any more."""
        self._abandoned = True
        for _ in range(self._blocked):
            self._room.release()

    async def get(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: the end was reached, however often it is asked for.
        """
        found = await self._items.get()
        if found is None:
            self.end()
            raise StopAsyncIteration
        self._room.release()
        return found[0]


async def each_result(
    items: Iterable[T] | AsyncIterable[T], apply: Callable[[T], Awaitable[R]], workers: int
) -> AsyncGenerator[R]:
    """The results of ``apply``, as they come. Workers wait while no result is taken."""
    results = Channel[R](workers)

    async def handle(item: T) -> None:
        await results.put(await apply(item))

    async def run() -> None:
        try:
            await Pool(items, handle, workers).run()
        finally:
            results.end()

    runner = asyncio.create_task(run())
    try:
        while True:
            try:
                result = await results.get()
            except StopAsyncIteration:
                break
            yield result
        await runner
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


async def run_apart(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that winds down when it is cancelled, in a task of its own.

    The first cancel is passed on, and so is a later one, which cuts the winding down short. The cancels of anyio's
    scopes, which come at each await, are one.
    """
    task, loop = asyncio.create_task(work), asyncio.get_running_loop()
    cancelled: asyncio.CancelledError | None = None
    cancelled_at = 0.0
    persistent = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            if cancelled is None:
                cancelled, cancelled_at = error, loop.time()
                task.cancel()
            elif loop.time() - cancelled_at < CANCELLED_AGAIN:
                persistent = True
            elif not persistent:
                task.cancel()
    if cancelled is not None and (task.cancelled() or task.exception() is None):
        raise cancelled  # the very one: a scope knows its own by the message
    return task.result()
