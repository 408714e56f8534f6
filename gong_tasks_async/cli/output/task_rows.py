"""How tasks are written: by `list`, `show` and `update`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from gong_tasks_async import Task, User, to_json
from gong_tasks_async.cli.local_time import in_local_zone, local_time
from gong_tasks_async.cli.output.as_listed import as_listed
from gong_tasks_async.cli.output.layout import Column, Layout

if TYPE_CHECKING:
    from gong_tasks_async.models import JsonValue


@frozen
class OwnedTask:
    """A task and its owner, as far as the owner was looked up."""

    task: Task
    owner: User | None = None


def person(task: Task) -> str:
    """Whom to call."""
    data = task.contact and task.contact.data
    return " ".join(filter(None, (data.first_name, data.last_name))) if data else ""


def reason(task: Task) -> str:
    """Why: a task has a title, or a flow that made it."""
    return task.title or _flow(task) or ""


def user_name(user: User | None) -> str:
    """A user as people know it: the name, else the address."""
    return (user and (user.name or user.email_address)) or ""


def spelled(moment: datetime | None) -> str:
    """A moment for programs: ISO-8601 by this machine's clock, so that all of a column sort; with its offset."""
    return in_local_zone(moment).isoformat() if moment else ""


def _flow(task: Task) -> str | None:
    return task.flow.name if task.flow else None


def _account(task: Task) -> str | None:
    return task.account.name if task.account else None


def _priority(task: Task) -> str | None:
    return task.priority.name if task.priority else None


def _owner_address(row: OwnedTask) -> str | None:
    return row.owner.email_address if row.owner else None


def _as_json(row: OwnedTask) -> dict[str, JsonValue]:
    owner = {"ownerName": user_name(row.owner), "ownerAddress": _owner_address(row)} if row.owner else {}
    return {**to_json(row.task), **owner, "asListed": as_listed(row.task)}


TASKS: Final = Layout[OwnedTask](
    what="tasks",
    to_json=_as_json,
    csv=(  # to be edited, and given to `gong-tasks bulk`
        Column("taskId", lambda row: str(row.task.id)),
        Column("userId", lambda row: row.task.user_id),
        Column("status", lambda row: row.task.status),
        Column("dueDate", lambda row: spelled(row.task.due_date), is_date=True),
        Column("priority", lambda row: _priority(row.task)),
        Column("type", lambda row: row.task.type),
        Column("title", lambda row: row.task.title),
        Column("flow", lambda row: _flow(row.task)),
        Column("contact", lambda row: person(row.task)),
        Column("account", lambda row: _account(row.task)),
        Column("created", lambda row: spelled(row.task.created), is_date=True),
        Column("updated", lambda row: spelled(row.task.updated), is_date=True),
        Column("ownerName", lambda row: user_name(row.owner)),
        Column("ownerAddress", _owner_address),
        Column("asListed", lambda row: as_listed(row.task)),
    ),
    table=(
        Column("Task", lambda row: str(row.task.id)),
        Column("Due", lambda row: local_time(row.task.due_date)),
        Column("Call", lambda row: person(row.task), least=12),
        Column("Why", lambda row: reason(row.task), least=12),
        Column("Owner", lambda row: user_name(row.owner) or row.task.user_id),
        Column("Status", lambda row: row.task.status),
        Column("Account", lambda row: _account(row.task), least=10),
    ),
)
