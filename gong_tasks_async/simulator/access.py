"""Who may come in: credentials, the company's state, scopes. Each refusal carries the text seen on the live service."""

from __future__ import annotations

import base64
import enum
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from gong_tasks_async.simulator.wire import RefusedError, Request

_BAD_CREDENTIALS = "Validate credentials failed. Please check your credentials and try again."
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Gong.io API"'}


class Account(enum.StrEnum):
    """The state of the company's account."""

    ACTIVE = enum.auto()
    INACTIVE = enum.auto()
    """401 to every call."""
    WITHOUT_ENGAGE = enum.auto()
    """500 to both task calls, always."""


def basic(access_key: str, access_key_secret: str) -> str:
    """Write the Authorization header of an access key."""
    return f"Basic {base64.b64encode(f'{access_key}:{access_key_secret}'.encode()).decode()}"


def signature(request: Request) -> str:
    """Read the Authorization header, in the one spelling that `basic` writes."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return f"{scheme.capitalize()} {rest.strip()}"


def check_credentials(request: Request, accepted: Collection[str]) -> None:
    """Refuse a request whose Authorization header is none of those accepted."""
    if signature(request) not in accepted:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, _BAD_CREDENTIALS, headers=CHALLENGE)


def check_account(account: Account) -> None:
    """Refuse everything to an inactive company."""
    if account is Account.INACTIVE:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "Company is inactive")


def check_scope(scope: str, granted: Collection[str]) -> None:
    """Refuse a call for which the credentials lack the scope."""
    if scope not in granted:
        raise RefusedError(
            HTTPStatus.UNAUTHORIZED, f"You don't have permission to use '{scope}' in your app."
        )


def check_engage(account: Account) -> None:
    """Fail like Gong does for a company that has not bought Engage."""
    if account is Account.WITHOUT_ENGAGE:
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error occurred")


def asked_at(request: Request) -> str:
    """The address that a request was sent to."""
    return f"http://{request.headers.get('host', 'localhost')}"
