"""What a task was when it was listed, in one cell: so that a later run knows which cells of a row were edited."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from gong_tasks_async.models import Task
from gong_tasks_async.models.date_times import parse_date_time

MARK = "|"
TOLERANCE = 60
"""Seconds: spreadsheets may show, and give back, whole minutes."""


@frozen
class ListedValues:
    """The values of a task that can be changed, as they were listed."""

    status: str = ""
    due_date: datetime | None = None
    priority: str = ""

    def has_status(self, text: str) -> bool:
        """Whether a status is the listed one."""
        return text.strip().upper() == self.status

    def has_priority(self, text: str) -> bool:
        """Whether a priority is the listed one, without regard to case."""
        return text.strip().casefold() == self.priority.casefold()

    def is_due(self, moment: datetime) -> bool:
        """Whether a due date is the listed one."""
        return self.due_date is not None and abs((moment - self.due_date).total_seconds()) < TOLERANCE


def as_listed(task: Task) -> str:
    """The cell of a task, such as ``OPEN|2026-03-02T17:00:00+01:00|high``."""
    due = task.due_date.isoformat() if task.due_date else ""
    priority = (task.priority and task.priority.name) or ""
    return MARK.join((task.status or "", due, priority))


def read_listed(text: str) -> ListedValues | None:
    """Read such a cell; None where it is none, so that every cell of the row counts as edited."""
    parts = text.strip().split(MARK, 2)
    if len(parts) != 3:  # noqa: PLR2004 - status, due date, priority
        return None
    return ListedValues(parts[0], parse_date_time(parts[1]), parts[2])
