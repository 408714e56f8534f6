"""How tasks are written by `gong-tasks list`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gong_tasks_async import Task, to_json
from gong_tasks_async.cli.local_time import local_time
from gong_tasks_async.cli.output.as_listed import as_listed
from gong_tasks_async.cli.output.layout import Column, Layout


def person(task: Task) -> str:
    """Whom to call."""
    data = task.contact and task.contact.data
    return " ".join(filter(None, (data.first_name, data.last_name))) if data else ""


def reason(task: Task) -> str:
    """Why: a task has a title, or a flow that made it."""
    return task.title or _flow(task) or ""


def _flow(task: Task) -> str | None:
    return task.flow.name if task.flow else None


def _account(task: Task) -> str | None:
    return task.account.name if task.account else None


def _priority(task: Task) -> str | None:
    return task.priority.name if task.priority else None


def spelled(moment: datetime | None) -> str:
    """A moment for programs: ISO-8601 with its offset."""
    return moment.isoformat() if moment else ""


TASKS: Final = Layout[Task](
    what="tasks",
    to_json=lambda task: {**to_json(task), "asListed": as_listed(task)},
    csv=(  # to be edited, and given to `gong-tasks bulk`
        Column("taskId", lambda task: str(task.id)),
        Column("userId", lambda task: task.user_id),
        Column("status", lambda task: task.status),
        Column("dueDate", lambda task: spelled(task.due_date)),
        Column("priority", _priority),
        Column("type", lambda task: task.type),
        Column("title", lambda task: task.title),
        Column("flow", _flow),
        Column("contact", person),
        Column("account", _account),
        Column("created", lambda task: spelled(task.created)),
        Column("updated", lambda task: spelled(task.updated)),
        Column("asListed", as_listed),
    ),
    table=(
        Column("Task", lambda task: str(task.id)),
        Column("Due", lambda task: local_time(task.due_date)),
        Column("Call", person, least=12),
        Column("Why", reason, least=12),
        Column("User", lambda task: task.user_id),
        Column("Status", lambda task: task.status),
        Column("Account", _account, least=10),
    ),
)
