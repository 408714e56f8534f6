"""The report as JSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from gong_tasks_async.bulk.outcomes import Failed, JournalRow, error_name
from gong_tasks_async.bulk.render.format import gong_message, request_id, to_iso
from gong_tasks_async.bulk.report import BulkReport, TimelineBucket
from gong_tasks_async.errors import GongError

COUNTS = (
    "updated",
    "unchanged",
    "skipped",
    "failed",
    "pending",
    "total",
    "calls",
    "listings",
    "rate_limited",
    "unguarded",
    "runs",
    "elapsed",
    "rate",
)


def as_json(report: BulkReport) -> str:
    """Write the report as one JSON object, named as in Python; ids as text, times in ISO 8601."""
    # ASCII, so that no reader's encoding matters.
    return json.dumps(_counts(report) | _ending(report) | _details(report), indent=2)


def _counts(report: BulkReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in COUNTS}


def _ending(report: BulkReport) -> dict[str, Any]:
    stopped = report.stopped_because
    return {
        "job": report.job,
        "complete": report.complete,
        "company": report.company,
        "source": report.source,
        "profile": report.profile,
        "changes": list(report.changes),
        "started_at": to_iso(report.started_at),
        "stopped_because": None if stopped is None else _error(stopped),
        "resume_after": to_iso(report.resume_after),
    }


def _details(report: BulkReport) -> dict[str, Any]:
    return {
        "by_user": {user: asdict(counts) for user, counts in report.by_user.items()},
        "timeline": [_moment(moment) for moment in report.timeline],
        "failures": [_failure(failed) for failed in report.failures],
        "failures_by_reason": [asdict(group) for group in report.failures_by_reason],
        "pending_rows": [_tried(row) for row in report.pending_rows],
    }


def _moment(moment: TimelineBucket) -> dict[str, Any]:
    return {"at": to_iso(moment.at), "updated": moment.updated, "failed": moment.failed}


def _failure(failed: Failed) -> dict[str, Any]:
    update = failed.update
    return {
        "task_id": str(update.task_id),
        "user_id": update.user_id,
        "status": update.status,
        "due_date": to_iso(update.due_date),
        "priority": update.priority,
        "error": _error(failed.error),
    }


def _tried(row: JournalRow) -> dict[str, Any]:
    update = row.update
    error = None if row.cause is None else _error(row.cause)
    return {
        "task_id": str(update.task_id),
        "user_id": update.user_id,
        "attempts": row.attempts,
        "error": error,
    }


def _error(error: GongError) -> dict[str, Any]:
    return {
        "kind": error_name(error),
        "message": gong_message(error),
        "status": getattr(error, "status", None),
        "request_id": request_id(error),
    }
