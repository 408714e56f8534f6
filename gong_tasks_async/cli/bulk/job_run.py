"""`bulk run` from its command line to its end: which job is meant, plan, confirmation, updates, summary."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import click
from attrs import evolve, frozen

from gong_tasks_async.bulk import RowState, open_journal
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.bulk.failed_rows import PATH
from gong_tasks_async.cli.bulk.finished_job import print_finished, still_to_send
from gong_tasks_async.cli.bulk.job_argument import resume_command
from gong_tasks_async.cli.bulk.job_folder import SUFFIX, JobFolder, in_use
from gong_tasks_async.cli.bulk.run_progress import CallMeter
from gong_tasks_async.cli.bulk.update_run import RunOptions, UpdateRun
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.job_choice import JobChoice, Standing, choose_job, line_of
from gong_tasks_async.cli.input.planning import PlannedSource, estimated, plan_source
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import STDIN, Source, name_from
from gong_tasks_async.cli.invocation import to_type
from gong_tasks_async.cli.output.console import note, note_command
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import open_client
from gong_tasks_async.config.configuration import Configuration

GOES_ON = (ExitCode.DONE, ExitCode.ROWS_FAILED)
"""Ends of a job after which a selection is listed afresh."""


class OtherJobError(click.ClickException):
    """The name on the command line is another job's; ends the command with 2."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the job {name!r} is of another command line or file: use another --name. To resume that one:\n"
            f"  {resume_command(name)}"
        )


async def run_source(
    configuration: Configuration, source: Source, parsed_input: ParsedInput | None, options: RunOptions
) -> ExitCode:
    """Update the tasks of a source, and print a summary.

    Raises:
        BadInputError: something is wrong with the rows; nothing was sent.
        click.UsageError: the job's name is another job's, or stdin is not a terminal.
        click.ClickException: the job is running in another process.
        GongError: it could not start.
    """
    folder = JobFolder(configuration.jobs_folder, configuration.company)
    line = line_of(source, parsed_input)
    choice = _choice(folder, line, options)
    meter = CallMeter(sleeps=options.bulk.get("wait_for_day", False))
    async with open_client(configuration, on_event=meter) as client:
        run = UpdateRun(client=client, meter=meter, options=options, company=configuration.base_url)
        return await _SourceRun(run, folder, source, parsed_input, line, configuration.profile).follow(choice)


async def resume_job(configuration: Configuration, journal: Path, options: RunOptions) -> ExitCode:
    """Resume a job, and print a summary; no confirmation, which was given when it began.

    Raises:
        click.ClickException: the job is running in another process.
        GongError: it could not start.
    """
    if in_use(journal):
        raise _running(journal.stem)
    meter = CallMeter(sleeps=options.bulk.get("wait_for_day", False))
    async with open_client(configuration, on_event=meter) as client:
        run = UpdateRun(client=client, meter=meter, options=options, company=configuration.base_url)
        return await run.resume(journal)


def _choice(folder: JobFolder, line: str, options: RunOptions) -> JobChoice:
    """The job that is meant, or a refusal, before anything is asked or sent."""
    if options.dry_run or not options.journal:
        return JobChoice(Standing.NEW)
    name = None if options.name is None else _checked(options.name)
    choice = choose_job(folder.known(), line, name)
    if choice.job is None:
        return choice
    if choice.standing is Standing.RUNNING:
        raise _running(choice.job.name)
    if choice.standing is Standing.UNREADABLE:
        raise click.UsageError(
            f"the journal of the job {choice.job.name} cannot be read: use another --name, or move it away"
        )
    if choice.other_line:
        raise OtherJobError(choice.job.name)
    return JobChoice(Standing.NEW) if options.again and name is None else choice


def _running(name: str) -> click.ClickException:
    return click.ClickException(f"the job {name} is running in another process. Nothing was sent.")


def _checked(name: str) -> str:
    try:
        return checked_job_name(name.removesuffix(SUFFIX))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--name") from None


