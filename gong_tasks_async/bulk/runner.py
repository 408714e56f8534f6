"""Thousands of updates: what each error means for its row and for the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from attrs import frozen

from gong_tasks_async.bulk.applier import Applied, Applier
from gong_tasks_async.bulk.pool import Pool
from gong_tasks_async.bulk.recorder import Recorder, failed_row, updated_row
from gong_tasks_async.bulk.report import BulkReport, Failed, Outcome, Updated
from gong_tasks_async.bulk.tally import Tally
from gong_tasks_async.errors import DailyQuotaError, GongError, Meaning, RateLimitError
from gong_tasks_async.models import TaskUpdate

Updates = Iterable[TaskUpdate] | AsyncIterable[TaskUpdate]
OnSettled = Callable[[Outcome], Awaitable[None]]

JOURNAL_GRACE = 5.0
"""Seconds; a request that is answered within them is recorded, and need not be sent again tomorrow."""

SHORTEST_DAY_WAIT = 1.0
"""Seconds; a rolling day may free its next call at any moment, and asking in a tight loop helps nobody."""


ROWS_OWN = frozenset({Meaning.ROW, Meaning.RUN_UNTIL_SUCCESS})


@frozen(kw_only=True)
class RunSettings:
    """How a run goes about its rows.

    Raises:
        ValueError: a number is out of its range.
    """

    workers: int = 8
    """How many changes may be under way at once."""
    stop_after: int = 5
    """Rows in a row without a final answer that end the run."""
    grace: float | None = None
    """Seconds that a cancelled run gives to the requests under way; None for 5 with a journal, and none without."""
    wait_for_day: bool = False
    """Whether the run sleeps when the day is spent, and goes on by itself when it turns."""

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if self.stop_after < 1:
            raise ValueError(f"stop_after must be at least 1, not {self.stop_after}")
        if self.grace is not None and not self.grace >= 0:
            raise ValueError(f"grace must be 0 seconds or more, not {self.grace}")


class BulkRun:
    """One run over many updates. An outcome is recorded before it is told."""

    def __init__(
        self,
        rows: Updates,
        applier: Applier,
        settings: RunSettings,
        *,
        recorder: Recorder | None = None,
        on_settled: OnSettled | None = None,
    ) -> None:
        self._applier = applier
        self._settings = settings
        self._recorder = recorder
        self._on_settled = on_settled
        grace = settings.grace if settings.grace is not None else (0.0 if recorder is None else JOURNAL_GRACE)
        self._pool = Pool(rows, self._row, settings.workers, halt=applier.halt, grace=grace)
        self._tally = Tally()
        self._taken = self._faults_in_a_row = 0
        self._stopped_because: GongError | None = None

    async def run(self, total: int | None = None) -> BulkReport:
        """Run to the end, or until going on makes no sense.

        Args:
            total: how many rows there are, where that is known.
        """
        started = asyncio.get_running_loop().time()
        await self._pool.run()
        elapsed = asyncio.get_running_loop().time() - started
        return self._report(self._taken if total is None else total, elapsed)

    async def tell(self, outcome: Outcome) -> None:
        """Count an outcome, and hand it to whoever asked for outcomes."""
        self._tally.count(outcome)
        if self._on_settled is not None:
            await self._on_settled(outcome)

    async def _row(self, update: TaskUpdate) -> None:
        self._taken += 1
        try:
            applied = await self._applied(update)
        except GongError as error:
            await self._not_updated(update, error)
        else:
            self._faults_in_a_row = 0
            if self._recorder is not None:
                await self._recorder.settle(updated_row(update, applied))
            await self.tell(Updated(update, applied.task))

    async def _applied(self, update: TaskUpdate) -> Applied:
        while True:
            try:
                return await self._applier.apply(update)
            except DailyQuotaError as error:
                if not self._settings.wait_for_day:
                    raise
                await self._applier.sleep(max(SHORTEST_DAY_WAIT, error.retry_after or 0.0))

    async def _not_updated(self, update: TaskUpdate, error: GongError) -> None:
        if error.meaning in ROWS_OWN:
            self._faults_in_a_row = 0
            failed = Failed(update, error)
            if self._recorder is not None:
                await self._recorder.settle(failed_row(failed))
            await self.tell(failed)
            return
        self._faults_in_a_row += 1
        if error.meaning.concerns_all or self._faults_in_a_row >= self._settings.stop_after:
            self._stopped_because = self._stopped_because or error
            self._pool.stop()

    def _report(self, total: int, elapsed: float) -> BulkReport:
        tally = self._tally
        return BulkReport(
            updated=tally.updated,
            unchanged=tally.unchanged,
            failed=tally.failed,
            pending=max(0, total - tally.settled),
            calls=self._applier.calls,
            rate_limited=self._applier.rate_limited,
            elapsed=elapsed,
            failures=tuple(tally.failures),
            stopped_because=self._stopped_because,
            resume_after=_resume_after(self._stopped_because, datetime.now(UTC)),
            by_user=tally.by_user,
            timeline=tally.timeline.moments(),
            started_at=tally.started_at,
        )


def _resume_after(error: GongError | None, now: datetime) -> datetime | None:
    if isinstance(error, DailyQuotaError) and error.resets_at is not None:
        return error.resets_at
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        return now + timedelta(seconds=error.retry_after)
    return None
