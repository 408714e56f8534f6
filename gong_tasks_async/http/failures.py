"""aiohttp's exceptions -> one typed error that knows whether another attempt is of use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import aiohttp

from gong_tasks_async.errors import ProxyError, TLSError, TransportError
from gong_tasks_async.http.body import CodingError
from gong_tasks_async.http.envelope import MAX_MESSAGE, shown
from gong_tasks_async.http.tls import tls_problem

TOO_LONG: Final = re.compile(r"Got more than|[Tt]oo many headers")
"""How aiohttp words that a response's header exceeds the limit."""

PASSING: Final = frozenset({408, 425, 429, *range(500, 600)})
"""A proxy's statuses to CONNECT that pass: it is up, and what is behind it is not yet."""


def failure_of(
    error: Exception, conceal: Callable[[str], str], *, proxy: str | None = None
) -> TransportError:
    """The typed error for an exception of aiohttp, or of the socket."""
    reason = error_text(error, conceal)
    if isinstance(error, CodingError):
        return TransportError(reason=f"the response cannot be read: {reason}", retryable=not error.unasked)
    if (problem := tls_problem(_cause_of(error))) is not None:
        return TLSError(reason=reason, problem=problem)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_tunnel(error, proxy, conceal)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return TransportError(reason=f"the proxy {proxy}: {reason}", connected=False)
    return TransportError(
        reason=reason,
        retryable=not _would_end_alike(error),
        garbled=isinstance(error, aiohttp.ClientResponseError),
        connected=not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError),
    )


def error_text(error: Exception, conceal: Callable[[str], str]) -> str:
    """An exception on one line, without secrets: some quote what was received or sent."""
    text = shown(str(error), MAX_MESSAGE, conceal) or ("timed out" if isinstance(error, TimeoutError) else "")
    if isinstance(error, CodingError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _refused_tunnel(
    error: aiohttp.ClientHttpProxyError, proxy: str | None, conceal: Callable[[str], str]
) -> TransportError:
    """A proxy that did not open the tunnel: for good, or until what is behind it is there."""
    message = shown(error.message, MAX_MESSAGE, conceal)
    reason = f"the proxy {proxy} refused the tunnel: {error.status} {message}".rstrip()
    if error.status in PASSING:
        return TransportError(reason=reason, connected=False)
    return ProxyError(reason=reason, proxy=proxy, status=error.status)


def _cause_of(error: Exception) -> Exception:
    """The error of TLS or of the socket that aiohttp has wrapped."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    return error


def _would_end_alike(error: Exception) -> bool:
    """Whether another attempt would meet the same error."""
    if isinstance(error, aiohttp.InvalidURL):
        return True
    return isinstance(error, aiohttp.ClientResponseError) and TOO_LONG.search(error.message) is not None
