"""Tasks as flat rows, for data frames and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gong_tasks_async.models import Task


def to_rows(tasks: Iterable[Task]) -> list[dict[str, str | None]]:
    """Convert tasks to flat rows: the columns of ``gong-tasks list -o csv``, missing values as None.

    ``pandas.DataFrame(to_rows(tasks))`` and ``polars.DataFrame(to_rows(tasks))`` read them. Ids are text, since many
    programs lose digits past 2**53; times are ISO 8601, with the offset that Gong gave them.

    >>> from gong_tasks_async import Task
    >>> to_rows([Task(id=9067931441193858457, user_id="234599484848423", title="Call back")])[0]["taskId"]
    '9067931441193858457'

    Args:
        tasks: the tasks.
    """
    return [_row(task) for task in tasks]


def _row(task: Task) -> dict[str, str | None]:
    person = task.contact.data if task.contact else None
    names = (person.first_name, person.last_name) if person else ()
    return {
        "taskId": str(task.id),
        "userId": task.user_id,
        "status": None if task.status is None else str(task.status),
        "dueDate": _iso(task.due_date),
        "priority": task.priority.name if task.priority else None,
        "type": None if task.type is None else str(task.type),
        "title": task.title,
        "flow": task.flow.name if task.flow else None,
        "contact": " ".join(filter(None, names)) or None,
        "account": task.account.name if task.account else None,
        "created": _iso(task.created),
        "updated": _iso(task.updated),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
