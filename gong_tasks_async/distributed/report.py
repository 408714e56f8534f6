"""The report of a distributed job: the same as of a run in one process."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from gong_tasks_async.bulk import BulkReport, JournalRow
from gong_tasks_async.bulk.report import build_report, changes_of, counted_changes
from gong_tasks_async.bulk.tally import Tally
from gong_tasks_async.distributed.progress import Progress
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.models import TaskUpdate

UNREADABLE = JournalRow(TaskUpdate(1, "0", status="DONE"))
"""In place of a row that this version cannot read: it is pending, and its owner unknown."""


async def report_of(store: JobStore, job: str) -> BulkReport:
    """Read all rows and build the report."""
    progress = await store.progress(job)
    tally, changes = Tally(progress.started_at), Counter[str]()
    async for stored in store.rows(job):
        tally.add(stored.row or UNREADABLE)
        if stored.row is not None:
            changes.update(changes_of(stored.row.update))
    return build_report(
        tally.summary(),
        calls=progress.calls,
        listings=progress.listings,
        rate_limited=progress.rate_limited,
        unguarded=progress.unguarded,
        elapsed=_elapsed(progress),
        stopped_because=progress.stopped_because,
        resume_after=progress.resume_after,
        started_at=progress.started_at,
        job=progress.job,
        changes=counted_changes(changes.most_common()),
        company=progress.base_url,
        source=progress.origin.get("source") or progress.origin.get("file"),
    )


def _elapsed(progress: Progress) -> float:
    if progress.started_at is None:
        return 0.0
    until = progress.settled_at if progress.finished and progress.settled_at else datetime.now(UTC)
    return max(0.0, (until - progress.started_at).total_seconds())
