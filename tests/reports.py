"""Reports to be rendered, some of them with hostile words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gong_tasks_async import (
    BulkReport,
    DailyQuotaError,
    Failed,
    TaskNotFoundError,
    TaskUpdate,
)
from gong_tasks_async.bulk import RowCounts, TimelineBucket

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
BIG_ID = 2**63 - 1
HOSTILE = [
    "<script>document.title = 'taken'</script>",
    "\"><img src=x onerror=alert(1)> '",
    "first\nsecond\r\nthird\x1b[2J\u202e",
    '=cmd|"/c calc"!A0',
    "$title &amp; ${rows}",
]


def not_found(*words: str, task_id: int = 7, request_id: str | None = "req-1") -> Failed:
    error = TaskNotFoundError(
        method="PATCH", url=f"https://x/v2/tasks/{task_id}", status=404, errors=words, request_id=request_id
    )
    return Failed(TaskUpdate(task_id, "21", status="DONE"), error)


def full_report(**changes: Any) -> BulkReport:
    spent = DailyQuotaError(
        status=429, errors=("Daily limit",), resets_at=NOON + timedelta(hours=12), request_id="req-9"
    )
    facts: dict[str, Any] = {
        "updated": 7_000,
        "unchanged": 90,
        "failed": 2,
        "pending": 2_908,
        "calls": 8_003,
        "elapsed": 7_980.0,
        "failures": (not_found("No such task", task_id=BIG_ID), not_found("Gone", task_id=8)),
        "stopped_because": spent,
        "resume_after": NOON + timedelta(hours=12),
        "rate_limited": 3,
        "by_user": {"20": RowCounts(updated=7_000, pending=2_908), "21": RowCounts(0, 90, 2, 0)},
        "timeline": tuple(TimelineBucket(NOON + timedelta(minutes=n), 50 + n, n % 3) for n in range(130)),
        "started_at": NOON,
        "job": "quarter-end",
    }
    return BulkReport(**facts | changes)
