"""`gong-tasks jobs status`: how far a job is."""

from __future__ import annotations

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, read_only_options
from gong_tasks_async.cli.jobs.list import list_jobs
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.listing import OutputFormat, output_option

EXAMPLES = """
gong-tasks jobs status
gong-tasks jobs status dismiss-2026-11-21 --follow
gong-tasks jobs status dismiss-2026-11-21 --follow | jq .pending
"""


@click.command("status", cls=Command, examples=EXAMPLES)
@click.argument("name", required=False)
@click.option("--follow", is_flag=True, help="Until nothing more will happen by itself.")
@output_option
@read_only_options
def command(name: str | None, follow: bool, server: JobServer, output: OutputFormat) -> None:
    """Tell how far a job is, or list them all.

    With --follow there is a progress bar on a terminal, and a line for each change in a pipe; it ends with 0 when
    all is done or cancelled, 1 if rows failed or were given up, else as what has stopped the job would end a run.
    Ctrl-C ends the looking, not the job.
    """
    if name is None:
        if follow:
            raise click.UsageError("--follow follows one job: name it")
        list_jobs(server, output)
        return
    from gong_tasks_async.cli.jobs.follow import follow_job, tell_job  # noqa: PLC0415 - needs an extra
    from gong_tasks_async.cli.jobs.text import exit_code  # noqa: PLC0415 - as above

    if not follow:
        with_job(server, name, lambda job: tell_job(job, output))
        return
    end = with_job(server, name, lambda job: follow_job(job, output))
    click.get_current_context().exit(exit_code(end))
