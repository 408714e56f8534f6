"""The token endpoint: refresh tokens that are good for one use, access tokens that live for a while.

Documented: the path, the arguments in the query string, the client as HTTP Basic, and the names of the answer's fields.
Seen on the live service: a used refresh token is a 400 with `invalid_grant`, in the shape of RFC 6749, section 5.2.
Choices made here: the refusals carry Gong's own envelope as well, a 401 is `invalid_client`, and an access token lives on
when a newer one is issued.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from http import HTTPStatus
from random import Random
from string import ascii_letters, digits
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs

from gong_tasks_async.simulator import access
from gong_tasks_async.simulator.wire import RefusedError, Request

PATH: Final = "/oauth2/generate-customer-token"

_FORM: Final = "application/x-www-form-urlencoded"


class TokenArguments(enum.StrEnum):
    """Where the token endpoint looks for its arguments."""

    QUERY = enum.auto()
    """In the query string, as documented."""
    FORM = enum.auto()
    """In a form, as OAuth's standard has it."""
    EITHER = enum.auto()


def check_client(request: Request, client_id: str, client_secret: str) -> None:
    """Refuse a client whose id and secret are not these."""
    if access.signature(request) != access.basic(client_id, client_secret):
        raise _refused("invalid_client", "Client authentication failed", HTTPStatus.UNAUTHORIZED)


GRANTS: Final = {"refresh_token": "refresh_token", "authorization_code": "code"}
"""The grant types that are known, and the argument that each needs."""


def read_grant(request: Request, place: TokenArguments) -> tuple[str, str]:
    """Read the grant type of a request and what it needs, or refuse it."""
    arguments = _arguments(request, place)
    grant_type = arguments.get("grant_type")
    if grant_type is None:
        raise _refused("invalid_request", "grant_type is required")
    if grant_type not in GRANTS:
        raise _refused("unsupported_grant_type", f"Unsupported grant type: {grant_type}")
    needed = GRANTS[grant_type]
    if not arguments.get(needed):
        raise _refused("invalid_request", f"{needed} is required")
    return grant_type, arguments[needed]


def check_code(given: str, current: str) -> None:
    """Refuse every authorization code but the current one, which has not been used."""
    if not current or given != current:
        raise _refused("invalid_grant", "Authorization code is invalid")


def check_refresh_token(given: str, current: str) -> None:
    """Refuse every refresh token but the current one, which is the only one that has not been used."""
    if given != current:
        raise _refused("invalid_grant", "Refresh token code is invalid")


def grant(
    access_token: str, refresh_token: str, lifetime: float, scopes: Collection[str], base_url: str
) -> dict[str, Any]:
    """The answer that grants tokens."""
    return {
        "access_token": access_token,
        "refresh_token": refresh_token,
        "token_type": "bearer",
        "expires_in": int(lifetime),
        "scope": " ".join(scopes),
        "api_base_url_for_customer": base_url,
    }


def _arguments(request: Request, place: TokenArguments) -> Mapping[str, str]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    sent_form = request.body.decode(errors="replace") if media_type == _FORM else ""
    form = dict(parse_qsl(sent_form))
    match place:
        case TokenArguments.QUERY:
            return request.query
        case TokenArguments.FORM:
            return form
        case TokenArguments.EITHER:
            return {**form, **request.query}


def _refused(code: str, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> RefusedError:
    headers = access.CHALLENGE if status is HTTPStatus.UNAUTHORIZED else {}
    return RefusedError(status, text, headers=headers, extra={"error": code, "error_description": text})


@attrs.define
class Tokens:
    """The access tokens that were issued, and the source of new texts."""

    _random: Random
    _ends: dict[str, float] = attrs.field(init=False, factory=dict[str, float])

    def issue(self, end: float) -> str:
        """Make an access token that is taken until `end`."""
        token = self.text("access")
        self._ends[token] = end
        return token

    def alive(self, now: float) -> list[str]:
        """List the access tokens that are still taken, and forget the others."""
        self._ends = {token: end for token, end in self._ends.items() if now < end}
        return list(self._ends)

    def expire(self) -> None:
        """Forget all access tokens."""
        self._ends.clear()

    def text(self, kind: str) -> str:
        """Make up a token's text."""
        return f"simulated-{kind}-{''.join(self._random.choices(ascii_letters + digits, k=32))}"
