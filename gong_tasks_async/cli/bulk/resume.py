"""`gong-tasks bulk resume`: resume a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.bulk.run_options import run_options
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import (
    guard_option,
)
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.settings import BulkSettings


@click.command("resume", cls=Command, examples="gong-tasks bulk resume dismiss-2026-11-21 --wait-for-day")
@job_argument()
@click.option(
    "-y", "--yes", is_flag=True, expose_value=False, help="Accepted as in bulk run; there is no question."
)
@run_options
@guard_option
@report_output_option
@client_options
def command(
    *,
    name: str,
    bulk: BulkSettings,
    guard: bool | None,
    output: Output,
    configuration: Configuration,
) -> None:
    """Resume a job.

    Its rows are in its journal: no question, no file. Rows that are done cost no call.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.job_run import resume_job  # noqa: PLC0415 - aiohttp, when it is needed
    from gong_tasks_async.cli.bulk.update_run import RunOptions  # noqa: PLC0415 - as above

    journal = JobFolder(configuration.jobs_folder, configuration.company).find(name)
    options = RunOptions(guard=guard, bulk=bulk, output=output)
    click.get_current_context().exit(run(resume_job(configuration, journal, options)))
