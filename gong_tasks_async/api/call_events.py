"""The events of one call: queued, sent, attempted, retried, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from logging import DEBUG
from typing import TYPE_CHECKING, Any, TypeVar

from gong_tasks_async.errors import APIError, ForeignResponseError, GongError, TransportError
from gong_tasks_async.events import (
    CallAttempted,
    CallEnded,
    CallQueued,
    CallSent,
    Event,
    ResponseDelayed,
    RetryPlanned,
)
from gong_tasks_async.http.envelope import request_id_of
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Attempts

if TYPE_CHECKING:
    from gong_tasks_async.api.caller import Caller

T = TypeVar("T")

_ids = count(1)


class CallEvents:
    """Emits what happens to one call; what happens to every call only where that is wanted.

    A plain class that looks up nothing before it is needed: one is made for each call.
    """

    __slots__ = ("_attempts", "_call_id", "_caller", "_request", "_response", "wanted")

    def __init__(self, caller: Caller, request: HttpRequest, attempts: Attempts) -> None:
        self._caller = caller
        self._request = request
        self._attempts = attempts
        self._call_id = 0
        self._response: HttpResponse | None = None
        self.wanted: bool = caller.events.hears(DEBUG)

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

    def sent(self) -> None:
        """Emit that a request leaves now."""
        self._emit(CallSent, **self._place, attempt=self._attempts.sent)

    def attempted(self, response: HttpResponse | None) -> None:
        """Emit that a request got a response, or none."""
        self._response = response
        self._emit(
            CallAttempted,
            **self._place,
            status=None if response is None else response.status,
            attempt=self._attempts.sent,
            seconds=asyncio.get_running_loop().time() - self._attempts.sent_at,
            request_id=None if response is None else request_id_of(response),
        )

    def delayed(self, seconds: float) -> None:
        """Emit that a request still has no response."""
        self._caller.events.emit(ResponseDelayed(method=self._request.method, url=self._url, seconds=seconds))

    def retry_planned(self, error: GongError, wait: float) -> None:
        """Emit that the call is sent again."""
        attempt = self._attempts.sent
        self._emit(RetryPlanned, **self._place, attempt=attempt, wait=wait, reason=reason_of(error))

    @property
    def _url(self) -> str:
        return self._caller.transport.base_url + self._request.path

    @property
    def _place(self) -> dict[str, str]:
        request = self._request
        return {
            "method": request.method,
            "url": self._url,
            "template": request.template or request.path,
        }

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        response = self._response
        self._emit(
            CallEnded,
            waited=self._attempts.waited,
            attempts=getattr(error, "attempts", 0) or (0 if response is None else response.attempts),
            status=None if response is None else response.status,
            error=None if error is None else type(error).__name__,
            request_id=None if response is None else request_id_of(response),
            seconds=seconds,
        )

    def _emit(self, kind: Callable[..., Event], **facts: object) -> None:
        self._call_id = self._call_id or next(_ids)
        lane = self._caller.lane.value
        event = kind(call_id=self._call_id, operation=self._request.operation, lane=lane, **facts)
        self._caller.events.emit(event)


def reason_of(error: GongError) -> str:
    """Why a call is sent again, in a word."""
    if isinstance(error, APIError | ForeignResponseError):
        return str(error.status)
    return error.reason if isinstance(error, TransportError) else type(error).__name__
