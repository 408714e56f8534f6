"""Every field of a report, of a run and of its job: none may be forgotten on the way from the call to the page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import attrs
import pytest

from gong_tasks_async import (
    BulkReport,
    DailyQuotaError,
    Failed,
    GongError,
    JournalRow,
    LocalQuota,
    QuotaLimits,
    RetryPolicy,
    RowCounts,
    TaskUpdate,
    open_journal,
)
from gong_tasks_async.bulk import with_names
from gong_tasks_async.simulator import Engine, Fault, SecondLimit
from tests.conftest import Connect

OF_THE_JOB = {"changes", "company", "source", "users", "profile"}
"""What only the journal knows."""
MEASURED = {"started_at", "timeline", "elapsed"}
"""By other clocks, in other spans."""
SUMS = ("updated", "unchanged", "failed", "skipped", "calls", "rate_limited", "listings", "unguarded")
PER_DAY = 9


def plain(value: Any) -> Any:
    """A value that can be compared: errors are equal to themselves alone."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Failed):
        return value.update, str(value.error)
    if isinstance(value, JournalRow):
        return value.update, value.error, value.attempts
    return str(value) if isinstance(value, GongError) else value


async def two_days(connect: Connect, path: Path) -> tuple[BulkReport, BulkReport, BulkReport, BulkReport]:
    """A job that the day's end stops, and the next day resumes: of each day the report of the run, and of the job."""
    engine, loop = (
        Engine(users=1, tasks_per_user=12, second_limit=SecondLimit.NONE),
        asyncio.get_running_loop(),
    )
    for task in engine.tasks.values():
        task["status"] = "OPEN"
    user, numbers = engine.user_ids[0], list(engine.tasks)
    engine.tasks[numbers[0]]["status"] = "DISMISSED"
    limits = QuotaLimits(per_day=PER_DAY, interactive_reserve=0)
    quota = LocalQuota(limits, wall_clock=lambda: 1_790_000_000.0 + loop.time())
    gong = await connect(engine, quota=quota, latency=(0.5, 0.5), retry=RetryPolicy(attempts=1))
    rows = [TaskUpdate(number, user, status="DISMISSED") for number in numbers]
    rows.insert(4, TaskUpdate(1, user, status="DONE"))  # there is no such task
    plan = with_names(await gong.plan_updates(rows, guard=True), {user: "Ana Lima"}, "rows.csv")
    engine.inject_fault(Fault.TOO_MANY, retry_after="1")
    engine.inject_fault(Fault.UNAVAILABLE)
    origin = {"profile": "default"}
    first = await gong.update_many(plan, journal=path, guard=True, workers=1, origin=origin)
    with open_journal(path) as journal:
        job_then = journal.report()
    await asyncio.sleep(86_400)
    engine.tasks[numbers[-1]] |= {"title": "Mine", "updated": "2030-01-01T00:00:00Z"}
    engine.inject_fault(Fault.TOO_MANY, retry_after="1")
    second = await gong.resume_many(path, workers=1)
    with open_journal(path) as journal:
        return first, job_then, second, journal.report()


@pytest.mark.virtual
async def test_no_field_of_a_report_is_forgotten(connect: Connect, tmp_path: Path) -> None:
    first, job_then, second, job = await two_days(connect, tmp_path / "job")
    names = [field.name for field in attrs.fields(BulkReport)]
    empty = BulkReport()
    for name in names:
        assert any(getattr(each, name) != getattr(empty, name) for each in (first, job_then, second, job)), (
            name
        )
    for name in set(names) - OF_THE_JOB - MEASURED:
        assert plain(getattr(job_then, name)) == plain(getattr(first, name)), name
    assert {name: getattr(job, name) for name in SUMS} == {
        name: getattr(first, name) + getattr(second, name) for name in SUMS
    }
    assert isinstance(first.stopped_because, DailyQuotaError)
    assert (second.stopped_because, job.stopped_because, job.runs, job.pending) == (None, None, 2, 0)
    assert (first.rate_limited, first.unguarded, second.listings, second.skipped) == (1, 1, 1, 1)
    assert sum(first.by_user.values(), RowCounts()) == first.counts
    assert sum(job.by_user.values(), RowCounts()) == job.counts
    assert (job.changes, job.source, job.profile) == (
        ("status DISMISSED (12)", "status DONE (1)"),
        "rows.csv",
        "default",
    )
    assert (job.company, set(job.users.values())) == ("http://localhost", {"Ana Lima"})


@pytest.mark.virtual
async def test_what_a_report_measures_is_of_the_run_and_of_all_runs(connect: Connect, tmp_path: Path) -> None:
    first, _, second, job = await two_days(connect, tmp_path / "job")
    for report in (first, second, job):
        assert report.started_at is not None
        assert sum(bucket.updated for bucket in report.timeline) == report.updated
        assert sum(bucket.failed for bucket in report.timeline) == report.failed
    assert first.elapsed > first.calls * 0.5
    assert job.elapsed > 0
