"""Calls that answer with what came beside the value: ids for Gong's support, headers, attempts, the wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Generic, TypeVar

from attrs import field, frozen

from gong_tasks_async.api import endpoints, lookups, tasks, users
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.http.envelope import request_id_of
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.http.responses import shown_headers, trace_id_of
from gong_tasks_async.models import CrmType, Task, TaskFilter, TaskUpdate, User, Workspace

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen(kw_only=True)
class Answer(Generic[T_co]):
    """A call's value, and what came beside it.

    Where several requests made the value, ids and headers are those of the last response; attempts and waits are added up.

    Attributes:
        value: what the plain method returns.
        request_id: Gong's reference for the request: quote it to Gong's support.
        trace_id: the id of the response in the logs of Gong, or of the edge in front of it.
        headers: the response's headers, names in lower case, without cookies, tokens and other secrets.
        attempts: requests sent, repetitions included.
        waited: seconds spent waiting for credentials and for permits of the quota.
        crm_type: the company's CRM, where Gong's response names it.
    """

    value: T_co
    request_id: str | None = None
    trace_id: str | None = None
    headers: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    attempts: int = 0
    waited: float = 0.0
    crm_type: CrmType | None = None


class DetailedCalls:
    """The single calls of a client, each with its details; errors are those of the plain methods, and know their own.

    Reached as :attr:`GongTasksClient.with_details`::

        answer = await gong.with_details.update_task(update)
        print(answer.value.status, answer.request_id, answer.waited)
    """

    def __init__(
        self, make_caller: Callable[[Callable[[HttpResponse], None]], Caller], *, missing_is_empty: bool
    ) -> None:
        self._make_caller = make_caller
        self._missing_is_empty = missing_is_empty

    async def list_tasks(self, filter: TaskFilter | str) -> Answer[list[Task]]:
        """As :meth:`GongTasksClient.list_tasks`."""
        details = _Details(self._make_caller)
        found = tasks.iter_tasks(
            details.caller, tasks.to_filter(filter), missing_is_empty=self._missing_is_empty
        )
        return details.answer([task async for task in found])

    async def update_task(self, update: TaskUpdate) -> Answer[Task]:
        """As :meth:`GongTasksClient.update_task`."""
        details = _Details(self._make_caller)
        return details.answer(await tasks.update_one(details.caller, update))

    async def iter_users(self) -> AsyncGenerator[Answer[tuple[User, ...]]]:
        """As :meth:`GongTasksClient.iter_users`, page by page: each page is a call."""
        details = _Details(self._make_caller)
        async with aclosing(users.iter_pages(details.caller)) as pages:
            async for page in pages:
                yield details.answer(page)
                details.restart()

    async def find_users(self, addresses: Iterable[str]) -> Answer[dict[str, User]]:
        """As :meth:`GongTasksClient.find_users`."""
        details = _Details(self._make_caller)
        return details.answer(await users.find_users(details.caller, addresses))

    async def get_user(self, user_id: str) -> Answer[User]:
        """As :meth:`GongTasksClient.get_user`."""
        details = _Details(self._make_caller)
        return details.answer(await lookups.get_user(details.caller, user_id))

    async def list_workspaces(self) -> Answer[list[Workspace]]:
        """As :meth:`GongTasksClient.list_workspaces`."""
        details = _Details(self._make_caller)
        return details.answer(await lookups.list_workspaces(details.caller))


class _Details:
    """What is known of the requests of one call."""

    def __init__(self, make_caller: Callable[[Callable[[HttpResponse], None]], Caller]) -> None:
        self.caller = make_caller(self._note)
        self._last: HttpResponse | None = None

    def answer(self, value: T) -> Answer[T]:
        """The value with its details; without a request, such as of no address at all, with none."""
        attempts, waited, last = self.caller.calls, self.caller.waited, self._last
        if last is None:
            return Answer(value=value, attempts=attempts, waited=waited)
        headers = shown_headers(last)
        return Answer(
            value=value,
            request_id=request_id_of(last),
            trace_id=trace_id_of(headers),
            headers=MappingProxyType(headers),
            attempts=attempts,
            waited=waited,
            crm_type=endpoints.read_crm_type(last),
        )

    def restart(self) -> None:
        """Count the next page by itself."""
        self.caller.calls, self.caller.waited = 0, 0.0

    def _note(self, response: HttpResponse) -> None:
        self._last = response
