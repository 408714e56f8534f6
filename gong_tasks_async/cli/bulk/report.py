"""`gong-tasks bulk report`: a job's results."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.output.console import emit, is_terminal, note
from gong_tasks_async.cli.output.listing import report_output_option
from gong_tasks_async.config.folders import jobs_folder

BESIDE = "\0"
"""Stands for the file beside the journal; no path has such a character."""

EXAMPLES = """
gong-tasks bulk report dismiss-2026-11-21
gong-tasks bulk report dismiss-2026-11-21 --html --open
gong-tasks bulk report dismiss-2026-11-21 --csv rows.csv
"""


@click.command("report", cls=Command, examples=EXAMPLES)
@job_argument()
@click.option(
    "--html",
    metavar="[FILE]",
    is_flag=False,
    flag_value=BESIDE,
    help="Write one HTML page; without FILE, beside the job's journal.",
)
@click.option("--open", "show", is_flag=True, help="With --html on a terminal, show the page in the browser.")
@click.option("--csv", metavar="FILE", help="Write all rows and their outcomes; - is standard output.")
@report_output_option
def command(name: str, html: str | None, show: bool, csv: str | None, json: bool | None) -> None:
    """Show a job's results as text, JSON, CSV or one HTML page.

    Works while a job runs, and without credentials. Without an option it is text, and JSON in a pipe.
    """
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - help need not load sqlite

    if show and html is None:
        raise click.UsageError("--open shows the page that --html writes: add --html")
    journal = JobFolder(jobs_folder(os.environ)).find(name)
    if csv is not None:
        _write_csv(journal, csv)
    if html is not None:
        _write_page(journal, journal.with_suffix(".html") if html == BESIDE else Path(html), show)
    if json is not None or (csv is None and html is None):
        _print_report(journal, not is_terminal() if json is None else json)


def _write_csv(journal: Path, target: str) -> None:
    from gong_tasks_async.bulk import open_journal, write_journal_csv  # noqa: PLC0415 - see above

    with open_journal(journal) as reader:
        if target == "-":
            write_journal_csv(reader.rows(), sys.stdout)
            return
        with Path(target).open("w", encoding="utf-8", newline="") as file:
            count = write_journal_csv(reader.rows(), file)
    note(f"{count:,} rows are in {target}")


def _write_page(journal: Path, target: Path, show: bool) -> None:
    from gong_tasks_async.bulk import open_journal  # noqa: PLC0415 - see above

    with open_journal(journal) as reader:
        target.write_text(reader.report().to_html(), encoding="utf-8")
    note(f"Page: {target}")
    if show and is_terminal():
        click.launch(str(target))


def _print_report(journal: Path, plain: bool) -> None:
    from gong_tasks_async.bulk import open_journal  # noqa: PLC0415 - see above

    with open_journal(journal) as reader:
        report = reader.report()
    emit(report.to_json() if plain else report.to_text().removesuffix("\n"))
