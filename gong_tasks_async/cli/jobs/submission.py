"""Submit a job from the command line: plan, confirmation, name, next command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count

from attrs import evolve, frozen

from gong_tasks_async.bulk import RowState
from gong_tasks_async.bulk.job_name import checked_job_name
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.exit_codes import ExitCode
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.job_choice import KnownJob, Standing, choose_job, line_of
from gong_tasks_async.cli.input.planning import plan_source
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, name_from
from gong_tasks_async.cli.job_server import JobServer, jobs_command
from gong_tasks_async.cli.jobs.text import NO_WORKER, exit_code, next_command, waits_for_worker, what_it_did
from gong_tasks_async.cli.output.console import emit, note, note_command
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import open_client
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.config.configuration import Configuration
from gong_tasks_async.distributed import Job, JobExistsError, Jobs, JobState, Progress


@frozen(kw_only=True)
class Settings:
    """Options of a submission."""

    name: str | None
    credentials: str
    dry_run: bool
    yes: bool
    skip_unchanged: bool
    again: bool = False
    """Send all rows, whatever an earlier job did."""
    output: Output
    """How a preview is written."""


EARLIEST = datetime.min.replace(tzinfo=UTC)


async def submit_source(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
) -> ExitCode | None:
    """Submit the source's rows after a confirmation; return the exit code, if it is not that of success.

    Raises:
        BadInputError: rows are invalid; nothing was submitted.
        click.UsageError: no prompt is possible, or the job was cancelled.
        ValueError: the name is not valid.
        GongError: a call failed, Redis is unreachable, or the name is another job's.
    """
    if settings.name is not None:
        checked_job_name(settings.name)
    line = line_of(source, parsed_input)
    choice = await _choose(server, line, settings)
    if choice is not None and await _takes_up(server, choice, source, settings):
        return None
    resumed = await _left_to(server, choice)
    look = settings.skip_unchanged or (choice is not None and not source.selects)
    plan = await _confirmed_plan(
        configuration, server, source, parsed_input, settings, look=look, without=resumed
    )
    if plan is None:
        return None if choice is None else _still_done(choice, source, settings)
    if choice is not None:
        plan = evolve(plan, unchanged=())
    origin = {"line": line, "file": source.label}
    async with server.jobs() as jobs:
        submission = Submission(
            settings, source, origin, configuration.base_url, is_new=choice is not None or settings.again
        )
        job = await submission.submit(jobs, plan)
        _print_job(await job.progress(), submitted_before=job.submitted_before)
    return None


async def _choose(server: JobServer, line: str, settings: Settings) -> Progress | None:
    """The job that the command line means, unless it is a new one."""
    async with server.jobs() as jobs:
        found = await jobs.overview()
    found.sort(key=lambda progress: progress.created_at or EARLIEST, reverse=True)
    known = [KnownJob(job.job, standing_of(job), job.origin.get("line")) for job in found]
    choice = choose_job(known, line, settings.name)
    if choice.job is None or choice.job.line is None or choice.other_line or settings.again:
        return None
    return next(job for job in found if job.job == choice.job.name)


async def _takes_up(server: JobServer, found: Progress, source: Source, settings: Settings) -> bool:
    """Resume the job of this line, if it is unfinished; print the results of a finished one."""
    standing = standing_of(found)
    if found.state is JobState.CANCELLED and settings.name is not None:
        raise JobExistsError(job=found.job, state=str(found.state))
    if standing is Standing.FINISHED:
        if not source.selects:
            note(f"These rows are already job {found.job}. {what_it_did(found)}")
        return False
    if standing is Standing.UNFINISHED and not settings.dry_run:
        async with server.jobs() as jobs:
            state = await jobs.job(found.job).resume()
        note(f"Already job {found.job}, which was {found.state}; resuming it.")
        if source.selects and found.state is JobState.ENDED and settings.name is None:
            note("Selecting afresh: other tasks become a new job.")
            return False
        found = evolve(found, state=state, stopped_because=None)
    else:
        note(f"Already job {found.job}, which is {found.state}.")
    _print_job(found)
    return True


async def _left_to(server: JobServer, resumed: Progress | None) -> frozenset[int]:
    """The tasks of a job that was resumed, which a new one leaves to it."""
    if resumed is None or standing_of(resumed) is not Standing.UNFINISHED:
        return frozenset()
    async with server.jobs() as jobs:
        rows = jobs.job(resumed.job).rows(RowState.PENDING)
        return frozenset([row.update.task_id async for row in rows])


def _still_done(done: Progress, source: Source, settings: Settings) -> ExitCode | None:
    if standing_of(done) is Standing.UNFINISHED:  # and so was resumed
        emit(done.job)
        return None
    if settings.dry_run or source.selects:
        return None
    note("All its tasks are still as requested.")
    return exit_code(done)


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


def _print_job(progress: Progress, *, submitted_before: bool = False) -> None:
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


async def _confirmed_plan(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
    *,
    look: bool,
    without: frozenset[int] = frozenset(),
) -> Plan | None:
    """The plan; None if there is nothing to submit."""
    async with (
        server.jobs() as jobs,
        jobs.quota(configuration.limits, on_event=PauseNotices()) as quota,
        open_client(configuration, quota=quota) as client,
    ):
        plan = (await plan_source(client, source, parsed_input, look=look)).plan
        plan = evolve(plan, updates=tuple(update for update in plan.updates if update.task_id not in without))
        left = await quota.snapshot()
        if settings.dry_run or not plan.calls:
            if not without:
                print_plan(plan, left, settings.output)
            return None
        if not settings.yes:
            confirm(f"{confirmation(plan, left)} Company: {configuration.base_url}.")
        return plan


@frozen
class Submission:
    """One submission, under the name that it finds."""

    settings: Settings
    source: Source
    origin: Mapping[str, str]
    base_url: str
    is_new: bool
    """Whether a finished job of the same rows does not count."""

    async def submit(self, jobs: Jobs, plan: Plan) -> Job:
        """Submit under the given name, or under the day's first name that is free or has the same rows.

        Raises:
            JobExistsError: the given name is another job's, or a finished one's.
        """
        for name in self._names():
            try:
                job = await self._submit(jobs, plan, name)
            except JobExistsError:
                if self.settings.name is not None:
                    raise
                continue
            if not (self.is_new and job.submitted_before):
                return job
            if self.settings.name is not None:
                raise JobExistsError(job=name, state=str(JobState.ENDED))
        raise AssertionError("names never end")

    async def _submit(self, jobs: Jobs, plan: Plan, name: str) -> Job:
        return await jobs.submit(
            plan,
            name=name,
            credentials=self.settings.credentials,
            base_url=self.base_url,
            origin=self.origin,
        )

    def _names(self) -> Iterator[str]:
        if self.settings.name is not None:
            return iter((self.settings.name,))
        stem = f"{name_from(self.source.label)}-{datetime.now().date()}"  # noqa: DTZ005 - the local day
        return (stem if number == 1 else f"{stem}-{number}" for number in count(1))
