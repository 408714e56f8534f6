"""The client's single calls: list tasks, users and workspaces, update one task, watch for changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

from gong_tasks_async.api import lookups, tasks, users, watch_file
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.details import DetailedCalls
from gong_tasks_async.api.watch import TaskEvent
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, User, UserTasks, Workspace
from gong_tasks_async.quota import Lane


class HasCaller(ABC):
    """Makes callers with a client's options."""

    @abstractmethod
    def _caller(
        self,
        usual_lane: Lane,
        *,
        haltable: bool = False,
        on_response: Callable[[HttpResponse], None] | None = None,
    ) -> Caller:
        """Make a caller for one purpose."""


class SingleCalls(HasCaller):
    """Calls of a person, one at a time."""

    _missing_is_empty: bool

    async def list_tasks(self, filter: TaskFilter | str) -> list[Task]:
        """The tasks that match; for a text, the open tasks of the user with that id.

        Raises:
            GongError: see the table of errors in the README.

        See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
        """
        return [task async for task in self.iter_tasks(filter)]

    def iter_tasks(self, filter: TaskFilter | str) -> AsyncGenerator[Task]:
        """As :meth:`list_tasks`, one by one; a large answer does not hold the event loop for long."""
        caller, wanted = self._caller(Lane.INTERACTIVE), tasks.to_filter(filter)
        return tasks.iter_tasks(caller, wanted, missing_is_empty=self._missing_is_empty)

    def list_many(
        self, filters: TaskFilter | tasks.Filters, *, workers: int = 8
    ) -> AsyncGenerator[UserTasks]:
        """The tasks of many users, in the bulk lane, as they come; one user's error does not stop the others.

        A single filter, or a text, is one user's.

        Raises:
            ValueError: ``workers`` is less than 1, or a text is no user id.
        """
        return tasks.list_many(
            self._caller(Lane.BULK), filters, workers, missing_is_empty=self._missing_is_empty
        )

    def iter_users(self) -> AsyncGenerator[User]:
        """The company's users, active or not, each once; a page of them costs one call.

        Raises:
            GongError: see the table of errors in the README.

        Needs the scope ``api:users:read``. See https://help.gong.io/apidocs/list-all-users-v2users
        """
        return users.iter_users(self._caller(Lane.INTERACTIVE))

    async def find_users(self, addresses: Iterable[str]) -> dict[str, User]:
        """The users with these e-mail addresses, whatever their case; an unknown address is left out.

        Raises:
            InvalidValueError: one of them is not text.
            GongError: as for :meth:`iter_users`, which it calls; it reads no further than it has to.
        """
        return await users.find_users(self._caller(Lane.INTERACTIVE), addresses)

    def watch(
        self, user_ids: Iterable[str], *, share: float = 0.05, state: Path | str | None = None
    ) -> AsyncGenerator[TaskEvent]:
        """Yield :class:`TaskAppeared`, :class:`TaskChanged` and :class:`TaskGone` of these users' open tasks, for ever.

        Gong has no webhook for tasks, so they are listed again and again, in the bulk lane. A listing that fails is logged and repeated.

        Args:
            user_ids: whose tasks; the busy users are listed more often.
            share: the part of the day's calls that the listings may take, together.
            state: a file that remembers the last listings, so that a restart misses nothing.

        Raises:
            ValueError: ``share`` is not a part of the day, or ``state`` is a file of something else.
            GongError: what concerns every call, such as wrong credentials.
        """
        path = None if state is None else Path(state)
        return watch_file.watch_users(
            self._caller(Lane.BULK), user_ids, share, path, missing_is_empty=self._missing_is_empty
        )

    async def get_user(self, user_id: str) -> User:
        """Read one user by id.

        Raises:
            InvalidValueError: the id is not one, such as an e-mail address; find_users takes those.
            TaskNotFoundError: Gong has no such user.
            GongError: see the table of errors in the README.

        Needs the scope ``api:users:read``. See https://help.gong.io/apidocs/retrieve-user-v2usersid
        """
        return await lookups.get_user(self._caller(Lane.INTERACTIVE), user_id)

    async def list_workspaces(self) -> list[Workspace]:
        """List the company's workspaces; :class:`TaskFilter` takes the id of one.

        Raises:
            GongError: see the table of errors in the README.

        Needs the scope ``api:workspaces:read``. See
        https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces
        """
        return await lookups.list_workspaces(self._caller(Lane.INTERACTIVE))

    async def update_task(self, update: TaskUpdate) -> Task:
        """Make one change, and return the task as it is now.

        Raises:
            GongError: see the table of errors in the README.

        See https://help.gong.io/apidocs/update-task-v2taskstaskid-1
        """
        return await tasks.update_one(self._caller(Lane.INTERACTIVE), update)

    @property
    def with_details(self) -> DetailedCalls:
        """The single calls, each answering an :class:`Answer`: value, ids for Gong's support, headers, attempts, wait."""
        return DetailedCalls(
            lambda note: self._caller(Lane.INTERACTIVE, on_response=note),
            missing_is_empty=self._missing_is_empty,
        )
