"""The two values that cross the line between thinking and the network."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class HttpRequest:
    """What to send; where to, and signed by whom, is the transport's business."""

    method: str
    path: str
    body: bytes | None = None


@frozen
class HttpResponse:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False
    """True where the body was longer than the transport reads; ``body`` is then its beginning."""
    attempts: int = 1
    """How many requests it took to get this answer."""
