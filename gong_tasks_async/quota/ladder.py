"""The pace as a ladder: one integer, the rung, that refusals move. No clock and no I/O; both quotas follow it.

It is not known by which rule Gong enforces its second. The rules are ordered, and each rung guarantees arrivals:

- rung 0: at most ``per_second * window`` calls in any window. Enough for a sliding or a fixed second and for a
  bucket as deep;
- rung 1: one call at a time, a spacing after the last arrival. Enough for strict spacing, thus for every rule: a
  refusal here proves a neighbour or a lower limit;
- rungs 2 to 7: the same, each a fifth slower;
- rungs below 0, for ``seek_raised_limit`` alone: spaced only, each a quarter faster.

A refusal after fewer calls than a calm moves one rung up; a calm without one moves one rung down. A calm is ``CALM``
calls at the full pace, and fewer at slower rungs: as many as leave in the same time, so that the full pace is soon back.
The proof, its exceptions and the measurements are in ``docs/developers/pacing.md``.
"""

from __future__ import annotations

import math
import sys

from attrs import frozen

from gong_tasks_async.quota.limits import QuotaLimits

CALM = 200
"""Calls at the full pace without a refusal that earn a rung; one refusal in more than that is tolerated. At 100, twice
as many are refused by strict spacing."""
SLOWER = 0.8
"""What a rung above 1 leaves of the pace below it."""
FASTER = 1.25
"""What a rung below -1 adds to the pace above it."""
SLOWEST_RUNG = 7
FASTEST_RUNG = -9
"""With ``seek_raised_limit``: 1.25 ** 8, six times the configured pace."""
LEAST_PATIENCE, MOST_PATIENCE = 0.25, 8.0
"""By how much a calm is multiplied: doubled where a step down was refused at once, the least once one has held. At 4, strict
spacing refuses 1.7 of 1,000 calls, not 1.3; at 16, the full pace is back 1,300 s after a limit was raised, not 700."""
FLOOR_GROWTH = 1.0002
"""By how much the quickest round trip is forgotten with each answer: a fifth in a thousand."""
WINDOW_TRUST = 0.35
"""How much of the quickest round trip shortens the window's hold. What is promised of a window depends on it: at
0.8, 1 call in 10,000 broke it where latency has a heavy tail; at 0.35 none did, and a slow server costs 0.07."""
SPACING_TRUST = 0.8
"""The same for the hold of a spacing, which is no promise."""
ARRIVED_AFTER = 5.0
"""Seconds after which an unanswered call counts as arrived: else one that hangs holds up all others."""
SMOOTHING = 1 / 8
"""The weight of the newest round trip in their mean, as in RFC 6298."""


@frozen
class Window:
    """At most ``calls`` may be in flight, or have arrived less than ``hold`` seconds ago."""

    calls: int
    hold: float


def pace_share(rung: int) -> float:
    """The share of the configured pace at a rung."""
    return FASTER ** (-1 - rung) if rung < 0 else SLOWER ** max(0, rung - 1)


def calm_at(rung: int) -> float:
    """Calls without a refusal that earn a rung: those of the same time at every rung above 0."""
    return CALM * min(1.0, pace_share(rung))


def spacing_at(rung: int, limits: QuotaLimits) -> float:
    """Seconds from one departure to the next at a rung."""
    return limits.spacing / pace_share(rung)


def windows_at(rung: int, limits: QuotaLimits, floor: float) -> tuple[Window, ...]:
    """What has to be free before a call departs at a rung.

    Args:
        rung: the rung.
        limits: the configured limits.
        floor: seconds of the quickest round trip that is relied on; 0 for none.
    """
    if rung < 0:
        return ()
    whole = Window(limits.slots, max(0.0, limits.hold - WINDOW_TRUST * floor))
    if rung == 0:
        return (whole,)
    hold = 1.0 / limits.per_second / pace_share(rung) - SPACING_TRUST * floor
    return (whole, Window(1, max(0.0, hold)))


