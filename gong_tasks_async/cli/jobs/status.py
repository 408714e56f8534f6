"""`gong-tasks jobs status`: show a job's progress."""

from __future__ import annotations

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, read_only_options
from gong_tasks_async.cli.jobs.list import list_jobs
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.formats import Output, output_option

EXAMPLES = """
gong-tasks jobs status
gong-tasks jobs status dismiss-2026-11-21 --follow
gong-tasks jobs status dismiss-2026-11-21 --follow | jq .pending
"""


@click.command("status", cls=Command, examples=EXAMPLES)
@click.argument("name", required=False)
@click.option("--follow", is_flag=True, help="Watch until the job ends.")
@output_option
@read_only_options
def command(name: str | None, follow: bool, server: JobServer, output: Output) -> None:
    """Show a job's progress, or list all jobs.

    With --follow: a progress bar on a terminal, a line for each change in a pipe. The exit code is 0 when all rows
    are done or the job is cancelled, 1 if rows failed or were given up, else that of a run stopped for the same
    reason. Ctrl-C ends the command, not the job.
    """
    if name is None:
        if follow:
            raise click.UsageError("--follow needs the name of a job")
        list_jobs(server, output)
        return
    from gong_tasks_async.cli.jobs.follow import follow_job, show_job  # noqa: PLC0415 - needs an extra
    from gong_tasks_async.cli.jobs.text import exit_code  # noqa: PLC0415 - as above

    if not follow:
        with_job(server, name, lambda job: show_job(job, output))
        return
    end = with_job(server, name, lambda job: follow_job(job, output))
    click.get_current_context().exit(exit_code(end))
