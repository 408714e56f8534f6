"""The result for one user in a listing of many."""

from __future__ import annotations

from attrs import frozen

from gong_tasks_async.errors import GongError
from gong_tasks_async.models.enums import CrmType
from gong_tasks_async.models.requests import TaskFilter
from gong_tasks_async.models.tasks import Task


@frozen
class UserTasks:
    """The tasks of one filter, or the error that prevented the listing.

    Attributes:
        filter: what was asked for.
        tasks: the tasks; empty where there is an error.
        error: what prevented the listing.
        request_id: Gong's reference for the request: quote it to Gong's support.
        crm_type: the company's CRM, where Gong's response names it.
    """

    filter: TaskFilter
    tasks: tuple[Task, ...] = ()
    error: GongError | None = None
    request_id: str | None = None
    crm_type: CrmType | None = None

    def unwrap(self) -> tuple[Task, ...]:
        """Return the tasks.

        Raises:
            GongError: the error, where there is one.
        """
        if self.error is not None:
            raise self.error
        return self.tasks
