"""Whether to send a call again, and after how long: pure functions of what went wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

from attrs import define, frozen

from gong_tasks_async.credentials import Grant
from gong_tasks_async.errors import (
    APIError,
    ForeignResponseError,
    GongError,
    RateLimitError,
    ServerError,
)
from gong_tasks_async.errors.checks import count_problem, refuse, seconds_problem
from gong_tasks_async.errors.meaning import Retries

SERVER_ERRORS = 500
"""Statuses from here on are no verdict on a change."""

TWICE = 2
"""Attempts of a call whose response is not Gong's: a run of eight workers wastes at most 24 calls on a proxy's page."""

DAILY_RETRY_AFTER = 60.0
"""Seconds; no limit of 3 calls a second has a caller wait for so long, so it is the day's."""

MAX_WAITS = 5
"""How many times ``max_wait`` the pauses of one call may add up to."""

FORGET_STREAK = 600.0
"""Seconds without a 429 after which a streak is over, though no call has been let through: none was sent."""


class Resend(Protocol):
    """Asked by the retry loop before an update is sent again that Gong may have made already."""

    @property
    def is_due(self) -> bool:
        """Whether so much time has passed that the task must be looked at first."""
        ...

    def sending(self) -> None:
        """Note that an attempt leaves now."""

    def failed(self, error: GongError) -> None:
        """Note how it ended."""

    async def look(self) -> None:
        """Look at the task.

        Raises:
            GongError: how the last attempt failed: the update is not to be sent again.
        """


def may_be_made(error: GongError) -> bool:
    """Whether Gong may have made the change all the same, after one attempt that ended so."""
    refused = isinstance(error, APIError) and (error.status or 0) < SERVER_ERRORS
    return not refused and getattr(error, "connected", True)


@define(eq=False)
class Attempts:
    """The attempts of one call so far."""

    resend: Resend | None = None
    """Asked before the request is sent again."""
    sent: int = 0
    """Requests sent, rate-limited ones included."""
    sent_at: float = 0.0
    """When the last of them was, by the event loop's clock."""
    waited: float = 0.0
    """Seconds in which the call waited for credentials and permits."""
    rate_limited: int = 0
    """How many of them were answered 429."""
    paused: float = 0.0
    """Seconds that the pauses after them add up to."""
    paused_in_vain: float = 0.0
    """Seconds of the :class:`Streak` that the last of them belongs to."""
    signed: Grant | None = None
    """What signed the last of them, where credentials can be refreshed."""
    renewed: bool = False
    """Whether other credentials were asked for because Gong refused those."""

    @property
    def failed(self) -> int:
        """Those that count against :attr:`RetryPolicy.attempts`."""
        return self.sent - self.rate_limited


@define(eq=False)
class Streak:
    """The pauses of many calls in which Gong has let none of them through.

    Each call bounds its own pauses, and calls that wait in turn would each spend as many attempts on finding out the
    same: eight workers of a run 2,400, where ``Retry-After`` is a second.
    """

    paused: float = 0.0
    """Seconds that they add up to; pauses at the same time count once."""
    _until: float = -math.inf

    def add(self, pause: float, now: float) -> None:
        """Add a pause that begins now, by the event loop's clock."""
        if now - self._until > FORGET_STREAK:
            self.paused = 0.0
        until = max(self._until, now + pause)
        self.paused += until - max(self._until, now)
        self._until = until

    def end(self) -> None:
        """Note that a call was let through, whatever came of it."""
        self.paused = 0.0


