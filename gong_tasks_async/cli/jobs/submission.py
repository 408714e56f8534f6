"""Submit a job from the command line: plan, confirmation, name, next command."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count

from attrs import frozen

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.bulk.render.format import counted
from gong_tasks_async.cli.config.configuration import Configuration
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.planning import plan_source
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, name_from
from gong_tasks_async.cli.job_server import JobServer
from gong_tasks_async.cli.jobs.text import next_command
from gong_tasks_async.cli.output.console import emit, is_terminal, note
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.session import open_client
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.distributed import Job, JobExistsError, Jobs, JobState, Progress
from gong_tasks_async.distributed.queue import checked_name
from gong_tasks_async.quota.redis import RedisQuota


@frozen(kw_only=True)
class Settings:
    """Options of a submission."""

    name: str | None
    credentials: str
    dry_run: bool
    yes: bool
    skip_unchanged: bool


async def submit_source(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
) -> None:
    """Submit the source's rows after a confirmation.

    Raises:
        BadInputError: rows are invalid; nothing was submitted.
        click.UsageError: no prompt is possible, or the job was cancelled.
        ValueError: the name is not valid.
        GongError: a call failed, Redis is unreachable, or the name is another job's.
    """
    if settings.name is not None:
        checked_name("a job's name", settings.name)
    unfinished = await _find_unfinished(server, source, settings)
    if unfinished is not None:
        note(f"The same selection has an unfinished job: {unfinished.job}.")
        _print_job(unfinished)
        return
    plan = await _confirmed_plan(configuration, server, source, parsed_input, settings)
    if plan is not None:
        async with server.jobs() as jobs:
            job = await _submitted(jobs, plan, source, settings, configuration.base_url)
            _print_job(await job.progress())


async def _find_unfinished(server: JobServer, source: Source, settings: Settings) -> Progress | None:
    """The unfinished job of the same selection; rows already done would not be selected again."""
    if not source.selects or settings.name is not None or settings.dry_run:
        return None
    async with server.jobs() as jobs:
        found = await jobs.overview()
    stem = f"{name_from(source.label)}-"
    jobs_of_selection = (
        job for job in found if job.job.startswith(stem) and job.state is not JobState.CANCELLED
    )
    return next((job for job in jobs_of_selection if job.pending), None)


def _print_job(progress: Progress) -> None:
    """Print the name on standard output; state and next command on standard error."""
    emit(progress.job)
    rows = counted(progress.rows, "row")
    if progress.finished:
        note(f"These {rows} are already job {progress.job}, which is {progress.state}.")
        note(f"Next: {next_command(progress)}")
    else:
        note(f"{rows}, {progress.state}; any `gong-tasks worker` of the company processes them.")
        note(f"Follow: gong-tasks jobs status {progress.job} --follow")


async def _confirmed_plan(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
) -> Plan | None:
    """The plan; None if there is nothing to submit."""
    quota = RedisQuota(
        server.url, company=server.company, limits=configuration.limits, on_event=PauseNotices()
    )
    async with quota, open_client(configuration, quota=quota) as client:
        plan = (await plan_source(client, source, parsed_input, look=settings.skip_unchanged)).plan
        left = await quota.snapshot()
        if settings.dry_run or not plan.calls:
            print_plan(plan, left, json=not is_terminal())
            return None
        if not settings.yes:
            confirm(f"{confirmation(plan, left)} Company: {configuration.base_url}.")
        return plan


async def _submitted(jobs: Jobs, plan: Plan, source: Source, settings: Settings, base_url: str) -> Job:
    """Submit under the given name, or under the day's first name that is free or has the same rows."""
    for name in _names(source, settings.name):
        try:
            return await jobs.submit(plan, name=name, credentials=settings.credentials, base_url=base_url)
        except JobExistsError:
            if settings.name is not None:
                raise
    raise AssertionError("names never end")


def _names(source: Source, given: str | None) -> Iterator[str]:
    if given is not None:
        return iter((given,))
    stem = f"{name_from(source.label)}-{datetime.now().date()}"  # noqa: DTZ005 - the local day
    return (stem if number == 1 else f"{stem}-{number}" for number in count(1))
