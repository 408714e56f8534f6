"""The two values that cross the line between thinking and the network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from attrs import field, frozen

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@frozen
class HttpRequest:
    """What to send; where to, and signed by whom, is the transport's business."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    """Not shown: a refresh token may travel in it, as in the query."""
    query: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    """Not part of what errors name as the request's address: a cursor says nothing, and a token must not be told."""
    content_type: str = JSON


class HttpResponse(NamedTuple):
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False
    """True where the body was longer than the transport reads; ``body`` is then its beginning."""
    attempts: int = 1
    """How many requests it took to get this answer."""
