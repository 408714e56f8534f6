"""Judge a response without I/O: status, headers and body -> a result of Gong's, or one typed error.

Only Gong speaks for Gong: a response counts as Gong's only with Gong's envelope, a JSON object with ``requestId``,
``errors`` or the call's own key. The table of all cases is docs/reference/answers.md, printed from this code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ForeignResponseError,
    GongError,
    InactiveCompanyError,
    MissingScopeError,
    ProxyError,
    RateLimitError,
    RedirectError,
    ServerError,
    TaskNotFoundError,
    TransportError,
)
from gong_tasks_async.errors.answers import INTERNAL_ERROR, TRANSIENT
from gong_tasks_async.http.envelope import (
    MAX_HEADER,
    MAX_ID,
    MAX_MESSAGE,
    MAX_MESSAGES,
    envelope_of,
    is_cut,
    looks_like_data,
    messages,
    page_title,
    shown,
)
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry_after import retry_after

UNAUTHORIZED: Final = 401
PROXY_AUTHENTICATION: Final = 407
TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = 500

ERRORS_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    403: AccessDeniedError,
    404: TaskNotFoundError,
    TOO_MANY_REQUESTS: RateLimitError,
}

TRACE_HEADERS: Final = ("x-traceid", "x-trace-id", "x-amzn-trace-id", "traceparent", "cf-ray")
"""The first is on each of Gong's recorded responses; the last is Cloudflare's, which stands in front."""

SECRET_HEADERS: Final = re.compile(r"cookie|authori[sz]ation|token$|secret|password|api-?key", re.IGNORECASE)
"""Names of headers that carry secrets: a login's cookie, a proxy's token."""

# Seen on the live service: "You don't have permission to use 'api:tasks:write' in your app."
MISSING_SCOPE: Final = re.compile(r"permission to use '(?P<scope>[^']{1,100})'")
INACTIVE_COMPANY: Final = "company is inactive"
# Seen on other listings of Gong's: "No calls found corresponding to the provided filters".
NOTHING_FOUND: Final = re.compile(
    r"\bno [a-z ]{0,40}found corresponding to the provided filter", re.IGNORECASE
)

STANDARD_KEYS: Final = frozenset({"requestId", "errors", "error", "error_description"})
"""Keys of the envelope that have attributes of their own."""


def utc_now() -> datetime:
    """The clock that errors with dates in their headers are judged by."""
    return datetime.now(UTC)


def judge(
    response: HttpResponse, request: HttpRequest, clock: Callable[[], datetime] = utc_now
) -> HttpResponse | GongError:
    """What a response means: itself, where Gong answered 2xx with a result, otherwise the error that it stands for."""
    status = response.status
    envelope, is_whole = envelope_of(response, request)
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's range of successes
        if envelope is not None and (envelope.get(request.result_key) or not _says_error(envelope, request)):
            if is_whole:
                response.envelope = envelope
            return response
        if envelope is None and is_cut(response):
            return TransportError(reason="the response was cut short")
    evidence = _Evidence(request, response, envelope, shown_headers(response), clock())
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's range of redirects
        return _redirect(evidence)
    if status == PROXY_AUTHENTICATION:
        return ProxyError(reason="Proxy Authentication Required", status=status)
    if status in {TOO_MANY_REQUESTS, INTERNAL_ERROR} or status in TRANSIENT or envelope is not None:
        return _refusal(evidence)
    return ForeignResponseError(**_foreign_facts(evidence))


def means_expiry(error: GongError) -> bool:
    """Whether other credentials of the same account may succeed; never for a missing scope or an inactive company."""
    return type(error) is AuthenticationError


def means_nothing_found(error: GongError) -> bool:
    """Whether a 404 to a listing means that the filter matches nothing, rather than that something is wrong."""
    return isinstance(error, TaskNotFoundError) and any(map(NOTHING_FOUND.search, error.errors))


@frozen
class _Evidence:
    """What an error is made of."""

    request: HttpRequest
    response: HttpResponse
    envelope: Mapping[str, Any] | None
    headers: dict[str, str]
    now: datetime

    @property
    def title(self) -> str:
        # Of a success neither a token nor tasks that were cut off are quoted: those hold personal data.
        may_be_data = not self.request.quotable or looks_like_data(self.response.body)
        if self.response.status < 300 and may_be_data:  # noqa: PLR2004 - HTTP's range of successes
            return ""
        return page_title(self.response.body, self.response.conceal)


def _says_error(envelope: Mapping[str, Any], request: HttpRequest) -> bool:
    return bool(envelope.get("errors") or envelope.get(request.error_key))


def _refusal(evidence: _Evidence) -> APIError:
    """An error of Gong's, or one of a status that means the same from any sender."""
    response, envelope = evidence.response, evidence.envelope
    request_id = None if envelope is None else envelope.get("requestId")
    facts: dict[str, Any] = {
        "status": response.status,
        "errors": messages(envelope, response.body, response.conceal),
        "request_id": (isinstance(request_id, str) and shown(request_id, MAX_ID, response.conceal)) or None,
        "trace_id": trace_id_of(evidence.headers),
        "headers": evidence.headers,
        "retry_after": retry_after(evidence.headers, evidence.now),
        "from_gong": envelope is not None,
        "details": _details(evidence),
    }
    if response.status == UNAUTHORIZED:
        return _unauthorized(" ".join(facts["errors"]), facts)
    if response.status >= SERVER_ERRORS or response.status in TRANSIENT:
        return ServerError(**facts)
    return ERRORS_BY_STATUS.get(response.status, APIError)(**facts)


