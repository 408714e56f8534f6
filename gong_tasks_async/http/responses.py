"""Read a response without I/O: status, headers and body -> one typed error."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gong_tasks_async import codec
from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    GongError,
    InactiveCompanyError,
    MissingScopeError,
    RateLimitError,
    ServerError,
    TaskNotFoundError,
)
from gong_tasks_async.http.messages import HttpResponse

OK = 200
UNAUTHORIZED = 401
SERVER_ERRORS = 500

ERRORS_BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: AccessDeniedError,
    404: TaskNotFoundError,
    429: RateLimitError,
}

# Gong's reference names no header for tracing; Cloudflare, which stands in front, always sends its own.
TRACE_HEADERS = ("x-trace-id", "x-amzn-trace-id", "traceparent", "cf-ray")

# Seen on the live service: "You don't have permission to use 'api:tasks:write' in your app."
MISSING_SCOPE = re.compile(r"permission to use '(?P<scope>[^']+)'")
INACTIVE_COMPANY = "company is inactive"

HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
PAGE_HEAD = 4096
"""Bytes in which a page's title is looked for; the pattern is slow on a page made to make it so."""
LONGEST_MESSAGE = 300
"""Characters of one message; a proxy's page is not worth more."""

LONGEST_WAIT = 7 * 86_400.0
"""Seconds; a Retry-After beyond any limit that Gong has is nonsense, and must not shut the gate for good."""


def is_success(response: HttpResponse) -> bool:
    """Whether an answer is a 2xx."""
    return OK <= response.status < OK + 100


def read_error(response: HttpResponse, now: datetime) -> APIError:
    """The error that an answer other than a 2xx stands for."""
    envelope = _envelope(response.body)
    messages = _messages(envelope, response.body)
    headers = {
        name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"
    }
    facts: dict[str, Any] = {
        "status": response.status,
        "errors": messages,
        "request_id": _text_or_none(envelope.get("requestId")),
        "trace_id": next((headers[name] for name in TRACE_HEADERS if name in headers), None),
        "headers": headers,
        "retry_after": retry_after(headers, now),
    }
    return _error_kind(response.status, messages, facts)


def _error_kind(status: int, messages: tuple[str, ...], facts: dict[str, Any]) -> APIError:
    if status == UNAUTHORIZED:
        return _unauthorized(" ".join(messages), facts)
    if status >= SERVER_ERRORS:
        return ServerError(**facts)
    return ERRORS_BY_STATUS.get(status, APIError)(**facts)


def _unauthorized(said: str, facts: dict[str, Any]) -> AuthenticationError:
    """Tell the three faces of Gong's 401 apart by its words, the only thing in which they differ."""
    if missing := MISSING_SCOPE.search(said):
        return MissingScopeError(scope=missing["scope"], **facts)
    if INACTIVE_COMPANY in said.lower():
        return InactiveCompanyError(**facts)
    return AuthenticationError(**facts)


def means_expiry(error: GongError) -> bool:
    """Whether other credentials of the same account may fare better; never so for a scope or an inactive company."""
    return type(error) is AuthenticationError


def _envelope(body: bytes) -> dict[str, Any]:
    """Gong's JSON around an error; empty where something else answered, such as a proxy with its HTML."""
    try:
        return codec.json_object(body)
    except DecodeError:
        return {}


def _messages(envelope: dict[str, Any], body: bytes) -> tuple[str, ...]:
    if not envelope:
        return _page_title(body)
    said = (*_oauth_messages(envelope), *_gong_messages(envelope.get("errors")))
    return tuple(dict.fromkeys(text[:LONGEST_MESSAGE] for text in said))


def _gong_messages(errors: object) -> Iterator[str]:
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, list):
        yield from (error if isinstance(error, str) else reprlib.repr(error) for error in errors)


def _oauth_messages(envelope: dict[str, Any]) -> Iterator[str]:
    """What a token endpoint says, see https://www.rfc-editor.org/rfc/rfc6749#section-5.2 ."""
    said = map(envelope.get, ("error", "error_description"))
    yield from (text for text in said if isinstance(text, str))


def _page_title(body: bytes) -> tuple[str, ...]:
    text = body[:PAGE_HEAD].decode("utf-8", "replace")
    title = HTML_TITLE.search(text)
    words = " ".join((title[1] if title else text).split())
    return (words[:LONGEST_MESSAGE],) if words else ()


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait as a Retry-After header says: a number, or an HTTP-date; None where it is missing or nonsense.

    Gong documents whole seconds; a proxy may send what https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    allows. A date is held against the answer's own Date, so that a wrong clock here does no harm.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value, _http_date(headers.get("date", "")) or now)
    return _sensible(seconds)


def _seconds_until(date: str, now: datetime) -> float | None:
    moment = _http_date(date)
    return None if moment is None else _sensible(max(0.0, (moment - now).total_seconds()))


def _sensible(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= LONGEST_WAIT else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
