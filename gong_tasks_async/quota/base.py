"""What a client asks of a quota: permits, a snapshot, an estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import define, frozen

from gong_tasks_async.quota.limits import Lane


@define(eq=False)
class Permit:
    """The right to send one request. Not frozen, which would take three times as long to make.

    Attributes:
        departed: when it was granted, by the event loop's clock.
        ticket: under which the day's budget counts it.
        granted: what the quota remembers of it.
    """

    departed: float
    ticket: int = 0
    granted: object = None


class WaitReason(StrEnum):
    """What calls wait for, other than their place in the queue and the pace."""

    RATE_LIMIT = "rate limit"
    """Gong answered 429 and asked for a pause."""
    DAILY_LIMIT = "daily limit"
    """Gong calls the day's limit reached; a probe an hour finds out whether that still holds."""
    BUDGET = "budget"
    """The day's calls are spent by our own count."""


@frozen(kw_only=True)
class QuotaSnapshot:
    """The state of a quota.

    Attributes:
        used: calls that count against the day.
        left: calls that are left of it; None where the day has no limit.
        reserve: how many of these are reserved for interactive calls.
        resets_at: when the day resets, or, in a rolling one, when its oldest call stops counting; None if there is
            none.
        per_second: the pace of now, in calls a second.
        paused_until: until when Gong has paused all calls; None where the gate is open.
        waiting: how many calls wait in each lane.
        waits_for: what holds all calls back; None where nothing does.
    """

    used: int
    left: int | None
    reserve: int
    resets_at: datetime | None
    per_second: float
    paused_until: datetime | None
    waiting: Mapping[Lane, int]
    waits_for: WaitReason | None = None


@frozen
class QuotaEstimate:
    """How long a number of calls will take.

    Attributes:
        calls: how many calls.
        seconds: how long they take.
        ends_at: when the last of them leaves (UTC).
    """

    calls: int
    seconds: float
    ends_at: datetime


class Quota(Protocol):
    """Rate limiting. One object may serve several clients of the same company."""

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for a permit to send one request.

        Args:
            lane: which queue to wait in.
            deadline: the moment of the event loop's clock after which a permit is of no use.
            max_wait: seconds for which a closed gate is worth waiting.
            returning: true for a request that was rate-limited, which goes back to the head of its lane.

        Raises:
            DeadlineExceeded: no permit can come before the deadline.
            RateLimitError: Gong has paused all calls for longer than ``max_wait``.
            DailyQuotaError: the day's calls are spent.
            QuotaStoreError: the day's count cannot be kept.
            ClientStateError: another event loop uses this quota now.
        """
        ...

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Note that a request has ended.

        Args:
            permit: what it was sent with.
            status: the response's; None where none came.
            sent: false where it never left, because no connection was made: then it does not count.
        """

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Note that Gong answered 429: the pause of all calls in seconds, and whether the whole day is spent.

        Args:
            seconds: length of the pause, in seconds.
            day_spent: whether Gong means the day's calls.
        """

    async def reopen(self) -> None:
        """End a pause: forget what Gong has asked for. The day's count stays."""

    async def snapshot(self) -> QuotaSnapshot:
        """Describe the state of now."""
        ...

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """Estimate how long a number of calls takes from now, behind those that wait, resets of the day included.

        Args:
            calls: how many calls.
            lane: the lane in which they wait.
        """
        ...
