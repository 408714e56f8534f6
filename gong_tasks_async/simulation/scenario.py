"""What is to be simulated: values, refused all at once where they make no sense."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum

from attrs import evolve, field, frozen

from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.quota import QuotaLimits
from gong_tasks_async.simulator import SecondLimit

MOST_ROWS, MOST_PROCESSES, MOST_CALLS_A_MINUTE, MOST_HOURS = 100_000, 64, 600.0, 168.0


class Sharing(StrEnum):
    """How several processes keep one company's limits."""

    SHARED = "shared"
    """One quota for all, as ``RedisQuota``; its round trips to Redis are not simulated."""
    DIVIDED = "divided"
    """A ``LocalQuota`` for each with its part of the second, and one file for the day."""
    SEPARATE = "separate"
    """A ``LocalQuota`` for each with the whole limits: the mistake."""


@frozen(kw_only=True)
class Scenario:
    """A company's day.

    Raises:
        InvalidValueError: a number is out of its range; all that are wrong are named at once.
    """

    limits: QuotaLimits = field(factory=QuotaLimits)
    """The company's; Gong keeps the same."""
    processes: int = 1
    sharing: Sharing = Sharing.SHARED
    rows: int = 0
    """Updates of the bulk job, which runs in the first process."""
    calls_a_minute: float = 0.0
    """Interactive calls of all processes together, at random moments."""
    neighbours: tuple[float, ...] = ()
    """Calls a second of each integration that knows nothing of us, at random moments."""
    rule: SecondLimit = SecondLimit.SLIDING
    """How Gong counts its second."""
    round_trip: tuple[float, float] = (0.04, 0.12)
    """Seconds of the quickest and of the slowest."""
    hours: float = MOST_HOURS
    """The longest that is simulated; without a bulk job exactly so long."""
    seed: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if problems := list(self._problems()):
            raise InvalidValueError("Scenario", problems)

    @property
    def limits_of_each(self) -> QuotaLimits:
        """What each process's quota is given."""
        if self.sharing is not Sharing.DIVIDED:
            return self.limits
        return evolve(self.limits, per_second=self.limits.per_second / self.processes)

    def _problems(self) -> Iterator[str]:
        ranges: tuple[tuple[str, float, float, float], ...] = (
            ("processes", self.processes, 1, MOST_PROCESSES),
            ("rows", self.rows, 0, MOST_ROWS),
            ("calls_a_minute", self.calls_a_minute, 0, MOST_CALLS_A_MINUTE),
            *(("neighbours", each, 0, MOST_CALLS_A_MINUTE / 60) for each in self.neighbours),
        )
        for name, value, least, most in ranges:
            if not least <= value <= most:
                yield f"{name} must be in {least}..{most:g}, not {value}"
        if not 0 < self.hours <= MOST_HOURS:
            yield f"hours must be more than 0 and at most {MOST_HOURS:g}, not {self.hours}"
        quickest, slowest = self.round_trip
        if not 0 <= quickest <= slowest < math.inf:
            yield f"round_trip must be two lengths in seconds, the shorter first, not {self.round_trip}"
        if not (self.rows or self.calls_a_minute):
            yield "neither rows nor calls_a_minute: there is nothing to simulate"
