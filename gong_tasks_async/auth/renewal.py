"""Refresh a client's credentials where they expire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from typing import Protocol, cast

from gong_tasks_async.auth.destination import checked_destination
from gong_tasks_async.auth.patience import NoResultError, call_within
from gong_tasks_async.auth.single_flight import SingleFlight
from gong_tasks_async.credentials import Credentials, Grant, can_sign
from gong_tasks_async.errors import CredentialsError
from gong_tasks_async.http.transport import Transport

Supplier = Callable[[], Credentials | Awaitable[Credentials]]

SUPPLY_TIMEOUT = 30.0
"""Seconds that a user's function may take to return credentials."""


class CredentialSource(Protocol):
    """A source of credentials that expire."""

    @property
    def current(self) -> Grant | None:
        """Those to sign with now; None where there are none, or they are about to expire."""
        ...

    async def refresh(self, refused: Grant | None) -> Grant:
        """Get credentials other than those that Gong refused, if there are any.

        Raises:
            CredentialsError: none can be had.
        """
        ...

    async def finish(self) -> None:
        """Finish what is in flight, or drop it where nothing is lost by that."""


class CallableSource:
    """Credentials from a function of the user's, such as one that asks a vault.

    It is called before the first request, and again when Gong answers 401 to what it returned; a plain function in a
    thread, so that a slow vault holds up no other call. A function that raises,
    returns no credentials or does not return in time fails the calls that wait for it; the next call asks it again.
    """

    def __init__(self, supply: Supplier) -> None:
        self._supply = supply
        self._flight: SingleFlight[Grant] = SingleFlight(protected=False)
        self.current: Grant | None = None

    async def refresh(self, refused: Grant | None) -> Grant:
        """Call the function, once for all that wait."""
        if self.current is not None and self.current != refused:
            return self.current
        return await self._flight.run(self._ask)

    async def finish(self) -> None:
        """Stop asking: a vault loses nothing by it."""
        self._flight.cancel()

    async def _ask(self) -> Grant:
        self.current = Grant(_checked(await self._supplied()))
        return self.current

    async def _supplied(self) -> object:
        try:
            return await call_within(self._supply, SUPPLY_TIMEOUT)
        except NoResultError as problem:
            reason = f"your credentials function {problem}"
            raise CredentialsError(reason=reason, advice="Call again: it is asked again.") from None
        except Exception as error:
            reason = f"your credentials function raised {type(error).__name__}"
            raise CredentialsError(reason=reason, advice="See the cause of this error.") from error


def _checked(supplied: object) -> Credentials:
    """Refuse what cannot sign a request, without showing it: it may be the bare secret."""
    if can_sign(supplied):
        return cast("Credentials", supplied)
    reason = f"your credentials function returned {type(supplied).__name__}, which cannot sign a request"
    raise CredentialsError(reason=reason, advice="Return an AccessKey or a BearerToken; it is asked again.")


class Refresher:
    """Sign one transport with what a source has.

    Args:
        source: where the credentials come from; it may serve several clients.
        transport: what signs with them.
        follows_grant: whether requests go to the address that a grant names; False where the user has given one.
    """

    def __init__(self, source: CredentialSource, transport: Transport, *, follows_grant: bool) -> None:
        self._source = source
        self._transport = transport
        self._follows_grant = follows_grant
        self._signed: Grant | None = None

    async def ready(self) -> None:
        """Make the transport sign with valid credentials.

        Raises:
            CredentialsError: none can be had.
        """
        self._sign(self._source.current or await self._refreshed(None))

    @property
    def signed(self) -> Grant | None:
        """What the transport signs with now."""
        return self._signed

    async def refresh_after_401(self, refused: Grant | None) -> bool:
        """Get other credentials than those that Gong answered 401 to; False where there are no others.

        Raises:
            CredentialsError: none can be had.
        """
        self._sign(await self._refreshed(refused))
        return self._signed != refused

    async def finish(self) -> None:
        """Finish a refresh in flight, since a rotated token must not be lost; drop a question to a vault."""
        await self._source.finish()

    async def _refreshed(self, refused: Grant | None) -> Grant:
        try:
            return await self._source.refresh(refused)
        except CredentialsError as error:
            # One refresh may fail for many callers, and each writes its own request into the error.
            raise copy(error) from error.__cause__

    def _sign(self, grant: Grant) -> None:
        if grant is self._signed:
            return
        base_url = grant.base_url if self._follows_grant else None
        self._transport.use(grant.credentials, self._checked(grant, base_url) if base_url else None)
        self._signed = grant

    def _checked(self, grant: Grant, base_url: str) -> str:
        try:
            return checked_destination(base_url, grant.configured)
        except ValueError as problem:
            raise CredentialsError(
                reason=f"the base URL that came with them is not safe to use ({problem})",
                advice="Set your company's own base URL.",
            ) from None
