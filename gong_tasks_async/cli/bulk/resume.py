"""`gong-tasks bulk resume`: resume a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import (
    accept_refusals_option,
    guard_option,
    outage_option,
    wait_for_day_option,
    workers_option,
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
@workers_option
@wait_for_day_option
@guard_option
@accept_refusals_option
@outage_option
@report_output_option
@client_options
def command(
    *,
    name: str,
    workers: int,
    wait_for_day: bool,
    guard: bool | None,
    accept_refusals: bool,
    outage_timeout: float,
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
    bulk: BulkSettings = {
        "workers": workers,
        "wait_for_day": wait_for_day,
        "accept_refusals": accept_refusals,
        "outage_timeout": outage_timeout,
    }
    options = RunOptions(guard=guard, bulk=bulk, output=output)
    click.get_current_context().exit(run(resume_job(configuration, journal, options)))
