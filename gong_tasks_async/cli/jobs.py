"""`gong-tasks jobs`: looks after jobs that workers do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.redis_url import needed, of_company

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Job, Progress

FORMS = ("text", "json", "html")


@click.group("jobs")
def command() -> None:
    """Follow, cancel, resume and report the jobs that workers do."""


@command.command("status")
@of_company
@click.option("--follow", is_flag=True, help="Until nothing more will happen by itself.")
@click.argument("name")
def status(*, url: str, company: str, name: str, follow: bool) -> None:
    """Tell how far a job is."""

    async def tell(job: Job) -> None:
        async for progress in job.watch():
            click.echo(_told(progress))
            if not follow:
                return

    _with_job(url, company, name, tell)


@command.command("cancel")
@of_company
@click.argument("name")
def cancel(*, url: str, company: str, name: str) -> None:
    """Send no further row of a job; what was changed stays changed."""
    _with_job(url, company, name, lambda job: job.cancel())


@command.command("resume")
@of_company
@click.argument("name")
def resume(*, url: str, company: str, name: str) -> None:
    """Have a job go on that was stopped or paused, or gave rows up."""

    async def go_on(job: Job) -> None:
        click.echo(f"{name} is {await job.resume()}")

    _with_job(url, company, name, go_on)


@command.command("report")
@of_company
@click.option("--form", type=click.Choice(FORMS), default="text", show_default=True)
@click.argument("name")
def report(*, url: str, company: str, name: str, form: str) -> None:
    """Print what a job has come to so far."""

    async def write(job: Job) -> None:
        found = await job.report()
        forms = {"text": found.to_text, "json": found.to_json, "html": found.to_html}
        click.echo(forms[form](), nl=False)

    _with_job(url, company, name, write)


def _with_job(url: str, company: str, name: str, use: Callable[[Job], Awaitable[None]]) -> None:
    needed()
    from gong_tasks_async.distributed import Jobs  # noqa: PLC0415 - needs an extra

    async def run() -> None:
        async with Jobs(url, company=company) as jobs:
            await use(jobs.job(name))

    try:
        asyncio.run(run())
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _told(progress: Progress) -> str:
    line = (
        f"{progress.state}: {progress.settled:,} of {progress.rows:,} rows settled, {progress.failed:,} failed, "
        f"{progress.under_way:,} under way; {progress.calls:,} calls"
    )
    if progress.stopped_because is not None:
        line += f"\n  because: {progress.stopped_because}"
    if progress.resume_after is not None:
        line += f"\n  goes on after {progress.resume_after.isoformat(timespec='seconds')}"
    return line
