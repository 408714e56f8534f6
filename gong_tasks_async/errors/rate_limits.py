"""429: Gong asks for a pause, or calls the day spent."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define

from gong_tasks_async.errors.answers import APIError
from gong_tasks_async.errors.meaning import Meaning, Retries

LONGEST_REST = 300.0
"""Seconds before another attempt where Gong has let no call through; what it asks for itself may be longer."""


@define(slots=False, eq=False, repr=False, kw_only=True)
class RateLimitError(APIError):
    """429: too many calls, and Gong asks for a longer wait than ``RetryPolicy`` allows, once or in all.

    ``attempts == 0`` means that this call was never sent: an earlier one was rate-limited, and the pause
    holds for every caller that shares the quota.

    Attributes:
        status: 429; None for a call that was never sent.
        paused: seconds of pauses, one after the other, in which Gong let no call of the client through.
    """

    meaning = Meaning.PAUSE

    status: int | None = None
    paused: float = 0.0

    @property
    def retries(self) -> Retries:
        """By policy; a 429 does not count as an attempt, its waits are bounded instead."""
        return Retries.POLICY

    @property
    def resume_in(self) -> float | None:
        """Seconds after which another call is worth its while; None where nothing is known.

        As Gong asks; where it has let no call through so far, at least as long again, up to five minutes.
        """
        in_vain = min(self.paused, LONGEST_REST)
        return in_vain or None if self.retry_after is None else max(self.retry_after, in_vain)

    def as_daily(self, now: datetime) -> DailyQuotaError:
        """The same refusal, understood as the end of the day's calls."""
        resets_at = None if self.retry_after is None else now + timedelta(seconds=self.retry_after)
        return DailyQuotaError(**self.__dict__, resets_at=resets_at)

    @property
    def advice(self) -> str:
        """What to do now."""
        wait = "later" if self.resume_in is None else f"in {self.resume_in:,.0f} s"
        if self.paused > (self.retry_after or 0.0):  # it is the sum that was too long
            return (
                f"Gong has let no call through in {self.paused:,.0f} s of pauses: look at what else calls it, and try again "
                f"{wait}, or allow more with RetryPolicy(max_total_wait=...)."
            )
        return f"Try again {wait}, or allow a longer wait with RetryPolicy(max_wait=...)."


@define(slots=False, eq=False, repr=False, kw_only=True)
class DailyQuotaError(RateLimitError):
    """The day's calls are spent, by our own count or by Gong's answer.

    Attributes:
        resets_at: when calls are possible again, as far as is known.
    """

    meaning = Meaning.PAUSE

    resets_at: datetime | None = None

    @property
    def advice(self) -> str:
        """What to do now."""
        when = self.resets_at.isoformat(timespec="seconds") if self.resets_at else "the daily reset"
        return f"The day's calls are spent: resume after {when}. Gong raises the limit on request."
