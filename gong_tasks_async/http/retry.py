"""Whether to try again, and after how long: pure functions of what went wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attrs import define, frozen

from gong_tasks_async.credentials import Grant
from gong_tasks_async.errors import GongError, InvalidValueError, RateLimitError
from gong_tasks_async.errors.meaning import Retries

TWICE = 3
"""Attempts in all of a call that is tried again twice."""

LONGEST_SECOND = 60.0
"""Seconds; no limit of 3 calls a second has anybody wait for so long, so it is the day's."""


@define(kw_only=True)
class Attempts:
    """How a call has fared so far."""

    sent: int = 0
    """Requests sent, refused ones included."""
    rate_limited: int = 0
    """How many of them were answered 429."""
    signed: Grant | None = None
    """What signed the last of them, where credentials can be renewed."""
    renewed: bool = False
    """Whether other credentials were asked for because Gong refused those."""

    @property
    def failed(self) -> int:
        """Those that count against :attr:`RetryPolicy.attempts`."""
        return self.sent - self.rate_limited


@frozen(kw_only=True)
class RetryPolicy:
    """When a call is tried again. All times in seconds.

    Both task calls are safe to repeat, since a list changes nothing and an update sets absolute values; so
    both are repeated after lost connections, timeouts, cut answers, 502, 503 and 504, and a little on 500. A 429
    does not count against ``attempts``: it waits as long as Gong asks.

    Raises:
        ValueError: a number is out of its range; all that are wrong are named at once.
    """

    attempts: int = 5
    """Tries of one call, the first included; 1 turns retries off."""
    attempts_on_500: int = 2
    """The same after a 500: without Gong Engage, every call is answered so, for ever."""
    max_wait: float = 60.0
    """The longest wait that Gong may ask for; beyond it the error is raised at once."""
    backoff: float = 0.5
    """The first wait after a failure is drawn between 0 and this; each further one from twice the range."""
    max_backoff: float = 20.0
    attempt_timeout: float = 60.0
    """How long one request may take, until its answer is read."""
    refusal_backoff: float = 1.0
    """The first wait after a 429 that does not say how long; doubled for each further one."""

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if problems := list(self._problems()):
            raise InvalidValueError("RetryPolicy", problems)

    def _problems(self) -> Iterator[str]:
        for name in ("attempts", "attempts_on_500"):
            if not getattr(self, name) >= 1:
                yield f"{name} must be at least 1, not {getattr(self, name)}"
        for name in ("backoff", "max_backoff"):
            if not 0 <= getattr(self, name) < math.inf:
                yield f"{name} must be 0 seconds or more, and finite, not {getattr(self, name)}"
        if not self.max_wait >= 0:
            yield f"max_wait must be 0 seconds or more, not {self.max_wait}"
        for name in ("attempt_timeout", "refusal_backoff"):
            if not getattr(self, name) > 0:
                yield f"{name} must be more than 0 seconds, not {getattr(self, name)}"

    def wait(self, error: GongError, tries: Attempts, jitter: float) -> float | None:
        """Seconds to wait before the next try, or None to give up.

        Args:
            error: what the last try came to.
            tries: the tries so far, that one included.
            jitter: a random number in 0..1, drawn by the caller so that this stays a pure function.
        """
        if isinstance(error, RateLimitError):
            asked = self.pause_after_429(error, tries)
            return asked if asked <= self.max_wait else None
        if tries.failed >= self._allowed(error):
            return None
        # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        return jitter * min(self.max_backoff, self.backoff * 2.0 ** min(tries.failed - 1, 60))

    def pause_after_429(self, error: RateLimitError, tries: Attempts) -> float:
        """Seconds for which nobody may call after a 429: as Gong asked, or a growing guess where it did not say."""
        if error.retry_after is not None:
            return error.retry_after
        return self.refusal_backoff * 2.0 ** min(tries.rate_limited - 1, 60)

    def is_daily_limit(self, error: RateLimitError) -> bool:
        """Whether Gong asks for a wait so long that it stands for the day's limit rather than the second's."""
        asked = error.retry_after or 0.0
        return asked > self.max_wait and asked >= LONGEST_SECOND

    def _allowed(self, error: GongError) -> int:
        """How many attempts an error like this is worth."""
        allowed = {
            Retries.NEVER: 1,
            Retries.FEW: self.attempts_on_500,
            Retries.TWICE: TWICE,
            Retries.POLICY: self.attempts,
        }
        return min(self.attempts, allowed[error.retries])
