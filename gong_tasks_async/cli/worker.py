"""`gong-tasks worker`: process rows of a company's jobs until stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, job_server_options
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.session import client_options

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration
    from gong_tasks_async.settings import ClientSettings

EXAMPLES = """
gong-tasks worker --profile acme
gong-tasks worker --company acme --concurrency 16
"""

DEFAULT = "default"
"""The name by which a job refers to its worker's own credentials."""


@click.command("worker", cls=Command, examples=EXAMPLES)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Updates in flight at once.",
)
@click.option(
    "--lease",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="Until a dead worker's rows are reassigned.",
)
@job_server_options
@client_options
def command(*, server: JobServer, concurrency: int, lease: float, configuration: Configuration) -> None:
    """Run a worker that processes rows of a company's jobs.

    Credentials, URL and limits are those of the profile or the environment; jobs refer to them as "default" or by the
    profile's name. All workers of a company share its quota in the jobs' Redis, and wait while Redis is unreachable.
    SIGTERM or Ctrl-C ends the worker with 0, once the rows in flight are recorded.
    """
    from gong_tasks_async.distributed import Worker, run_worker  # noqa: PLC0415 - needs an extra

    settings = client_settings(configuration)
    credentials = {DEFAULT: settings, configuration.profile: settings}

    async def work() -> None:
        await run_worker(
            Worker(
                server.url,
                company=server.company,
                credentials=credentials,
                concurrency=concurrency,
                lease=lease,
            )
        )

    note(f"Working for {server.company}; press Ctrl-C to stop")
    asyncio.run(work())


def client_settings(configuration: Configuration) -> ClientSettings:
    """Settings of the worker's clients; the day is counted in Redis, for all workers."""
    from attrs import evolve  # noqa: PLC0415 - help need not load it

    from gong_tasks_async.cli.waiting import PauseNotices  # noqa: PLC0415 - as above

    return {
        "credentials": configuration.credentials,
        "base_url": configuration.base_url,
        "limits": evolve(configuration.limits, day_store=None),
        "on_event": PauseNotices(),
    }
