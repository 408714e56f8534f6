"""One run of a job: confirmation, updates with progress, summary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from attrs import frozen

from gong_tasks_async.bulk import BulkReport, RowState, open_journal
from gong_tasks_async.bulk.plan import Plan, plan_updates
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.bulk.run_progress import CallMeter, OnOutcome, run_with_progress
from gong_tasks_async.cli.bulk.summary import describe_resume, print_failures, print_job, print_summary
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.planning import estimated
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.plan import print_sample
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.config.private_files import make_private_folder
from gong_tasks_async.settings import BulkSettings


@frozen(kw_only=True)
class RunOptions:
    """Options of a run."""

    name: str | None = None
    dry_run: bool = False
    yes: bool = True
    journal: bool = True
    skip_unchanged: bool = False
    guard: bool | None = None
    """None: where it costs at most one call for five rows."""
    again: bool = False
    """Send all rows of a finished job, without a look."""
    bulk: BulkSettings
    output: Output


@frozen(kw_only=True)
class UpdateRun:
    """What all runs of a command line share."""

    client: GongTasksClient
    meter: CallMeter
    options: RunOptions
    company: str
    """Its address."""

    async def start(self, plan: Plan, journal: Path | None, origin: Mapping[str, str]) -> ExitCode:
        """Run a plan as a new job, once it is agreed to.

        Raises:
            JournalError: the journal cannot be written.
            UnsafeFileError: its folder is another user's, or others can write it.
        """
        if plan.calls:
            await self._confirm(plan)
        else:
            note("Nothing to change.")
        if journal is not None:
            make_private_folder(journal.parent)
            note(f"Job {journal.stem}")

        async def send(on_outcome: OnOutcome) -> BulkReport:
            return await self.client.update_many(
                plan,
                journal=journal,
                guard=self.guards(plan),
                on_outcome=on_outcome,
                origin=origin,
                **self.options.bulk,
            )

        return await self._carry_out(plan.calls + len(plan.unchanged), journal, send)

    async def resume(self, journal: Path) -> ExitCode:
        """Send the pending updates of a job; where there are none, print its results.

        Raises:
            JournalError: the journal is in use, or cannot be written.
        """
        with open_journal(journal) as reader:
            total = reader.counts().total
            pending = plan_updates(row.update for row in reader.rows(RowState.PENDING))
            done = reader.report() if not pending.calls else None
        note(f"{total - pending.calls:,} of {counted(total, 'row')} are done.")
        if done is not None:
            print_failures(done, journal)
            return self.print_job(journal)
        await self._confirm(await estimated(self.client, pending))

        async def send(on_outcome: OnOutcome) -> BulkReport:
            return await self.client.resume_many(
                journal,
                guard=self.options.guard,
                skip_unchanged=self.options.skip_unchanged,
                on_outcome=on_outcome,
                **self.options.bulk,
            )

        return await self._carry_out(pending.calls, journal, send)

    def guards(self, plan: Plan) -> bool:
        """Whether rows whose task was changed meanwhile are skipped."""
        return plan.look is not None and self.options.guard is not False and not self.options.again

    def print_job(self, journal: Path) -> ExitCode:
        """Print the results of a job that is finished; nothing is sent."""
        with open_journal(journal) as reader:
            report = reader.report()
        print_job(report, journal, self.options.output)
        return ExitCode.ROWS_FAILED if report.failed else ExitCode.DONE

    async def _confirm(self, plan: Plan) -> None:
        if self.options.yes:
            return
        print_sample(plan)
        confirm(f"{confirmation(plan, await self.client.quota.snapshot())} Company: {self.company}.")

    async def _carry_out(
        self, total: int, journal: Path | None, send: Callable[[OnOutcome], Awaitable[BulkReport]]
    ) -> ExitCode:
        try:
            report = await run_with_progress(send, total, self.meter, self.client.quota)
        except asyncio.CancelledError:
            note(_how_to_resume(journal))
            raise
        return print_summary(report, journal, self.meter, self.options.output)


def _how_to_resume(journal: Path | None) -> str:
    """What to do after an interruption; a journal that was not begun has no rows."""
    return describe_resume(journal) if journal is None or journal.exists() else "Nothing was changed."