def _unauthorized(text: str, facts: dict[str, Any]) -> AuthenticationError:
    """Distinguish the three kinds of Gong's 401 by their messages, the only thing in which they differ."""
    if missing := MISSING_SCOPE.search(text):
        return MissingScopeError(scope=missing["scope"], **facts)
    if INACTIVE_COMPANY in text.lower():
        return InactiveCompanyError(**facts)
    return AuthenticationError(**facts)


def _details(evidence: _Evidence) -> dict[str, str]:
    """The other texts of Gong's envelope."""
    conceal = evidence.response.conceal
    texts = [
        (key, text)
        for key, text in (evidence.envelope or {}).items()
        if key not in STANDARD_KEYS and isinstance(text, str)
    ]
    return {
        shown(key, MAX_ID, conceal): shown(text, MAX_MESSAGE, conceal) for key, text in texts[:MAX_MESSAGES]
    }


def _foreign_facts(evidence: _Evidence) -> dict[str, Any]:
    return {
        "status": evidence.response.status,
        "responder": _responder(evidence.headers),
        "title": evidence.title,
        "trace_id": trace_id_of(evidence.headers),
        "headers": evidence.headers,
        "retry_after": retry_after(evidence.headers, evidence.now),
    }


def _redirect(evidence: _Evidence) -> RedirectError:
    """A redirect, and whose page it leads to; its query is left out, since it may hold a login's token."""
    facts = _foreign_facts(evidence)
    try:
        place = urlsplit(evidence.headers.get("location", ""))
        host = place.hostname
    except ValueError:
        return RedirectError(**facts)
    location = f"{place.scheme}://{host}{place.path}" if host else place.path
    if host:
        facts["responder"] = f"a login page, or a new address, at {host}"
    return RedirectError(**facts, location=location[:MAX_MESSAGE] or None)


def _responder(headers: Mapping[str, str]) -> str | None:
    """Who most likely answered in Gong's place."""
    if "cf-mitigated" in headers or "cf-ray" in headers:
        return "Cloudflare"
    if via := headers.get("via"):
        return f"a proxy ({via[:MAX_ID]})"
    if server := headers.get("server"):
        return f"a server that calls itself {server[:MAX_ID]}"
    return None


def shown_headers(response: HttpResponse) -> dict[str, str]:
    """The headers as they may be shown, names in lower case; those that exist to carry a secret are left out."""
    return {
        shown(name, MAX_ID, response.conceal).lower(): shown(value, MAX_HEADER, response.conceal)
        for name, value in response.headers.items()
        if not SECRET_HEADERS.search(name)
    }


def trace_id_of(headers: Mapping[str, str]) -> str | None:
    """The id under which the response can be traced, from its headers as they are shown."""
    found = next((headers[name] for name in TRACE_HEADERS if headers.get(name)), None)
    return found and found[:MAX_ID]
