"""The client: its settings, its options, its lifetime."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.connection import Connection
from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.client.bulk_calls import BulkCalls
from gong_tasks_async.client.setting_checks import setting_problems
from gong_tasks_async.client.single_calls import SingleCalls
from gong_tasks_async.codec import Unreadable
from gong_tasks_async.errors.checks import conceals_arguments, refuse
from gong_tasks_async.events import Event, EventSink, FieldUnreadable
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.http.network import MAX_HEADER_BYTES, network_settings
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import (
    AiohttpTransport,
    Session,
    Transport,
)
from gong_tasks_async.quota import Lane, LocalQuota, Quota, QuotaLimits, warn_on_separate_quotas
from gong_tasks_async.settings import (
    DEFAULT_BASE_URL,
    MAX_RESPONSE_BYTES,
    AnyCredentials,
    ClientSettings,
    Headers,
    Options,
    credential_source,
    header_source,
    identity_of,
    static_credentials,
)


class GongTasksClient(SingleCalls, BulkCalls):
    """One company's Gong Engage tasks.

    An async context manager, to be opened once and shared by all tasks of one event loop::

        async with GongTasksClient(AccessKey("...", "...")) as gong:
            for task in await gong.list_tasks("234599484848423"):
                await gong.update_task(task.update(status=TaskStatus.DONE))

    All calls of a client leave through one quota: in order, evenly spaced, interactive calls before bulk runs.

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
        missing_is_empty: take each 404 to a listing as "no tasks", not only one whose message is that nothing was found.
        strict: raise :class:`DecodeError` where a field is not as Gong's reference has it. By default it is None,
            its raw value stands in ``extra``, and :class:`FieldUnreadable` is emitted.
        proxy: the proxy to go through, such as ``http://user:password@proxy.example.com:3128``; by default the one that
            ``HTTPS_PROXY`` and ``NO_PROXY`` name.
        ca_bundle: a file or folder of certificates (PEM) to trust beside this machine's, such as an inspecting proxy's.
        max_header_bytes: a response with a longer header is an error.
        app_name: your service's name in the User-Agent, such as ``acme-bot/2.1``.
        headers: further headers of each request, or a function that gives them before each; none replaces the client's own.

    Raises:
        InvalidValueError: a setting makes no sense, is of another type, or would not be safe; all are named at once.
        QuotaStoreError: ``limits.day_store`` is not ours, or cannot be read or written.
    """

    @conceals_arguments
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
        settings: ClientSettings = {
            "credentials": credentials,
            "base_url": base_url,
            "limits": limits,
            "retry": retry,
            "quota": quota,
            "session": session,
            "on_event": on_event,
            "max_response_bytes": max_response_bytes,
            "missing_is_empty": missing_is_empty,
            "strict": strict,
            "proxy": proxy,
            "ca_bundle": ca_bundle,
            "max_header_bytes": max_header_bytes,
            "app_name": app_name,
            "headers": headers,
        }
        refuse("GongTasksClient", setting_problems(settings))
        self._network = network_settings(proxy, ca_bundle, max_header_bytes, app_name)
        self._headers = header_source(headers)
        self._credentials = credentials
        if isinstance(credentials, OAuthToken):
            credentials.go_through(self._network)
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
        self._shared_callers: dict[Lane, Caller] = {}
        self._own_quota: LocalQuota | None = None
        if quota is None:
            quota = self._own_quota = LocalQuota(limits, on_event=on_event)
            warn_on_separate_quotas(self._own_quota, identity_of(credentials), base)
        self.quota: Quota = quota

    @classmethod
    @conceals_arguments
    def from_env(cls, **overrides: Unpack[ClientSettings]) -> Self:
        """Build a client from the environment, as the command ``gong-tasks`` does; keywords go before it.

        Reads ``GONG_ACCESS_KEY`` and ``GONG_ACCESS_KEY_SECRET``, or ``GONG_ACCESS_TOKEN``, or ``GONG_CLIENT_ID``,
        ``GONG_CLIENT_SECRET`` and ``GONG_REFRESH_TOKEN_FILE``; and ``GONG_BASE_URL``. Without credentials there, or
        with ``GONG_TASKS_PROFILE``, a profile of the configuration file is taken; see :meth:`from_profile`.

        Args:
            overrides: keywords of :class:`GongTasksClient`; each goes before the environment.

        Raises:
            ConfigurationError: no credentials are found, or what is found is wrong; also a ValueError.
            ValueError: a setting makes no sense.
            OSError: the configuration file cannot be read, or the folder of the day's count cannot be made.
        """
        from gong_tasks_async.config.client_settings import settings_from_environment  # noqa: PLC0415 - few need it

        return cls(**settings_from_environment(os.environ, overrides))

    @classmethod
    @conceals_arguments
    def from_profile(cls, name: str, **overrides: Unpack[ClientSettings]) -> Self:
        """Build a client of a profile of the configuration file of ``gong-tasks``; keywords go before it.

        Credentials, URL, limits, proxy and certificates are the profile's, and calls of the day count together with
        the command's on this machine. ``gong-tasks login --profile NAME`` makes one.

        Args:
            name: the profile's name.
            overrides: keywords of :class:`GongTasksClient`; each goes before the profile.

        Raises:
            ConfigurationError: there is no such profile, it has problems, or its secret is out of reach.
            ValueError: a setting makes no sense.
            OSError: the configuration file cannot be read, or the folder of the day's count cannot be made.
        """
        from gong_tasks_async.config.client_settings import settings_from_profile  # noqa: PLC0415 - few need it

        return cls(**settings_from_profile(os.environ, name, overrides))

    def with_options(
        self, *, lane: Lane | None = None, timeout: float | None = None, retry: RetryPolicy | None = None
    ) -> Self:
        """A view of this client with other options; it shares the session and the quota, and costs nothing.

        Args:
            lane: the lane; by default interactive for single calls, bulk for many.
            timeout: seconds for each call: the wait in the queue, all attempts, all pauses.
            retry: when a call is tried again. What is left out stays as it is in this client.
        """
        view = copy(self)
        view._options = self._options.replace(lane, timeout, retry)  # noqa: SLF001 - its own class
        view._shared_callers = {}  # noqa: SLF001
        return view

    @property
    def base_url(self) -> str:
        """The company's own URL: as it was given, or, while the client is open, as OAuth has found it."""
        return self._connection.base_url or self._base_url

    async def open(self) -> Self:
        """Open the client in the running event loop; a closed one may be opened again. ``async with`` does both.

        Raises:
            ClientStateError: it is open already.
        """
        self._connection.open()
        return self

    async def close(self) -> None:
        """Close the session and the quota that the client made, for all its views; borrowed ones stay open."""
        await self._connection.close()
        if self._own_quota is not None:
            await self._own_quota.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._base_url}>"

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

    def _caller(self, usual_lane: Lane = Lane.INTERACTIVE) -> Caller:
        transport = self._connection.transport
        caller = self._shared_callers.get(usual_lane)
        if caller is None or caller.transport is not transport or caller.quota is not self.quota:
            caller = self._shared_callers[usual_lane] = self._new_caller(usual_lane)
        return caller

    def _new_caller(
        self,
        usual_lane: Lane,
        *,
        haltable: bool = False,
        on_response: Callable[[HttpResponse], None] | None = None,
    ) -> Caller:
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
            on_response=on_response,
            haltable=haltable,
            overdue=self._connection.overdue,
            streak=self._connection.streak,
        )
