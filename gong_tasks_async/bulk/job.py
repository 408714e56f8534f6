"""A bulk job from its rows to its report: plan, journal, run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sized
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from attrs import evolve, frozen

from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.guard import Guard
from gong_tasks_async.bulk.journal import Journal, open_journal
from gong_tasks_async.bulk.journal_file import JobFacts
from gong_tasks_async.bulk.outcomes import JournalRow, Outcome, RowCounts, Unchanged
from gong_tasks_async.bulk.plan import SAMPLE, Plan, sample_of
from gong_tasks_async.bulk.planning import look_at_owners, make_plan, with_estimate, with_names
from gong_tasks_async.bulk.pool import run_apart
from gong_tasks_async.bulk.recorder import Recorder
from gong_tasks_async.bulk.report import BulkReport
from gong_tasks_async.bulk.run_settings import RunSettings
from gong_tasks_async.bulk.runner import BulkRun, OnSettled, Updates
from gong_tasks_async.bulk.undo import first_updated, owners_of, plan_undo
from gong_tasks_async.errors import GongError, JournalError
from gong_tasks_async.models import TaskUpdate

OnOutcome: TypeAlias = Callable[[Outcome], object]
ANY_COMPANY = "https://api.gong.io"
"""Serves each company that has no address of its own, so it names none."""
GUARD, BASE_URL, SOURCE = "guard", "base_url", "source"
"""Names of facts in a journal."""


@frozen(kw_only=True)
class BulkJob:
    """A job: the calls it makes, its options, its callbacks.

    Attributes:
        applier: makes the calls.
        settings: options of its runs.
        on_settled: called with each outcome, after it is recorded.
        on_report: called with the report, also of a run that was cancelled.
        guard: whether to skip tasks that were changed since; None for as the journal's job began.
        skip_unchanged: whether to list the tasks first, and leave out those that have the values.
        origin: facts for a new journal.
    """

    applier: Applier
    settings: RunSettings
    on_settled: OnSettled | None = None
    on_report: Callable[[BulkReport], None] | None = None
    guard: bool | None = None
    skip_unchanged: bool = False
    origin: Mapping[str, str] | None = None

    async def run(self, updates: Updates | Plan, journal: Path | None = None) -> BulkReport:
        """Run updates as they come; a list is planned first, so that duplicates in it are found.

        Args:
            updates: the rows, or a plan of them.
            journal: the file of the job; None for none.

        Raises:
            PlanConflictError: two rows of a list have different updates of one task.
            JournalError: the journal is not this job's, or cannot be written.
        """
        return await run_apart(self._run(updates, journal))

    async def resume(self, journal: Path) -> BulkReport:
        """Resume the journal's job.

        Args:
            journal: the file of the job.

        Raises:
            JournalError: there is no such journal, it is in use, of another company, or cannot be written.
        """
        return await run_apart(self._run_journaled(journal, None))

    async def plan(self, updates: Updates | Plan, *, look: bool | None = None) -> Plan:
        """The plan of a job; one that was made already is kept.

        Args:
            updates: the rows.
            look: whether to list the owners' tasks first; None for as the job's options need.
        """
        if isinstance(updates, Plan):
            return updates
        wanted = bool(self.guard or self.skip_unchanged) if look is None else look
        return await make_plan(self.applier, await collect(updates), look=wanted)

    async def rehearse(self, updates: Updates | Plan) -> BulkReport:
        """The report of a run that ends before its first update.

        Args:
            updates: the rows.
        """
        plan = await self.plan(updates)
        calls, listings = self.applier.calls, self.applier.listings
        return BulkReport(unchanged=len(plan.unchanged), pending=plan.calls, calls=calls, listings=listings)

    async def plan_undo(self, journal: Path) -> Plan:
        """The plan that restores what a job has changed.

        Args:
            journal: the file of the job.

        Raises:
            JournalError: the journal cannot be read, or is another company's.
            GongError: the tasks cannot be listed.
        """
        rows, users, company = await asyncio.to_thread(_rows_of, journal)
        await self._check_company(journal, company)
        return with_names(await self.plan_undo_of(rows), users, f"undo of {journal.stem}")

    async def plan_undo_of(self, rows: list[JournalRow]) -> Plan:
        """The plan that restores what these rows have changed.

        Raises:
            GongError: the tasks cannot be listed.
        """
        look, tasks = await look_at_owners(self.applier, owners_of(rows), first_updated(rows))
        plan = plan_undo(rows, look)
        sample = tuple(islice(sample_of(plan.updates, tasks.get), SAMPLE))
        return await with_estimate(self.applier, evolve(plan, sample=sample))

    async def _run(self, updates: Updates | Plan, journal: Path | None) -> BulkReport:
        looks = bool(self.guard or self.skip_unchanged)
        if (
            isinstance(updates, Plan | Sized)
            or looks
            or (journal is not None and isinstance(updates, AsyncIterable))
        ):
            known = journal is not None and await asyncio.to_thread(journal.exists)
            plan = await self.plan(updates, look=looks and not known)  # a known job looks at what is pending
            return await self._run_plan(plan, journal)
        if journal is not None and not isinstance(updates, AsyncIterable):
            return await self._run_journaled(journal, updates)
        return await self._run_rows(BulkRun(updates, self.applier, self.settings, on_settled=self.on_settled))

    async def _run_plan(self, plan: Plan, journal: Path | None) -> BulkReport:
        if journal is not None:
            return await self._run_journaled(journal, plan.updates, plan)
        guard = self._guard(plan, None, resumed=False, guarded=bool(self.guard))
        run = BulkRun(plan.updates, self.applier, self.settings, guard=guard, on_settled=self.on_settled)
        return await self._run_rows(run, plan.unchanged, plan.calls)

    async def _run_journaled(
        self, path: Path, updates: Iterable[TaskUpdate] | None, plan: Plan | None = None
    ) -> BulkReport:
        recorder = await Recorder.open(await self._journal_opener(path, updates, plan))
        try:
            facts, before = await recorder.facts(), await recorder.counts()
            await self._check_company(path, facts.get(BASE_URL))
            resumed = (
                before.settled > (len(plan.unchanged) if plan else 0) or plan is None or plan.look is None
            )
            guarded = facts.get(GUARD) == "1" if self.guard is None else self.guard
            guard = self._guard(plan, recorder, resumed=resumed, guarded=guarded)
            run = BulkRun(
                recorder.pending(),
                self.applier,
                self.settings,
                recorder=recorder,
                guard=guard,
                on_settled=self.on_settled,
            )
            await recorder.begin_run(run.spent)
            unchanged = () if plan is None else plan.unchanged
            return await self._run_rows(run, unchanged, before.pending, recorder)
        finally:
            await recorder.close()

    async def _run_rows(
        self,
        run: BulkRun,
        unchanged: Iterable[TaskUpdate] = (),
        calls: int | None = None,
        recorder: Recorder | None = None,
    ) -> BulkReport:
        skipped = 0
        for update in unchanged:
            await run.record_outcome(Unchanged(update))
            skipped += 1
        total = None if calls is None else calls + skipped
        try:
            await run.run()
        except BaseException:
            with suppress(JournalError):  # the first error is raised
                await self._end(run, total, recorder)
            raise
        return await self._end(run, total, recorder)

    async def _end(self, run: BulkRun, total: int | None, recorder: Recorder | None) -> BulkReport:
        report = run.report(total)
        if recorder is not None:
            await recorder.end_run(run.spent())
            by_user = _with_pending(report, await recorder.pending_by_user())
            report = evolve(report, by_user=by_user, job=recorder.path_stem)
        if self.on_report is not None:
            self.on_report(report)
        return report

    def _guard(
        self, plan: Plan | None, recorder: Recorder | None, *, resumed: bool, guarded: bool
    ) -> Guard | None:
        if not guarded and not (self.skip_unchanged and resumed and recorder is not None):
            return None
        guard = Guard(self.applier, guarded, recorder)
        if plan is not None and plan.look is not None:
            guard.trust(plan.look)
        return guard

    async def _journal_opener(
        self, path: Path, updates: Iterable[TaskUpdate] | None, plan: Plan | None
    ) -> Callable[[], Journal]:
        if updates is None:
            return partial(Journal.create_or_open, path, None)
        texts = dict(self.origin or {}) | await self._own_facts(plan)
        return partial(
            Journal.create_or_open,
            path,
            updates,
            unchanged=() if plan is None else plan.unchanged,
            looked={} if plan is None else plan.looked,
            facts=JobFacts(texts, {} if plan is None else plan.users_by_id),
        )

    async def _own_facts(self, plan: Plan | None) -> dict[str, str]:
        facts = {BASE_URL: await self._company()}
        if self.guard:
            facts[GUARD] = "1"
        if plan is not None and plan.source:
            facts[SOURCE] = plan.source
        return facts

    async def _company(self) -> str:
        with suppress(GongError):  # the run will meet it, and say so
            await self.applier.ready()
        return self.applier.base_url

    async def _check_company(self, path: Path, company: str | None) -> None:
        """Refuse a journal of another company before a call: all of its rows would be refused there."""
        here = await self._company()
        if company not in (None, ANY_COMPANY, here) and here != ANY_COMPANY:
            reason = f"its job is of the company at {company}, and this client is of {here}: use that company's client"
            raise JournalError(path=str(path), reason=reason)


def _rows_of(path: Path) -> tuple[list[JournalRow], dict[str, str], str | None]:
    """A job's rows, the names of their owners, and its company."""
    with open_journal(path) as journal:
        return list(journal.rows()), journal.users, journal.company


def _with_pending(report: BulkReport, pending: Mapping[str, int]) -> dict[str, RowCounts]:
    """This run's counts of each user, and what the journal still holds for them."""
    ran = report.by_user
    users = [user_id for user_id, rows in pending.items() if rows or user_id in ran]
    return {user_id: evolve(ran.get(user_id, RowCounts()), pending=pending[user_id]) for user_id in users}


async def collect(updates: Updates | Iterable[TaskUpdate]) -> list[TaskUpdate]:
    """All rows at once.

    Args:
        updates: the rows, from a plain or an async iterable.
    """
    if isinstance(updates, AsyncIterable):
        return [update async for update in updates]
    return list(updates)


def as_async(on_outcome: OnOutcome | None) -> OnSettled | None:
    """A callback, plain or async, as a run calls it."""
    if on_outcome is None:
        return None
    if not callable(on_outcome):
        raise TypeError(f"on_outcome must be a function of one outcome, not {type(on_outcome).__name__}")

    async def on_settled(outcome: Outcome) -> None:
        result = on_outcome(outcome)
        if inspect.isawaitable(result):
            await result

    return on_settled
