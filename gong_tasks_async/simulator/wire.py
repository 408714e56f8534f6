"""What comes in and what goes out, as values without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import attrs

from gong_tasks_async.simulator.faults import Fault

JSON = "application/json"


def _upper(method: str) -> str:
    return method.upper()


def _lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@attrs.frozen
class Request:
    """An HTTP request whose body has arrived whole.

    Attributes:
        method: HTTP method, in upper case.
        path: path of the URL.
        query: the URL's parameters.
        headers: headers, names in lower case.
        body: the body.
    """

    method: str = attrs.field(converter=_upper)
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=_lower_names)
    body: bytes = b""


@attrs.frozen
class Response:
    """An HTTP response, and the fault with which it is to be delivered.

    Attributes:
        status: HTTP status.
        headers: headers.
        body: the body.
        fault: the fault with which to deliver it; None for none.
    """

    status: int = attrs.field(converter=int)
    headers: Mapping[str, str]
    body: bytes
    fault: Fault | None = None

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


class RefusedError(Exception):
    """A request that gets one of Gong's error answers."""

    def __init__(
        self,
        status: HTTPStatus,
        *errors: str,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = errors
        self.headers: dict[str, str] = dict(headers or {})
        self.extra: dict[str, str] = dict(extra or {})  # fields beside Gong's own
