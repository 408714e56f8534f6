"""`gong-tasks bulk undo`: restore the tasks of a job as they were before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument, resume_command
from gong_tasks_async.cli.bulk.run_options import run_options
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.shared_options import dry_run_option, yes_option
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.cli.bulk.job_folder import JobFolder
    from gong_tasks_async.cli.bulk.update_run import RunOptions
    from gong_tasks_async.cli.exit_codes import ExitCode
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.settings import BulkSettings

EXAMPLES = """
gong-tasks bulk undo dismiss-2026-11-21 --dry-run
gong-tasks bulk undo dismiss-2026-11-21
"""


@click.command("undo", cls=Command, examples=EXAMPLES)
@job_argument()
@dry_run_option
@yes_option
@run_options
@report_output_option
@client_options
def command(
    *,
    name: str,
    dry_run: bool,
    yes: bool,
    bulk: BulkSettings,
    output: Output,
    configuration: Configuration,
) -> None:
    """Restore the tasks of a job as they were before.

    Only tasks that are still as the job left them are restored, and what cannot be is listed: an empty due date or
    priority, a task that was changed since. An undo is a job of its own, NAME-undo: it has a journal, and can be resumed,
    reported, and undone.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.update_run import RunOptions  # noqa: PLC0415 - aiohttp, when it is needed

    folder = JobFolder(configuration.jobs_folder, configuration.company)
    options = RunOptions(dry_run=dry_run, yes=yes, bulk=bulk, output=output)
    journal = folder.find(name)
    _check_standing(folder, journal)
    click.get_current_context().exit(run(_undo(configuration, folder, journal, options)))


def _check_standing(folder: JobFolder, journal: Path) -> None:
    """Refuse a job that is running, or whose undo is not finished.

    Raises:
        click.ClickException: it is.
    """
    from gong_tasks_async.cli.bulk.job_folder import state_of  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.input.job_choice import Standing  # noqa: PLC0415 - as above

    if state_of(journal).standing is Standing.RUNNING:
        raise click.ClickException(f"the job {journal.stem} is running in another process: stop it first")
    line = _line(journal)
    for job in folder.known():
        if job.line == line and job.standing is Standing.RUNNING:
            raise click.ClickException(f"the undo {job.name} is running in another process")
        if job.line == line and job.standing is Standing.UNFINISHED:
            raise click.UsageError(
                f"the undo {job.name} is unfinished. Resume:\n  {resume_command(job.name)}"
            )


def _line(journal: Path) -> str:
    return f"undo {journal.stem}"


async def _undo(
    configuration: Configuration, folder: JobFolder, journal: Path, options: RunOptions
) -> ExitCode:
    from gong_tasks_async.cli.bulk.run_progress import CallMeter  # noqa: PLC0415 - aiohttp, when it is needed
    from gong_tasks_async.cli.bulk.update_run import UpdateRun  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.exit_codes import ExitCode  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.output.plan import note_lost, print_plan  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.session import open_client  # noqa: PLC0415 - as above

    meter = CallMeter(sleeps=options.bulk.get("wait_for_day", False))
    async with open_client(configuration, on_event=meter) as client:
        plan = await client.plan_undo(journal)
        note_lost(plan.lost)
        if options.dry_run:
            print_plan(plan, await client.quota.snapshot(), options.output)
            return ExitCode.DONE
        path = folder.new(f"{journal.stem}-undo")
        run = UpdateRun(client=client, meter=meter, options=options, company=configuration.base_url)
        code = await run.start(plan, path, {"line": _line(journal), "file": f"undo of {journal.stem}"})
        return max(code, ExitCode.ROWS_FAILED) if plan.lost else code