@frozen(kw_only=True)
class RetryPolicy:
    """When a call is sent again. All times in seconds.

    Both task calls are safe to repeat, since a listing changes nothing and an update sets absolute values; so both are
    repeated after lost connections, timeouts, cut responses, 408, 425, 502 to 504, 520 to 530, and a little on 500 and on
    responses that are not Gong's. A 429 does not count against ``attempts``: it waits as long as Gong asks.

    Attributes:
        attempts: attempts of one call, the first included; 1 turns retries off.
        attempts_on_500: the same after a 500: without Gong Engage, every call is answered so, for ever.
        max_wait: the longest wait that Gong may ask for; beyond it the error is raised at once.
        max_total_wait: what the pauses after the 429s of one call may add up to, and those of all calls of a client while
            none of them is let through; None for five times ``max_wait``.
        backoff: the first wait after a failure is drawn between 0 and this; each further one from twice the range.
        max_backoff: the longest range from which a wait is drawn.
        attempt_timeout: how long one request may take, until its response is read.
        refusal_backoff: the first wait after a 429 that names none, or less than this; doubled for each further
            one.

    Raises:
        InvalidValueError: a number is out of its range; all that are wrong are named at once.
    """

    attempts: int = 5
    attempts_on_500: int = 2
    max_wait: float = 60.0
    max_total_wait: float | None = None
    backoff: float = 0.5
    max_backoff: float = 20.0
    attempt_timeout: float = 60.0
    refusal_backoff: float = 1.0

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        refuse("RetryPolicy", self._problems())

    def _problems(self) -> Iterator[str | None]:
        yield count_problem("attempts", self.attempts)
        yield count_problem("attempts_on_500", self.attempts_on_500)
        yield seconds_problem("backoff", self.backoff, or_zero=True, finite=True)
        yield seconds_problem("max_backoff", self.max_backoff, or_zero=True, finite=True)
        yield seconds_problem("max_wait", self.max_wait, or_zero=True)
        yield seconds_problem("max_total_wait", self.max_total_wait, or_zero=True, or_none=True)
        yield seconds_problem("attempt_timeout", self.attempt_timeout)
        yield seconds_problem("refusal_backoff", self.refusal_backoff)

    def wait(self, error: GongError, attempts: Attempts, jitter: float) -> float | None:
        """Seconds to wait before the next attempt, or None to give up.

        Args:
            error: what the last attempt came to.
            attempts: the attempts so far, that one included.
            jitter: a random number in 0..1, drawn by the caller so that this stays a pure function.
        """
        if isinstance(error, RateLimitError):
            pause = self.pause_after_429(error, attempts)
            paused = max(attempts.paused, attempts.paused_in_vain)
            return pause if pause <= self.max_wait and paused <= self._most_paused() else None
        if attempts.failed >= self._allowed(error):
            return None
        # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        backoff = jitter * min(self.max_backoff, self.backoff * 2.0 ** min(attempts.failed - 1, 60))
        asked = error.retry_after if isinstance(error, ServerError | ForeignResponseError) else None
        # A 503 may name a time too: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
        wait = max(backoff, asked or 0.0)
        return wait if wait <= max(self.max_wait, self.max_backoff) else None

    def pause_after_429(self, error: RateLimitError, attempts: Attempts) -> float:
        """Seconds for which no call may be sent after a 429: as Gong asks, or a growing guess where it asks for none.

        What is not Gong's may pause the calls for ``max_wait`` at the most.

        Args:
            error: the 429.
            attempts: the call's attempts so far.
        """
        asked = error.retry_after or 0.0
        if asked < self.refusal_backoff:  # at once, again and again, would spend the day
            asked = max(asked, self.refusal_backoff * 2.0 ** min(attempts.rate_limited - 1, 60))
        return asked if error.from_gong else min(asked, max(self.max_wait, self.refusal_backoff))

    def is_daily_limit(self, error: RateLimitError) -> bool:
        """Whether Gong asks for a wait so long that it stands for the day's limit rather than the second's.

        Args:
            error: the 429.
        """
        asked = error.retry_after or 0.0
        return error.from_gong and asked > self.max_wait and asked >= DAILY_RETRY_AFTER

    def _most_paused(self) -> float:
        return MAX_WAITS * self.max_wait if self.max_total_wait is None else self.max_total_wait

    def _allowed(self, error: GongError) -> int:
        """How many attempts an error like this is worth."""
        allowed = {
            Retries.NEVER: 1,
            Retries.FEW: self.attempts_on_500,
            Retries.TWICE: TWICE,
            Retries.POLICY: self.attempts,
        }
        return min(self.attempts, allowed[error.retries])
