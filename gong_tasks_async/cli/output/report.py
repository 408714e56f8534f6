"""The report of a job, for the person who asked for it: as text, JSON, one HTML page, or its rows with their outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gong_tasks_async.bulk.render.format import (
    counted,
    duration,
    error_label,
    gong_message,
    one_line,
    worst_first,
)
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.cli.output.console import emit
from gong_tasks_async.cli.output.data_file import binary, data_file, write_text
from gong_tasks_async.cli.output.formats import Output, OutputFormat
from gong_tasks_async.cli.output.job_rows import job_rows
from gong_tasks_async.cli.output.listing import Listing
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.output.text import local, owner_of
from gong_tasks_async.cli.output.visible import visible_json
from gong_tasks_async.errors import APIError

if TYPE_CHECKING:
    from gong_tasks_async.bulk import BulkReport, JournalRow
    from gong_tasks_async.bulk.outcomes import RowCounts
    from gong_tasks_async.cli.output.workbook import Sheet
    from gong_tasks_async.errors import GongError
    from gong_tasks_async.models import TaskUpdate

SHOWN: Final = 20
"""Users, reasons and failures that a terminal shows of each; the other formats have all."""


def write_report(report: BulkReport, rows: Iterator[JournalRow], output: Output) -> None:
    """Write a report as it was asked for.

    Args:
        report: the counts.
        rows: all rows of the job, taken only where the format has them.
        output: where to, and how.
    """
    match output.form:
        case OutputFormat.TABLE:
            draw_report(report)
        case OutputFormat.JSON:
            write_text(visible_json(report.to_json()), output)
        case OutputFormat.HTML:
            write_text(report.to_html().removesuffix("\n"), output)
        case OutputFormat.XLSX:
            _write_workbook(report, rows, output)
        case OutputFormat.JSONL | OutputFormat.CSV:
            with Listing(job_rows(report.users), output) as listing:
                for row in rows:
                    listing.add([row])


def draw_report(report: BulkReport) -> None:
    """Show a report on a terminal: what was changed and how it ended, then what went wrong."""
    draw_facts(report_facts(report))
    for title, lines in _parts(report):
        emit(f"\n{title}")
        for line in lines:
            emit(f"  {line}")


def report_facts(report: BulkReport) -> dict[str, str]:
    """What was changed, for whom, from what, when, and how it ended; what is not known is left out."""
    facts = {
        "Job": report.job,
        "Changed": ", ".join(report.changes),
        "For": _owners(report),
        "Company": report.company,
        "Rows from": report.source,
        "Profile": report.profile,
        "Started": local(report.started_at) if report.started_at else None,
        "Took": duration(report.elapsed) + (f" in {report.runs:,} runs" if report.runs > 1 else ""),
        "Ended": ending(report),
        "Updated": f"{report.updated:,} of {counted(report.total, 'row')}",
        "Unchanged": f"{report.unchanged:,}" if report.unchanged else None,
        "Skipped": f"{report.skipped:,}, changed by someone meanwhile" if report.skipped else None,
        "Failed": f"{report.failed:,}",
        "Pending": f"{report.pending:,}" if report.pending else None,
        "Calls": _calls(report),
    }
    return {name: one_line(text) for name, text in facts.items() if text}


def ending(report: BulkReport) -> str:
    """How a job ended."""
    if report.stopped_because is not None:
        return f"stopped early: {line_for_operator(report.stopped_because)}"
    if report.pending:
        return f"not finished: {counted(report.pending, 'row')} left"
    return f"complete, but {counted(report.failed, 'row')} failed" if report.failed else "complete"


def _owners(report: BulkReport) -> str:
    names = [owner_of(report.users, user) for user in report.by_user]
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3:,} more"  # noqa: PLR2004 - to recognize them by


def _calls(report: BulkReport) -> str:
    limited = f", {report.rate_limited:,} of them rate-limited (429)" if report.rate_limited else ""
    return f"{report.calls:,}{limited}"


def _parts(report: BulkReport) -> Iterator[tuple[str, Sequence[str]]]:
    if reasons := [
        f"{group.count:>7,}  {one_line(f'{group.label}: {group.message}')}"
        for group in report.failures_by_reason
    ]:
        yield _title("Failures by reason", reasons), reasons[:SHOWN]
    if users := [_user(report.users, *user) for user in worst_first(report.by_user) if user[1].failed]:
        yield _title("Owners with failures", users), users[:SHOWN]
    if failures := [_failure(report.users, failed.update, failed.error) for failed in report.failures]:
        yield _title("Failed rows", failures, report.failed), failures[:SHOWN]
    if pending := [_failure(report.users, row.update, row.cause) for row in report.pending_rows if row.cause]:
        yield _title("Rows left, with their last error", pending), pending[:SHOWN]


def _title(title: str, lines: Sequence[str], count: int | None = None) -> str:
    total = max(len(lines), count or 0)
    return f"{title}:" if total <= SHOWN else f"{title}, the first {SHOWN} of {total:,}:"


def _user(names: Mapping[str, str], user: str, counts: RowCounts) -> str:
    return f"{counts.failed:>7,}  {owner_of(names, user)}"


def _failure(names: Mapping[str, str], update: TaskUpdate, error: GongError) -> str:
    return one_line(
        f"task {update.task_id} of {owner_of(names, update.user_id)}: {error_label(error)}, {_reason(error)}"
    )


def _reason(error: GongError) -> str:
    """Gong's message; where it sent none, what happened, as operators read it."""
    return gong_message(error) if isinstance(error, APIError) else line_for_operator(error)


def _write_workbook(report: BulkReport, rows: Iterator[JournalRow], output: Output) -> None:
    from gong_tasks_async.cli.output.workbook import Sheet, write_workbook  # noqa: PLC0415 - few need it

    sheets = [Sheet.of("Rows", job_rows(report.users), rows), *_summary_sheets(report, Sheet)]
    with data_file(output) as file:
        write_workbook(binary(file), sheets, opened=1)


def _summary_sheets(report: BulkReport, sheet: type[Sheet]) -> Iterator[Sheet]:
    yield sheet("Report", ("Fact", "Value"), report_facts(report).items())
    if report.failures_by_reason:
        reasons = ((f"{group.count}", group.label, group.message) for group in report.failures_by_reason)
        yield sheet("Failures by reason", ("Rows", "Reason", "Gong's message"), reasons)
    counts = (
        (report.users.get(user), user, *(str(getattr(counts, state)) for state in STATES))
        for user, counts in worst_first(report.by_user)
    )
    yield sheet("Owners", ("Owner", "Id", *(state.capitalize() for state in STATES)), counts)


STATES: Final = ("updated", "unchanged", "skipped", "failed", "pending")
