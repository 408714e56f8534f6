"""`gong-tasks jobs list`: list all jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, read_only_options
from gong_tasks_async.cli.output.console import note
from gong_tasks_async.cli.output.formats import Output, output_option
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.session import run

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Progress

EXAMPLES = """
gong-tasks jobs list --profile acme
gong-tasks jobs list | jq -r 'select(.state == "stopped") | .job'
"""


@click.command("list", cls=Command, examples=EXAMPLES)
@output_option
@read_only_options
def command(server: JobServer, output: Output) -> None:
    """List the company's jobs.

    Ended jobs are kept for a week, or for as long as their submission set. Redis scans all its keys for this: do not
    poll it.
    """
    list_jobs(server, output)


def list_jobs(server: JobServer, output: Output) -> None:
    """Print all jobs, by name.

    Raises:
        JobStoreError: Redis does not respond.
    """
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - help need not load it
    from gong_tasks_async.cli.jobs.text import JOBS  # noqa: PLC0415 - needs an extra

    found, unreadable = run(_found(server))
    with Listing(JOBS, output) as listing:
        listing.add(found)
    if unreadable:
        note(
            f"Workers have set aside {counted(unreadable, 'message')} that they cannot read; their logs name them."
        )


async def _found(server: JobServer) -> tuple[list[Progress], int]:
    async with server.jobs() as jobs:
        return await jobs.overview(), len(await jobs.quarantined())
