"""A run from the command line to its end: plan, confirmation, journal, updates, report."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import click
from attrs import frozen

from gong_tasks_async.bulk import RowState, open_journal
from gong_tasks_async.bulk.plan import Plan, plan_updates
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.bulk.report import BulkReport
from gong_tasks_async.cli.bulk.job_argument import resume_command
from gong_tasks_async.cli.bulk.job_folder import JobFolder, checked_name, job_of_rows
from gong_tasks_async.cli.bulk.run_progress import CallMeter, OnOutcome, run_with_progress
from gong_tasks_async.cli.bulk.summary import as_json, describe_resume, print_summary
from gong_tasks_async.cli.config.configuration import Configuration
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.planning import PlannedSource, estimated, plan_source
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, name_from
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import open_client
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.settings import BulkSettings


@frozen(kw_only=True)
class Settings:
    """Options of a run."""

    name: str | None
    dry_run: bool
    yes: bool
    journal: bool
    skip_unchanged: bool
    bulk: BulkSettings
    json: bool


async def run_source(
    configuration: Configuration, source: Source, parsed_input: ParsedInput | None, settings: Settings
) -> ExitCode:
    """Update the tasks of a source, and print a summary.

    Raises:
        BadInputError: something is wrong with the rows; nothing was sent.
        click.UsageError: the job's name is another job's, or stdin is not a terminal.
        GongError: it could not start.
    """
    folder = JobFolder(configuration.jobs_folder, configuration.company)
    unfinished = (
        None if settings.dry_run or not settings.journal else find_unfinished(folder, source, settings.name)
    )
    if unfinished is not None:
        note(f"The same selection began the job {unfinished.stem}, which is unfinished; resuming it.")
    meter = CallMeter(sleeps=settings.bulk.get("wait_for_day", False))
    async with open_client(configuration, on_event=meter) as client:
        if unfinished is not None:
            return await Run(configuration.base_url, client, meter, settings, unfinished).resume()
        look = settings.skip_unchanged and settings.dry_run
        planned = await plan_source(client, source, parsed_input, look=look)
        if settings.dry_run or not (planned.rows or as_json(settings.json)):
            print_plan(planned.plan, await client.quota.snapshot(), json=settings.json)
            return ExitCode.DONE
        if not planned.rows:  # a program reads the report, of a run like any other
            note("Nothing to change.")
        keeps = settings.journal and planned.rows
        journal = journal_for(folder, source, settings.name, planned.rows) if keeps else None
        return await Run(configuration.base_url, client, meter, settings, journal).start(planned)


async def resume_job(
    configuration: Configuration, journal: Path, bulk: BulkSettings, *, json: bool
) -> ExitCode:
    """Resume a job, and print a summary; no confirmation, which was given when it began.

    Raises:
        GongError: it could not start.
    """
    settings = Settings(
        name=None, dry_run=False, yes=True, journal=True, skip_unchanged=False, bulk=bulk, json=json
    )
    meter = CallMeter(sleeps=bulk.get("wait_for_day", False))
    async with open_client(configuration, on_event=meter) as client:
        return await Run(configuration.base_url, client, meter, settings, journal).resume()


def find_unfinished(folder: JobFolder, source: Source, name: str | None) -> Path | None:
    """The unfinished job of the same selection; its finished tasks would not be selected again.

    Raises:
        click.UsageError: the name given is another job's.
    """
    if not source.selects:
        return None
    if name is None:
        found = folder.unfinished(name_from(source.label))
        return folder.path(found) if found else None
    if folder.path(_checked(name)).exists():
        raise click.UsageError(
            f"there is a job {name!r} already: `{resume_command(name)}` resumes it; for another one, "
            "take another name"
        )
    return None


def journal_for(folder: JobFolder, source: Source, name: str | None, rows: tuple[TaskUpdate, ...]) -> Path:
    """The path of these rows' journal: that of a job with the same rows, or a new one.

    Raises:
        click.UsageError: the name is one of a job with other rows.
    """
    job = job_of_rows(rows)
    if name is None:
        stem = name_from(source.label)
        if unfinished := folder.unfinished(stem, job):
            return folder.path(unfinished)
        if other := folder.unfinished(stem):
            note(f"{other} has other rows and is unfinished: `{resume_command(other)}`. This is another job.")
        return folder.path(folder.free_name(stem, datetime.now().date(), job))  # noqa: DTZ005 - a person's day
    path = folder.path(_checked(name))
    if path.exists():
        with open_journal(path) as journal:
            if journal.job != job:
                raise click.UsageError(
                    f"the job {name!r} has other rows than this: take another name, or resume that job by "
                    f"`{resume_command(name)}`"
                )
    return path


def _checked(name: str) -> str:
    try:
        return checked_name(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--name") from None


@frozen
class Run:
    """One run of a job, or of rows without one."""

    company: str
    """Its address."""
    client: GongTasksClient
    meter: CallMeter
    settings: Settings
    journal: Path | None

    async def start(self, planned: PlannedSource) -> ExitCode:
        """Send these updates; of an existing job, its pending ones."""
        if self.journal is not None and self.journal.exists():
            note(f"These rows are already job {self.journal.stem}; resuming it.")
            return await self.resume()
        await self._confirm(planned.plan)
        if self.journal is not None:
            self.journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            note(f"Job {self.journal.stem}")
        return await self._carry_out(planned.plan.calls, planned.rows)

    async def resume(self) -> ExitCode:
        """Send the job's pending updates."""
        assert self.journal is not None  # noqa: S101 - there is a job
        with open_journal(self.journal) as journal:
            total = journal.counts().total
            pending = plan_updates(row.update for row in journal.rows(RowState.PENDING))
        note(f"{total - pending.calls:,} of {counted(total, 'row')} are done.")
        if pending.calls:
            await self._confirm(await estimated(self.client, pending))
        return await self._carry_out(pending.calls, None)

    async def _confirm(self, plan: Plan) -> None:
        if plan.calls and not self.settings.yes:
            quota = await self.client.quota.snapshot()
            asked = confirmation(plan, quota, look=self.settings.skip_unchanged)
            confirm(f"{asked} Company: {self.company}.")

    async def _carry_out(self, total: int, rows: tuple[TaskUpdate, ...] | None) -> ExitCode:
        async def changed(on_outcome: OnOutcome) -> BulkReport:
            settings = self.settings
            if rows is None and self.journal is not None:
                return await self.client.resume_many(self.journal, on_outcome=on_outcome, **settings.bulk)
            return await self.client.update_many(
                rows or (),
                journal=self.journal,
                skip_unchanged=settings.skip_unchanged,
                on_outcome=on_outcome,
                **settings.bulk,
            )

        left = (await self.client.quota.snapshot()).left
        try:
            report = await run_with_progress(changed, total, self.meter, left)
        except asyncio.CancelledError:
            started = self.journal is None or self.journal.exists()
            note(describe_resume(self.journal) if started else "Nothing was changed.")
            raise
        return print_summary(report, self.journal, self.meter, json=as_json(self.settings.json))
