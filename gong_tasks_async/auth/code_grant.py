"""The first tokens of an OAuth app: an authorization code is exchanged for them, once.

See https://help.gong.io/docs/create-an-app-for-gong , https://www.rfc-editor.org/rfc/rfc6749#section-4.1 and, for the
verifier, https://www.rfc-editor.org/rfc/rfc7636 ; a server that does not know a verifier ignores it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlencode

from attrs import field, frozen
from yarl import URL

from gong_tasks_async.auth import token_endpoint
from gong_tasks_async.auth.oauth import LONGEST_ANSWER, TOKEN_URL
from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.credentials import AccessKey, MaskedText
from gong_tasks_async.errors import APIError, DecodeError, ForeignResponseError, GongError, TransportError
from gong_tasks_async.http import responses
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.transport import AiohttpTransport

AUTHORIZE_URL: Final = "https://app.gong.io/oauth2/authorize"

EXCHANGE_TIMEOUT: Final = 60.0
"""Seconds; a code is good for one exchange, so it is sent once."""


@frozen(kw_only=True)
class CodeGrant:
    """One sign-in of an app in a browser: what the browser is sent to, and what its answer is held against."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = field(factory=lambda: token_urlsafe(32), repr=False)
    """The browser brings it back, so that no other page can end this sign-in."""
    verifier: str = field(factory=lambda: token_urlsafe(48), repr=False)
    """Known to this process alone, so that nobody else can use the code."""

    def authorize_url(self, address: str = AUTHORIZE_URL) -> str:
        """Where the browser is sent to."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": " ".join(self.scopes),
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{address}?{urlencode(query)}"

    async def exchange(self, client_secret: str, code: str, *, token_url: str = TOKEN_URL) -> OAuthGrant:
        """Exchange the code for the first tokens; it is sent once, and only to the token endpoint.

        Raises:
            CredentialsError: there are no tokens.
            ValueError: ``token_url`` is no safe address.
        """
        url = URL(checked_base_url(token_url))
        transport = AiohttpTransport(
            _ExchangeCredentials(AccessKey(self.client_id, client_secret), code),
            str(url.origin()),
            max_response_bytes=LONGEST_ANSWER,
        )
        try:
            response = await transport.send(self._request(url.raw_path, code), EXCHANGE_TIMEOUT)
            return token_endpoint.read_grant(
                _judged(response, self._request(url.raw_path, code)), datetime.now(UTC)
            )
        except (APIError, DecodeError, ForeignResponseError, TransportError) as error:
            raise token_endpoint.to_error(error, str(url), cut_off=False) from None
        finally:
            await transport.close()

    def _request(self, path: str, code: str) -> HttpRequest:
        query: Mapping[str, str] = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return HttpRequest(
            "POST",
            path,
            query=query,
            result_key="access_token",
            error_key="error",
            operation="exchange",
            quotable=False,
        )


@frozen(repr=False)
class _ExchangeCredentials:
    """Sign the exchange as the app, and keep the code, too, out of every message."""

    app: AccessKey = field(repr=False)
    code: str = field(repr=False, converter=MaskedText)

    @property
    def authorization(self) -> str:
        return self.app.authorization

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*self.app.secrets, self.code)


def _judged(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    judged = responses.judge(response, request, datetime.now(UTC))
    if isinstance(judged, GongError):
        raise judged
    return judged
