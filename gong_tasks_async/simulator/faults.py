"""What goes wrong on the network, at a proxy or at Gong."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Final

import attrs


class Fault(enum.StrEnum):
    """One thing that goes wrong. "Applied" means that the call did its work all the same."""

    RESET_BEFORE = enum.auto()
    """The connection is aborted before anything is applied."""
    RESET_AFTER = enum.auto()
    """Applied; then the connection is aborted."""
    TRUNCATED = enum.auto()
    """Applied; the right Content-Length, half the body, then the end."""
    GARBLED = enum.auto()
    """Applied; a body that is not JSON."""
    SLOW = enum.auto()
    """Applied; the answer drips out."""
    SERVER_ERROR = enum.auto()
    """500 in Gong's JSON, nothing applied."""
    BAD_GATEWAY = enum.auto()
    """502 with the proxy's HTML page, nothing applied."""
    UNAVAILABLE = enum.auto()
    """503 with an HTML page, nothing applied."""
    TOO_MANY = enum.auto()
    """429 with Retry-After although the limit is kept, nothing applied."""
    TOO_MANY_HTML = enum.auto()
    """429 with the proxy's HTML page and no Retry-After, nothing applied."""
    FORBIDDEN_HTML = enum.auto()
    """403 with the proxy's HTML page, nothing applied."""
    CHALLENGE = enum.auto()
    """403 with Cloudflare's challenge to a browser, nothing applied."""
    ORIGIN_AWAY = enum.auto()
    """522, Cloudflare's own status while Gong does not answer it, nothing applied."""
    PROXY_FORBIDDEN = enum.auto()
    """403 with the page of a corporate proxy that names itself in Via, nothing applied."""
    PROXY_LOGIN = enum.auto()
    """407, a proxy that asks for a user and password, nothing applied."""
    PORTAL_REDIRECT = enum.auto()
    """302 to a login page, as sign-on proxies and captive portals answer, nothing applied."""
    PORTAL_PAGE = enum.auto()
    """200 with the HTML of a login or maintenance page, nothing applied."""
    NOT_FOUND_HTML = enum.auto()
    """404 with a web server's page, as a wrong address answers, nothing applied."""
    NO_CONTENT = enum.auto()
    """204 without a body, nothing applied."""
    STALE = enum.auto()
    """Applied; the response is sent a second time on the connection, unasked."""


FOREIGN: Final = frozenset(
    {
        Fault.FORBIDDEN_HTML,
        Fault.CHALLENGE,
        Fault.PROXY_FORBIDDEN,
        Fault.PROXY_LOGIN,
        Fault.PORTAL_REDIRECT,
        Fault.PORTAL_PAGE,
        Fault.NOT_FOUND_HTML,
        Fault.NO_CONTENT,
    }
)
"""Those in which another server answers in Gong's place."""


@attrs.frozen
class InjectedFault:
    """A fault about to happen; `retry_after` is the header of a TOO_MANY."""

    fault: Fault
    retry_after: str | None = None


@attrs.define
class FaultQueue:
    """Which request gets a fault next: those injected first, then chance."""

    random: Random
    ordered: deque[InjectedFault] = attrs.field(factory=deque[InjectedFault])

    def next(self, rates: Mapping[Fault, float]) -> InjectedFault | None:
        """Take the fault of the next request; `rates` are the chances of each fault."""
        return self.ordered.popleft() if self.ordered else self._by_chance(rates)

    def _by_chance(self, rates: Mapping[Fault, float]) -> InjectedFault | None:
        draw = self.random.random()
        for fault, rate in rates.items():
            draw -= rate
            if draw < 0:
                return InjectedFault(fault)
        return None
