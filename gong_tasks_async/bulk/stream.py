"""Outcomes as they come, with back-pressure: the run waits while nobody takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from gong_tasks_async.bulk.report import BulkReport, Outcome

RunJob = Callable[[Callable[[Outcome], Awaitable[None]]], Awaitable[BulkReport]]


class OutcomeStream:
    """The outcomes of one run, to be iterated over once.

    Example::

        async with gong.stream_updates(updates) as outcomes:
            async for outcome in outcomes:
                ...
        print(outcomes.report)

    Left early, it ends the run: requests under way come to their end, and are recorded.
    """

    def __init__(self, run_job: RunJob, room: int) -> None:
        self._run_job = run_job
        # Bounds the queue; a bounded queue could not take the end mark at any time.
        self._room = asyncio.Semaphore(room)
        self._outcomes: asyncio.Queue[Outcome | None] = asyncio.Queue()
        self._running: asyncio.Task[BulkReport] | None = None
        self._left = False
        self._blocked = 0

    @property
    def report(self) -> BulkReport:
        """What the run came to.

        Raises:
            RuntimeError: it has not ended by itself.
        """
        if self._running is None or not self._running.done() or self._running.cancelled():
            raise RuntimeError("the run has not ended: take all outcomes first")
        return self._running.result()

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._running is not None  # noqa: S101 - entered before
        if self._running.done():
            return
        self._left = True
        for _ in range(self._blocked):  # nobody takes outcomes any more, so nobody waits for that
            self._room.release()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        assert self._running is not None  # noqa: S101 - entered before
        outcome = await self._outcomes.get()
        if outcome is None:
            self._outcomes.put_nowait(None)  # the end stays the end, however often it is asked for
            await self._running  # raises what the run raised
            raise StopAsyncIteration
        self._room.release()
        return outcome

    async def _run(self) -> BulkReport:
        try:
            return await self._run_job(self._put)
        finally:
            self._outcomes.put_nowait(None)

    async def _put(self, outcome: Outcome) -> None:
        if not self._left:
            self._blocked += 1
            try:
                await self._room.acquire()
            finally:
                self._blocked -= 1
        self._outcomes.put_nowait(outcome)
