"""What a quota is: its settings, its lanes, and what a client asks of one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

from attrs import field, frozen

from gong_tasks_async.errors import InvalidValueError


class Lane(Enum):
    """Who is waiting: a person, or a machine that works through a list."""

    INTERACTIVE = "interactive"
    BULK = "bulk"

    # Members are single, and Enum's own hash is a Python function that every turn would call ten times.
    __hash__ = object.__hash__


def _as_path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)


@frozen(kw_only=True)
class QuotaLimits:
    """How much Gong may be called. The defaults are Gong's own, for the whole company: 3 a second, 10,000 a day.

    Raises:
        ValueError: a number is out of its range; all that are wrong are named at once.
    """

    per_second: float = 3.0
    """Calls a second; Gong raises it on request."""
    window: float = 1.0
    """Seconds over which Gong is taken to count; a call's slot is freed so long after its answer."""
    headroom: float = 0.03
    """The share by which calls are spaced wider than the rate would allow: network jitter needs it."""
    adaptive: bool = True
    """Whether 429s that come all the same lower the pace for a while."""
    bulk_share: float = 0.1
    """The share of the calls that the bulk lane gets while people fill the line."""
    per_day: int | None = 10_000
    """Calls a day, of everybody; None for any number."""
    interactive_reserve: int = 500
    """How many of the day's calls are kept back from the bulk lane, for people."""
    day_starts: time | None = None
    """When Gong's day turns, such as ``time(0, tzinfo=ZoneInfo("UTC"))``; None for a rolling 24 hours."""
    day_store: Path | None = field(default=None, converter=_as_path)
    """The file that counts the day's calls across restarts and processes; None to count in memory."""
    count_rate_limited: bool = True
    """Whether a call that is answered 429 counts against the day. Gong does not say; this is the careful reading."""

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if problems := list(self._problems()):
            raise InvalidValueError("QuotaLimits", problems)

    def _problems(self) -> Iterator[str]:
        for name in ("per_second", "window"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                yield f"{name} must be more than 0 and finite, not {value}"
        if not 0 <= self.headroom < 1:
            yield f"headroom must be in 0..1, such as 0.03 for 3 %, not {self.headroom}"
        if not 0 <= self.bulk_share < 1:
            yield f"bulk_share must be in 0..1, such as 0.1 for a tenth, not {self.bulk_share}"
        yield from self._day_problems()

    def _day_problems(self) -> Iterator[str]:
        if self.interactive_reserve < 0:
            yield f"interactive_reserve must be 0 or more, not {self.interactive_reserve}"
        if self.per_day is not None and self.per_day < 1:
            yield f"per_day must be at least 1, or None for any number, not {self.per_day}"
        elif self.per_day is not None and self.interactive_reserve >= self.per_day:
            yield f"interactive_reserve {self.interactive_reserve} leaves nothing of per_day {self.per_day} for bulk"
        if self.day_starts is not None and self.day_starts.tzinfo is None:
            yield "day_starts has no time zone: add one, such as time(0, tzinfo=ZoneInfo('America/Los_Angeles'))"

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next at full pace."""
        return (1.0 + self.headroom) / self.per_second

    @property
    def slots(self) -> int:
        """How many calls may fall into one window."""
        return max(1, math.floor(self.per_second * self.window))

    def allowed(self, lane: Lane) -> int:
        """How many calls of a day may have been made when one of this lane leaves."""
        if self.per_day is None:
            return sys.maxsize
        return self.per_day - (self.interactive_reserve if lane is Lane.BULK else 0)

    @property
    def hold(self) -> float:
        """Seconds for which a slot stays taken after its answer."""
        return max(self.window, 1.0 / self.per_second)


class Permit(NamedTuple):
    """The right to send one request, from one moment on."""

    departed: float
    """When it was given, by the event loop's clock."""
    ticket: int = 0
    """Under which the day's budget counts it."""
    granted: object = None
    """What a quota of more than one process remembers of it."""


@frozen(kw_only=True)
class QuotaSnapshot:
    """How things stand with a quota."""

    used: int
    """Calls that count against the day."""
    left: int | None
    """Calls that are left of it; None where the day has no limit."""
    reserve: int
    """How many of these are kept for people."""
    resets_at: datetime | None
    """When the day turns, or, in a rolling one, when its oldest call stops counting; None if there is none."""
    per_second: float
    """The pace of now, in calls a second."""
    paused_until: datetime | None
    """Until when Gong has asked everybody to wait; None where the gate is open."""
    waiting: Mapping[Lane, int]
    """How many calls wait in each lane."""


@frozen
class QuotaEstimate:
    """How long so many calls will take."""

    calls: int
    seconds: float
    ends_at: datetime


class Quota(Protocol):
    """Who may call Gong, and when. One object may serve several clients of the same company."""

    async def acquire(
        self,
        lane: Lane,
        *,
        deadline: float | None = None,
        max_wait: float = math.inf,
        returning: bool = False,
    ) -> Permit:
        """Wait for the right to send one request.

        Args:
            lane: who is asking.
            deadline: the moment of the event loop's clock after which the turn is of no use.
            max_wait: seconds for which a shut gate is worth waiting.
            returning: true for a request that was refused, which keeps its place at the head of its lane.

        Raises:
            DeadlineExceeded: the turn cannot come before the deadline.
            RateLimitError: Gong has asked everybody to wait longer than ``max_wait``.
            DailyQuotaError: the day's calls are spent.
            QuotaStoreError: the day's count cannot be kept.
        """

    def release(self, turn: Permit, *, status: int | None) -> None:
        """Say that the request has ended: with an answer of this status, or with none."""

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:
        """Say that Gong answered 429: for how long nobody may call, and whether that means the whole day."""

    async def snapshot(self) -> QuotaSnapshot:
        """How things stand now."""

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """How long so many calls will take from now, behind those that wait, the day's turn included."""
