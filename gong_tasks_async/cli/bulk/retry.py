"""`gong-tasks bulk retry`: send a job's failed rows again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gong_tasks_async.cli.bulk.job_argument import job_argument
from gong_tasks_async.cli.command import Command
from gong_tasks_async.cli.input.options import wait_for_day_option, workers_option, yes_option
from gong_tasks_async.cli.output.formats import Output, report_output_option
from gong_tasks_async.cli.session import client_options, run

if TYPE_CHECKING:
    from gong_tasks_async.bulk import JournalRow
    from gong_tasks_async.config.configuration import Configuration

EXAMPLES = """
gong-tasks bulk retry dismiss-2026-11-21
gong-tasks bulk retry dismiss-2026-11-21 --reason 404
"""


@click.command("retry", cls=Command, examples=EXAMPLES)
@job_argument()
@click.option(
    "--reason", metavar="STATUS|NAME", help="Only rows that failed so, such as 404; by default all."
)
@yes_option
@workers_option
@wait_for_day_option
@report_output_option
@client_options
def command(
    *,
    name: str,
    reason: str | None,
    yes: bool,
    workers: int,
    wait_for_day: bool,
    output: Output,
    configuration: Configuration,
) -> None:
    """Send a job's failed rows again.

    They become pending rows of the same job, which is then resumed. The tasks are looked at first: what is as it should
    be by now is not sent.
    """
    from gong_tasks_async.bulk import retry_failed  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.cli.bulk.job_folder import JobFolder  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.bulk.job_run import resume_job  # noqa: PLC0415 - aiohttp, when it is needed
    from gong_tasks_async.cli.bulk.update_run import RunOptions  # noqa: PLC0415 - as above
    from gong_tasks_async.cli.input.confirm import confirm  # noqa: PLC0415 - as above

    journal = JobFolder(configuration.jobs_folder, configuration.company).find(name)
    kinds, question = _failed(journal, reason)
    if not yes:
        confirm(question)
    retry_failed(journal, kinds)
    options = RunOptions(
        skip_unchanged=True, bulk={"workers": workers, "wait_for_day": wait_for_day}, output=output
    )
    click.get_current_context().exit(run(resume_job(configuration, journal, options)))


def _failed(journal: Path, reason: str | None) -> tuple[set[str], str]:
    """The kinds of errors that are meant, and the question.

    Raises:
        click.UsageError: no row failed, or none for this reason.
    """
    from gong_tasks_async.bulk import RowState, open_journal  # noqa: PLC0415 - help need not load sqlite
    from gong_tasks_async.bulk.render.format import counted  # noqa: PLC0415 - as above

    with open_journal(journal) as reader:
        failed = list(reader.rows(RowState.FAILED))
    if not failed:
        raise click.UsageError(f"no row of the job {journal.stem} has failed: there is nothing to retry")
    reasons = Counter(map(_reason, failed))
    kinds = {row.error_kind for row in failed if reason is None or reason.casefold() in _names(row)}
    meant = [row for row in failed if row.error_kind in kinds]
    if not meant:
        raise click.UsageError(f"no row failed with {reason!r}; the reasons are {_listed(reasons)}")
    rows = counted(len(meant), "failed row")
    return {
        kind for kind in kinds if kind
    }, f"Retry {rows} of the job {journal.stem}: {_listed(Counter(map(_reason, meant)))}?"


def _names(row: JournalRow) -> set[str]:
    return {str(row.status), (row.error_kind or "").casefold(), _reason(row).casefold()}


def _reason(row: JournalRow) -> str:
    from gong_tasks_async.cli.messages import error_code  # noqa: PLC0415 - as above

    name = "unknown" if row.cause is None else error_code(type(row.cause)).replace("_", " ")
    return f"{row.status or ''} {name}".strip()


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count:,} x {reason}" for reason, count in reasons.most_common(10))
