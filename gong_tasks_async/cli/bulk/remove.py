"""`gong-tasks bulk remove`: delete the journals of jobs."""

from __future__ import annotations

import os

import click

from gong_tasks_async.cli.bulk.job_argument import complete_job
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.config.folders import jobs_folder


@click.command("remove", cls=Command, examples="gong-tasks bulk remove dismiss-2026-11-21")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_job)
@yes_option
def command(names: tuple[str, ...], yes: bool) -> None:
    """Delete the journals of jobs.

    Tasks stay as they are. Such a job can no longer be resumed, undone or reported.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder, state_of  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.removal import remove_jobs  # noqa: PLC0415 - as above

    folder = JobFolder(jobs_folder(os.environ))
    remove_jobs([state_of(folder.find(name)) for name in dict.fromkeys(names)], yes=yes)
