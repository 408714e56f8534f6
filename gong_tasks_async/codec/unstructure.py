"""Models -> plain JSON values, in Gong's spelling."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from cattrs import Converter

from gong_tasks_async.codec.names import gong_name
from gong_tasks_async.models import OpenEnum, TaskFilter, TaskUpdate
from gong_tasks_async.models.answers import ANSWERED
from gong_tasks_async.models.base import Answered


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


def _object_writer(kind: type[Answered], converter: Converter) -> Callable[[Answered], dict[str, Any]]:
    names = [(a.name, gong_name(a.name), a.default) for a in attrs.fields(kind) if a.name != "extra"]

    def write(value: Answered) -> dict[str, Any]:
        fields = {
            key: converter.unstructure(part)
            for name, key, default in names
            if (part := getattr(value, name)) != default
        }
        return fields | dict(value.extra)

    return write


def register_writers(converter: Converter) -> None:
    """Register the hooks that write models in Gong's spelling, without missing fields."""
    converter.register_unstructure_hook(datetime, rfc3339)
    converter.register_unstructure_hook(TaskFilter, filter_body)
    converter.register_unstructure_hook(TaskUpdate, update_body)
    for kind in ANSWERED:
        converter.register_unstructure_hook(kind, _object_writer(kind, converter))
    for vocabulary in OpenEnum.__subclasses__():
        converter.register_unstructure_hook(vocabulary, str)
    converter.register_unstructure_hook_func(
        lambda kind: kind is tuple, lambda many: [converter.unstructure(v) for v in many]
    )
