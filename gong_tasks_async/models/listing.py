"""The result for one user in a listing of many."""

from __future__ import annotations

from attrs import frozen

from gong_tasks_async.errors import GongError
from gong_tasks_async.models.answers import Task
from gong_tasks_async.models.enums import CrmType
from gong_tasks_async.models.requests import TaskFilter


@frozen
class UserTasks:
    """The tasks of one filter, or the error that prevented the listing."""

    filter: TaskFilter
    tasks: tuple[Task, ...] = ()
    error: GongError | None = None
    request_id: str | None = None
    """Gong's reference for the request: quote it to Gong's support."""
    crm_type: CrmType | None = None
    """The company's CRM, where Gong's response names it."""

    def unwrap(self) -> tuple[Task, ...]:
        """Return the tasks.

        Raises:
            GongError: the error, where there is one.
        """
        if self.error is not None:
            raise self.error
        return self.tasks
