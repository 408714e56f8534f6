"""Outcomes as they come, with back-pressure: the run waits while none is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

from gong_tasks_async.bulk.outcomes import Outcome
from gong_tasks_async.bulk.pool import Channel
from gong_tasks_async.bulk.report import BulkReport
from gong_tasks_async.errors import ClientStateError

OnSettled: TypeAlias = Callable[[Outcome], Awaitable[None]]
OnReport: TypeAlias = Callable[[BulkReport], None]
RunJob: TypeAlias = Callable[[OnSettled, OnReport], Awaitable[BulkReport]]


class OutcomeStream:
    """The outcomes of one run, to be iterated over once.

    Example::

        async with gong.stream_updates(updates) as outcomes:
            async for outcome in outcomes:
                ...
        print(outcomes.report)

    Left early, it ends the run: requests in flight come to their end, and are recorded.
    """

    def __init__(self, run_job: RunJob, room: int) -> None:
        self._run_job = run_job
        self._outcomes = Channel[Outcome](room)
        self._running: asyncio.Task[BulkReport] | None = None
        self._report: BulkReport | None = None

    @property
    def report(self) -> BulkReport:
        """The report of the run, also of one that was left early.

        Raises:
            RuntimeError: it has not ended.
        """
        if self._report is None:
            raise RuntimeError("the run has not ended: take all outcomes, or leave the `async with` block")
        return self._report

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        running = self._entered()
        self._outcomes.abandon()
        if not running.done():
            running.cancel()
        (failure,) = await asyncio.gather(running, return_exceptions=True)
        if error is None and isinstance(failure, Exception):
            raise failure

    def __aiter__(self) -> Self:
        self._entered()
        return self

    async def __anext__(self) -> Outcome:
        running = self._entered()
        try:
            return await self._outcomes.get()
        except StopAsyncIteration:
            await running  # raises what the run raised
            raise

    def _entered(self) -> asyncio.Task[BulkReport]:
        if self._running is None:
            raise ClientStateError(
                reason="the run has not begun: `async with gong.stream_updates(...) as outcomes:` begins it"
            )
        return self._running

    async def _run(self) -> BulkReport:
        try:
            return await self._run_job(self._outcomes.put, self._take_report)
        finally:
            self._outcomes.end()

    def _take_report(self, report: BulkReport) -> None:
        self._report = report
