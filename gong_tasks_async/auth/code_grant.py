"""The first tokens of an OAuth app: an authorization code is exchanged for them, once.

See https://help.gong.io/docs/create-an-app-for-gong , https://www.rfc-editor.org/rfc/rfc6749#section-4.1 and, for the
verifier, https://www.rfc-editor.org/rfc/rfc7636 ; a server that does not know a verifier ignores it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlencode

from attrs import field, frozen
from yarl import URL

from gong_tasks_async.auth.token_endpoint import OAuthGrant
from gong_tasks_async.auth.token_exchange import TOKEN_URL, ExchangeCredentials, exchange
from gong_tasks_async.credentials import AccessKey
from gong_tasks_async.http.addresses import checked_base_url
from gong_tasks_async.http.messages import HttpRequest
from gong_tasks_async.http.retry import RetryPolicy

AUTHORIZE_URL: Final = "https://app.gong.io/oauth2/authorize"

ONCE: Final = RetryPolicy(attempts=1, attempt_timeout=60.0)
"""A code is good for one exchange, so it is sent once."""


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
        credentials = ExchangeCredentials(AccessKey(self.client_id, client_secret), code)
        return await exchange(self._request(url.raw_path, code), credentials, url, retry=ONCE)

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
