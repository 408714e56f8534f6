"""The report of a distributed job: the same as of a run in one process."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from attrs import evolve

from gong_tasks_async.bulk import BulkReport, Failed, RowCounts
from gong_tasks_async.bulk.tally import Tally
from gong_tasks_async.distributed.progress import Progress
from gong_tasks_async.distributed.store import JobStore


async def report_of(store: JobStore, job: str) -> BulkReport:
    """Read all rows and build the report."""
    progress = await store.progress(job)
    tally, pending = Tally(progress.started_at), Counter[str]()
    async for update, settlement in store.rows(job):
        if settlement is None:
            pending[update.user_id] += 1
        else:
            tally.add(update.user_id, settlement.state, settlement.at)
            if settlement.error is not None:
                tally.keep(Failed(update, settlement.error))
    return _report(progress, tally, pending)


def _report(progress: Progress, tally: Tally, pending: Counter[str]) -> BulkReport:
    return BulkReport(
        updated=tally.updated,
        unchanged=tally.unchanged,
        failed=tally.failed,
        pending=pending.total(),
        calls=progress.calls,
        rate_limited=progress.rate_limited,
        elapsed=_elapsed(progress),
        failures=tuple(tally.failures),
        stopped_because=progress.stopped_because,
        resume_after=progress.resume_after,
        by_user=_by_user(tally, pending),
        timeline=tally.timeline.moments(),
        started_at=progress.started_at,
        job=progress.job,
    )


def _elapsed(progress: Progress) -> float:
    if progress.started_at is None:
        return 0.0
    until = progress.settled_at if progress.finished and progress.settled_at else datetime.now(UTC)
    return max(0.0, (until - progress.started_at).total_seconds())


def _by_user(tally: Tally, pending: Counter[str]) -> dict[str, RowCounts]:
    settled = tally.by_user
    users = dict.fromkeys((*settled, *pending))
    return {user: evolve(settled.get(user, RowCounts()), pending=pending[user]) for user in users}
