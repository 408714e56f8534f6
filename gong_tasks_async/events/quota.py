"""Events of the quota: pauses, the pace, the day, an outage."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from gong_tasks_async.events.base import Event


@frozen(kw_only=True)
class Paused(Event):
    """Gong paused all calls for ``seconds``.

    Attributes:
        seconds: length of the pause.
    """

    seconds: float

    def __str__(self) -> str:
        return f"Gong paused all calls for {self.seconds:g} s"


@frozen(kw_only=True)
class Resumed(Event):
    """The pause is over, and the first call leaves."""

    def __str__(self) -> str:
        return "the pause is over"


@frozen(kw_only=True)
class PaceChanged(Event):
    """Refusals lowered the pace, or quiet raised it again; both in calls a second.

    Attributes:
        before: calls a second until now.
        after: calls a second from now on.
    """

    before: float
    after: float

    def __str__(self) -> str:
        return f"pace: {self.before:.2f} to {self.after:.2f} calls a second"


@frozen(kw_only=True)
class BudgetChanged(Event):
    """A call was counted against the day: for a gauge of what is left.

    Attributes:
        used: calls that count against the day.
        left: calls left of it.
        per_day: calls a day.
    """

    used: int
    left: int
    per_day: int

    def __str__(self) -> str:
        return f"daily budget: {self.left:,} of {self.per_day:,} calls left"


@frozen(kw_only=True)
class BudgetLow(Event):
    """The day's calls run low: emitted once at a quarter, a tenth, and a fiftieth of them.

    Attributes:
        left: calls left of the day.
        per_day: calls a day.
    """

    left: int
    per_day: int

    def __str__(self) -> str:
        return f"daily budget is low: {self.left:,} of {self.per_day:,} calls left"


@frozen(kw_only=True)
class BudgetSpent(Event):
    """The day's calls are spent for a lane, by our count or by a 429 of Gong.

    Attributes:
        lane: ``interactive`` or ``bulk``.
        resets_at: when the lane gets permits again; aware.
    """

    lane: str
    resets_at: datetime

    def __str__(self) -> str:
        return f"daily budget is spent for the {self.lane} lane; it resets at {self.resets_at.isoformat(timespec='seconds')}"


@frozen(kw_only=True)
class QuotaLost(Event):
    """The Redis that holds the shared quota does not answer; ``local_fallback``: whether calls continue without it.

    Attributes:
        server: the Redis, without user and password.
        reason: how the connection failed.
        local_fallback: whether calls continue under a local quota.
    """

    server: str
    reason: str
    local_fallback: bool

    def __str__(self) -> str:
        return f"the shared quota on {self.server} is away ({self.reason}); " + (
            "local fallback" if self.local_fallback else "no call is sent"
        )


@frozen(kw_only=True)
class QuotaRegained(Event):
    """The shared quota answers again, after ``seconds``.

    Attributes:
        server: the Redis, without user and password.
        seconds: length of the outage.
    """

    server: str
    seconds: float

    def __str__(self) -> str:
        return f"the shared quota on {self.server} is back after {self.seconds:.1f} s"
