"""Submit a job from the command line: plan, confirmation, name, next command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from attrs import evolve, frozen

from gong_tasks_async.bulk import RowState
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.job_choice import KnownJob, Standing, choose_job, line_of
from gong_tasks_async.cli.input.planning import plan_source
from gong_tasks_async.cli.input.repeated import note_finished, split_repeated
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, name_from
from gong_tasks_async.cli.job_server import JobServer, jobs_command
from gong_tasks_async.cli.jobs.naming import Submission, names_of_the_day
from gong_tasks_async.cli.jobs.text import COUNTS, NO_WORKER, exit_code, next_command, waits_for_worker
from gong_tasks_async.cli.output.console import emit, note, note_command
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import open_client
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.config.configuration import Configuration
from gong_tasks_async.distributed import JobExistsError, Jobs, JobState, Progress


@frozen(kw_only=True)
class Settings:
    """Options of a submission."""

    name: str | None
    credentials: str
    dry_run: bool
    yes: bool
    skip_unchanged: bool = False
    guard: bool | None = None
    """None: where it costs at most one call for five rows."""
    again: bool = False
    """Send all rows, whatever an earlier job did."""
    output: Output
    """How a preview is written."""


EARLIEST = datetime.min.replace(tzinfo=UTC)


@frozen
class Company:
    """What is open while a submission is prepared: the company's jobs, and a client within their quota."""

    jobs: Jobs
    client: GongTasksClient
    base_url: str

    async def confirm(self, plan: Plan, settings: Settings) -> bool:
        """Ask whether to submit a plan; False if it is to be shown only."""
        left = await self.client.quota.snapshot()
        if settings.dry_run:
            print_plan(plan, left, settings.output)
            return False
        if not plan.calls:
            note("Nothing to change.")
        elif not settings.yes:
            confirm(f"{confirmation(plan, left)} Company: {self.base_url}.")
        return True

    async def submit(self, submission: Submission, plan: Plan, settings: Settings) -> None:
        """Submit a plan, and print the job's name and the next command."""
        guard = plan.look is not None and settings.guard is not False and not settings.again
        job = await submission.submit(self.jobs, plan, settings.credentials, self.base_url, guard=guard)
        print_job(await job.progress(), submitted_before=job.submitted_before)


@asynccontextmanager
async def open_company(configuration: Configuration, server: JobServer) -> AsyncGenerator[Company]:
    """Open the company's jobs, and a client whose calls count in the workers' quota."""
    async with (
        server.jobs() as jobs,
        jobs.quota(configuration.limits, on_event=PauseNotices()) as quota,
        open_client(configuration, quota=quota) as client,
    ):
        yield Company(jobs, client, configuration.base_url)


async def submit_source(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
) -> ExitCode:
    """Submit the source's rows after a confirmation.

    Raises:
        BadInputError: rows are invalid; nothing was submitted.
        click.UsageError: no prompt is possible, or the job was cancelled.
        ValueError: the name is not valid.
        GongError: a call failed, Redis is unreachable, or the name is another job's.
    """
    if settings.name is not None:
        checked_job_name(settings.name)
    line = line_of(source, parsed_input)
    meant = None if settings.dry_run else await _choose(server, line, settings)
    if meant is not None and await _takes_up(server, meant, source, settings):
        return ExitCode.DONE
    names = names_of_the_day(name_from(source.label)) if settings.name is None else [settings.name]
    is_new = meant is not None or settings.again
    submission = Submission(names, {"line": line, "file": source.label}, is_new=is_new)
    async with open_company(configuration, server) as company:
        if meant is not None and not source.selects:
            return await _repeat(company, meant, source, parsed_input, submission, settings)
        return await _begin(company, meant, source, parsed_input, submission, settings)


async def _begin(
    company: Company,
    resumed: Progress | None,
    source: Source,
    parsed_input: ParsedInput | None,
    submission: Submission,
    settings: Settings,
) -> ExitCode:
    """A new job; of a selection whose last job was resumed, without the rows that are pending there."""
    guard = False if settings.again or settings.guard is False else settings.guard
    look = False if settings.dry_run and guard is None else guard
    planned = await plan_source(company.client, source, parsed_input, look=settings.skip_unchanged or look)
    left_to = await _left_to(company.jobs, resumed)
    updates = tuple(update for update in planned.plan.updates if update.task_id not in left_to)
    plan = evolve(planned.plan, updates=updates)
    if resumed is not None:
        plan = evolve(plan, unchanged=())
    if resumed is not None and not plan.calls:
        note("Nothing to change.")
        emit(resumed.job)
    elif await company.confirm(plan, settings):
        await company.submit(submission, plan, settings)
    return ExitCode.ROWS_FAILED if planned.unlisted else ExitCode.DONE


