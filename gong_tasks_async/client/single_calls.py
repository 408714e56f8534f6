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
    def _caller(self, usual_lane: Lane = Lane.INTERACTIVE) -> Caller:
        """The caller that all single calls of a lane share."""

    @abstractmethod
    def _new_caller(
        self,
        usual_lane: Lane,
        *,
        haltable: bool = False,
        on_response: Callable[[HttpResponse], None] | None = None,
    ) -> Caller:
        """Make a caller for one purpose, which counts its requests."""


class SingleCalls(HasCaller):
    """Single calls, by default in the interactive lane."""

    _missing_is_empty: bool

    async def list_tasks(self, filter: TaskFilter | str) -> list[Task]:
        """The tasks that match; for a text, the open tasks of the user with that id.

        Args:
            filter: which tasks, or a user's id.

        Raises:
            InvalidValueError: the text is no user id.
            TaskNotFoundError: Gong has no such user.
            AuthenticationError: the credentials are wrong, or lack a scope (MissingScopeError).
            AccessDeniedError: they may not do this, or not from here.
            RateLimitError: Gong asks for a longer pause than ``RetryPolicy.max_wait``.
            DailyQuotaError: the day's calls are spent.
            DeadlineExceeded: it cannot end within the timeout of :meth:`with_options`.
            ServerError: Gong failed at each attempt.
            TransportError: no response came at any attempt.
            ForeignResponseError: another server answered in Gong's place.
            DecodeError: the response cannot be read.

        Needs the scope ``api:tasks:read``.
        See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
        """
        return [task async for task in self.iter_tasks(filter)]

    def iter_tasks(self, filter: TaskFilter | str) -> AsyncGenerator[Task]:
        """As :meth:`list_tasks`, one by one; a large answer does not hold the event loop for long.

        Args:
            filter: which tasks, or a user's id.
        """
        caller, wanted = self._caller(), tasks.to_filter(filter)
        return tasks.iter_tasks(caller, wanted, missing_is_empty=self._missing_is_empty)

    def list_many(
        self, filters: TaskFilter | tasks.Filters, *, workers: int = 8
    ) -> AsyncGenerator[UserTasks]:
        """The tasks of many users, in the bulk lane, as they come; one user's error does not stop the others.

        Args:
            filters: filters or users' ids, from a plain or an async iterable; a single one is one user's.
            workers: listings in flight at once.

        Raises:
            ValueError: ``workers`` is less than 1, or a text is no user id.
        """
        return tasks.list_many(
            self._caller(Lane.BULK), filters, workers, missing_is_empty=self._missing_is_empty
        )

    def iter_users(self) -> AsyncGenerator[User]:
        """The company's users, active or not, each once; a page of them costs one call.

        Raises:
            GongError: AuthenticationError, RateLimitError, TransportError and the others of :meth:`list_tasks`.

        Needs the scope ``api:users:read``. See https://help.gong.io/apidocs/list-all-users-v2users
        """
        return users.iter_users(self._caller())

    async def find_users(self, addresses: Iterable[str]) -> dict[str, User]:
        """The users with these e-mail addresses, whatever their case; an unknown address is left out.

        Args:
            addresses: the e-mail addresses.

        Raises:
            InvalidValueError: one of them is not text.
            GongError: as for :meth:`iter_users`, which it calls; it reads no further than it has to.
        """
        return await users.find_users(self._caller(), addresses)

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
            self._new_caller(Lane.BULK), user_ids, share, path, missing_is_empty=self._missing_is_empty
        )

    async def get_user(self, user_id: str) -> User:
        """Read one user by id.

        Args:
            user_id: digits.

        Raises:
            InvalidValueError: the id is not one, such as an e-mail address; find_users takes those.
            TaskNotFoundError: Gong has no such user.
            GongError: AuthenticationError, RateLimitError, TransportError and the others of :meth:`list_tasks`.

        Needs the scope ``api:users:read``. See https://help.gong.io/apidocs/retrieve-user-v2usersid
        """
        return await lookups.get_user(self._caller(), user_id)

    async def list_workspaces(self) -> list[Workspace]:
        """List the company's workspaces; :class:`TaskFilter` takes the id of one.

        Raises:
            GongError: AuthenticationError, RateLimitError, TransportError and the others of :meth:`list_tasks`.

        Needs the scope ``api:workspaces:read``. See
        https://help.gong.io/apidocs/list-all-company-workspaces-v2workspaces
        """
        return await lookups.list_workspaces(self._caller())

    async def update_task(self, update: TaskUpdate) -> Task:
        """Update one task, and return it as it is now.

        Args:
            update: the change, such as ``task.update(status="DONE")``.

        Raises:
            InvalidValueError: it is no update.
            BadRequestError: Gong does not accept a value.
            TaskNotFoundError: the task was deleted, or is another user's.
            UpdateMismatchError: Gong confirmed the update with another task, or in another state.
            GongError: AuthenticationError, RateLimitError, TransportError and the others of :meth:`list_tasks`.

        Needs the scope ``api:tasks:write``.
        See https://help.gong.io/apidocs/update-task-v2taskstaskid-1
        """
        return await tasks.update_one(self._caller(), update)

    @property
    def with_details(self) -> DetailedCalls:
        """The single calls, each answering an :class:`Answer`: value, ids for Gong's support, headers, attempts, wait."""
        return DetailedCalls(
            lambda note: self._new_caller(Lane.INTERACTIVE, on_response=note),
            missing_is_empty=self._missing_is_empty,
        )
