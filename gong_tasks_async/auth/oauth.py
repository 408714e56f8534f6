"""OAuth: access tokens that expire after a day, single-use refresh tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import cast

from yarl import URL

from gong_tasks_async.auth import token_endpoint
from gong_tasks_async.auth.grant_store import FunctionStore, GrantStore, Save
from gong_tasks_async.auth.single_flight import SingleFlight
from gong_tasks_async.auth.token_endpoint import OAuthGrant, RefreshArguments
from gong_tasks_async.auth.token_exchange import TOKEN_URL, ExchangeCredentials, exchange
from gong_tasks_async.credentials import (
    AccessKey,
    BearerToken,
    Grant,
    MaskedText,
    key_problem,
    secret_problem,
)
from gong_tasks_async.errors import (
    CredentialsError,
)
from gong_tasks_async.errors.checks import conceals_arguments, described, kind_problem, refuse
from gong_tasks_async.events import logger
from gong_tasks_async.http.addresses import base_url_problem, checked_base_url
from gong_tasks_async.http.network import NetworkSettings, network_problems, network_settings
from gong_tasks_async.http.retry import RetryPolicy
from gong_tasks_async.http.transport import Session

RETRY = RetryPolicy(attempts=3, attempt_timeout=20.0, max_wait=10.0)
"""About a minute in all: `close` and Ctrl-C wait for a refresh in flight, since its token must not be lost."""

EARLY = timedelta(minutes=5)
"""How long before its expiry an access token is refreshed, so that no call in flight meets it; at most half its life."""

PAUSE_AFTER_FAILURE = timedelta(seconds=30)
"""Until the next attempt, while the previous access token is still valid."""


class OAuthToken:
    """OAuth credentials that refresh themselves; pass one to the client as its credentials.

    The access token is refreshed five minutes before its expiry (or halfway, if that is later), and when Gong
    answers 401; once for all waiting calls. A refresh token is single-use: each refresh returns its successor,
    and ``save`` gets that before anything is sent with the new tokens. If it is lost, the app must be authorized again.
    One refresh token belongs to one process; share one ``OAuthToken`` between the clients of an event loop, and
    where several processes call Gong, keep the token in one place and give the client a function that asks there.
    The end of an event loop waits for a refresh in flight.

    Args:
        client_id: of your app, from Gong's Company settings > Ecosystem > API.
        client_secret: of your app.
        refresh_token: the newest that Gong gave for this company.
        save: stores a grant; a function, which runs in a thread, or a coroutine function. What it raises becomes the cause of the callers'
            :class:`CredentialsError`, and the next call passes it the same grant again.
            It has 30 seconds.
        store: in the place of ``save``, a :class:`GrantStore` that several processes share.
        access_token: one that is still valid, if there is one; otherwise the first call gets one.
        expires_at: when that one expires (aware); if unknown, it is used until Gong answers 401.
        base_url: the address that it came with, as in :class:`OAuthGrant`.
        token_url: Gong's token endpoint.
        arguments: where the endpoint expects its arguments.
        session: an aiohttp session to borrow for the exchange.
        proxy: the proxy that the exchange goes through; by default that of the first client that uses the token, or of
            the environment.
        ca_bundle: certificates to trust beside this machine's; by default as for ``proxy``.
        wall_clock: the time in seconds since 1970, for tests.

    Raises:
        InvalidValueError: a text is empty or cannot be sent, a time has no zone, or a setting is of another type; all
            are named at once.

    See https://help.gong.io/docs/create-an-app-for-gong
    """

    @conceals_arguments
    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        save: Save | None = None,
        store: GrantStore | None = None,
        access_token: str | None = None,
        expires_at: datetime | None = None,
        base_url: str | None = None,
        token_url: str = TOKEN_URL,
        arguments: RefreshArguments | str = RefreshArguments.QUERY,
        session: Session | None = None,
        proxy: str | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        problems = [
            key_problem("client_id", client_id),
            secret_problem("client_secret", client_secret),
            secret_problem("refresh_token", refresh_token),
            None if access_token is None else secret_problem("access_token", access_token),
            *_storage_problems(save, store),
            _expiry_problem(expires_at),
            kind_problem("base_url", base_url, str, "text", or_none=True),
            base_url_problem(token_url, "token_url"),
            _arguments_problem(arguments),
            kind_problem("session", session, Session, "an aiohttp.ClientSession", or_none=True),
            *network_problems(proxy, ca_bundle),
        ]
        refuse("OAuthToken", problems)
        self._client = AccessKey(client_id, client_secret)
        self._refresh_token: str = MaskedText(refresh_token)
        self._store: GrantStore = FunctionStore(save) if save is not None else cast("GrantStore", store)
        self._arguments = RefreshArguments(arguments)
        self._session = session
        self._has_network = proxy is not None or ca_bundle is not None
        self._network = network_settings(proxy, ca_bundle)
        self._now = wall_clock
        self._url = URL(checked_base_url(token_url))
        self._flight: SingleFlight[Grant] = SingleFlight()
        self._configured = () if base_url is None else (base_url,)
        self._grant = (
            None if access_token is None else Grant(BearerToken(access_token), base_url, self._configured)
        )
        self._expires_at = expires_at
        self._early = EARLY
        self._unsaved: OAuthGrant | None = None
        self._not_before: datetime | None = None
        self._refused: CredentialsError | None = None

    @property
    def identity(self) -> str:
        """Distinguishes the quotas of two companies; never show it."""
        return self._client.authorization

    @property
    def current(self) -> Grant | None:
        """The access token to sign with now; None where there is none, or it is about to expire."""
        return None if self._is_due() else self._grant

    async def refresh(self, refused: Grant | None) -> Grant:
        """Get another access token than the refused one; joins a refresh in flight.

        Args:
            refused: the access token that Gong refused.

        Raises:
            CredentialsError: none can be had.
        """
        if refused is not None and self._grant is not None and self._grant != refused:
            return self._grant  # another caller has refreshed already
        try:
            return await self._flight.run(self._refresh)
        except CredentialsError as error:
            if refused is None and self._grant is not None and not self._has_ended():
                self._put_off(error)
                return self._grant
            raise

    async def finish(self) -> None:
        """Wait until no refresh is in flight: a rotated token must not be lost."""
        await self._flight.wait()

    def go_through(self, network: NetworkSettings) -> None:
        """Refresh through a client's proxy and with its certificates, unless the token has some of its own."""
        if not self._has_network:
            self._has_network, self._network = True, network

    def __repr__(self) -> str:
        return "OAuthToken(...)"

    def _is_due(self) -> bool:
        if self._grant is None:
            return True
        now = self._now()
        if self._not_before is not None and now < self._not_before and not self._has_ended():
            return False
        return self._expires_at is not None and now >= self._expires_at - self._early

    def _put_off(self, error: CredentialsError) -> None:
        if not self._is_due():
            return  # another caller of the same refresh has put it off already
        self._not_before = self._now() + PAUSE_AFTER_FAILURE
        logger.warning(
            "Gong's access token could not be refreshed yet; the previous one is still valid: %s. %s",
            error.reason,
            error.advice,
        )

    def _has_ended(self) -> bool:
        return self._expires_at is not None and self._now() >= self._expires_at

    async def _refresh(self) -> Grant:
        """Refresh once: ask, save, and only then use."""
        async with self._store.refreshing() as saved:
            if self._unsaved is None:
                if saved is not None and self._adopt(saved):
                    return self._use(saved)
                if self._refused is not None:
                    raise copy(self._refused)  # each raise would lengthen the traceback of a single one
                await self._store.prepare()
                self._unsaved = await self._ask_or_reload()
            if self._unsaved is not saved:
                await self._store.save(self._unsaved)
        granted, self._unsaved = self._unsaved, None
        return self._use(granted)

    def _adopt(self, saved: OAuthGrant) -> bool:
        """Take over the tokens that another process saved; whether its access token is one to use."""
        if saved.refresh_token != self._refresh_token:
            self._refresh_token, self._refused = MaskedText(saved.refresh_token), None
        signed = self._grant and self._grant.credentials
        is_other = not isinstance(signed, BearerToken) or signed.token != saved.access_token
        return bool(saved.access_token) and is_other and saved.expires_at - EARLY > self._now()

    def _use(self, granted: OAuthGrant) -> Grant:
        self._refresh_token = MaskedText(granted.refresh_token)
        self._expires_at, self._not_before = granted.expires_at, None
        self._early = min(EARLY, max(granted.expires_at - self._now(), timedelta()) / 2)
        self._grant = Grant(_bearer(granted.access_token), granted.base_url, self._configured)
        return self._grant

    async def _ask_or_reload(self) -> OAuthGrant:
        """Refresh; where the token is used up, with the one that another process saved meanwhile, if there is one."""
        spent = self._refresh_token
        try:
            return await self._ask()
        except CredentialsError:
            newest = await self._store.load() if self._refused is not None else None
            if newest is None or newest.refresh_token == spent:
                raise
            if self._adopt(newest):
                return newest
        return await self._ask()

    async def _ask(self) -> OAuthGrant:
        request = token_endpoint.refresh_request(self._url.raw_path, self._refresh_token, self._arguments)
        return await exchange(
            request,
            ExchangeCredentials(self._client, self._refresh_token),
            self._url,
            retry=RETRY,
            session=self._session,
            network=self._network,
            now=self._now,
            on_invalid_grant=self._note_refusal,
        )

    def _note_refusal(self, refused: CredentialsError) -> None:
        self._refused = refused


def _storage_problems(save: object, store: object) -> Iterator[str]:
    if (save is None) is (store is None):
        yield "give either save, or a store that several processes share"
    if save is not None and not callable(save):
        yield f"save must be a function of one grant, not {type(save).__name__}"
    if store is not None and not hasattr(store, "refreshing"):
        yield f"store must be a GrantStore, not {type(store).__name__}"


def _expiry_problem(value: object) -> str | None:
    if value is not None and not isinstance(value, datetime):
        return f"expires_at must be an aware datetime, not {described(value)}"
    has_zone = value is None or value.tzinfo is not None
    return None if has_zone else "expires_at has no time zone: give an aware datetime"


def _arguments_problem(value: object) -> str | None:
    if isinstance(value, str) and value in list(RefreshArguments):
        return None
    return f"arguments must be one of {', '.join(RefreshArguments)}, not {described(value)}"


def _bearer(access_token: str) -> BearerToken:
    try:
        return BearerToken(access_token)
    except ValueError as problem:
        reason = f"Gong's access token cannot be sent ({problem})"
        raise CredentialsError(reason=reason, advice="Call again, to get another one.") from None