@frozen
class _SourceRun:
    """The run of one source."""

    run: UpdateRun
    folder: JobFolder
    source: Source
    parsed_input: ParsedInput | None
    line: str
    profile: str | None = None

    async def follow(self, choice: JobChoice) -> ExitCode:
        """Do what the standing of the job asks for."""
        if choice.job is None:
            return await self._begin()
        journal = self.folder.path(choice.job.name)
        if choice.standing is Standing.UNFINISHED:
            return await self._resume(journal)
        if self.source.selects:
            return await self._begin(again=True)
        return await self._repeat(journal)

    async def _resume(self, journal: Path) -> ExitCode:
        """Resume the job; of a selection, then list afresh, without the rows that it leaves pending."""
        note(f"The same command began the job {journal.stem}, which is unfinished; resuming it.")
        code = await self.run.resume(journal)
        if not self.source.selects or code not in GOES_ON:
            return code
        with open_journal(journal) as reader:
            pending = frozenset(row.update.task_id for row in reader.rows(RowState.PENDING))
        note("Selecting afresh.")
        return max(code, await self._begin(pending, again=True))

    async def _begin(self, left_out: frozenset[int] = frozenset(), *, again: bool = False) -> ExitCode:
        """A new job; with nothing to do, it is one all the same, unless the line has one already."""
        options = self.run.options
        look = False if options.again or options.guard is False else options.guard
        if options.dry_run and look is None:
            look = False  # a preview costs no call that was not asked for
        planned = await self._plan(look=options.skip_unchanged or look)
        updates = tuple(update for update in planned.plan.updates if update.task_id not in left_out)
        plan = evolve(planned.plan, updates=updates)
        code = await self._start(plan, keep=bool(plan.calls or not again))
        return max(code, ExitCode.ROWS_FAILED) if planned.unlisted else code

    async def _repeat(self, journal: Path) -> ExitCode:
        """The line of a finished job again: send what is no longer as it left it."""
        print_finished(journal)
        again = still_to_send((await self._plan(look=True)).plan, journal)
        again.print_notes(to_type("bulk", "retry", journal.stem))
        if not again.plan.calls:
            self.run.print_job(journal)
            return again.exit_code  # a row that failed then may be as it should be by now
        return max(again.exit_code, await self._start(again.plan))

    async def _plan(self, look: bool | None) -> PlannedSource:
        options = self.run.options
        try:
            return await plan_source(
                self.run.client,
                self.source,
                self.parsed_input,
                look=look,
                names=options.output.is_table if options.dry_run else not options.yes,
                calls=lambda: self.run.meter.calls,
            )
        except asyncio.CancelledError:
            note("Nothing was changed.")
            raise

    async def _start(self, plan: Plan, *, keep: bool = True) -> ExitCode:
        options = self.run.options
        plan = await estimated(self.run.client, plan)
        if options.dry_run:
            print_plan(plan, await self.run.client.quota.snapshot(), options.output)
            return ExitCode.DONE
        journal = self._new_journal() if options.journal and keep else None
        return await self.run.start(plan, journal, self._origin())

    def _origin(self) -> dict[str, str]:
        """Facts of the job: what the line was, and for the report where its rows came from, and by which profile."""
        path = None if self.source.file in (None, STDIN) else str(Path(self.source.file or "").resolve())
        facts = {"line": self.line, "file": self.source.label, PATH: path, "profile": self.profile}
        return {name: text for name, text in facts.items() if text}

    def _new_journal(self) -> Path:
        if self.run.options.name is not None:
            return self.folder.new(_checked(self.run.options.name))
        stem = name_from(self.source.label)
        if other := self.folder.unfinished(stem, self.line):
            note_command(
                f"{other} is unfinished, and of another line or file. To resume it:", resume_command(other)
            )
        return self.folder.new(f"{stem}-{datetime.now().date()}")  # noqa: DTZ005 - a person's day
