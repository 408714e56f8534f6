"""Keeps a client signed with credentials that are good, where they end and must be had anew."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Protocol

from gong_tasks_async.auth.single_flight import SingleFlight
from gong_tasks_async.credentials import Credentials, Grant
from gong_tasks_async.errors import CredentialsError
from gong_tasks_async.http.transport import Transport, checked_base_url

Supplier = Callable[[], Credentials | Awaitable[Credentials]]


class CredentialSource(Protocol):
    """Where credentials come from that do not last."""

    @property
    def current(self) -> Grant | None:
        """Those to sign with now; None where there are none, or they are about to end."""

    async def renew(self, refused: Grant | None) -> Grant:
        """Get credentials other than those that Gong refused, if there are any.

        Raises:
            CredentialsError: none can be had.
        """

    async def settle(self) -> None:
        """Wait until no renewal is under way."""


class CallableSource:
    """Credentials that a function of the user's knows, such as one that asks a vault.

    It is asked before the first call, and again when Gong refuses what it gave.
    """

    def __init__(self, supply: Supplier) -> None:
        self._supply = supply
        self._flight: SingleFlight[Grant] = SingleFlight()
        self.current: Grant | None = None

    async def renew(self, refused: Grant | None) -> Grant:
        """Ask the function, once for however many wait."""
        if self.current is not None and self.current != refused:
            return self.current
        return await self._flight.run(self._ask)

    async def settle(self) -> None:
        """Wait until the function has answered."""
        await self._flight.settle()

    async def _ask(self) -> Grant:
        try:
            answer = self._supply()
            credentials = await answer if inspect.isawaitable(answer) else answer
        except (Exception, asyncio.CancelledError) as error:  # the latter would look like the callers' own
            reason = f"the function that supplies them raised {type(error).__name__}"
            raise CredentialsError(reason=reason, advice="See the cause of this error.") from error
        self.current = Grant(credentials)
        return self.current


class Refresher:
    """Signs one transport with what a source has.

    Args:
        source: where the credentials come from; it may serve several clients.
        transport: what signs with them.
        follows_grant: whether requests go to the address that a grant names; not so where the user has said which.
    """

    def __init__(self, source: CredentialSource, transport: Transport, *, follows_grant: bool) -> None:
        self._source = source
        self._transport = transport
        self._follows_grant = follows_grant
        self._signed: Grant | None = None

    async def ready(self) -> None:
        """See to it that the transport signs with good credentials.

        Raises:
            CredentialsError: none can be had.
        """
        self._sign(self._source.current or await self._renewed(None))

    @property
    def signed(self) -> Grant | None:
        """What the transport signs with now."""
        return self._signed

    async def refresh_after_401(self, refused: Grant | None) -> bool:
        """Get other credentials than those that Gong has refused; False where there are no others.

        Raises:
            CredentialsError: none can be had.
        """
        self._sign(await self._renewed(refused))
        return self._signed != refused

    async def settle(self) -> None:
        """Wait until no renewal is under way: a token that was rotated must not be lost."""
        await self._source.settle()

    async def _renewed(self, refused: Grant | None) -> Grant:
        try:
            return await self._source.renew(refused)
        except CredentialsError as error:
            # One renewal may fail for many callers, and each writes its own request into the error.
            raise copy(error) from error.__cause__

    def _sign(self, grant: Grant) -> None:
        if grant is self._signed:
            return
        base_url = grant.base_url if self._follows_grant else None
        self._transport.use(grant.credentials, _safe(base_url) if base_url else None)
        self._signed = grant


def _safe(base_url: str) -> str:
    try:
        return checked_base_url(base_url)
    except ValueError as problem:
        reason = f"the address that came with them is not safe to use ({problem})"
        raise CredentialsError(
            reason=reason, advice="Give the client your company's own base_url."
        ) from problem
