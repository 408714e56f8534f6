"""The one loop of all calls: permit, send, judge, wait or give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from attrs import define, evolve, field

from gong_tasks_async.api.call_events import CallEvents, reason_of
from gong_tasks_async.api.overdue import Overdue
from gong_tasks_async.auth.renewal import Refresher
from gong_tasks_async.codec import OnUnreadable
from gong_tasks_async.errors import (
    DeadlineExceeded,
    GongError,
    RateLimitError,
    TransportError,
)
from gong_tasks_async.events import EventSink
from gong_tasks_async.http import responses
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Attempts, Resend, RetryPolicy, Streak
from gong_tasks_async.http.transport import Transport
from gong_tasks_async.quota import Lane, Permit, Quota

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
    headers: Callable[[], Mapping[str, str]] | None = None
    """Gives further headers for each attempt, such as those that carry a trace."""
    renewal: Refresher | None = None
    """For credentials that expire; None where they do not."""
    on_unreadable: OnUnreadable | None = None
    """Is passed each field that is not as Gong's reference has it; without it, such a field is an error."""
    haltable: bool = False
    """Whether :meth:`halt` may be used; then it is remembered which calls wait."""
    on_response: Callable[[HttpResponse], None] | None = None
    """Is passed each response, whatever it means."""
    overdue: Overdue = field(factory=Overdue)
    """Notices requests that wait long; all callers of a client share it."""
    streak: Streak = field(factory=Streak)
    """The pauses since Gong last let a call through; all callers of a client share it."""
    jitter: Callable[[], float] = random.random
    calls: int = field(default=0, init=False)
    """Requests sent so far."""
    rate_limited: int = field(default=0, init=False)
    """How many of them were answered 429."""
    waited: float = field(default=0.0, init=False)
    """Seconds in which its calls waited for credentials and permits."""
    _resting: set[asyncio.Task[object]] = field(factory=set[asyncio.Task[object]], init=False)
    """The tasks that wait for a permit or between two attempts; the others have a request in flight."""
    _halted: bool = field(default=False, init=False)

    def call(self, request: HttpRequest, resend: Resend | None = None) -> Coroutine[Any, Any, HttpResponse]:
        """Send a request until Gong answers it with a result, or another attempt is of no use.

        Args:
            request: to be sent.
            resend: asked before an update that may have been made is sent again.

        Raises:
            TransportError, ForeignResponseError, APIError: the last failure.
            CredentialsError: there are no valid credentials.
            DeadlineExceeded: the timeout is over, or would be before the next attempt.
        """
        attempts = Attempts(resend)
        events = CallEvents(self, request, attempts)
        settling = (
            self._until_settled(request, events, attempts, None)
            if self.timeout is None
            else self._in_time(request, events, attempts, self.timeout)
        )
        return events.around(settling) if events.wanted else settling

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

    async def _in_time(
        self, request: HttpRequest, events: CallEvents, attempts: Attempts, seconds: float
    ) -> HttpResponse:
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                return await self._until_settled(request, events, attempts, deadline)
        except GongError:  # DeadlineExceeded is a TimeoutError too
            raise
        except TimeoutError:
            late = DeadlineExceeded(reason=f"not done within {seconds:g} s")
            raise self.about(request, late, attempts.sent) from None

    async def _until_settled(
        self, request: HttpRequest, events: CallEvents, attempts: Attempts, deadline: float | None
    ) -> HttpResponse:
        try:
            while True:
                outcome = await self._attempt(request, events, attempts, deadline)
                if isinstance(outcome, HttpResponse):
                    outcome.attempts = attempts.sent
                    return outcome
                if attempts.resend is not None:
                    attempts.resend.failed(outcome)
                await self._wait_or_raise(outcome, events, attempts, deadline)
        except GongError as error:
            raise self.about(request, error, attempts.sent)  # noqa: B904 - the same error, completed

    async def _attempt(
        self, request: HttpRequest, events: CallEvents, attempts: Attempts, deadline: float | None
    ) -> HttpResponse | GongError:
        """One permit, one request, one outcome."""
        if attempts.resend is None:
            permit = await self._permit(attempts, deadline)
        else:
            permit = await self._permit_after_look(attempts.resend, attempts, deadline)
            attempts.resend.sending()
        attempts.signed = None if self.renewal is None else self.renewal.signed
        attempts.sent += 1
        self.calls += 1
        connected, response = True, None
        self.overdue.begin(events, attempts.sent_at)
        if events.wanted:
            events.sent()
        try:
            response = answer = await self.transport.send(
                request if self.headers is None else evolve(request, headers=self.headers()),
                self.retry.attempt_timeout,
            )
        except TransportError as error:
            connected = error.connected
            return error
        finally:
            if not connected:
                self.calls -= 1  # nothing was sent
            self.overdue.end(events)
            self.quota.release(permit, status=None if response is None else response.status, sent=connected)
            if events.wanted:
                events.attempted(response)
        if self.on_response is not None:
            self.on_response(answer)
        outcome = responses.judge(answer, request)
        if self.streak.paused and not isinstance(outcome, RateLimitError):
            self.streak.end()
        return outcome

    async def _permit(self, attempts: Attempts, deadline: float | None) -> Permit:
        """Wait for valid credentials and for a permit."""
        clock, granted = asyncio.get_running_loop().time, 0.0
        started = clock()
        try:
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
            granted = permit.departed
            return permit
        finally:  # a quota of the user's may say any moment
            attempts.sent_at = granted if granted >= started else clock()
            waited = attempts.sent_at - started
            attempts.waited += waited
            self.waited += waited

    async def _permit_after_look(self, resend: Resend, attempts: Attempts, deadline: float | None) -> Permit:
        """A permit; the look that is due comes first, and also where it became due while the permit was waited for."""
        while True:
            if resend.is_due:
                await resend.look()
            permit = await self._permit(attempts, deadline)
            if not resend.is_due:
                return permit
            self.quota.release(permit, status=None, sent=False)

    async def _wait_or_raise(
        self, error: GongError, events: CallEvents, attempts: Attempts, deadline: float | None
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
            reason = f"the wait after a failure ({reason_of(error)}) would end beyond the deadline"
            raise DeadlineExceeded(reason=reason, estimate=wait) from error
        events.retry_planned(error, wait)
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
        if day_spent:
            return error.as_daily(responses.utc_now())
        error.paused = self.streak.paused
        self.streak.add(pause, asyncio.get_running_loop().time())
        attempts.paused_in_vain = self.streak.paused
        return error
