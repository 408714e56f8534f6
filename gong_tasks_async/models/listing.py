"""The result for one user in a listing of many."""

from __future__ import annotations

from attrs import frozen

from gong_tasks_async.errors import GongError
from gong_tasks_async.models.answers import Task
from gong_tasks_async.models.requests import TaskFilter


@frozen
class UserTasks:
    """The tasks of one filter, or the error that prevented the listing."""

    filter: TaskFilter
    tasks: tuple[Task, ...] = ()
    error: GongError | None = None

    def unwrap(self) -> tuple[Task, ...]:
        """Return the tasks.

        Raises:
            GongError: the error, where there is one.
        """
        if self.error is not None:
            raise self.error
        return self.tasks
