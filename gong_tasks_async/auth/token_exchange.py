"""One exchange at Gong's token endpoint: a refresh, or the exchange of a code."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import field, frozen
from yarl import URL

from gong_tasks_async.auth import token_endpoint
from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.credentials import AccessKey, MaskedText
from gong_tasks_async.errors import (
    APIError,
    CredentialsError,
    DecodeError,
    ForeignResponseError,
    GongError,
    RateLimitError,
    TransportError,
)
from gong_tasks_async.http import responses
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.network import DIRECT, NetworkSettings
from gong_tasks_async.http.retry import Attempts, RetryPolicy
from gong_tasks_async.http.transport import AiohttpTransport, Session, Transport

TOKEN_URL = "https://app.gong.io/oauth2/generate-customer-token"  # noqa: S105 - an address

LONGEST_ANSWER = 64 * 1024
"""Bytes of a token response; tokens are short."""


@frozen(repr=False)
class ExchangeCredentials:
    """Sign an exchange as the app, and keep what is exchanged, too, out of every message."""

    app: AccessKey = field(repr=False)
    exchanged: str = field(repr=False, converter=MaskedText)
    """The refresh token, or the code."""

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return self.app.authorization

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those of the app, and what is exchanged."""
        return (*self.app.secrets, self.exchanged)


async def exchange(
    request: HttpRequest,
    credentials: ExchangeCredentials,
    url: URL,
    *,
    retry: RetryPolicy,
    session: Session | None = None,
    network: NetworkSettings = DIRECT,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    on_invalid_grant: Callable[[CredentialsError], None] = lambda _: None,
) -> OAuthGrant:
    """Send a request for tokens, and read them.

    Args:
        request: made for the path of ``url``.
        credentials: what signs it.
        url: the token endpoint.
        retry: how often it is sent, a 429 included: callers wait for the tokens.
        session: an aiohttp session to borrow.
        network: the proxy and the certificates.
        now: gives the moment from which the tokens live.
        on_invalid_grant: is passed the error where what was exchanged is used up or revoked.

    Raises:
        CredentialsError: there are no tokens.
    """
    transport = AiohttpTransport(
        credentials,
        str(url.origin()),
        max_response_bytes=LONGEST_ANSWER,
        session=session,
        network=network,
    )
    lost: list[TransportError] = []
    try:
        return token_endpoint.read_grant(await _send(transport, request, retry, lost), now())
    except (APIError, DecodeError, ForeignResponseError, TransportError) as error:
        failure = token_endpoint.to_error(error, str(url), cut_off=bool(lost))
        if isinstance(error, APIError) and token_endpoint.is_invalid_grant(error):
            on_invalid_grant(failure)
    finally:
        await transport.close()
    raise failure  # out here: a chain would show the frames that read the response


async def _send(
    transport: Transport, request: HttpRequest, retry: RetryPolicy, lost: list[TransportError]
) -> HttpResponse:
    """Send until there is a response, or no use in sending; collect the attempts without one in ``lost``."""
    attempts = Attempts()
    while True:
        attempts.sent += 1
        try:
            response = await transport.send(request, retry.attempt_timeout)
        except TransportError as failure:
            lost.append(failure)
            error: GongError = failure
        else:
            judged = responses.judge(response, request)
            if isinstance(judged, HttpResponse):
                return judged
            error = judged
        attempts.rate_limited += isinstance(error, RateLimitError)
        wait = retry.wait(error, attempts, random.random())  # noqa: S311 - jitter
        if wait is None or attempts.sent >= retry.attempts:
            raise error
        await asyncio.sleep(wait)
