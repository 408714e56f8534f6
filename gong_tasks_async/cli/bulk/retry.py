"""`gong-tasks bulk retry`: send a job's failed rows again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.bulk.run_options import run_options
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.failed_rows import choose_failed, reason_option
from gong_tasks_async.cli.input.shared_options import yes_option
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.settings import BulkSettings

EXAMPLES = """
gong-tasks bulk retry dismiss-2026-11-21
gong-tasks bulk retry dismiss-2026-11-21 --reason 404
"""


@click.command("retry", cls=Command, examples=EXAMPLES)
@job_argument()
@reason_option
@yes_option
@run_options
@report_output_option
@client_options
def command(
    *,
    name: str,
    reason: str | None,
    yes: bool,
    bulk: BulkSettings,
    output: Output,
    configuration: Configuration,
) -> None:
    """Send a job's failed rows again.

    They become pending rows of the same job, which is then resumed. The tasks are looked at first: what is as it should
    be by now is not sent.
    """
    from gong_tasks_async.bulk import RowState, open_journal, retry_failed  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.bulk.job_run import resume_job  # noqa: PLC0415 - aiohttp, when it is needed
    from gong_tasks_async.cli.bulk.update_run import RunOptions  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.input.confirm import confirm  # noqa: PLC0415 - as above

    journal = JobFolder(configuration.jobs_folder, configuration.company).find(name)
    with open_journal(journal) as reader:
        chosen = choose_failed(journal.stem, reader.rows(RowState.FAILED), reason)
    if chosen is None:
        return
    kinds, question = chosen
    if not yes:
        confirm(question)
    retry_failed(journal, kinds)
    options = RunOptions(skip_unchanged=True, bulk=bulk, output=output)
    click.get_current_context().exit(run(resume_job(configuration, journal, options)))
