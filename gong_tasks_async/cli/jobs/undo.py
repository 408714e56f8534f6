"""`gong-tasks jobs undo`: restore the tasks of a job as they were before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.shared_options import credentials_option, dry_run_option, yes_option
from gong_tasks_async.cli.job_server import JobServer, job_server_options, jobs_command
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.cli.exit_codes import ExitCode
    from gong_tasks_async.cli.jobs.submission import Settings
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.distributed import Jobs

EXAMPLES = """
gong-tasks jobs undo dismiss-2026-11-21 --dry-run
gong-tasks jobs undo dismiss-2026-11-21
"""


@click.command("undo", cls=Command, examples=EXAMPLES)
@click.argument("name")
@credentials_option
@dry_run_option
@yes_option
@partial(report_output_option, of="the updates; of a --dry-run")
@job_server_options
@client_options
def command(
    *,
    name: str,
    credentials: str,
    dry_run: bool,
    yes: bool,
    output: Output,
    server: JobServer,
    configuration: Configuration,
) -> None:
    """Restore the tasks of a job as they were before.

    Only tasks that are still as the job left them are restored, and what cannot be is listed: an empty due date or
    priority, a task that was changed since, a job that was submitted without a look. An undo is a job of its own,
    NAME-undo: the workers process it, and it can be resumed, reported, and undone.
    """
    from gong_tasks_async.cli.jobs.submission import Settings  # noqa: PLC0415 - needs an extra

    settings = Settings(name=None, credentials=credentials, dry_run=dry_run, yes=yes, output=output)
    click.get_current_context().exit(run(_undo(configuration, server, name, settings)))


async def _undo(configuration: Configuration, server: JobServer, name: str, settings: Settings) -> ExitCode:
    from gong_tasks_async.cli.exit_codes import ExitCode  # noqa: PLC0415 - help need not load it
    from gong_tasks_async.cli.jobs.naming import Submission, numbered  # noqa: PLC0415 - needs an extra
    from gong_tasks_async.cli.jobs.submission import open_company  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.output.plan import note_lost  # noqa: PLC0415 - help need not load it

    line = f"undo {name}"
    async with open_company(configuration, server) as company:
        await _check_standing(company.jobs, name, line)
        plan = await company.client.plan_undo(company.jobs.job(name).rows())
        note_lost(plan.lost)
        if await company.confirm(plan, settings):
            origin = {"line": line, "file": f"undo of {name}"}
            submission = Submission(numbered(f"{name}-undo"), origin, is_new=True)
            await company.submit(submission, plan, settings)
    return ExitCode.ROWS_FAILED if plan.lost else ExitCode.DONE


async def _check_standing(jobs: Jobs, name: str, line: str) -> None:
    """Refuse a job that is running, or whose undo is not finished.

    Raises:
        JobBusyError: the job, or its undo, is running.
        click.UsageError: its undo is unfinished.
    """
    from gong_tasks_async.cli.input.job_choice import Standing  # noqa: PLC0415 - help need not load it
    from gong_tasks_async.cli.jobs.submission import known_jobs  # noqa: PLC0415 - needs an extra
    from gong_tasks_async.distributed import JobBusyError  # noqa: PLC0415 - as above

    progress = await jobs.job(name).progress()
    if not progress.finished:
        raise JobBusyError(job=name, state=str(progress.state))
    for job in known_jobs(await jobs.overview()):
        if job.line == line and job.standing is Standing.RUNNING:
            raise JobBusyError(job=job.name, state="running")
        if job.line == line and job.standing is Standing.UNFINISHED:
            resume = jobs_command("jobs", "resume", job.name)
            raise click.UsageError(f"the undo {job.name} is unfinished. Resume:\n  {resume}")
