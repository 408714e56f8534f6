"""The client: one method for each thing that a person wants."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from copy import copy
from types import TracebackType
from typing import Self, TypedDict, Unpack

from attrs import frozen

from gong_tasks_async import operations
from gong_tasks_async.bulk import BulkReport, BulkRun, Outcome, Updates, each_result
from gong_tasks_async.caller import Caller
from gong_tasks_async.connection import Connection
from gong_tasks_async.credentials import AccessKey, BearerToken, Credentials
from gong_tasks_async.events import Event, EventSink
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, UserTasks
from gong_tasks_async.quota import Lane, LocalQuota, Quota, QuotaLimits, note_own_quota
from gong_tasks_async.retry import RetryPolicy
from gong_tasks_async.transport import AiohttpTransport, Session, Transport, checked_base_url

DEFAULT_BASE_URL = "https://api.gong.io"

MAX_RESPONSE_BYTES = 256 * 2**20
"""Ten times an answer of 10,000 full tasks."""


class ClientSettings(TypedDict, total=False):
    """The keywords of :class:`GongTasksClient`, for :meth:`GongTasksClient.from_env`."""

    credentials: Credentials
    base_url: str
    limits: QuotaLimits
    retry: RetryPolicy
    quota: Quota | None
    session: Session | None
    on_event: Callable[[Event], None] | None
    max_response_bytes: int
    missing_is_empty: bool


@frozen
class _Options:
    """What :meth:`GongTasksClient.with_options` changes."""

    retry: RetryPolicy
    lane: Lane | None = None
    timeout: float | None = None


class GongTasksClient:
    """One company's Gong Engage tasks.

    An async context manager, to be opened once and shared by all tasks of one event loop::

        async with GongTasksClient(AccessKey("...", "...")) as gong:
            for task in await gong.list_tasks("234599484848423"):
                await gong.update_task(task.update(status=TaskStatus.DONE))

    All calls of a client leave through one quota: in order, evenly spaced, people before bulk runs.

    Args:
        credentials: :class:`AccessKey` or :class:`BearerToken`.
        base_url: your company's own address, such as ``https://us-12345.api.gong.io``.
        limits: how fast Gong may be called.
        retry: when a call is tried again.
        quota: share one between clients of the same company; ``limits`` is then of no effect. ``client.quota`` tells
            how things stand: ``await client.quota.snapshot()``, ``await client.quota.estimate(8_000)``.
        session: an aiohttp session to borrow; it is never closed here.
        on_event: called with each :class:`Event`; must be quick, and is called in the event loop.
        max_response_bytes: a longer answer is refused.
        missing_is_empty: take a 404 to a listing as "no tasks". Gong does not document which it is.

    Raises:
        ValueError: a setting makes no sense or would not be safe.
        QuotaStoreError: ``limits.day_store`` is not ours, or cannot be read or written.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str = DEFAULT_BASE_URL,
        limits: QuotaLimits = QuotaLimits(),  # noqa: B008 - a frozen value
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        quota: Quota | None = None,
        session: Session | None = None,
        on_event: Callable[[Event], None] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        missing_is_empty: bool = False,
    ) -> None:
        if max_response_bytes < 1:
            raise ValueError(f"max_response_bytes must be at least 1, not {max_response_bytes}")
        self._credentials = credentials
        self._base_url = checked_base_url(base_url)
        self._events = EventSink(on_event)
        self._session = session
        self._max_response_bytes = max_response_bytes
        self._missing_is_empty = missing_is_empty
        self._connection = Connection(self._open_transport)
        self._options = _Options(retry)
        self.quota: Quota = quota or self._own_quota(LocalQuota(limits, on_event=on_event))

    @classmethod
    def from_env(cls, **overrides: Unpack[ClientSettings]) -> Self:
        """Build a client from the environment; keywords go before it.

        Reads ``GONG_ACCESS_KEY`` and ``GONG_ACCESS_KEY_SECRET``, or ``GONG_ACCESS_TOKEN``; and ``GONG_BASE_URL``.

        Raises:
            ValueError: the credentials are missing or incomplete, or a setting makes no sense.
        """
        if "credentials" not in overrides:
            overrides["credentials"] = credentials_from(os.environ)
        if base_url := os.environ.get("GONG_BASE_URL", "").strip():
            overrides.setdefault("base_url", base_url)
        return cls(**overrides)

    def with_options(
        self, *, lane: Lane | None = None, timeout: float | None = None, retry: RetryPolicy | None = None
    ) -> Self:
        """A view of this client with other options; it shares the session and the quota, and costs nothing.

        Args:
            lane: who is asking; by default a person for single calls, a machine for many.
            timeout: seconds for each call: the wait in line, all attempts, all sleeps.
            retry: when a call is tried again.

        What is left out stays as it is in this client.
        """
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be more than 0 seconds, not {timeout}")
        view = copy(self)
        view._options = _Options(  # noqa: SLF001 - its own class
            retry=retry or self._options.retry,
            lane=lane or self._options.lane,
            timeout=timeout or self._options.timeout,
        )
        return view

    async def list_tasks(self, filter: TaskFilter | str) -> list[Task]:
        """The tasks that match; for a text, the open tasks of the user with that id.

        Raises:
            GongError: see the table of errors in the README.

        See https://help.gong.io/apidocs/list-users-tasks-v2tasks-1
        """
        return [task async for task in self.iter_tasks(filter)]

    async def iter_tasks(self, filter: TaskFilter | str) -> AsyncGenerator[Task]:
        """As :meth:`list_tasks`, one by one; a large answer does not hold the event loop for long.

        Raises:
            GongError: see the table of errors in the README.
        """
        caller = self._caller(Lane.INTERACTIVE)
        found = operations.iter_tasks(caller, _as_filter(filter), missing_is_empty=self._missing_is_empty)
        async for task in found:
            yield task

    async def list_many(
        self, filters: Iterable[TaskFilter | str] | AsyncIterable[TaskFilter | str], *, workers: int = 8
    ) -> AsyncGenerator[UserTasks]:
        """The tasks of many users, in the bulk lane, as they come; one user's error does not stop the others.

        Raises:
            ValueError: ``workers`` is less than 1, or a text is no user id.
        """
        caller = self._caller(Lane.BULK)

        async def list_one(filter: TaskFilter | str) -> UserTasks:
            return await operations.list_user(
                caller, _as_filter(filter), missing_is_empty=self._missing_is_empty
            )

        # Closed here and now when the caller leaves early, so that no worker outlives the loop over it.
        async with aclosing(each_result(filters, list_one, workers)) as results:
            async for listed in results:
                yield listed

    async def update_task(self, update: TaskUpdate) -> Task:
        """Make one change, and return the task as it is now.

        Raises:
            GongError: see the table of errors in the README.

        See https://help.gong.io/apidocs/update-task-v2taskstaskid-1
        """
        return await operations.update_task(self._caller(Lane.INTERACTIVE), update)

    async def update_many(
        self,
        updates: Updates,
        *,
        workers: int = 8,
        stop_after: int = 5,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> BulkReport:
        """Make many changes, in the bulk lane, with memory that does not grow with their number.

        Rows that Gong refuses for good are ``Failed``; rows without a final answer are left pending. Wrong
        credentials, a spent quota, and ``stop_after`` rows in a row without a final answer stop the run.

        Args:
            updates: a plain or async iterable; it is read as fast as the quota lets changes go.
            workers: how many changes may be under way at once.
            stop_after: see above.
            on_outcome: called for each row that is settled, in the event loop.

        Raises:
            ValueError: ``workers`` or ``stop_after`` is less than 1.
            Exception: what ``updates`` or ``on_outcome`` raised, once the changes under way have ended.
        """
        caller = self._caller(Lane.BULK)

        async def update_one(update: TaskUpdate) -> Task:
            return await operations.update_task(caller, update)

        run = BulkRun(updates, update_one, workers=workers, stop_after=stop_after, on_outcome=on_outcome)
        return await run.run(lambda: caller.calls)

    async def close(self) -> None:
        """Close the session that the client opened, for all its views; a borrowed one stays open."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        self._connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._base_url}>"

    def _own_quota(self, quota: LocalQuota) -> LocalQuota:
        company = (self._base_url, hash(self._credentials.authorization))
        note_own_quota(company, self._base_url, quota)
        return quota

    def _open_transport(self) -> Transport:
        return AiohttpTransport(
            self._credentials,
            self._base_url,
            max_response_bytes=self._max_response_bytes,
            session=self._session,
        )

    def _caller(self, usual_lane: Lane) -> Caller:
        return Caller(
            transport=self._connection.transport,
            base_url=self._base_url,
            quota=self.quota,
            retry=self._options.retry,
            lane=self._options.lane or usual_lane,
            timeout=self._options.timeout,
            events=self._events,
        )


def _as_filter(filter: TaskFilter | str) -> TaskFilter:
    return TaskFilter(filter) if isinstance(filter, str) else filter


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """The credentials that the environment names.

    Raises:
        ValueError: there are none, half of them, or two kinds.
    """
    key, secret, token = (
        environment.get(name, "").strip()
        for name in ("GONG_ACCESS_KEY", "GONG_ACCESS_KEY_SECRET", "GONG_ACCESS_TOKEN")
    )
    if token and (key or secret):
        raise ValueError(
            "set either GONG_ACCESS_TOKEN, or GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, not both"
        )
    if token:
        return BearerToken(token)
    if key and secret:
        return AccessKey(key, secret)
    raise ValueError(
        "set GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET, or GONG_ACCESS_TOKEN, in the environment"
    )
