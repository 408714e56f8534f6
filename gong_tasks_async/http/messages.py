"""The two values between the sans-I/O code and the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import define, field

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@define
class HttpRequest:
    """What to send; the transport adds the address and the credentials.

    Never changed. It is not frozen, since a frozen class of attrs pays for each field when it is made.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    """Not shown: a refresh token may travel in it, as in the query."""
    operation: str = "list_tasks"
    """The call's name in events and traces."""
    template: str = ""
    """The path with names for what varies, for metrics; empty where nothing varies."""
    max_response_bytes: int | None = None
    """The longest response to this call, where it is less than the transport's limit."""
    query: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    """Not part of the URL in errors: a cursor means nothing to a reader, and a token must not be shown."""
    content_type: str = JSON
    result_key: str = "tasks"
    """The key under which the envelope of a response holds this call's result."""
    error_key: str = "errors"
    """The key under which it holds what went wrong, beside Gong's own ``errors``."""
    quotable: bool = True
    """Whether an error may quote the beginning of a 2xx; False where it may hold a token."""
    headers: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    """Further headers; none of them replaces those of the transport."""


@define(repr=False, eq=False)
class HttpResponse:
    """A response, read to its end and unpacked.

    Not a tuple: error trackers look into those, whatever their ``repr``.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool = False
    """True where the body was longer than the limit; ``body`` is then its beginning."""
    framed: bool = True
    """False where only the end of the connection ended the body, so that a cut body looks like a whole one."""
    conceal: Callable[[str], str] = field(default=str, repr=False)
    """Masks the credentials in a text that is to be shown; the body itself is left as it came."""
    attempts: int = 1
    """How many requests it took to get this response."""
    envelope: dict[str, Any] | None = field(default=None, repr=False)
    """The body, parsed once to judge it; None of a long one, which is decoded in slices."""

    def __repr__(self) -> str:
        # Body and headers may hold personal data and credentials, and tracebacks show local variables.
        return f"<HttpResponse {self.status}, {len(self.body)} bytes>"
