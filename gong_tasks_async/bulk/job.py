"""A bulk job from its rows to its report: plan, journal, run."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sized
from pathlib import Path

from attrs import evolve, frozen

from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.plan import Plan, plan_updates
from gong_tasks_async.bulk.recorder import Recorder
from gong_tasks_async.bulk.report import BulkReport, Outcome, RowCounts, Unchanged
from gong_tasks_async.bulk.runner import BulkRun, RunSettings
from gong_tasks_async.models import TaskUpdate

Updates = Iterable[TaskUpdate] | AsyncIterable[TaskUpdate]
OnSettled = Callable[[Outcome], Awaitable[None]]


@frozen(kw_only=True)
class Job:
    """What is to be done, how, and by whom."""

    applier: Applier
    settings: RunSettings
    on_settled: OnSettled | None = None

    async def run(self, updates: Updates, journal: Path | None = None) -> BulkReport:
        """Run updates as they come; a list is planned first, so that twins in it are found.

        Raises:
            PlanConflictError: two rows of a list want different things of one task.
            JournalError: the journal is not this job's, or cannot be written.
        """
        if isinstance(updates, Sized) or (journal is not None and isinstance(updates, AsyncIterable)):
            return await self.run_plan(plan_updates(await listed(updates)), journal)
        if journal is not None and not isinstance(updates, AsyncIterable):
            return await self._run_journaled(journal, lambda: Journal.create_or_open(journal, updates))
        return await BulkRun(updates, self.applier, self.settings, on_settled=self.on_settled).run()

    async def run_plan(self, plan: Plan, journal: Path | None = None) -> BulkReport:
        """Run what was planned.

        Raises:
            JournalError: the journal is not this job's, or cannot be written.
        """
        if journal is not None:
            return await self._run_journaled(
                journal,
                lambda: Journal.create_or_open(journal, plan.updates, unchanged=plan.unchanged),
                plan.unchanged,
            )
        run = BulkRun(plan.updates, self.applier, self.settings, on_settled=self.on_settled)
        return await self._run(run, plan.unchanged, plan.calls)

    async def resume(self, journal: Path) -> BulkReport:
        """Go on where the journal's job ended.

        Raises:
            JournalError: there is no such journal, it is in use, or cannot be written.
        """
        return await self._run_journaled(journal, lambda: Journal.create_or_open(journal, None))

    async def _run_journaled(
        self, path: Path, open_journal: Callable[[], Journal], unchanged: Iterable[TaskUpdate] = ()
    ) -> BulkReport:
        recorder = await Recorder.open(open_journal)
        try:
            pending = await recorder.pending_count()
            run = BulkRun(
                recorder.pending(), self.applier, self.settings, recorder=recorder, on_settled=self.on_settled
            )
            report = await self._run(run, unchanged, pending)
            return evolve(
                report, by_user=_with_pending(report, await recorder.pending_by_user()), job=path.stem
            )
        finally:
            await recorder.close()

    async def _run(self, run: BulkRun, unchanged: Iterable[TaskUpdate], calls: int) -> BulkReport:
        skipped = 0
        for update in unchanged:
            await run.tell(Unchanged(update))
            skipped += 1
        return await run.run(calls + skipped)


def _with_pending(report: BulkReport, pending: Mapping[str, int]) -> dict[str, RowCounts]:
    """This run's counts of each user, and what the journal still holds for them."""
    ran = report.by_user
    users = [user_id for user_id, rows in pending.items() if rows or user_id in ran]
    return {user_id: evolve(ran.get(user_id, RowCounts()), pending=pending[user_id]) for user_id in users}


async def listed(updates: Updates) -> list[TaskUpdate]:
    """All rows at once, for those who need to see them all."""
    if isinstance(updates, AsyncIterable):
        return [update async for update in updates]
    return list(updates)


def as_async(on_outcome: Callable[[Outcome], None] | None) -> OnSettled | None:
    """A plain callback, as a run calls it."""
    if on_outcome is None:
        return None

    async def on_settled(outcome: Outcome) -> None:
        on_outcome(outcome)

    return on_settled
