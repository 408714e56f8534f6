"""`gong-tasks jobs report`: show a job's results."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.job_server import JobServer, read_only_options
from gong_tasks_async.cli.jobs.with_job import with_job
from gong_tasks_async.cli.output.console import emit, is_terminal

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Job

FORMS = ("text", "json", "csv", "html")

EXAMPLES = """
gong-tasks jobs report dismiss-2026-11-21
gong-tasks jobs report dismiss-2026-11-21 --output html > dismiss.html
gong-tasks jobs report dismiss-2026-11-21 --output csv > rows.csv
"""


@click.command("report", cls=Command, examples=EXAMPLES)
@click.argument("name")
@click.option(
    "--output",
    "-o",
    "form",
    type=click.Choice(FORMS),
    help="Default: text, or json in a pipe; csv has all rows.",
)
@read_only_options
def command(name: str, form: str | None, server: JobServer) -> None:
    """Show a job's results, as text, JSON, CSV or one HTML page.

    Works while the job runs. Prints to standard output.
    """
    chosen = form or ("text" if is_terminal() else "json")

    async def written(job: Job) -> str:
        return await (_csv(job) if chosen == "csv" else _report(job, chosen))

    text = with_job(server, name, written)
    emit(text.removesuffix("\n"))


async def _report(job: Job, form: str) -> str:
    report = await job.report()
    return {"text": report.to_text, "json": report.to_json, "html": report.to_html}[form]()


async def _csv(job: Job) -> str:
    from gong_tasks_async.bulk import write_journal_csv  # noqa: PLC0415 - help need not load sqlite

    file = StringIO()
    write_journal_csv([row async for row in job.rows()], file)
    return file.getvalue()
