"""The rules that may stand behind "3 calls a second and 10,000 calls a day".

Gong does not say which algorithm enforces its limits, so a client has to be tried against each of them.
Every rule answers how long a caller has to wait, and records the calls that it admitted.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from typing import Protocol

import attrs


class SecondLimit(enum.StrEnum):
    """The rule of the per-second limit."""

    NONE = enum.auto()
    BUCKET = enum.auto()
    """A bucket of a second's calls, refilled evenly."""
    FIXED = enum.auto()
    """A counter that starts again with each second of the clock."""
    SLIDING = enum.auto()
    """No second, wherever it begins, may hold more."""
    SPACING = enum.auto()
    """Each call at least 1/per_second after the last admitted one."""


class DayLimit(enum.StrEnum):
    """When the day of the daily limit turns."""

    NONE = enum.auto()
    ROLLING = enum.auto()
    FIXED = enum.auto()


class Rule(Protocol):
    """A limit: how long to wait, and the calls counted so far."""

    def wait(self, now: float) -> float:
        """Seconds until a call would be admitted; 0 or less is now."""
        ...

    def count(self, now: float) -> None:
        """Count a call."""


@attrs.define
class Unlimited:
    """Lets everybody through."""

    def wait(self, now: float) -> float:  # noqa: ARG002 - a Rule
        """Never wait."""
        return 0.0

    def count(self, now: float) -> None:
        """Count nothing."""


@attrs.define
class Bucket:
    """A bucket of `burst` calls, full at first, that gets one more each `gap` seconds.

    Kept as the time at which it will be full again (GCRA), for that does not gather rounding errors.
    """

    gap: float
    burst: float
    _full: float = attrs.field(init=False, default=-math.inf)

    def wait(self, now: float) -> float:
        """When a whole call will be in the bucket."""
        return self._full - (self.burst - 1) * self.gap - now

    def count(self, now: float) -> None:
        """Take a call out."""
        self._full = max(self._full, now) + self.gap


@attrs.define
class FixedWindow:
    """A counter that starts again at each multiple of `seconds`."""

    capacity: int
    seconds: float
    _window: int = attrs.field(init=False, default=0)
    _calls: int = attrs.field(init=False, default=0)

    def wait(self, now: float) -> float:
        """When the next window opens, if this one is full."""
        self._turn(now)
        return 0.0 if self._calls < self.capacity else (self._window + 1) * self.seconds - now

    def count(self, now: float) -> None:
        """Count a call in the window of `now`."""
        self._turn(now)
        self._calls += 1

    def _turn(self, now: float) -> None:
        window = math.floor(now / self.seconds)
        if window != self._window:
            self._window, self._calls = window, 0


@attrs.define
class SlidingWindow:
    """At most `capacity` calls in any half-open window of `seconds`."""

    capacity: int
    seconds: float
    _calls: deque[float] = attrs.field(init=False, factory=deque[float])

    def wait(self, now: float) -> float:
        """When the call that fills the window leaves it."""
        while self._calls and now >= self._calls[0] + self.seconds:
            self._calls.popleft()
        return 0.0 if len(self._calls) < self.capacity else self._calls[-self.capacity] + self.seconds - now

    def count(self, now: float) -> None:
        """Remember the call's time."""
        self._calls.append(now)


def second_rule(limit: SecondLimit, per_second: float) -> Rule:
    """Build the rule of the per-second limit; below one call a second the window grows instead."""
    capacity, seconds = max(1, int(per_second)), max(1.0, 1 / per_second)
    match limit:
        case SecondLimit.NONE:
            return Unlimited()
        case SecondLimit.BUCKET:
            return Bucket(1 / per_second, max(1.0, per_second))
        case SecondLimit.FIXED:
            return FixedWindow(capacity, seconds)
        case SecondLimit.SLIDING:
            return SlidingWindow(capacity, seconds)
        case SecondLimit.SPACING:
            return Bucket(1 / per_second, 1)


def day_rule(limit: DayLimit, per_day: int, day_seconds: float) -> Rule:
    """Build the rule of the daily limit."""
    match limit:
        case DayLimit.NONE:
            return Unlimited()
        case DayLimit.ROLLING:
            return SlidingWindow(per_day, day_seconds)
        case DayLimit.FIXED:
            return FixedWindow(per_day, day_seconds)


@attrs.define
class Limits:
    """Both limits together, for the whole company."""

    second: Rule
    day: Rule
    count_rate_limited: bool = False

    def refuse(self, now: float) -> int | None:
        """Count the call, or return the whole seconds after which to retry."""
        wait = max(self.second.wait(now), self.day.wait(now))
        if wait <= 0:
            self.count(now)
            return None
        if self.count_rate_limited:
            self.day.count(now)
        return max(1, math.ceil(wait))

    def count(self, now: float) -> None:
        """Count a call that is answered whatever the limits say."""
        self.second.count(now)
        self.day.count(now)
