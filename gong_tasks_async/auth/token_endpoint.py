"""Requests to Gong's token endpoint and its responses, without I/O.

See https://help.gong.io/docs/create-an-app-for-gong and https://www.rfc-editor.org/rfc/rfc6749#section-6 .
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from gong_tasks_async import codec
from gong_tasks_async.credentials import MaskedText
from gong_tasks_async.errors import (
    APIError,
    CredentialsError,
    DecodeError,
    ForeignResponseError,
    GongError,
    Meaning,
    TransportError,
)
from gong_tasks_async.http.messages import FORM, HttpRequest, HttpResponse

DAY = 86_400
"""Seconds that a token lives where its response has no number: Gong's default."""

BAD_REQUEST = 400
UNAUTHORIZED = 401


class RefreshArguments(StrEnum):
    """Where the arguments of a refresh go."""

    QUERY = "query"
    """In the URL, as Gong documents it."""
    FORM = "form"
    """In the body, as OAuth's standard has it."""


@frozen(kw_only=True)
class OAuthGrant:
    """The tokens of one refresh. Store them: the refresh token that was sent is used up.

    Attributes:
        access_token: signs requests; shown as ``***``.
        refresh_token: gets the next tokens, once; shown as ``***``.
        expires_at: when the access token expires; aware.
        base_url: the company's own address, Gong's ``api_base_url_for_customer``.
    """

    access_token: str = field(repr=False, converter=MaskedText)
    refresh_token: str = field(repr=False, converter=MaskedText)
    expires_at: datetime
    base_url: str | None = None


def refresh_request(path: str, refresh_token: str, arguments: RefreshArguments) -> HttpRequest:
    """Build the request for new tokens; the transport adds the app's id and secret as HTTP Basic."""
    values = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    request = HttpRequest(
        "POST", path, result_key="access_token", error_key="error", operation="refresh", quotable=False
    )
    if arguments is RefreshArguments.QUERY:
        return evolve(request, query=values)
    return evolve(request, body=urlencode(values).encode(), content_type=FORM)


def read_grant(response: HttpResponse, now: datetime) -> OAuthGrant:
    """Read the tokens of a 2xx.

    Raises:
        DecodeError: a token is missing, or something is not as it should be; no value is quoted.
    """
    # Nothing odd beside the tokens must lose them: the one that was sent is used up.
    answer = codec.json_object(response.body, lenient=True)
    base_url = answer.get("api_base_url_for_customer")
    return OAuthGrant(
        access_token=_required(answer, "access_token"),
        refresh_token=_required(answer, "refresh_token"),
        expires_at=now + timedelta(seconds=_lifetime(answer)),
        base_url=base_url if isinstance(base_url, str) else None,
    )


def _required(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if isinstance(value, str) and value:
        return value
    found = type(value).__name__ if value else "nothing"
    raise DecodeError(path=f"$.{name}", expected="a text", found=found)


def _lifetime(answer: Mapping[str, Any]) -> float:
    """Seconds; some endpoints send the number as text. An absurd value must not lose the tokens beside it."""
    value = answer.get("expires_in", DAY)
    try:
        seconds = DAY if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return DAY
    # A token that has expired already would be refreshed with every call; Gong answers 401 in time.
    return min(seconds, DAY * 366) if seconds >= 1 else DAY


def to_error(error: GongError, url: str, *, cut_off: bool) -> CredentialsError:
    """Explain why there are no new tokens; ``cut_off`` where an earlier attempt got no response."""
    if isinstance(error, ForeignResponseError):
        return CredentialsError(
            reason=f"the response of {url} ({error.status}) is not Gong's and cannot be read; most likely "
            f"{error.responder or 'a proxy'} answered",
            advice=error.advice,
        )
    if isinstance(error, TransportError):
        return CredentialsError(
            reason=f"no response from {url} ({error.reason})",
            advice=error.advice
            if error.meaning is Meaning.RUN
            else "Check the network, and call again: that is safe.",
        )
    if isinstance(error, DecodeError):
        return CredentialsError(
            reason=f"the response of {url} cannot be read at {error.path}: expected {error.expected}, found {error.found}",
            advice="Authorize the app again to get new tokens, and please report this text.",
        )
    if not isinstance(error, APIError):
        return CredentialsError(reason=f"no response from {url} ({error})", advice="Call again later.")
    messages = "; ".join(error.errors) or "without a message"
    return CredentialsError(
        reason=f"{url} answered {error.status}, {messages}", advice=_advice(error.status, cut_off=cut_off)
    )


def is_invalid_grant(error: APIError) -> bool:
    """Whether the refresh token is invalid for good: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 ."""
    return error.status == BAD_REQUEST and any("invalid_grant" in message for message in error.errors)


def _advice(status: int | None, *, cut_off: bool) -> str:
    if status == UNAUTHORIZED:
        return "Check client_id and client_secret."
    if status == BAD_REQUEST:
        used_up = (
            "an earlier attempt got no response and may have used it up, or it was" if cut_off else "it was"
        )
        return (
            f"The refresh token is no longer valid: {used_up} used before (by another process?) or revoked. "
            f"Authorize the app again in Gong, and save the refresh token of each grant."
        )
    return "Call again later."
