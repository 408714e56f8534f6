"""`gong-tasks bulk run`: update many tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.run_options import run_options
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import (
    guard_option,
    skip_unchanged_option,
    source_options,
)
from gong_tasks_async.cli.input.shared_options import dry_run_option, yes_option
from gong_tasks_async.cli.input.source import Source, read_source
from gong_tasks_async.cli.output.formats import OF_ROWS, Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.config.configuration import Configuration
    from gong_tasks_async.settings import BulkSettings

EXAMPLES = """
gong-tasks bulk run dismiss.csv
gong-tasks bulk run ids.csv --set-status DONE --name close-march --yes
gong-tasks bulk run --all-users --due-before -30d --set-status DISMISSED
gong-tasks list --all-users --output csv | gong-tasks bulk run - --set-status DONE --yes
"""


@click.command("run", cls=Command, examples=EXAMPLES)
@source_options
@click.option("--name", metavar="NAME", help="The job's name; by default the file's, and today's date.")
@dry_run_option
@yes_option
@run_options
@skip_unchanged_option
@guard_option
@click.option("--again", is_flag=True, help="Send all rows of a finished job again, without looking.")
@click.option("--no-journal", is_flag=True, help="Keep no journal: the run cannot be resumed or undone.")
@report_output_option
@client_options
def command(
    *,
    source: Source,
    name: str | None,
    dry_run: bool,
    yes: bool,
    bulk: BulkSettings,
    skip_unchanged: bool,
    guard: bool | None,
    again: bool,
    no_journal: bool,
    output: Output,
    configuration: Configuration,
) -> None:
    """Update tasks from a file or selection.

    FILE is CSV (comma, semicolon or tab), JSON lines or a workbook (.xlsx), with the columns taskId, userId (ids or
    e-mail addresses), and status, dueDate or priority; in Gong's spelling, ours, or `Task ID`. If anything in it is
    wrong, every bad row is named and nothing is sent.

    The same command resumes an unfinished job. Of a finished one, it lists the owners' tasks and sends what is no
    longer as it should be. A selection is listed afresh each time. Ctrl-C finishes the requests in flight and
    records them. Ends with 0 when all is done, 1 if some rows failed, 2 if the input is wrong, 3 for bad
    credentials, 4 when the day's calls are spent, 5 without a connection, 130 after Ctrl-C.
    """
    from gong_tasks_async.cli.bulk.job_run import run_source  # noqa: PLC0415 - aiohttp, when it is needed
    from gong_tasks_async.cli.bulk.update_run import RunOptions  # noqa: PLC0415 - as above

    if no_journal and name:
        raise click.UsageError("--name names a journal, and --no-journal keeps none: leave one out")
    if no_journal and output.form in OF_ROWS and not dry_run:
        raise click.UsageError(
            f"-o {output.form} has the rows of the journal, and --no-journal keeps none: use -o json"
        )
    options = RunOptions(
        name=name,
        dry_run=dry_run,
        yes=yes,
        journal=not no_journal,
        skip_unchanged=skip_unchanged,
        guard=guard,
        again=again,
        bulk=bulk,
        output=output,
    )
    parsed_input = None if source.selects else read_source(source)
    click.get_current_context().exit(run(run_source(configuration, source, parsed_input, options)))
