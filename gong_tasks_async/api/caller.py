"""The one loop of all calls: permit, send, judge, wait or give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import define, field

from gong_tasks_async.auth.renewal import Refresher
from gong_tasks_async.codec import OnUnreadable
from gong_tasks_async.errors import (
    APIError,
    DeadlineExceeded,
    ForeignResponseError,
    GongError,
    RateLimitError,
    TransportError,
)
from gong_tasks_async.events import CallAttempted, EventSink, ResponseDelayed, RetryPlanned
from gong_tasks_async.http import responses
from gong_tasks_async.http.envelope import request_id_of
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Attempts, RetryPolicy
from gong_tasks_async.http.transport import Transport
from gong_tasks_async.quota import Lane, Quota

SLOW_RESPONSE = 15.0
"""Seconds without a response after which an event says so: long before ``attempt_timeout`` ends the attempt."""

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=GongError)


@define(kw_only=True)
class Caller:
    """Makes calls for one purpose: one lane, one timeout, one policy."""

    transport: Transport
    quota: Quota
    retry: RetryPolicy
    lane: Lane
    timeout: float | None
    """Seconds for a whole call: the wait in the queue, all attempts, all waits between them."""
    events: EventSink
    renewal: Refresher | None = None
    """For credentials that expire; None where they do not."""
    on_unreadable: OnUnreadable | None = None
    """Is passed each field that is not as Gong's reference has it; without it, such a field is an error."""
    haltable: bool = False
    """Whether :meth:`halt` may be used; then it is remembered which calls wait."""
    jitter: Callable[[], float] = random.random
    calls: int = field(default=0, init=False)
    """Requests sent so far."""
    rate_limited: int = field(default=0, init=False)
    """How many of them were answered 429."""
    _resting: set[asyncio.Task[object]] = field(factory=set, init=False)
    """The tasks that wait for a permit or between two attempts; the others have a request in flight."""
    _halted: bool = field(default=False, init=False)

    def call(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """Send a request until Gong answers it with a result, or another attempt is of no use.

        Raises:
            TransportError, ForeignResponseError, APIError: the last failure.
            CredentialsError: there are no valid credentials.
            DeadlineExceeded: the timeout is over, or would be before the next attempt.
        """
        if self.timeout is None:
            return self._until_settled(request, Attempts(), None)
        return self._in_time(request, self.timeout)

    def about(self, request: HttpRequest, error: ErrorT, attempts: int) -> ErrorT:
        """Write into an error which request it is about."""
        error.method, error.url, error.attempts = (
            request.method,
            self.transport.base_url + request.path,
            attempts,
        )
        return error

    def halt(self) -> None:
        """Make no further request: calls that wait are cancelled, requests in flight finish."""
        assert self.haltable, "this caller does not know which calls wait"  # noqa: S101 - our own mistake
        self._halted = True
        for task in self._resting:
            task.cancel()

    def rest(self, waiting: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Wait for something that :meth:`halt` cuts short."""
        return self._rest(waiting) if self.haltable else waiting

    async def _rest(self, waiting: Coroutine[Any, Any, T]) -> T:
        if self._halted:
            waiting.close()
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._resting.add(task)
        try:
            return await waiting
        finally:
            self._resting.discard(task)

    async def _in_time(self, request: HttpRequest, seconds: float) -> HttpResponse:
        attempts = Attempts()
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                return await self._until_settled(request, attempts, deadline)
        except GongError:  # DeadlineExceeded is a TimeoutError too
            raise
        except TimeoutError:
            late = DeadlineExceeded(reason=f"not done within {seconds:g} s")
            raise self.about(request, late, attempts.sent) from None

    async def _until_settled(
        self, request: HttpRequest, attempts: Attempts, deadline: float | None
    ) -> HttpResponse:
        try:
            while True:
                outcome = await self._attempt(request, attempts, deadline)
                if isinstance(outcome, HttpResponse):
                    return outcome if attempts.sent == 1 else outcome._replace(attempts=attempts.sent)
                await self._wait_or_raise(request, outcome, attempts, deadline)
        except GongError as error:
            raise self.about(request, error, attempts.sent)  # noqa: B904 - the same error, completed

    async def _attempt(
        self, request: HttpRequest, attempts: Attempts, deadline: float | None
    ) -> HttpResponse | GongError:
        """One permit, one request, one outcome."""
        if self.renewal is not None:
            await self.rest(self.renewal.ready())
        permit = await self.rest(
            self.quota.acquire(
                self.lane,
                deadline=deadline,
                max_wait=self.retry.max_wait,
                returning=attempts.rate_limited > 0,
            )
        )
        attempts.signed = None if self.renewal is None else self.renewal.signed
        attempts.sent += 1
        self.calls += 1
        loop = asyncio.get_running_loop()
        started, sent = loop.time(), True
        response: HttpResponse | None = None
        delayed = loop.call_later(SLOW_RESPONSE, self._emit_delay, request)
        try:
            response = await self.transport.send(request, self.retry.attempt_timeout)
        except TransportError as error:
            sent = error.connected
            return error
        finally:
            delayed.cancel()
            self.quota.release(permit, status=None if response is None else response.status, sent=sent)
            if self.events.wants_call_events:
                self._emit_attempt(request, response, attempts, loop.time() - started)
        return responses.judge(response, request, datetime.now(UTC)) or response

    async def _wait_or_raise(
        self, request: HttpRequest, error: GongError, attempts: Attempts, deadline: float | None
    ) -> None:
        if isinstance(error, RateLimitError):
            attempts.rate_limited += 1
            self.rate_limited += 1
            error = self._pause_all(error, attempts)
        if await self._has_other_credentials(error, attempts):
            return
        wait = self.retry.wait(error, attempts, self.jitter())
        if wait is None:
            raise error
        if deadline is not None and asyncio.get_running_loop().time() + wait > deadline:
            reason = f"the wait after a failure ({self._reason(error)}) would end beyond the deadline"
            raise DeadlineExceeded(reason=reason, estimate=wait) from error
        self._emit_retry(request, error, attempts, wait)
        if not isinstance(error, RateLimitError):  # after a 429 the gate holds it, with every other call
            await self.rest(asyncio.sleep(wait))

    async def _has_other_credentials(self, error: GongError, attempts: Attempts) -> bool:
        """Whether a call may be sent again because what signed it has expired and something else signs now; once a call."""
        if self.renewal is None or attempts.renewed or not responses.means_expiry(error):
            return False
        attempts.renewed = True
        return await self.rest(self.renewal.refresh_after_401(attempts.signed))

    def _pause_all(self, error: RateLimitError, attempts: Attempts) -> RateLimitError:
        """Pause all calls, and call the error by its name where Gong means the whole day."""
        pause, day_spent = self.retry.pause_after_429(error, attempts), self.retry.is_daily_limit(error)
        attempts.paused += pause
        self.quota.pause(pause, day_spent=day_spent)
        return error.as_daily(datetime.now(UTC)) if day_spent else error

    def _emit_delay(self, request: HttpRequest) -> None:
        self.events.emit(
            ResponseDelayed(method=request.method, url=self._url_of(request), seconds=SLOW_RESPONSE)
        )

    def _emit_attempt(
        self, request: HttpRequest, response: HttpResponse | None, attempts: Attempts, seconds: float
    ) -> None:
        self.events.emit(
            CallAttempted(
                method=request.method,
                url=self._url_of(request),
                status=None if response is None else response.status,
                attempt=attempts.sent,
                seconds=seconds,
                request_id=None if response is None else request_id_of(response),
            )
        )

    def _emit_retry(self, request: HttpRequest, error: GongError, attempts: Attempts, wait: float) -> None:
        self.events.emit(
            RetryPlanned(
                method=request.method,
                url=self._url_of(request),
                attempt=attempts.sent,
                wait=wait,
                reason=self._reason(error),
            )
        )

    def _url_of(self, request: HttpRequest) -> str:
        return self.transport.base_url + request.path

    @staticmethod
    def _reason(error: GongError) -> str:
        if isinstance(error, APIError | ForeignResponseError):
            return str(error.status)
        return error.reason if isinstance(error, TransportError) else type(error).__name__
