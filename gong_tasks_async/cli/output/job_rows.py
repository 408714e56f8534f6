"""How the rows of a job are written, each with its outcome: by `bulk` and `jobs`, whole or as the failed ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gong_tasks_async.cli.output.layout import Column, Layout
from gong_tasks_async.cli.output.task_rows import spelled

if TYPE_CHECKING:
    from gong_tasks_async.bulk import JournalRow
    from gong_tasks_async.models import JsonValue, TaskUpdate


def job_rows(users: Mapping[str, str]) -> Layout[JournalRow]:
    """The layout of rows; its CSV can be edited, and given to `gong-tasks bulk run`.

    Args:
        users: names of the tasks' owners by id, as far as they are known.
    """
    columns = (
        Column[Any]("taskId", lambda row: str(row.update.task_id)),
        Column[Any]("userId", lambda row: row.update.user_id),
        Column[Any]("ownerName", lambda row: users.get(row.update.user_id)),
        Column[Any]("status", lambda row: row.update.status),
        Column[Any]("dueDate", lambda row: spelled(row.update.due_date), is_date=True),
        Column[Any]("priority", lambda row: row.update.priority),
        Column[Any]("state", lambda row: row.state.value),
        Column[Any]("attempts", lambda row: str(row.attempts)),
        Column[Any]("requestId", lambda row: row.request_id),
        Column[Any]("error", lambda row: row.error or row.reason),
        Column[Any]("settledAt", lambda row: spelled(row.settled_at), is_date=True),
    )

    def as_json(row: JournalRow) -> dict[str, JsonValue]:
        return {
            **_update_as_json(row.update),
            "owner_name": users.get(row.update.user_id),
            "state": row.state.value,
            "attempts": row.attempts,
            "request_id": row.request_id,
            "error": row.error or row.reason,
            "settled_at": _iso(row.settled_at),
        }

    return Layout(what="rows", to_json=as_json, csv=columns, table=columns)


def planned_rows(users: Mapping[str, str]) -> Layout[TaskUpdate]:
    """The layout of a plan's updates; its CSV is an input of `gong-tasks bulk run`."""
    columns = (
        Column[Any]("taskId", lambda update: str(update.task_id)),
        Column[Any]("userId", lambda update: update.user_id),
        Column[Any]("ownerName", lambda update: users.get(update.user_id)),
        Column[Any]("status", lambda update: update.status),
        Column[Any]("dueDate", lambda update: spelled(update.due_date), is_date=True),
        Column[Any]("priority", lambda update: update.priority),
    )

    def as_json(update: TaskUpdate) -> dict[str, JsonValue]:
        return {**_update_as_json(update), "owner_name": users.get(update.user_id)}

    return Layout(what="updates", to_json=as_json, csv=columns, table=columns)


def _update_as_json(update: TaskUpdate) -> dict[str, JsonValue]:
    return {
        "task_id": str(update.task_id),
        "user_id": update.user_id,
        "status": update.status,
        "due_date": _iso(update.due_date),
        "priority": update.priority,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
