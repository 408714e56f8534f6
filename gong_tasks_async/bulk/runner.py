"""Thousands of updates: what each error means for its row and for the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sized
from datetime import UTC, datetime, timedelta

from gong_tasks_async.bulk.pool import Pool
from gong_tasks_async.bulk.report import BulkReport, Failed, Outcome, Updated
from gong_tasks_async.errors import (
    APIError,
    AuthenticationError,
    ClientStateError,
    DecodeError,
    GongError,
    RateLimitError,
    ServerError,
)
from gong_tasks_async.models import Task, TaskUpdate

KEPT_FAILURES = 1_000

Updates = Iterable[TaskUpdate] | AsyncIterable[TaskUpdate]


def is_final(error: GongError) -> bool:
    """Whether the same row would be answered the same way again."""
    if isinstance(error, DecodeError):
        return True
    return isinstance(error, APIError) and not isinstance(
        error, ServerError | RateLimitError | AuthenticationError
    )


def stops_the_run(error: GongError) -> bool:
    """Whether every other row would fare the same: bad credentials, a spent quota, a closed client."""
    return isinstance(error, AuthenticationError | RateLimitError | ClientStateError)


class BulkRun:
    """One run over many updates; ``apply`` makes one of them, in the bulk lane."""

    def __init__(
        self,
        updates: Updates,
        apply: Callable[[TaskUpdate], Awaitable[Task]],
        *,
        workers: int,
        stop_after: int,
        on_outcome: Callable[[Outcome], None] | None,
    ) -> None:
        if stop_after < 1:
            raise ValueError(f"stop_after must be at least 1, not {stop_after}")
        self._apply = apply
        self._on_outcome = on_outcome
        self._stop_after = stop_after
        self._pool = Pool(updates, self._row, workers)
        self._total = len(updates) if isinstance(updates, Sized) else None
        self._taken = self._updated = self._failed = self._faults_in_a_row = 0
        self._failures: list[Failed] = []
        self._stopped_because: GongError | None = None

    async def run(self, calls: Callable[[], int]) -> BulkReport:
        """Run to the end, or until going on makes no sense; ``calls`` tells the requests sent so far."""
        started = asyncio.get_running_loop().time()
        await self._pool.run()
        return self._report(calls(), asyncio.get_running_loop().time() - started)

    async def _row(self, update: TaskUpdate) -> None:
        self._taken += 1
        try:
            task = await self._apply(update)
        except GongError as error:
            self._not_updated(update, error)
        else:
            self._updated += 1
            self._faults_in_a_row = 0
            self._settle(Updated(update, task))

    def _not_updated(self, update: TaskUpdate, error: GongError) -> None:
        if is_final(error):
            self._faults_in_a_row = 0
            self._failed += 1
            failed = Failed(update, error)
            if len(self._failures) < KEPT_FAILURES:
                self._failures.append(failed)
            self._settle(failed)
            return
        self._faults_in_a_row += 1
        if stops_the_run(error) or self._faults_in_a_row >= self._stop_after:
            self._stopped_because = self._stopped_because or error
            self._pool.stop()

    def _settle(self, outcome: Outcome) -> None:
        if self._on_outcome is not None:
            self._on_outcome(outcome)

    def _report(self, calls: int, elapsed: float) -> BulkReport:
        settled = self._updated + self._failed
        return BulkReport(
            updated=self._updated,
            failed=self._failed,
            pending=(self._taken if self._total is None else self._total) - settled,
            calls=calls,
            elapsed=elapsed,
            failures=tuple(self._failures),
            stopped_because=self._stopped_because,
            resume_after=_resume_after(self._stopped_because, datetime.now(UTC)),
        )


def _resume_after(error: GongError | None, now: datetime) -> datetime | None:
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        return now + timedelta(seconds=error.retry_after)
    return None
