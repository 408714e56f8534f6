"""What a bulk run needs of a caller: updates and listings in the bulk lane."""

from __future__ import annotations

import asyncio

from attrs import define, field

from gong_tasks_async.api import tasks
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.bulk.applier import Applied
from gong_tasks_async.errors import BadRequestError, MissingScopeError
from gong_tasks_async.http.retry import Resend
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskUpdate
from gong_tasks_async.quota import QuotaEstimate

ALL_STATUSES = tuple(TaskStatus)
OPEN_ONLY = (TaskStatus.OPEN,)


@define
class UpdateApplier:
    """Makes the calls of a bulk run; see :class:`~gong_tasks_async.bulk.Applier`."""

    caller: Caller
    listings: int = field(default=0, init=False)
    """Listings made so far."""
    _statuses: tuple[TaskStatus, ...] = field(default=ALL_STATUSES, init=False)
    """What Gong lists: its reference has both, that all statuses are valid and that only OPEN is."""

    @property
    def base_url(self) -> str:
        """The address of the company."""
        return self.caller.transport.base_url

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self.caller.calls

    @property
    def rate_limited(self) -> int:
        """How many of them were answered 429."""
        return self.caller.rate_limited

    async def ready(self) -> None:
        """Have credentials, which may bring the address of the company."""
        if self.caller.renewal is not None:
            await self.caller.renewal.ready()

    async def apply(self, update: TaskUpdate, resend: Resend | None = None) -> Applied:
        """Make one change."""
        return await tasks.update_task(self.caller, update, resend)

    async def list_owned(self, user_id: str) -> list[Task]:
        """The tasks of a user in any state, or the open ones where Gong lists no others."""
        statuses = self._statuses
        try:
            return await self._list(user_id, statuses)
        except MissingScopeError as error:
            error.for_look = True
            raise
        except BadRequestError:
            if statuses == OPEN_ONLY:
                raise
        found = await self._list(user_id, OPEN_ONLY)  # refused again, it is this user that Gong refuses
        self._statuses = OPEN_ONLY
        return found

    async def estimate(self, calls: int) -> QuotaEstimate:
        """How long these calls will take."""
        return await self.caller.quota.estimate(calls)

    async def sleep(self, seconds: float) -> None:
        """Wait, until :meth:`halt` at the most."""
        await self.caller.rest(asyncio.sleep(seconds))

    def halt(self) -> None:
        """Make no further request; those in flight come to their end."""
        self.caller.halt()

    async def _list(self, user_id: str, statuses: tuple[TaskStatus, ...]) -> list[Task]:
        self.listings += 1
        wanted = TaskFilter(user_id, statuses=statuses)
        return [task async for task in tasks.iter_tasks(self.caller, wanted, missing_is_empty=True)]
