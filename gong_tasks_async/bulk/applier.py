"""What a bulk run needs of the rest of the library: apply one update, list one user's tasks."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gong_tasks_async.http.retry import Resend
from gong_tasks_async.models import Task, TaskUpdate
from gong_tasks_async.quota import QuotaEstimate


class Applied(NamedTuple):
    """Gong's answer to one update."""

    task: Task | None
    """None where Gong confirmed the change and its answer could not be read."""
    attempts: int = 1
    request_id: str | None = None


class Applier(Protocol):
    """Makes calls in the bulk lane, and counts them."""

    @property
    def base_url(self) -> str:
        """The address of the company."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    @property
    def listings(self) -> int:
        """How many of them listed tasks."""
        ...

    @property
    def rate_limited(self) -> int:
        """How many of them were answered 429."""
        ...

    async def ready(self) -> None:
        """Have credentials, which may bring the address of the company."""

    async def apply(self, update: TaskUpdate, resend: Resend | None = None) -> Applied:
        """Make one change.

        Args:
            update: the change.
            resend: asked before it is sent again, where it may have been made.

        Raises:
            GongError: it was not made, or it is not known whether it was.
        """
        ...

    async def list_owned(self, user_id: str) -> list[Task]:
        """The tasks of a user in any state, or the open ones where Gong lists no others.

        Args:
            user_id: the owner.

        Raises:
            GongError: they cannot be listed.
        """
        ...

    async def estimate(self, calls: int) -> QuotaEstimate:
        """How long this number of calls will take.

        Args:
            calls: how many calls.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, until :meth:`halt` at the most.

        Args:
            seconds: how long.
        """

    def halt(self) -> None:
        """Make no further request; those in flight come to their end."""
