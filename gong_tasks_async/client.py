"""The client: the public API."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from gong_tasks_async.api import lookups, tasks, users, watch_file
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.connection import Connection
from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.api.watch import TaskEvent
from gong_tasks_async.bulk import (
    BulkJob,
    BulkReport,
    OnOutcome,
    Outcome,
    OutcomeStream,
    Plan,
    RunSettings,
    Updates,
    as_async,
)
from gong_tasks_async.codec import Unreadable
from gong_tasks_async.events import Event, EventSink, FieldUnreadable
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import (
    MAX_HEADER_BYTES,
    AiohttpTransport,
    Session,
    Transport,
    network_settings,
)
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, User, UserTasks, Workspace
from gong_tasks_async.quota import Lane, LocalQuota, Quota, QuotaLimits, warn_on_separate_quotas
from gong_tasks_async.settings import (
    DEFAULT_BASE_URL,
    MAX_RESPONSE_BYTES,
    AnyCredentials,
    BulkSettings,
    ClientSettings,
    Headers,
    Options,
    credential_source,
    header_source,
    identity_of,
    settings_from,
    static_credentials,
)


class GongTasksClient:
    """One company's Gong Engage tasks.

    An async context manager, to be opened once and shared by all tasks of one event loop::

        async with GongTasksClient(AccessKey("...", "...")) as gong:
            for task in await gong.list_tasks("234599484848423"):
                await gong.update_task(task.update(status=TaskStatus.DONE))

    All calls of a client leave through one quota: in order, evenly spaced, people before bulk runs.

    Args:
        credentials: an :class:`AccessKey`, :class:`BearerToken`, :class:`OAuthToken`, or a (coroutine) function
            that gives one of the first two, such as one that asks a vault.
        base_url: your company's own address, such as ``https://us-12345.api.gong.io``; OAuth finds it by itself.
        limits: how fast Gong may be called.
        retry: when a call is tried again.
        quota: share one between clients of the same company; ``limits`` is then of no effect.
        session: an aiohttp session to borrow; it is never closed here.
        on_event: called with each :class:`Event`; must be quick, and is called in the event loop.
        max_response_bytes: a longer answer is refused.
        missing_is_empty: take each 404 to a listing as "no tasks", not only one that says that nothing was found.
        strict: raise :class:`DecodeError` where a field is not as Gong's reference has it. By default it is None,
            its raw value stands in ``extra``, and :class:`FieldUnreadable` is emitted.
        proxy: the proxy to go through, such as ``http://user:password@proxy.example.com:3128``; by default the one that
            ``HTTPS_PROXY`` and ``NO_PROXY`` name.
        ca_bundle: a file or folder of certificates (PEM) to trust beside this machine's, such as an inspecting proxy's.
        max_header_bytes: a response with a longer header is an error.
        app_name: your service's name in the User-Agent, such as ``acme-bot/2.1``.
        headers: further headers of each request, or a function that gives them before each; none replaces the client's own.

    Raises:
        ValueError: a setting makes no sense or would not be safe.
        QuotaStoreError: ``limits.day_store`` is not ours, or cannot be read or written.
    """

    def __init__(
        self,
        credentials: AnyCredentials,
        *,
        base_url: str = DEFAULT_BASE_URL,
        limits: QuotaLimits = QuotaLimits(),  # noqa: B008 - a frozen value
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        quota: Quota | None = None,
        session: Session | None = None,
        on_event: Callable[[Event], None] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        missing_is_empty: bool = False,
        strict: bool = False,
        proxy: str | None = None,
        ca_bundle: Path | str | None = None,
        max_header_bytes: int = MAX_HEADER_BYTES,
        app_name: str | None = None,
        headers: Headers | None = None,
    ) -> None:
        if max_response_bytes < 1:
            raise ValueError(f"max_response_bytes must be at least 1, not {max_response_bytes}")
        self._network = network_settings(proxy, ca_bundle, max_header_bytes, app_name)
        self._headers = header_source(headers)
        self._credentials = credentials
        self._base_url = base = checked_base_url(base_url)
        self._events = EventSink(on_event)
        self._session = session
        self._max_response_bytes = max_response_bytes
        self._missing_is_empty = missing_is_empty
        self._on_unreadable = None if strict else self._emit_unreadable
        self._connection = Connection(
            self._open_transport, credential_source(credentials), follows_grant=base == DEFAULT_BASE_URL
        )
        self._options = Options(retry)
        self._for_single_calls: Caller | None = None
        self._own_quota: LocalQuota | None = None
        if quota is None:
            quota = self._own_quota = LocalQuota(limits, on_event=on_event)
            warn_on_separate_quotas(self._own_quota, identity_of(credentials), base)
        self.quota: Quota = quota

    @classmethod
    def from_env(cls, **overrides: Unpack[ClientSettings]) -> Self:
        """Build a client from the environment; keywords go before it.

        Reads ``GONG_ACCESS_KEY`` and ``GONG_ACCESS_KEY_SECRET``, or ``GONG_ACCESS_TOKEN``; and ``GONG_BASE_URL``.

        Raises:
            ValueError: the credentials are missing or incomplete, or a setting makes no sense.
        """
        return cls(**settings_from(os.environ, overrides))

    def with_options(
        self, *, lane: Lane | None = None, timeout: float | None = None, retry: RetryPolicy | None = None
    ) -> Self:
        """A view of this client with other options; it shares the session and the quota, and costs nothing.

        Args:
            lane: who is asking; by default a person for single calls, a machine for many.
            timeout: seconds for each call: the wait in line, all attempts, all sleeps.
            retry: when a call is tried again. What is left out stays as it is in this client.
        """
        view, options = copy(self), self._options.replace(lane, timeout, retry)
        view._options, view._for_single_calls = options, None  # noqa: SLF001 - its own class
        return view

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
        self, filters: Iterable[TaskFilter | str] | AsyncIterable[TaskFilter | str], *, workers: int = 8
    ) -> AsyncGenerator[UserTasks]:
        """The tasks of many users, in the bulk lane, as they come; one user's error does not stop the others.

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
        """The users with these e-mail addresses, whatever their case; an address that nobody has is left out.

        Raises:
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
        return await tasks.update_one(self._single_caller(), update)

    async def plan_updates(
        self, updates: Updates, *, skip_unchanged: bool = False, guard: bool = False
    ) -> Plan:
        """What :meth:`update_many` would do, and how long it will take at the quota of now; changes nothing.

        ``await gong.update_many(plan)`` runs the plan, and lists no owner again.

        Args:
            updates: a plain or async iterable, read to its end.
            skip_unchanged: list the owners' tasks first, one call each, and leave out what has its values already.
            guard: list them too, and remember the state before; see :meth:`update_many`.

        Raises:
            PlanConflictError: two updates of one task differ.
        """
        return await self._job({}).plan(updates, look=skip_unchanged or guard)

    async def plan_undo(self, journal: Path | str) -> Plan:
        """The updates that restore what a job has changed, from its journal; changes nothing.

        Only tasks that are still as the job left them are restored; ``plan.lost`` lists the others, and values that
        an update cannot restore. The owners' tasks are listed, one call each. Run it with a journal of its own::

            await gong.update_many(await gong.plan_undo("job.gong"), journal="undo.gong", guard=True)

        Raises:
            JournalError: the journal cannot be read, or is another company's.
            GongError: the tasks cannot be listed.
        """
        return await self._job({}).plan_undo(Path(journal))

    async def update_many(
        self,
        updates: Updates | Plan,
        *,
        journal: Path | str | None = None,
        skip_unchanged: bool = False,
        guard: bool = False,
        dry_run: bool = False,
        on_outcome: OnOutcome | None = None,
        origin: Mapping[str, str] | None = None,
        **settings: Unpack[BulkSettings],
    ) -> BulkReport:
        """Make many changes, in the bulk lane, with memory that does not grow with their number.

        Rows that Gong refuses are ``Failed``; rows without a final response stay pending. Wrong credentials, a spent
        quota, ``stop_after`` rows in a row without a final response, and ``stop_after_refusals`` rows in a row refused
        for one reason stop the run.

        Args:
            updates: a plan of :meth:`plan_updates`, or a plain or async iterable; it is read as fast as the quota lets
                changes go, and closed at the end. A list is planned first: duplicates in it are merged, conflicts
                refused.
            journal: a file for the job. Run again with the same one, settled rows cost no call.
            skip_unchanged: see :meth:`plan_updates`. Of a job that is resumed, the pending rows are looked at.
            guard: update a task only if it is still as the run found it. The owners' tasks are listed, one call each:
                before the run, when the job is resumed, and again for rows whose look is older than an hour. What was
                changed meanwhile is ``Skipped``, what has its values already is ``Unchanged``. A change between the
                look and the update is not noticed: Gong offers no conditional update.
            dry_run: stop after planning; nothing is changed, and no journal written.
            on_outcome: a plain or coroutine function, called for each row that is settled (and recorded).
            origin: texts for a new journal, to recognize the job by; see ``JournalReader.facts``.
            settings: see :class:`BulkSettings`.

        Raises:
            PlanConflictError: two updates of a list differ and are of one task.
            JournalError: the journal is another job's or another company's, in use, or cannot be written.
            ValueError: a setting is out of its range.
            Exception: what ``updates`` or ``on_outcome`` raised, once the changes in flight have ended.
        """
        job = self._job(
            settings, as_async(on_outcome), guard=guard, skip_unchanged=skip_unchanged, origin=origin
        )
        if dry_run:
            return await job.rehearse(updates)
        return await job.run(updates, None if journal is None else Path(journal))

    async def resume_many(
        self,
        journal: Path | str,
        *,
        guard: bool | None = None,
        skip_unchanged: bool = False,
        on_outcome: OnOutcome | None = None,
        **settings: Unpack[BulkSettings],
    ) -> BulkReport:
        """Resume the job of a journal, which holds its rows; parameters and errors as of :meth:`update_many`.

        Args:
            journal: the job's file.
            guard: None for as the job began.
            skip_unchanged: list the owners' tasks, and leave out pending rows that have their values already.
            on_outcome: see :meth:`update_many`.
            settings: see :class:`BulkSettings`.
        """
        job = self._job(settings, as_async(on_outcome), guard=guard, skip_unchanged=skip_unchanged)
        return await job.resume(Path(journal))

    def stream_updates(
        self,
        updates: Updates | Plan,
        *,
        journal: Path | str | None = None,
        guard: bool = False,
        **settings: Unpack[BulkSettings],
    ) -> OutcomeStream:
        """As :meth:`update_many`, with the outcomes to be taken one by one; the run waits while none is taken."""
        path = None if journal is None else Path(journal)
        return OutcomeStream(
            lambda put, on_report: self._job(settings, put, guard=guard, on_report=on_report).run(
                updates, path
            ),
            settings.get("workers", RunSettings().workers),
        )

    async def close(self) -> None:
        """Close the session and the quota that the client made, for all its views; borrowed ones stay open."""
        await self._connection.close()
        if self._own_quota is not None:
            await self._own_quota.close()

    async def __aenter__(self) -> Self:
        self._connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._base_url}>"

    def _job(
        self,
        settings: BulkSettings,
        on_settled: Callable[[Outcome], Awaitable[None]] | None = None,
        *,
        guard: bool | None = None,
        skip_unchanged: bool = False,
        origin: Mapping[str, str] | None = None,
        on_report: Callable[[BulkReport], None] | None = None,
    ) -> BulkJob:
        return BulkJob(
            applier=UpdateApplier(self._caller(Lane.BULK, haltable=True)),
            settings=RunSettings(**settings),
            on_settled=on_settled,
            on_report=on_report,
            guard=guard,
            skip_unchanged=skip_unchanged,
            origin=origin,
        )

    def _emit_unreadable(self, field: Unreadable) -> None:
        self._events.emit(FieldUnreadable(path=field.path, expected=field.expected, found=field.found))

    def _open_transport(self) -> Transport:
        return AiohttpTransport(
            static_credentials(self._credentials),
            self._base_url,
            max_response_bytes=self._max_response_bytes,
            session=self._session,
            network=self._network,
        )

    def _single_caller(self) -> Caller:
        """One for all single changes: nobody counts them together, or halts them."""
        caller = self._for_single_calls
        if caller is None or caller.transport is not self._connection.transport:
            caller = self._for_single_calls = self._caller(Lane.INTERACTIVE)
        return caller

    def _caller(self, usual_lane: Lane, *, haltable: bool = False) -> Caller:
        return Caller(
            transport=self._connection.transport,
            renewal=self._connection.renewal,
            quota=self.quota,
            retry=self._options.retry,
            lane=self._options.lane or usual_lane,
            timeout=self._options.timeout,
            events=self._events,
            headers=self._headers,
            on_unreadable=self._on_unreadable,
            haltable=haltable,
        )
