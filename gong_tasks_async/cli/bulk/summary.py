"""A run's summary: a table for people, JSON for programs, and what to do next."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from gong_tasks_async.bulk import JournalReader, open_journal
from gong_tasks_async.bulk.render.format import counted, duration, one_line
from gong_tasks_async.bulk.report import BulkReport
from gong_tasks_async.cli.bulk.failed_rows import write_failures
from gong_tasks_async.cli.bulk.job_argument import resume_command
from gong_tasks_async.cli.bulk.run_progress import CallMeter
from gong_tasks_async.cli.errors import forget_output
from gong_tasks_async.cli.exit_codes import ExitCode, exit_code_of
from gong_tasks_async.cli.invocation import to_type
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import note, note_command, stdout_console
from gong_tasks_async.cli.output.formats import Output
from gong_tasks_async.cli.output.report import write_report
from gong_tasks_async.cli.output.text import failure, local

SHOWN = 20
"""Failures shown; a file beside the journal has all."""


def print_summary(report: BulkReport, journal: Path | None, meter: CallMeter, output: Output) -> ExitCode:
    """Print a run's counts on standard output, failures and what to do on standard error."""
    print_failures(report, journal)
    print_job(report, journal, output)
    _print_advice(report, journal, meter)
    return exit_code(report, journal, meter)


def print_job(report: BulkReport, journal: Path | None, output: Output) -> None:
    """Print the counts of a run or a job, or its rows where the format is one of rows."""
    try:
        _write(report, journal, output)
    except BrokenPipeError:  # the reader has closed the pipe; the exit code still reports the run
        forget_output()


def exit_code(report: BulkReport, journal: Path | None, meter: CallMeter) -> ExitCode:
    """The code of why it stopped; else of rows that are pending, or failed in any run of the job."""
    if report.stopped_because is not None:
        return exit_code_of(report.stopped_because)
    if report.pending:  # too few in a row to stop a run
        return ExitCode.ROWS_FAILED if meter.answers else ExitCode.NO_CONNECTION
    return ExitCode.ROWS_FAILED if report.failed or _failed_in_all(journal) else ExitCode.DONE


def _failed_in_all(journal: Path | None) -> int:
    if journal is None:
        return 0
    with open_journal(journal) as reader:
        return reader.counts().failed


def print_failures(report: BulkReport, journal: Path | None) -> None:
    """Note the first failed rows, and write all of the job to a file that can be fixed and run."""
    names = {} if journal is None or not report.failures else _names(journal)
    for failed in report.failures[:SHOWN]:
        note(failure(failed, names))
    if report.failed > SHOWN:
        note(f"and {report.failed - SHOWN:,} more")
    if journal is not None and (count := _failed_in_all(journal)):
        path = write_failures(journal)
        note_command(
            f"{counted(count, 'failed row')} in {path}. Fix the rows there, then run:",
            to_type("bulk", "run", str(path)),
        )


def _names(journal: Path) -> dict[str, str]:
    with open_journal(journal) as reader:
        return reader.users


def _write(report: BulkReport, journal: Path | None, output: Output) -> None:
    if output.is_table:
        _draw(report)
    elif journal is None or not journal.exists():  # nothing was sent
        write_report(report, iter(()), output)
    else:
        with open_journal(journal) as reader:
            write_report(_described(report, reader), reader.rows(), output)


def _described(report: BulkReport, journal: JournalReader) -> BulkReport:
    """A run's report, with what only the journal of its job knows."""
    job = journal.report()
    return evolve(
        report,
        job=job.job,
        changes=job.changes,
        company=job.company,
        source=job.source,
        users=job.users,
        profile=job.profile,
    )


def _draw(report: BulkReport) -> None:
    from rich.table import Table  # noqa: PLC0415 - 65 ms that a pipe need not spend

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for name in ("updated", "unchanged", "failed", "skipped", "pending"):
        count = getattr(report, name)
        if name == "skipped" and not count:
            continue
        table.add_row(name.capitalize(), f"{count:,}", style=_STYLES[name] if count else None)
    table.add_row("Calls", f"{report.calls:,}")
    table.add_row("Rate-limited (429)", f"{report.rate_limited:,}")
    table.add_row("Took", duration(report.elapsed))
    stdout_console().print(table)


_STYLES = {"updated": "green", "unchanged": "dim", "failed": "red", "skipped": "yellow", "pending": "yellow"}


def _print_advice(report: BulkReport, journal: Path | None, meter: CallMeter) -> None:
    if report.stopped_because is not None:
        note(f"Stopped: {line_for_operator(report.stopped_because)}")
    elif report.pending:
        trouble = f" ({one_line(meter.trouble)})" if meter.trouble else ""
        note(f"{counted(report.pending, 'row')} got no final response{trouble}.")
    if report.skipped:
        note(f"{counted(report.skipped, 'row')} skipped: the task was changed since the run looked at it.")
    if report.unguarded:
        note(f"{counted(report.unguarded, 'row')} sent although no listing showed the task.")
    if report.pending:
        after = f" after {local(report.resume_after)}" if report.resume_after else ""
        note(f"{counted(report.pending, 'row')} left. {describe_resume(journal, after)}")


def describe_resume(journal: Path | None, after: str = "") -> str:
    """How to resume a job: the command stands alone on its line, to be copied."""
    if journal is None:
        return "No journal: run everything again."
    return f"Resume{after}:\n  {resume_command(journal.stem)}"
