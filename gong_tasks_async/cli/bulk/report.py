"""`gong-tasks bulk report`: a job's results."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import is_terminal, note
from gong_tasks_async.cli.output.formats import Output, OutputFormat, report_output_option
from gong_tasks_async.config.folders import jobs_folder

BESIDE = "\0"
"""Stands for the file beside the journal; no path has such a character."""

EXAMPLES = """
gong-tasks bulk report dismiss-2026-11-21
gong-tasks bulk report dismiss-2026-11-21 --open
gong-tasks bulk report dismiss-2026-11-21 -o report.xlsx
gong-tasks bulk report dismiss-2026-11-21 -o csv > rows.csv
"""


@click.command("report", cls=Command, examples=EXAMPLES)
@job_argument()
@click.option("--open", "show", is_flag=True, help="Write the HTML page, and show it in the browser.")
@click.option(
    "--html",
    metavar="[FILE]",
    is_flag=False,
    flag_value=BESIDE,
    help="Write the HTML page; without FILE, beside the job's journal.",
)
@click.option("--csv", metavar="FILE", hidden=True)
@partial(report_output_option, forms=tuple(OutputFormat))
def command(name: str, show: bool, html: str | None, csv: str | None, output: Output) -> None:
    """Show a job's results, or write them as a workbook or page.

    What was changed, for whom, from what, when, how it ended, and what failed for which reason.
    Works while a job runs, and without credentials. An xlsx workbook has a sheet with the report and one with all
    rows.
    """
    from gong_tasks_async.bulk import open_journal  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.output.report import write_report  # noqa: PLC0415 - as above

    journal = JobFolder(jobs_folder(os.environ)).find(name)
    page = _page(journal, html, output, show=show)
    given = click.get_current_context().get_parameter_source("output") is not ParameterSource.DEFAULT
    targets = (
        [] if csv is None else [Output(OutputFormat.CSV, None if csv == "-" else Path(csv), output.excel)]
    )
    targets += [Output(OutputFormat.HTML, page)] if page is not None and output.file != page else []
    targets += [output] if given or not targets else []
    for target in targets:
        with open_journal(journal) as reader:
            write_report(reader.report(), reader.rows(), target)
    if show and page is not None:
        _show(page)


def _page(journal: Path, html: str | None, output: Output, *, show: bool) -> Path | None:
    """Where the page is written, if it was asked for."""
    if html is not None and html != BESIDE:
        return Path(html)
    if output.form is OutputFormat.HTML and output.file is not None and html is None:
        return output.file
    return journal.with_suffix(".html") if show or html is not None else None


def _show(page: Path) -> None:
    if not is_terminal():
        note("Not shown: there is no terminal.")
    elif click.launch(str(page.resolve())) != 0:
        note(f"No browser could be started. Open {page.resolve()} yourself.")
