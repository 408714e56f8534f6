"""`gong-tasks jobs report`: show a job's results."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, read_only_options
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.formats import OF_ROWS, Output, OutputFormat, report_output_option

if TYPE_CHECKING:
    from gong_tasks_async.bulk import BulkReport, JournalRow
    from gong_tasks_async.distributed import Job

EXAMPLES = """
gong-tasks jobs report dismiss-2026-11-21
gong-tasks jobs report dismiss-2026-11-21 -o dismiss.html
gong-tasks jobs report dismiss-2026-11-21 -o csv > rows.csv
"""


@click.command("report", cls=Command, examples=EXAMPLES)
@click.argument("name")
@partial(report_output_option, forms=tuple(OutputFormat))
@read_only_options
def command(name: str, output: Output, server: JobServer) -> None:
    """Show a job's results, or write them as a workbook or page.

    What was changed, for whom, from what, when, how it ended, and what failed for which reason.
    Works while the job runs. An xlsx workbook has a sheet with the report and one with all rows.
    """
    from gong_tasks_async.cli.output.report import write_report  # noqa: PLC0415 - help need not load sqlite

    async def read(job: Job) -> tuple[BulkReport, list[JournalRow]]:
        rows = [row async for row in job.rows()] if output.form in OF_ROWS else []
        return await job.report(), rows

    report, rows = with_job(server, name, read)
    write_report(report, iter(rows), output)
