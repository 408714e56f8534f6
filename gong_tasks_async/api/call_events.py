"""The events of one call: queued, sent, attempted, retried, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

from gong_tasks_async.errors import APIError, ForeignResponseError, GongError, TransportError
from gong_tasks_async.events import (
    CallAttempted,
    CallEnded,
    CallQueued,
    CallSent,
    Event,
    EventSink,
    ResponseDelayed,
    RetryPlanned,
)
from gong_tasks_async.http.envelope import request_id_of
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.quota import Lane

T = TypeVar("T")

_ids = count(1)


class CallEvents:
    """Emits what happens to one call; what happens to every call only where that is wanted."""

    __slots__ = (
        "_base_url",
        "_call_id",
        "_lane",
        "_request",
        "_response",
        "_sent_at",
        "_sink",
        "waited",
        "wanted",
    )

    def __init__(self, sink: EventSink, request: HttpRequest, base_url: str, lane: Lane) -> None:
        self._sink = sink
        self._request = request
        self._base_url = base_url
        self._lane = lane
        self._call_id = next(_ids)
        self._sent_at = 0.0
        self._response: HttpResponse | None = None
        self.wanted: bool = sink.wants_call_events
        self.waited: float = 0.0
        """Seconds in which the call waited for credentials and permits."""

    async def around(self, call: Coroutine[Any, Any, T]) -> T:
        """Make the call, and emit its beginning and its end, however it ends."""
        loop = asyncio.get_running_loop()
        started, failure = loop.time(), None
        self._emit(CallQueued)
        try:
            return await call
        except BaseException as error:
            failure = error
            raise
        finally:
            self._ended(failure, loop.time() - started)

    def sent(self, attempt: int) -> None:
        """Emit that a request leaves now."""
        self._sent_at = asyncio.get_running_loop().time()
        self._emit(CallSent, **self._place, attempt=attempt)

    def attempted(self, response: HttpResponse | None, attempt: int) -> None:
        """Emit that a request got a response, or none."""
        self._response = response
        self._emit(
            CallAttempted,
            **self._place,
            status=None if response is None else response.status,
            attempt=attempt,
            seconds=asyncio.get_running_loop().time() - self._sent_at,
            request_id=None if response is None else request_id_of(response),
        )

    def delayed(self, seconds: float) -> None:
        """Emit that a request still has no response."""
        url = self._base_url + self._request.path
        self._sink.emit(ResponseDelayed(method=self._request.method, url=url, seconds=seconds))

    def retry_planned(self, error: GongError, attempt: int, wait: float) -> None:
        """Emit that the call is sent again."""
        self._emit(RetryPlanned, **self._place, attempt=attempt, wait=wait, reason=reason_of(error))

    @property
    def _place(self) -> dict[str, str]:
        request = self._request
        return {
            "method": request.method,
            "url": self._base_url + request.path,
            "template": request.template or request.path,
        }

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        response = self._response
        self._emit(
            CallEnded,
            waited=self.waited,
            attempts=getattr(error, "attempts", 0) or (0 if response is None else response.attempts),
            status=None if response is None else response.status,
            error=None if error is None else type(error).__name__,
            request_id=None if response is None else request_id_of(response),
            seconds=seconds,
        )

    def _emit(self, kind: Callable[..., Event], **facts: object) -> None:
        self._sink.emit(
            kind(call_id=self._call_id, operation=self._request.operation, lane=self._lane.value, **facts)
        )


def reason_of(error: GongError) -> str:
    """Why a call is sent again, in a word."""
    if isinstance(error, APIError | ForeignResponseError):
        return str(error.status)
    return error.reason if isinstance(error, TransportError) else type(error).__name__