async def _repeat(
    company: Company,
    done: Progress,
    source: Source,
    parsed_input: ParsedInput | None,
    submission: Submission,
    settings: Settings,
) -> ExitCode:
    """The line of a finished job again: submit what is no longer as the job left it."""
    planned = await plan_source(company.client, source, parsed_input, look=True)
    failed = {row.update.task_id async for row in company.jobs.job(done.job).rows(RowState.FAILED)}
    again = split_repeated(planned.plan, failed)
    again.print_notes(jobs_command("jobs", "retry", done.job))
    if not again.plan.calls:
        emit(done.job)
        return max(again.exit_code, exit_code(done))
    plan = evolve(again.plan, unchanged=())
    if await company.confirm(plan, settings):
        await company.submit(submission, plan, settings)
    return again.exit_code


async def _choose(server: JobServer, line: str, settings: Settings) -> Progress | None:
    """The job that the command line means, unless it is a new one."""
    async with server.jobs() as jobs:
        found = await jobs.overview()
    choice = choose_job(known_jobs(found), line, settings.name)
    if choice.job is None or choice.job.line is None or choice.other_line or settings.again:
        return None
    return next(job for job in found if job.job == choice.job.name)


def known_jobs(found: list[Progress]) -> list[KnownJob]:
    """The company's jobs, the latest first."""
    ordered = sorted(found, key=lambda progress: progress.created_at or EARLIEST, reverse=True)
    return [KnownJob(job.job, standing_of(job), job.origin.get("line")) for job in ordered]


async def _takes_up(server: JobServer, found: Progress, source: Source, settings: Settings) -> bool:
    """Resume the job of this line, if it is unfinished; note what a finished one did."""
    standing = standing_of(found)
    if found.state is JobState.CANCELLED and settings.name is not None:
        raise JobExistsError(job=found.job, state=str(found.state))
    if standing is Standing.FINISHED:
        if not source.selects:
            note_finished(found.job, found.settled_at, {name: getattr(found, name) for name in COUNTS})
        return False
    if standing is Standing.UNFINISHED:
        async with server.jobs() as jobs:
            state = await jobs.job(found.job).resume()
        note(f"Already job {found.job}, which was {found.state}; resuming it.")
        if source.selects and found.state is JobState.ENDED and settings.name is None:
            note("Selecting afresh: other tasks become a new job.")
            return False
        found = evolve(found, state=state, stopped_because=None)
    else:
        note(f"Already job {found.job}, which is {found.state}.")
    print_job(found)
    return True


async def _left_to(jobs: Jobs, resumed: Progress | None) -> frozenset[int]:
    """The tasks of a job that was resumed, which a new one leaves to it."""
    if resumed is None or standing_of(resumed) is not Standing.UNFINISHED:
        return frozenset()
    rows = jobs.job(resumed.job).rows(RowState.PENDING)
    return frozenset([row.update.task_id async for row in rows])


def standing_of(progress: Progress) -> Standing:
    """Where a job stands, for the choice of one; what is cancelled is done with, except by its name."""
    match progress.state:
        case JobState.STARTING | JobState.RUNNING | JobState.PAUSED:
            return Standing.RUNNING
        case JobState.STOPPED:
            return Standing.UNFINISHED
        case JobState.ENDED:
            return Standing.UNFINISHED if progress.given_up else Standing.FINISHED
        case JobState.CANCELLED | JobState.UNREADABLE:
            return Standing.UNREADABLE


def print_job(progress: Progress, *, submitted_before: bool = False) -> None:
    """Print the name on standard output; state and next command on standard error."""
    emit(progress.job)
    rows = counted(progress.rows, "row")
    if submitted_before:
        note(f"These {rows} are already job {progress.job}, which is {progress.state}.")
    else:
        note(f"{rows}, {progress.state}.")
    if waits_for_worker(progress):
        note_command(NO_WORKER, jobs_command("worker"))
    text = "Next:" if progress.finished else "Follow:"
    follow = jobs_command("jobs", "status", progress.job, "--follow")
    note_command(text, next_command(progress) if progress.finished else follow)
