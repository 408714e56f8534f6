"""Everything that arrived, for tests to look at afterwards."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable
from http import HTTPStatus

import attrs

from gong_tasks_async.simulator.faults import Fault
from gong_tasks_async.simulator.wire import Request, Response

_NUMBERED_PATH = re.compile(r"/v2/tasks/([0-9]{1,19})")


@attrs.frozen
class Entry:
    """One request that arrived, and its response. Status 0: the connection was cut without an answer.

    Attributes:
        arrived: when, by the event loop's clock.
        method: HTTP method.
        path: path of the URL.
        user_id: the user that it names, if any.
        task_id: the task that it names, if any.
        status: HTTP status of the response.
        fault: the fault that was injected, if any.
        body: the request's body.
    """

    arrived: float
    method: str
    path: str
    user_id: str | None
    task_id: int | None
    status: int
    fault: Fault | None
    body: bytes

    @property
    def refused(self) -> bool:
        """Whether it was answered with 429."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS


@attrs.define
class Ledger:
    """The requests in the order of their arrival.

    Attributes:
        entries: requests of the API.
        token_entries: those to the token endpoint, which are no calls of the API: Gong serves it on another host.
    """

    entries: list[Entry] = attrs.field(factory=list[Entry])
    token_entries: list[Entry] = attrs.field(factory=list[Entry])

    @property
    def calls(self) -> int:
        """How many calls of the API arrived."""
        return len(self.entries)

    @property
    def token_calls(self) -> int:
        """How many requests arrived at the token endpoint."""
        return len(self.token_entries)

    @property
    def refused(self) -> int:
        """How many calls were answered with 429."""
        return sum(entry.refused for entry in self.entries)

    @property
    def admitted(self) -> int:
        """How many calls were answered otherwise."""
        return self.calls - self.refused

    def most_in_window(self, seconds: float = 1.0, *, admitted_only: bool = False) -> int:
        """Count the calls in the fullest half-open window of that many seconds, wherever it begins.

        Args:
            seconds: length of the window.
            admitted_only: whether to leave out calls that were answered 429.
        """
        return _fullest(self._arrivals(admitted_only=admitted_only), seconds)

    def by_second(self) -> Counter[int]:
        """Count the arrivals of each whole second of the clock."""
        return Counter(int(entry.arrived // 1) for entry in self.entries)

    def for_task(self, task_id: int) -> list[Entry]:
        """List the requests about one task.

        Args:
            task_id: the task.
        """
        return [entry for entry in self.entries if entry.task_id == task_id]

    def record(self, request: Request, response: Response, now: float, *, is_token_request: bool) -> None:
        """Add a request that has been answered.

        Args:
            request: the request.
            response: what it was answered.
            now: when it arrived.
            is_token_request: whether it went to the token endpoint.
        """
        entries = self.token_entries if is_token_request else self.entries
        entries.append(_entry(request, response, now))

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.token_entries.clear()

    def _arrivals(self, *, admitted_only: bool) -> list[float]:
        return [entry.arrived for entry in self.entries if not (admitted_only and entry.refused)]


def _entry(request: Request, response: Response, now: float) -> Entry:
    numbered = _NUMBERED_PATH.fullmatch(request.path)
    return Entry(
        arrived=now,
        method=request.method,
        path=request.path,
        user_id=_user_id(request.body),
        task_id=int(numbered[1]) if numbered else None,
        status=response.status,
        fault=response.fault,
        body=request.body,
    )


def _user_id(body: bytes) -> str | None:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match whole:
        case {"filter": {"userId": str(user_id)}} | {"userId": str(user_id)}:
            return user_id
        case _:
            return None


def _fullest(arrivals: Iterable[float], seconds: float) -> int:
    window: deque[float] = deque()
    fullest = 0
    for arrived in arrivals:
        while window and arrived >= window[0] + seconds:
            window.popleft()
        window.append(arrived)
        fullest = max(fullest, len(window))
    return fullest
