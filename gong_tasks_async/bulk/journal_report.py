"""The report of a job from its journal: totals over all its runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gong_tasks_async.bulk.outcomes import RowState, failure_of
from gong_tasks_async.bulk.report import (
    KEPT_ROWS,
    BulkReport,
    FailureGroups,
    RowSummary,
    TimelineBucket,
    build_report,
    changes_of,
    counted_changes,
)

if TYPE_CHECKING:
    from gong_tasks_async.bulk.journal_reader import JournalReader, RunRecord

BUCKETS = 120
SENT = (RowState.UPDATED, RowState.FAILED)


def report_of(journal: JournalReader) -> BulkReport:
    """The report of a job, as it stands now.

    Calls of a journal of an earlier version are those of settled rows; it did not record its runs.

    Raises:
        JournalError: the journal cannot be read.
    """
    runs = journal.runs()
    last = runs[-1] if runs else None
    groups, changes, attempts, settled = FailureGroups(), Counter[str](), 0, journal.created_at
    guarded, unguarded = journal.facts.get("guard") == "1", 0
    for row in journal.rows():
        changes.update(changes_of(row.update))
        attempts += row.attempts if row.settled_at else 0
        settled = max(settled, row.settled_at or settled)
        unguarded += guarded and row.before is None and row.state in SENT
        if row.state is RowState.FAILED:
            groups.add(failure_of(row).error)
    return build_report(
        _summary(journal, groups),
        calls=sum(run.calls for run in runs) if runs else attempts,
        listings=sum(run.listings for run in runs),
        rate_limited=sum(run.rate_limited for run in runs),
        elapsed=_elapsed(runs) if runs else max(0.0, (settled - journal.created_at).total_seconds()),
        stopped_because=None if last is None else last.stopped_because,
        resume_after=None if last is None else last.resume_after,
        started_at=journal.created_at,
        job=journal.path.stem,
        unguarded=unguarded,
        runs=max(1, len(runs)),
        changes=counted_changes(changes.most_common()),
        company=journal.company,
        source=journal.facts.get("source") or journal.facts.get("file"),
        users=journal.users,
        profile=journal.facts.get("profile"),
    )


def _summary(journal: JournalReader, groups: FailureGroups) -> RowSummary:
    tried = (row for row in journal.rows(RowState.PENDING) if row.cause is not None)
    moments = (TimelineBucket(*moment) for moment in journal.timeline(BUCKETS))
    return RowSummary(
        by_user=journal.by_user(),
        failures=tuple(map(failure_of, journal.first_rows(RowState.FAILED, KEPT_ROWS))),
        failures_by_reason=groups.groups(),
        # Without the spans in which nothing was settled, such as nights.
        timeline=tuple(moment for moment in moments if moment.updated or moment.failed),
        pending_rows=tuple(row for row, _ in zip(tried, range(KEPT_ROWS), strict=False)),
    )


def _elapsed(runs: list[RunRecord]) -> float:
    """Seconds in which the job was running; the time between two runs does not count."""
    return sum(run.seconds for run in runs)
