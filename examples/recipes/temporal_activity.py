"""Temporal: an activity that closes a task. Refusals for good are not retried; everything else is Temporal's to retry."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from gong_tasks_async import GongError, GongTasksClient, TaskUpdate
from gong_tasks_async.errors import Meaning


class TaskActivities:
    """The activities of a worker, over its one client."""

    def __init__(self, gong: GongTasksClient) -> None:
        self._gong = gong

    @activity.defn
    async def close_task(self, task_id: int, user_id: str) -> str:
        """Mark a task done. Setting a status twice is harmless, so that a retry is."""
        try:
            task = await self._gong.update_task(TaskUpdate(task_id, user_id, status="DONE"))
        except GongError as error:
            final = error.meaning in {Meaning.ROW, Meaning.RUN}
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=final) from error
        return str(task.status)
