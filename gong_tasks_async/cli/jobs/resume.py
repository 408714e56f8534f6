"""`gong-tasks jobs resume`: resume a job."""

from __future__ import annotations

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, jobs_command, read_only_options
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.console import note, note_command


@click.command("resume", cls=Command, examples="gong-tasks jobs resume dismiss-2026-11-21")
@click.argument("name")
@click.option(
    "--accept-refusals", is_flag=True, help="Record refused rows as failed, however many are refused alike."
)
@read_only_options
def command(name: str, accept_refusals: bool, server: JobServer) -> None:
    """Resume a job; retry given-up rows.

    Rows that are done cost no further call. A job that is running, cancelled or ended is left as it is; its state is
    shown.
    """
    state = with_job(server, name, lambda job: job.resume(accept_refusals=accept_refusals))
    note(f"{name} is {state}.")
    if state in ("starting", "running"):
        note_command("Follow:", jobs_command("jobs", "status", name, "--follow"))
