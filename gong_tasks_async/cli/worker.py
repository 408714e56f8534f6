"""`gong-tasks worker`: takes rows of a company's jobs, until it is told to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, job_server_options
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.session import PauseNotices, client_options

if TYPE_CHECKING:
    from gong_tasks_async.cli.config.configuration import Configuration
    from gong_tasks_async.settings import ClientSettings

EXAMPLES = """
gong-tasks worker --profile acme
gong-tasks worker --company acme --concurrency 16
"""

DEFAULT = "default"
"""What a job calls the credentials of whichever worker takes its rows."""


@click.command("worker", cls=Command, examples=EXAMPLES)
@click.option("--concurrency", type=click.IntRange(min=1), default=8, show_default=True, help="Rows at once.")
@click.option(
    "--lease",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="After which the rows of a worker that died are another's.",
)
@job_server_options
@client_options
def command(*, server: JobServer, concurrency: int, lease: float, configuration: Configuration) -> None:
    """Take rows of a company's jobs, beside any number of other workers.

    Its credentials, address and limits are those of the profile, or of the environment; jobs call them "default", or
    by the profile's name. All workers of a company share its quota in the jobs' Redis, and wait while that is away.
    SIGTERM or Ctrl-C ends the worker with 0, once the rows that were sent are recorded.
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

    note(f"Working for {server.company}; Ctrl-C ends it")
    asyncio.run(work())


def client_settings(configuration: Configuration) -> ClientSettings:
    """What the worker's clients are made of; the day is counted in Redis, for all machines."""
    from attrs import evolve  # noqa: PLC0415 - help need not load it

    return {
        "credentials": configuration.credentials,
        "base_url": configuration.base_url,
        "limits": evolve(configuration.limits, day_store=None),
        "on_event": PauseNotices(),
    }
