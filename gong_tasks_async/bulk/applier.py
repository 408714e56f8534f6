"""The one thing that a bulk run needs of the rest of the library: a way to apply one update."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gong_tasks_async.models import Task, TaskUpdate


class Applied(NamedTuple):
    """Gong's answer to one update."""

    task: Task
    attempts: int = 1
    request_id: str | None = None


class Applier(Protocol):
    """Applies updates in the bulk lane, and knows what that has cost."""

    @property
    def calls(self) -> int:
        """Requests sent so far."""

    @property
    def rate_limited(self) -> int:
        """How many of them were answered 429."""

    async def apply(self, update: TaskUpdate) -> Applied:
        """Make one change.

        Raises:
            GongError: it was not made, or it is not known whether it was.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait, until :meth:`halt` at the most."""

    def halt(self) -> None:
        """Make no further request; those under way come to their end."""
