"""A worker's clients: one for each set of credentials that the company's jobs name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeAlias, cast
from weakref import WeakKeyDictionary

from gong_tasks_async.api.updates import UpdateApplier
from gong_tasks_async.auth.oauth import OAuthToken
from gong_tasks_async.client import GongTasksClient
from gong_tasks_async.credentials import Credentials
from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.errors import UnknownCredentialsError, WrongAddressError
from gong_tasks_async.distributed.serialization import JobSettings
from gong_tasks_async.errors.kinds import is_mapping
from gong_tasks_async.events import Event
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.quota import Lane, LocalQuota, Quota, QuotaLimits
from gong_tasks_async.quota.redis import RedisQuota
from gong_tasks_async.settings import DEFAULT_BASE_URL, ClientSettings

Resolver: TypeAlias = Callable[[str], Credentials | ClientSettings] | Mapping[str, ClientSettings]
"""Maps the name of credentials to the credentials, or to all settings of the client that uses them.

An unknown name raises ``LookupError``, such as a mapping's own ``KeyError``.
"""

QuotaOf: TypeAlias = Callable[[str, QuotaLimits], Quota]
"""Maps a company and its limits to the quota that all its callers share.

A quota that is an async context manager is entered on first use and exited when the worker ends.
"""


QUOTA_OUTAGE_TIMEOUT = 5.0
"""Seconds for which a permit waits for an unreachable Redis before its row is requeued."""


class RowClient(GongTasksClient):
    """A client that applies rows one by one, outside a bulk run."""

    def applier(self) -> UpdateApplier:
        """An applier of one row in the bulk lane; it counts its calls."""
        return UpdateApplier(self._new_caller(Lane.BULK, haltable=True))


def shared_quota(docket: DataDocket) -> QuotaOf:
    """The quota kept in the jobs' own Redis, whatever kind that is; in memory for a Redis in memory."""

    def quota_of(company: str, limits: QuotaLimits) -> Quota:
        if docket.is_memory:
            return _quota_in_memory(docket.url, company, limits)
        return redis_quota(docket, company, limits, outage_timeout=QUOTA_OUTAGE_TIMEOUT)

    return quota_of


def redis_quota(
    docket: DataDocket,
    company: str,
    limits: QuotaLimits,
    *,
    outage_timeout: float = 0.0,
    on_event: Callable[[Event], None] | None = None,
) -> RedisQuota:
    """The quota kept in the Redis of an open Docket; on Cluster and Sentinel over its connection.

    Raises:
        ValueError: the URL cannot be read, or is that of a Redis in memory.
    """
    place = docket.client if docket.is_cluster or docket.is_sentinel else docket.url
    return RedisQuota(place, company=company, limits=limits, outage_timeout=outage_timeout, on_event=on_event)


_quotas_in_memory: WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[tuple[str, str, QuotaLimits], LocalQuota]
] = WeakKeyDictionary()
"""As a Redis in memory itself: one for all workers of an event loop."""


def _quota_in_memory(url: str, company: str, limits: QuotaLimits) -> LocalQuota:
    quotas = _quotas_in_memory.setdefault(asyncio.get_running_loop(), {})
    return quotas.setdefault((url, company, limits), LocalQuota(limits))


class ClientPool:
    """Opens each client on first use and closes all of them at the end.

    Args:
        company: the company whose quota the clients share.
        resolver: the worker's credentials.
        quota_of: makes the quota, once for each set of limits.
        timeout: seconds for a call, its wait in the queue included.
        on_event: of clients whose settings have none.
    """

    def __init__(
        self,
        company: str,
        resolver: Resolver,
        quota_of: QuotaOf,
        timeout: float,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._company = company
        self._resolver = resolver
        self._quota_of = quota_of
        self._timeout = timeout
        self._on_event = on_event
        self._quotas: dict[QuotaLimits, Quota] = {}
        self._open: dict[tuple[str, str | None, QuotaLimits | None], RowClient] = {}
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def client(self, settings: JobSettings) -> RowClient:
        """The client for a job.

        Raises:
            UnknownCredentialsError: the worker has no credentials of that name, or they cannot be used.
            WrongAddressError: the job is for another address than these credentials.
        """
        key = settings.credentials, settings.base_url, settings.limits
        async with self._opening:
            if key not in self._open:
                self._open[key] = await self._open_client(settings)
            return self._open[key]

    async def close(self) -> None:
        """Close all clients and quotas."""
        await self._stack.aclose()

    async def _open_client(self, settings: JobSettings) -> RowClient:
        try:
            client = RowClient(**await self._client_settings(settings))
        except LookupError:
            raise UnknownCredentialsError(name=settings.credentials) from None
        except WrongAddressError:
            raise
        except Exception as error:  # noqa: BLE001 - a user's resolver may raise anything
            # Without its message and cause, either of which might quote a secret.
            reason = f"opening a client with them raised {type(error).__name__}"
            raise UnknownCredentialsError(name=settings.credentials, reason=reason) from None
        await self._stack.enter_async_context(client)
        return client.with_options(timeout=self._timeout)

    async def _client_settings(self, settings: JobSettings) -> ClientSettings:
        found = self._resolve(settings.credentials)
        check_address(settings, found)
        if self._on_event is not None:
            found.setdefault("on_event", self._on_event)
        if "quota" not in found:
            found["quota"] = await self._quota(settings.limits or found.get("limits", QuotaLimits()))
        return found

    def _resolve(self, name: str) -> ClientSettings:
        if is_mapping(self._resolver):
            settings: ClientSettings = self._resolver[name]
            return settings.copy()
        found = cast("Callable[[str], Credentials | ClientSettings]", self._resolver)(name)
        return found.copy() if isinstance(found, dict) else ClientSettings(credentials=found)

    async def _quota(self, limits: QuotaLimits) -> Quota:
        if limits not in self._quotas:
            quota = self._quota_of(self._company, limits)
            if isinstance(quota, AbstractAsyncContextManager):  # it has connections of its own
                await self._stack.enter_async_context(quota)
            self._quotas[limits] = quota
        return self._quotas[limits]


def check_address(settings: JobSettings, client: ClientSettings) -> None:
    """Compare a job's address with the worker's own.

    A job's address is data, which anybody who can write to Redis can set: it never decides where a secret is sent.
    The address of an OAuth grant is known only later, and is Gong's word.

    Raises:
        WrongAddressError: they differ.
    """
    own = client.get("base_url")
    if settings.base_url is None or (own is None and isinstance(client.get("credentials"), OAuthToken)):
        return
    own = checked_base_url(own or DEFAULT_BASE_URL)
    if own.lower() != settings.base_url.lower():
        raise WrongAddressError(name=settings.credentials, job_url=settings.base_url, worker_url=own)