class Ladder:
    """The rung, and what moves it. All times are seconds of one clock of the caller's."""

    __slots__ = (
        "_limits",
        "_lowest",
        "_relied_on",
        "_relied_to",
        "answers",
        "calm",
        "flight",
        "never_full",
        "patience",
        "quickest",
        "refused_at",
        "run",
        "rung",
        "spacing",
        "trying",
        "windows",
    )

    def __init__(self, limits: QuotaLimits) -> None:
        self._limits = limits
        self._lowest = FASTEST_RUNG if limits.seek_raised_limit else 0
        self.rung: int = 0
        self.run: int = 0
        """Calls accepted since the last refusal or the last step."""
        self.patience: float = 1.0
        self.trying: bool = False
        """Whether the last step was one down that has not proven itself yet."""
        self.answers: int = 0
        self.quickest: float = math.inf
        """Seconds of the quickest round trip, forgotten slowly."""
        self.flight: float = 0.0
        """The mean round trip of late; 0 before the first answer."""
        self.refused_at: float = -math.inf
        self.set_rung(0)

    @property
    def rate(self) -> float:
        """Calls a second at this rung, with round trips as they are of late."""
        return self.rate_at(self.rung)

    def rate_at(self, rung: int) -> float:
        """Calls a second at another rung."""
        return 1.0 / self.per_call(rung, self.flight)

    def per_call(self, rung: int, flight: float) -> float:
        """Seconds for each call at a rung, with round trips of a length."""
        windows = windows_at(rung, self._limits, self._floor)
        per_call = [(window.hold + flight) / window.calls for window in windows]
        return max(spacing_at(rung, self._limits), *per_call, 0.0)

    def answered(self, departed: float, now: float) -> None:
        """Learn the round trip of a call that was answered, whatever the status."""
        flight, mean = now - departed if now > departed else 0.0, self.flight
        self.flight = mean + (flight - mean) * SMOOTHING if mean else flight
        quickest = self.quickest * FLOOR_GROWTH
        if flight < quickest:  # noqa: PLR1730 - a call of `min` takes a third as long as all the rest here
            quickest = flight
        self.quickest = quickest
        self.answers = answers = self.answers + 1
        if not self._relied_on <= quickest <= self._relied_to and answers >= CALM:
            self._set_windows()

    def accepted(self, departed: float) -> bool:
        """Count a call that was not refused. True: the rung has changed."""
        if departed <= self.refused_at:  # in flight together with a refused one
            return False
        self.run += 1
        if self.trying and self.run >= self.calm:  # what refused calls before has gone
            self.trying, self.patience = False, LEAST_PATIENCE
        if self.rung <= self._lowest or self.run < self.calm * self.patience:
            return False
        self.run, self.trying = 0, True
        self.set_rung(self.rung - 1)
        return True

    def refused(self, departed: float, now: float) -> bool:
        """Count a 429, but not for the whole day. True: the next departure wants a random delay.

        Calls that were in flight together are refused together, so only the first of them counts. The delay, up to
        a spacing, breaks the lock-step of two even paces: without it, two clients against strict spacing waste
        half of their calls.
        """
        if not self._limits.adaptive or departed <= self.refused_at:
            return False
        run, self.run, self.refused_at = self.run, 0, now
        if self.trying and run < self.calm:
            self.patience = min(MOST_PATIENCE, max(1.0, self.patience * 2))
        elif run >= self.calm:
            self.patience = 1.0
        self.trying = False
        if run < self.calm or self.rung < 0:
            self.set_rung(min(SLOWEST_RUNG, self.rung + 1))
        return True

    def shift(self, seconds: float) -> None:
        """Follow another clock, which shows ``seconds`` more."""
        self.refused_at += seconds

    def set_rung(self, rung: int) -> None:
        """Move to a rung."""
        self.rung = rung
        self.calm = calm_at(rung)
        self.spacing = spacing_at(rung, self._limits)
        self._set_windows()

    @property
    def _floor(self) -> float:
        """Seconds of the round trip that are relied on: none before enough are known."""
        return self.quickest if self.answers >= CALM else 0.0

    def _set_windows(self) -> None:
        self._relied_on = self._floor
        self._relied_to = self._relied_on / 0.99
        self.windows: tuple[Window, ...] = windows_at(self.rung, self._limits, self._relied_on)
        self.never_full: int = min([window.calls for window in self.windows], default=sys.maxsize)
        """With fewer calls than these, in flight or arrived whenever, no window is full."""
