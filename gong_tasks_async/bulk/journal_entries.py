"""Pending rows as a run reads them from a journal, and what it notes about them."""

from __future__ import annotations

from typing import NamedTuple

from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.errors import GongError
from gong_tasks_async.http.retry import may_be_made
from gong_tasks_async.models import TaskUpdate

LISTING = "POST"
"""Method of a look; its error has no verdict of the update."""


class PendingRow(NamedTuple):
    """A row to be sent."""

    number: int
    update: TaskUpdate
    before: TaskSnapshot | None = None
    """The task as an earlier look found it."""
    sent: bool = False
    """Whether it was sent in a run that ended before the outcome was recorded."""
    lives: int = 0
    """How many runs have tried it without an outcome."""


class Note(NamedTuple):
    """The last attempt at a row that stays pending."""

    task_id: int
    error: GongError
    suspect: bool = False
    """Whether the row was refused together with others, for a reason that may be the run's."""
    life: int = 0
    """1 where the attempt counts as a run that ended without an outcome of the row."""

    @property
    def may_be_made(self) -> bool:
        """Whether Gong may have made the change all the same."""
        if (
            self.error.method == LISTING or self.error.attempts > 1
        ):  # it is not known how the earlier ones ended
            return True
        return self.error.attempts == 1 and may_be_made(self.error)
