"""The pace of one process's requests: the ladder at the company's rung, with this process's round trips."""

from __future__ import annotations

from gong_tasks_async.quota.ladder import (
    ARRIVED_AFTER,
    FASTEST_RUNG,
    SLOWEST_RUNG,
    SMOOTHING,
    Ladder,
    Window,
    pace_share,
)
from gong_tasks_async.quota.limits import QuotaLimits
from gong_tasks_async.quota.redis.commands import AHEAD, MOST_AHEAD, micros

NOTICE_SHARE, LATE_SHARE = 0.6, 0.3
"""Of the window: by how much a permit may be granted ahead at most, and within how much a call that takes long is reported:
before another can be granted that counts on it. Together less than 1."""
NO_WINDOW = Window(0, 0.0)


class Pace:
    """What the script has to know of a rung, which moves there."""

    def __init__(self, limits: QuotaLimits) -> None:
        self._limits = limits
        self._ladder = Ladder(limits)
        self._deviation = 0.0
        """The mean deviation of a round trip from their mean."""

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self._ladder.rate

    @property
    def late_within(self) -> float:
        """Seconds within which the script has to know that a call is late: before another one takes its place."""
        return 0.0 if self._ladder.rung > 0 else LATE_SHARE * self._limits.hold

    def move(self, rung: int) -> bool:
        """Move to the company's rung; whether this is another one."""
        rung = max(FASTEST_RUNG, min(SLOWEST_RUNG, rung))
        moves = rung != self._ladder.rung
        if moves:
            self._ladder.set_rung(rung)
        return moves

    def answered(self, departed: float, now: float) -> None:
        """Learn a round trip."""
        flight = now - departed
        change = abs(flight - self._ladder.flight) - self._deviation
        self._deviation += change * SMOOTHING if self._ladder.answers else flight / 2
        self._ladder.answered(departed, now)

    def numbers(self) -> dict[str, float]:
        """What the script needs to know of it."""
        ladder, limits = self._ladder, self._limits
        window, one = (*ladder.windows, NO_WINDOW, NO_WINDOW)[:2]
        # By then most answers have come. Where one has not, it is reported: the others need not wait for a report of each.
        expected_flight = min(ladder.flight + 2 * self._deviation, ARRIVED_AFTER)
        per_call = ladder.per_call(ladder.rung, ladder.flight)
        # So long before its departure that a process which comes too early, since an interactive call went first, need not
        # come again; but not so long that a call which is late could not be reported before.
        half = NOTICE_SHARE * (one if ladder.rung > 0 else window).hold
        return {
            "rung": ladder.rung,
            "spacing": micros(ladder.spacing),
            "slots": limits.slots,
            "hold": micros(window.hold),
            "hold_one": micros(one.hold),
            "longest_hold": micros(max(limits.hold, 1.0 / limits.per_second / pace_share(ladder.rung))),
            "per_call": micros(per_call),
            "per_late_call": micros(ladder.per_call(ladder.rung, expected_flight)),
            "expected_flight": micros(expected_flight),
            "notice": micros(max(AHEAD, min(1.5 * per_call, half, MOST_AHEAD))),
        }
