"""The report as plain text, for terminals, logs and mails."""

from __future__ import annotations

from collections.abc import Iterator

from gong_tasks_async.bulk.outcomes import Failed
from gong_tasks_async.bulk.render.format import (
    counted,
    duration,
    error_label,
    format_utc,
    gong_message,
    one_line,
    request_id,
    worst_first,
)
from gong_tasks_async.bulk.report import BulkReport

SHOWN_USERS = 10
SHOWN_FAILURES = 20


def as_text(report: BulkReport) -> str:
    """Write the report for people; the counts first, then what to do, then what went wrong."""
    parts = (
        _summary(report),
        _ending(report),
        _users(report),
        _reasons(report),
        _failures(report),
        _pending(report),
    )
    return "\n\n".join(filter(None, ("\n".join(part) for part in parts))) + "\n"


def _summary(report: BulkReport) -> Iterator[str]:
    if report.job is not None:
        yield one_line(report.job)
    if report.started_at is not None:
        yield f"started {format_utc(report.started_at)}"
    about = (", ".join(report.changes), report.company, report.source)
    if any(about):
        yield one_line(" · ".join(filter(None, about)))
    skipped = f"{report.skipped:,} skipped, " if report.skipped else ""
    counts = f"{report.updated:,} updated, {report.unchanged:,} unchanged, {skipped}{report.failed:,} failed"
    yield f"{counts}, {report.pending:,} pending: {report.total:,} rows"
    yield f"{report.calls:,} calls in {duration(report.elapsed)}, {report.rate:.2f} a second"
    yield f"{report.rate_limited:,} rate-limited (429)"


def _ending(report: BulkReport) -> Iterator[str]:
    if report.stopped_because is not None:
        yield f"Stopped: {one_line(str(report.stopped_because))}"
    elif report.pending:
        yield f"Not finished: {report.pending:,} rows are pending."
    if report.resume_after is not None:
        yield f"Resume after {format_utc(report.resume_after)}."


def _users(report: BulkReport) -> Iterator[str]:
    failing = [(user, counts) for user, counts in worst_first(report.by_user) if counts.failed]
    if not failing:
        return
    yield _headline("Users with most failures", SHOWN_USERS, len(failing))
    shown = failing[:SHOWN_USERS]
    width = max(len(user) for user, _ in shown)
    for user, counts in shown:
        settled = f"{counts.updated:,} updated, {counts.unchanged:,} unchanged, {counts.pending:,} pending"
        yield f"  {one_line(user):<{width}}  {counts.failed:>7,} failed, {settled}"


def _reasons(report: BulkReport) -> Iterator[str]:
    if len(report.failures_by_reason) > 1:
        yield "Failures by reason:"
        for group in report.failures_by_reason[:SHOWN_FAILURES]:
            yield f"  {group.count:>7,}  {one_line(f'{group.label}: {group.message}')}"


def _pending(report: BulkReport) -> Iterator[str]:
    if report.pending_rows:
        yield _headline("Pending rows with an error", SHOWN_FAILURES, len(report.pending_rows))
        for row in report.pending_rows[:SHOWN_FAILURES]:
            last = "" if row.cause is None else f"{error_label(row.cause)}: {gong_message(row.cause)}"
            attempts = counted(row.attempts, "attempt")
            yield f"  task {row.update.task_id} of user {row.update.user_id}: {one_line(last)} ({attempts})"


def _failures(report: BulkReport) -> Iterator[str]:
    if report.failures:
        yield _headline("Failures", SHOWN_FAILURES, report.failed)
        yield from map(_failure, report.failures[:SHOWN_FAILURES])


def _failure(failed: Failed) -> str:
    reference = request_id(failed.error)
    words = f"{error_label(failed.error)}: {gong_message(failed.error)}" + (
        f" [request id {reference}]" if reference else ""
    )
    return f"  task {failed.update.task_id} of user {failed.update.user_id}: {one_line(words)}"


def _headline(title: str, shown: int, total: int) -> str:
    return f"{title}, the first {shown} of {total:,}:" if total > shown else f"{title}:"
