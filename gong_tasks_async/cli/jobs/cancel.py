"""`gong-tasks jobs cancel`: cancel a job."""

from __future__ import annotations

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, jobs_command, read_only_options
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.console import note, note_command


@click.command("cancel", cls=Command, examples="gong-tasks jobs cancel dismiss-2026-11-21")
@click.argument("name")
@read_only_options
def command(name: str, server: JobServer) -> None:
    """Cancel a job; updates made remain.

    Rows in flight finish and are recorded. A cancelled job cannot be resumed: submit the remaining rows under another
    name.
    """
    with_job(server, name, lambda job: job.cancel())
    note(f"{name} is cancelled: rows in flight will finish.")
    note_command("Results:", jobs_command("jobs", "report", name))
