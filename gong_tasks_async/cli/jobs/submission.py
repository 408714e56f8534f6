"""A job from the command line to Redis: what is to be done, a yes, a name, and how to follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count

import click
from attrs import frozen

from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.cli.config.configuration import Configuration
from gong_tasks_async.cli.input.confirm import confirm, confirmation
from gong_tasks_async.cli.input.planning import plan_source
from gong_tasks_async.cli.input.rows import ParsedInput
from gong_tasks_async.cli.input.source import Source, name_from
from gong_tasks_async.cli.job_server import JobServer
from gong_tasks_async.cli.jobs.text import what_to_do
from gong_tasks_async.cli.output.console import is_terminal, note
from gong_tasks_async.cli.output.plan import print_plan
from gong_tasks_async.cli.output.text import counted
from gong_tasks_async.cli.session import PauseNotices, open_client
from gong_tasks_async.distributed import Job, JobExistsError, Jobs, JobState, Progress
from gong_tasks_async.distributed.queue import checked_name
from gong_tasks_async.quota.redis import RedisQuota


@frozen(kw_only=True)
class Settings:
    """How a job is to be submitted."""

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
    """Submit what a source names, once somebody has agreed to it.

    Raises:
        BadInputError: something is wrong with the rows; nothing was submitted.
        click.UsageError: nobody could be asked, or it is a job that was cancelled.
        ValueError: the name cannot be one.
        GongError: a call failed, Redis is away, or the name is another job's.
    """
    if settings.name is not None:
        checked_name("a job's name", settings.name)
    begun = await _begun(server, source, settings)
    if begun is not None:
        note(f"The same selection began the job {begun.job}, which is not finished.")
        _tell(begun)
        return
    plan = await _agreed(configuration, server, source, parsed_input, settings)
    if plan is not None:
        async with server.jobs() as jobs:
            job = await _submitted(jobs, plan, source, settings, configuration.base_url)
            _tell(_going(await job.progress()))


async def _begun(server: JobServer, source: Source, settings: Settings) -> Progress | None:
    """The unfinished job of the same selection; its finished tasks would not be selected again."""
    if not source.selects or settings.name is not None or settings.dry_run:
        return None
    async with server.jobs() as jobs:
        found = await jobs.overview()
    stem = f"{name_from(source.label)}-"
    ours = (job for job in found if job.job.startswith(stem) and job.state is not JobState.CANCELLED)
    return next((job for job in ours if job.pending), None)


def _going(progress: Progress) -> Progress:
    if progress.state is JobState.CANCELLED:
        raise click.UsageError(
            f"the same rows are those of the job {progress.job!r}, which was cancelled: take another --name"
        )
    return progress


def _tell(progress: Progress) -> None:
    """The name, for programs; what becomes of it now, for people."""
    click.echo(progress.job)
    rows = counted(progress.rows, "row")
    if progress.finished:
        note(f"The same {rows} were submitted before, and the job is {progress.state}.")
        note(f"Next: {what_to_do(progress)}")
    else:
        note(f"{rows}, {progress.state}; `gong-tasks worker` does them, here or anywhere.")
        note(f"Follow it with: gong-tasks jobs status {progress.job} --follow")


async def _agreed(
    configuration: Configuration,
    server: JobServer,
    source: Source,
    parsed_input: ParsedInput | None,
    settings: Settings,
) -> Plan | None:
    """The plan; None where nothing is to be submitted."""
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
    """Submit it under the name that was given, or under the first of the day that has the same rows or none."""
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
    stem = f"{name_from(source.label)}-{datetime.now().date()}"  # noqa: DTZ005 - a person's day
    return (stem if number == 1 else f"{stem}-{number}" for number in count(1))
