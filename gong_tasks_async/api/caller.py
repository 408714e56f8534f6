"""The only loop: take a turn, send, read, wait or give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import define, field

from gong_tasks_async.auth.renewal import Refresher
from gong_tasks_async.codec import OnUnreadable
from gong_tasks_async.errors import APIError, DeadlineExceeded, GongError, RateLimitError, TransportError
from gong_tasks_async.events import CallAttempted, EventSink, RetryPlanned
from gong_tasks_async.http import responses
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Attempts, RetryPolicy
from gong_tasks_async.http.transport import Transport
from gong_tasks_async.quota import Lane, Quota

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
    """Seconds for a whole call: the wait in line, all attempts, all sleeps."""
    events: EventSink
    renewal: Refresher | None = None
    """For credentials that end; None where they do not."""
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
    """The tasks that wait for a turn or between two tries; the others have a request under way."""
    _halted: bool = field(default=False, init=False)

    def call(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """Send a request until it is answered 2xx or there is no use in going on.

        Raises:
            TransportError, APIError: the last failure.
            CredentialsError: there are no credentials to sign with.
            DeadlineExceeded: the timeout is over, or would be before the next attempt.
        """
        if self.timeout is None:
            return self._until_settled(request, Attempts(), None)
        return self._in_time(request, self.timeout)

    def about(self, request: HttpRequest, error: ErrorT, attempts: int) -> ErrorT:
        """Write into an error which request it speaks of."""
        error.method, error.url, error.attempts = (
            request.method,
            self.transport.base_url + request.path,
            attempts,
        )
        return error

    def halt(self) -> None:
        """Make no further request: whoever waits for one is cancelled, requests under way come to their end."""
        assert self.haltable, "this caller does not know which calls wait"  # noqa: S101 - a slip of ours
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
        tries = Attempts()
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                return await self._until_settled(request, tries, deadline)
        except GongError:  # DeadlineExceeded is a TimeoutError too
            raise
        except TimeoutError:
            late = DeadlineExceeded(reason=f"not done within {seconds:g} s")
            raise self.about(request, late, tries.sent) from None

    async def _until_settled(
        self, request: HttpRequest, tries: Attempts, deadline: float | None
    ) -> HttpResponse:
        try:
            while True:
                outcome = await self._attempt(request, tries, deadline)
                if isinstance(outcome, HttpResponse):
                    return outcome if tries.sent == 1 else outcome._replace(attempts=tries.sent)
                await self._wait_or_raise(request, outcome, tries, deadline)
        except GongError as error:
            raise self.about(request, error, tries.sent)  # noqa: B904 - the same error, completed

    async def _attempt(
        self, request: HttpRequest, tries: Attempts, deadline: float | None
    ) -> HttpResponse | APIError | TransportError:
        """One turn, one request, one outcome."""
        if self.renewal is not None:
            await self.rest(self.renewal.ready())
        turn = await self.rest(
            self.quota.acquire(
                self.lane, deadline=deadline, max_wait=self.retry.max_wait, returning=tries.rate_limited > 0
            )
        )
        response = None
        tries.signed = None if self.renewal is None else self.renewal.signed
        tries.sent += 1
        self.calls += 1
        told = self.events.wants_call_events
        started = asyncio.get_running_loop().time() if told else 0.0
        try:
            response = await self.transport.send(request, self.retry.attempt_timeout)
        except TransportError as error:
            return error
        finally:
            self.quota.release(turn, status=None if response is None else response.status)
            if told:
                self._tell_attempt(request, response, tries, started)
        return (
            response if responses.is_success(response) else responses.read_error(response, datetime.now(UTC))
        )

    async def _wait_or_raise(
        self, request: HttpRequest, error: APIError | TransportError, tries: Attempts, deadline: float | None
    ) -> None:
        if isinstance(error, RateLimitError):
            tries.rate_limited += 1
            self.rate_limited += 1
            error = self._shut_the_gate(error, tries)
        if await self._has_other_credentials(error, tries):
            return
        wait = self.retry.wait(error, tries, self.jitter())
        if wait is None:
            raise error
        if deadline is not None and asyncio.get_running_loop().time() + wait > deadline:
            reason = f"the wait after a failure ({self._reason(error)}) would end beyond the deadline"
            raise DeadlineExceeded(reason=reason, estimate=wait) from error
        self._tell_retry(request, error, tries, wait)
        if not isinstance(error, RateLimitError):  # after a 429 the gate holds it, with everybody else
            await self.rest(asyncio.sleep(wait))

    async def _has_other_credentials(self, error: APIError | TransportError, tries: Attempts) -> bool:
        """Whether a call may go again because what signed it has ended and something else signs now; once a call."""
        if self.renewal is None or tries.renewed or not responses.means_expiry(error):
            return False
        tries.renewed = True
        return await self.rest(self.renewal.refresh_after_401(tries.signed))

    def _shut_the_gate(self, error: RateLimitError, tries: Attempts) -> RateLimitError:
        """Have everybody wait, and call the error by its name where Gong means the whole day."""
        day_spent = self.retry.is_daily_limit(error)
        self.quota.pause(self.retry.pause_after_429(error, tries), day_spent=day_spent)
        return error.as_daily(datetime.now(UTC)) if day_spent else error

    def _tell_attempt(
        self, request: HttpRequest, response: HttpResponse | None, tries: Attempts, started: float
    ) -> None:
        self.events.emit(
            CallAttempted(
                method=request.method,
                url=self.transport.base_url + request.path,
                status=None if response is None else response.status,
                attempt=tries.sent,
                seconds=asyncio.get_running_loop().time() - started,
            )
        )

    def _tell_retry(
        self, request: HttpRequest, error: APIError | TransportError, tries: Attempts, wait: float
    ) -> None:
        self.events.emit(
            RetryPlanned(
                method=request.method,
                url=self.transport.base_url + request.path,
                attempt=tries.sent,
                wait=wait,
                reason=self._reason(error),
            )
        )

    @staticmethod
    def _reason(error: APIError | TransportError) -> str:
        return error.reason if isinstance(error, TransportError) else str(error.status)
