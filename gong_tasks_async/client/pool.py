"""Clients of many companies in one service: one session for all, a quota for each, idle ones closed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeAlias, Unpack

from attrs import define, field

from gong_tasks_async.client.client import GongTasksClient
from gong_tasks_async.errors import ClientStateError
from gong_tasks_async.errors.checks import function_problem, refuse, seconds_problem
from gong_tasks_async.events import logger
from gong_tasks_async.http.transport import Session, open_session
from gong_tasks_async.quota import LocalQuota, Quota, QuotaLimits
from gong_tasks_async.settings import ClientSettings

SettingsFor: TypeAlias = Callable[[str], ClientSettings | Awaitable[ClientSettings]]
"""Gives a company's settings, at least its ``credentials`` and ``base_url``; plain or a coroutine function."""


@define
class _Company:
    """One company's client and what outlives it."""

    lock: asyncio.Lock = field(factory=asyncio.Lock)
    quota: Quota | None = None
    client: GongTasksClient | None = None
    users: int = 0
    idle_since: float = 0.0


class GongTasksPool:
    """The clients of many companies, in one event loop.

    ::

        async with GongTasksPool(settings_for) as pool:
            async with pool.client("acme") as gong:
                await gong.list_tasks("234599484848423")

    A company's client is made when it is first asked for, from what ``settings_for`` gives, and shared; after ``idle_after`` seconds without use it is
    closed, and its credentials are asked for again the next time. Its quota stays, since the calls of the day still count. All clients
    share one aiohttp session.

    Args:
        settings_for: gives the settings of a company, such as from the service's vault.
        idle_after: seconds after which an unused client is closed.
        shared: settings of all clients; those of a company go before them.

    Raises:
        InvalidValueError: ``idle_after`` is not more than 0, or ``settings_for`` no function.
    """

    def __init__(
        self, settings_for: SettingsFor, *, idle_after: float = 600.0, **shared: Unpack[ClientSettings]
    ) -> None:
        function = function_problem("settings_for", settings_for, "a function of a company's name")
        refuse("GongTasksPool", [function, seconds_problem("idle_after", idle_after)])
        self._settings_for = settings_for
        self._idle_after = idle_after
        self._shared = shared
        self._companies: dict[str, _Company] = {}
        self._session: Session | None = None
        self._sweeper: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def client(self, company: str) -> AsyncGenerator[GongTasksClient]:
        """The open client of a company, for as long as the block lasts.

        Args:
            company: the company's name, as the pool's function knows it.

        Raises:
            ClientStateError: the pool is not open.
            Exception: what ``settings_for`` raised.
            ValueError: a setting makes no sense.
        """
        found = self._companies.setdefault(company, _Company())
        found.users += 1
        try:
            yield await self._opened(company, found)
        finally:
            found.users -= 1
            found.idle_since = asyncio.get_running_loop().time()
            self._forget_if_unknown(company, found)

    async def __aenter__(self) -> Self:
        self._session = open_session()
        self._sweeper = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all clients and the session."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for company in self._companies.values():
            await self._close(company)
            if isinstance(company.quota, LocalQuota):
                await company.quota.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _opened(self, name: str, company: _Company) -> GongTasksClient:
        async with company.lock:  # one look into the vault, however many ask at once
            if company.client is None:
                company.client = await (await self._made(name, company)).open()
        return company.client

    async def _made(self, name: str, company: _Company) -> GongTasksClient:
        self._check_open()
        given = self._settings_for(name)
        settings: ClientSettings = {**self._shared, **(await given if inspect.isawaitable(given) else given)}
        self._check_open()  # closed meanwhile, it would lend the client no session
        if company.quota is None:
            company.quota = settings.get("quota") or LocalQuota(
                settings.get("limits", QuotaLimits()), on_event=settings.get("on_event")
            )
        settings["quota"], settings["session"] = company.quota, self._session
        return GongTasksClient(**settings)

    def _check_open(self) -> None:
        if self._session is None:
            raise ClientStateError(
                reason="The pool is not open: write `async with GongTasksPool(...) as pool:`."
            )

    def _forget_if_unknown(self, name: str, company: _Company) -> None:
        """Keep nothing of a company without settings: names may come from outside, without end."""
        if not company.users and company.quota is None:
            self._companies.pop(name, None)

    async def _sweep(self) -> None:
        """Close what is idle; a client that cannot be closed does not keep the others open."""
        while True:
            await asyncio.sleep(self._idle_after / 2)
            now = asyncio.get_running_loop().time()
            for company in list(self._companies.values()):
                if company.client and not company.users and now - company.idle_since >= self._idle_after:
                    await self._close(company)

    @staticmethod
    async def _close(company: _Company) -> None:
        client, company.client = company.client, None
        if client is None:
            return
        try:
            await client.close()
        except Exception:  # noqa: BLE001 - logged; the other clients are to be closed too
            logger.exception("a client could not be closed")
