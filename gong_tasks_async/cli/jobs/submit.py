"""`gong-tasks jobs submit`: submit a job to the workers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import guard_option, skip_unchanged_option, source_options
from gong_tasks_async.cli.input.shared_options import credentials_option, dry_run_option, yes_option
from gong_tasks_async.cli.input.source import Source, read_source
from gong_tasks_async.cli.job_server import JobServer, job_server_options
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks jobs submit dismiss.csv
gong-tasks jobs submit ids.csv --set-status DONE --name close-march --yes
gong-tasks jobs submit --all-users --due-before -30d --set-status DISMISSED --dry-run
"""


@click.command("submit", cls=Command, examples=EXAMPLES)
@source_options
@click.option("--name", metavar="NAME", help="Job name. Default: the file's name and today's date.")
@credentials_option
@dry_run_option
@yes_option
@partial(report_output_option, of="the updates; of a --dry-run")
@skip_unchanged_option
@guard_option
@click.option("--again", is_flag=True, help="Send all rows, even if a finished job had the same ones.")
@job_server_options
@client_options
def command(
    *,
    source: Source,
    name: str | None,
    credentials: str,
    dry_run: bool,
    yes: bool,
    skip_unchanged: bool,
    guard: bool | None,
    again: bool,
    output: Output,
    server: JobServer,
    configuration: Configuration,
) -> None:
    """Submit a job to the workers.

    FILE, selection, checks and confirmation are those of `gong-tasks bulk run`. Credentials are needed to look up e-mail
    addresses and to list tasks; the secret is not submitted. The calls left are those of the company, as counted in
    the jobs' Redis.

    Prints the job's name to standard output. The same command line means the same job: an unfinished one is resumed;
    of a finished one the tasks are listed, and those that are no longer as requested become a new job, after the
    question; --again sends all rows. Other rows under a given --name are an error (exit code 2).

    Rows whose task was changed since the plan are skipped (--guard): each worker lists each owner's tasks, one call
    an hour.
    """
    from gong_tasks_async.cli.jobs.submission import Settings, submit_source  # noqa: PLC0415 - needs an extra

    settings = Settings(
        name=name,
        credentials=credentials,
        dry_run=dry_run,
        yes=yes,
        skip_unchanged=skip_unchanged,
        guard=guard,
        again=again,
        output=output,
    )
    parsed_input = None if source.selects else read_source(source)
    click.get_current_context().exit(
        run(submit_source(configuration, server, source, parsed_input, settings))
    )
