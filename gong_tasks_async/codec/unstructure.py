"""Models -> plain JSON values, in Gong's spelling."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from gong_tasks_async.models import TaskFilter, TaskUpdate


def rfc3339(moment: datetime) -> str:
    """Format as ISO-8601 with an offset in whole minutes, the format's limit.

    Historic zones have offsets with seconds; such date-times are sent in UTC.
    """
    offset = moment.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        with suppress(OverflowError):  # at the edge of the calendar
            moment = moment.astimezone(UTC)
    return moment.isoformat()


def filter_body(wanted: TaskFilter) -> dict[str, Any]:
    """Build the body of ``POST /v2/tasks``; all inside ``filter``, since the top-level fields are deprecated."""
    conditions: dict[str, Any] = {"userId": wanted.user_id}
    if wanted.workspace_id is not None:
        conditions["workspaceId"] = wanted.workspace_id
    conditions |= {"types": wanted.types, "taskAction": wanted.actions, "status": wanted.statuses}
    return {"filter": conditions}


def update_body(update: TaskUpdate) -> dict[str, Any]:
    """Build the body of ``PATCH /v2/tasks/{taskId}``; fields left out stay unchanged."""
    body: dict[str, Any] = {"userId": update.user_id}
    if update.status is not None:
        body["status"] = update.status
    if update.due_date is not None:
        body["dueDate"] = rfc3339(update.due_date)
    if update.priority is not None:
        body["priority"] = update.priority
    return body
