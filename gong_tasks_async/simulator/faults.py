"""The ways in which the network, the proxy and Gong itself inject_fault."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from random import Random

import attrs


class Fault(enum.StrEnum):
    """One way to inject_fault. "Applied" means that the call did its work all the same."""

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


@attrs.frozen
class InjectedFault:
    """A fault about to happen; `retry_after` is the header of a TOO_MANY."""

    fault: Fault
    retry_after: str | None = None


@attrs.define
class FaultQueue:
    """Which request gets a fault next: those injected first, then chance."""

    random: Random
    ordered: deque[InjectedFault] = attrs.field(factory=deque)

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
