"""A bulk run: what each error means for its row and for the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from gong_tasks_async.bulk.applier import Applied, Applier
from gong_tasks_async.bulk.breaker import Breaker
from gong_tasks_async.bulk.guard import Guard, RowLooks
from gong_tasks_async.bulk.journal_entries import Note, PendingRow
from gong_tasks_async.bulk.journal_reader import RunRecord
from gong_tasks_async.bulk.outage import Outage
from gong_tasks_async.bulk.outcomes import (
    Failed,
    JournalRow,
    Outcome,
    RowState,
    Skipped,
    Unchanged,
    Updated,
    record_of,
)
from gong_tasks_async.bulk.pool import Pool
from gong_tasks_async.bulk.recorder import Recorder
from gong_tasks_async.bulk.render.format import error_label, gong_message
from gong_tasks_async.bulk.report import BulkReport, build_report
from gong_tasks_async.bulk.run_settings import RunSettings
from gong_tasks_async.bulk.tally import Tally
from gong_tasks_async.errors import (
    APIError,
    DailyQuotaError,
    GongError,
    JournalError,
    Meaning,
    RateLimitError,
    RefusedAlikeError,
    ServerError,
)
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.models.requests import check_update

Updates: TypeAlias = Iterable[TaskUpdate] | AsyncIterable[TaskUpdate]
Rows: TypeAlias = Updates | Iterable[PendingRow] | AsyncIterable[PendingRow]
OnSettled: TypeAlias = Callable[[Outcome], Awaitable[None]]

JOURNAL_GRACE = 5.0
"""Seconds; a request that is answered within them is recorded, and need not be sent again tomorrow."""
SHORTEST_DAY_WAIT = 1.0
"""Seconds; a rolling day may free its next call at any moment, but asking in a tight loop is of no use."""
LONGEST_SLEEP = 60.0
"""Seconds; the event loop's clock stands still while a machine is suspended, and another process may give calls back,
so the quota is asked again."""
ROWS_OWN = frozenset({Meaning.ROW, Meaning.RUN_UNTIL_SUCCESS})
GIVE_UP_AFTER = 5
"""Runs of a job in which Gong answers a row with 500; then the row fails, and never stops the runs after."""


class BulkRun:
    """One run over many updates. An outcome is recorded before it is reported."""

    def __init__(
        self,
        rows: Rows,
        applier: Applier,
        settings: RunSettings,
        *,
        recorder: Recorder | None = None,
        guard: Guard | None = None,
        on_settled: OnSettled | None = None,
    ) -> None:
        self._applier = applier
        self._settings = settings
        self._recorder = recorder
        self._guard = guard
        self._on_settled = on_settled
        grace = settings.grace if settings.grace is not None else (0.0 if recorder is None else JOURNAL_GRACE)
        self._pool = Pool[TaskUpdate | PendingRow](
            rows, self._row, settings.workers, halt=applier.halt, grace=grace
        )
        self._outage = Outage(settings.outage_timeout, applier.sleep)
        self._breaker = Breaker(settings.stop_after_refusals)
        self._tally = Tally()
        self._taken = self._faults_in_a_row = 0
        self._answered_500: list[tuple[PendingRow, GongError]] = []
        self._stopped_because: GongError | None = None
        self._elapsed = 0.0

    async def run(self) -> None:
        """Run to the end, or until it makes no sense to run on.

        Raises:
            Exception: what the rows, the journal or the callback raised.
        """
        started = asyncio.get_running_loop().time()
        try:
            await self._pool.run()
        except BaseException:
            self._elapsed = asyncio.get_running_loop().time() - started
            with suppress(JournalError):  # the first error is raised
                await self._finish(complete=False)
            raise
        self._elapsed = asyncio.get_running_loop().time() - started
        await self._finish(complete=self._stopped_because is None)

    async def record_outcome(self, outcome: Outcome) -> None:
        """Count an outcome, and hand it to the callback."""
        self._tally.count(outcome)
        if self._on_settled is not None:
            await self._on_settled(outcome)

    def spent(self) -> RunRecord:
        """What the run has spent so far, and why it stopped."""
        return RunRecord(
            calls=self._applier.calls,
            listings=self._applier.listings,
            rate_limited=self._applier.rate_limited,
            stopped_because=self._stopped_because,
            resume_after=_resume_after(self._stopped_because, datetime.now(UTC)),
        )

    def report(self, total: int | None = None) -> BulkReport:
        """The report of this run.

        Args:
            total: how many rows there are, where that is known.
        """
        spent, tally = self.spent(), self._tally
        rows = self._taken if total is None else total
        return build_report(
            tally.summary(),
            pending=max(0, rows - tally.settled),
            calls=spent.calls,
            listings=spent.listings,
            rate_limited=spent.rate_limited,
            elapsed=self._elapsed,
            stopped_because=spent.stopped_because,
            resume_after=spent.resume_after,
            started_at=tally.started_at,
            unguarded=0 if self._guard is None else self._guard.unguarded,
        )

    async def _row(self, item: TaskUpdate | PendingRow) -> None:
        row = item if isinstance(item, PendingRow) else PendingRow(0, item)
        if type(row.update) is not TaskUpdate:
            check_update(row.update)
        self._taken += 1
        looks = None if self._guard is None else RowLooks(self._guard, row)
        try:
            record, outcome = await self._outage.call(lambda: self._try(row, looks))
        except JournalError:
            raise  # the run cannot record anything more
        except GongError as error:
            await self._not_updated(row, error)
            return
        self._faults_in_a_row = 0
        if record.state is RowState.UPDATED:
            await self._fail(self._breaker.succeeded())
        await self._settle(record, outcome)

    async def _try(self, row: PendingRow, looks: RowLooks | None) -> tuple[JournalRow, Outcome]:
        while True:
            try:
                if looks is not None and (found := await looks.check()) is not None:
                    return found, _outcome_of(found)
                applied = await self._apply(row, looks)
            except DailyQuotaError as error:
                if not self._settings.wait_for_day:
                    raise
                wait = max(SHORTEST_DAY_WAIT, error.retry_after or 0.0)
                await self._applier.sleep(min(wait, LONGEST_SLEEP))
            except GongError:
                if looks is None or (found := looks.outcome()) is None:
                    raise
                return found, _outcome_of(found)
            else:
                outcome = Updated(row.update, applied.task)
                return record_of(outcome, attempts=applied.attempts, request_id=applied.request_id), outcome

    async def _apply(self, row: PendingRow, looks: RowLooks | None) -> Applied:
        if looks is not None and self._recorder is not None:
            await self._recorder.send(row.update.task_id)
        return await self._applier.apply(row.update, looks)

    async def _not_updated(self, row: PendingRow, error: GongError) -> None:
        if error.meaning in ROWS_OWN:
            await self._refused(Failed(row.update, error))
            return
        if _is_answered_500(error):
            if row.lives + 1 >= GIVE_UP_AFTER:
                await self._fail([Failed(row.update, error)])
                return
            self._answered_500.append((row, error))
        await self._keep_pending(row.update, error)
        self._faults_in_a_row += 1
        if error.meaning.concerns_all or self._faults_in_a_row >= self._settings.stop_after:
            self._stop(error)

    async def _refused(self, failed: Failed) -> None:
        self._faults_in_a_row = 0
        if self._settings.accept_refusals:
            await self._fail([failed])
            return
        await self._fail(self._breaker.refused(failed))
        if self._breaker.is_open:
            self._stop(refused_alike(self._breaker.suspects, self._taken))

    async def _keep_pending(
        self, update: TaskUpdate, error: GongError, *, suspect: bool = False, life: int = 0
    ) -> None:
        self._tally.keep_pending(JournalRow(update, attempts=error.attempts, cause=error))
        if self._recorder is not None:
            await self._recorder.note(Note(update.task_id, error, suspect, life))

    async def _fail(self, failures: list[Failed]) -> None:
        for failed in failures:
            await self._settle(record_of(failed), failed)

    async def _settle(self, record: JournalRow, outcome: Outcome) -> None:
        if self._recorder is not None:
            await self._recorder.settle(record)
        await self.record_outcome(outcome)

    def _stop(self, error: GongError) -> None:
        self._stopped_because = self._stopped_because or error
        self._pool.stop()

    async def _finish(self, *, complete: bool) -> None:
        """Settle what waits for the end of the run, or note why it stays pending."""
        suspects = self._breaker.release()
        if complete:
            await self._fail(suspects)
        for failed in () if complete else suspects:
            await self._keep_pending(failed.update, failed.error, suspect=True)
        # A company without Engage gets 500 for every row: no row is given up before the job has had a success.
        if self._recorder is not None and self._answered_500 and (await self._recorder.counts()).updated:
            for row, error in self._answered_500:
                await self._keep_pending(row.update, error, life=1)


def _outcome_of(record: JournalRow) -> Outcome:
    if record.state is RowState.UPDATED:
        return Updated(record.update, None)
    if record.state is RowState.SKIPPED:
        return Skipped(record.update, record.reason or "")
    return Unchanged(record.update)


def _is_answered_500(error: GongError) -> bool:
    return isinstance(error, ServerError) and error.status == 500 and error.from_gong  # noqa: PLR2004 - Gong's own


def refused_alike(suspects: list[Failed], rows: int) -> RefusedAlikeError:
    """The error that stops a run whose rows were refused alike."""
    error = suspects[-1].error
    return RefusedAlikeError(
        method=error.method,
        url=error.url,
        count=len(suspects),
        rows=rows,
        status=error.status if isinstance(error, APIError) else None,
        label=error_label(error),
        message=gong_message(error),
        request_id=suspects[-1].request_id,
    )


def _resume_after(error: GongError | None, now: datetime) -> datetime | None:
    if isinstance(error, DailyQuotaError) and error.resets_at is not None:
        return error.resets_at
    if isinstance(error, RateLimitError) and error.resume_in is not None:
        return now + timedelta(seconds=error.resume_in)
    return None
