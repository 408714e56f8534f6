"""The books that are kept of a simulated company, and the invariants that they are held to."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable

from attrs import define, field

from gong_tasks_async import Lane, QuotaLimits
from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, FixedDay
from gong_tasks_async.quota.ladder import ARRIVED_AFTER, SLOWEST_RUNG, spacing_at
from gong_tasks_async.simulation.gong import Flight
from tests.simulation.plan import START

DUST = 1e-6
IN_DOUBT = 5.0
"""Seconds in which a process may not have heard yet what another one has found out."""


class Broken(AssertionError):  # noqa: N818 - an invariant is broken; that is no error of the world's
    """An invariant does not hold: its name comes first."""


def check(holds: object, invariant: str, **facts: object) -> None:
    """Raise where an invariant does not hold."""
    if not holds:
        raise Broken(f"{invariant}: " + ", ".join(f"{name}={value}" for name, value in facts.items()))


@define(eq=False)
class Books:
    """The books of one quota: of a process in one of its lives, or of all that share it."""

    limits: QuotaLimits
    alone: bool = True
    """Whether all of its calls pass one queue: they are spaced, in the order of lanes, and know of pauses at once."""
    heard_after: float = 0.0
    """Seconds within which a pause is heard of everywhere."""
    stalled_after: float | None = None
    """Seconds after which the head of a queue must have moved; None for what its limits come to."""
    keeps_window: bool = True
    """Whether the promise of a window holds: its exceptions are an outage, clocks set back, other limits by mistake."""
    flights: list[Flight] = field(factory=list)
    waiting: dict[int, tuple[Lane, float]] = field(factory=dict)
    """Who waits for a permit, and since when, by true time."""
    paused_at: float = -math.inf
    """When the last pause was read, by true time."""
    paused_until: float = -math.inf
    """By true time, as this process has heard it."""
    backing_off_until: float = -math.inf
    """By true time: where Gong asks for no pause, a call that is refused again and again asks for a growing one."""
    day_paused_until: float = -math.inf
    day_noted_at: float = -math.inf
    noted_by_wrong_clock: bool = False
    """Whether the day's pause was noted while the wall clock stood far ahead."""
    overslept: float = 0.0
    """Seconds by which such a pause may end late. Once the clock is right, its end is years ahead by the wall's clock, so
    only the loop's is left, which stands still while the machine sleeps. That delays the first call after the reset, which
    is let through as a probe all the same, and can overspend nothing. The gate must not follow the corrected clock instead:
    one that is set back for a moment would then open it early."""
    reopened_at: float = -math.inf
    probes: list[float] = field(factory=list)
    moved_at: float = 0.0
    """When a call departed last, or a pause ended."""
    passed_over: int = 0
    """Interactive departures while a bulk call waited all the time."""
    bulk_first: int = 0
    """Bulk departures while an interactive call waited all the time."""
    returning: list[tuple[int, Hashable]] = field(factory=list)
    """Calls that were refused and wait again, in the order in which they came back, each with its queue."""

    @property
    def patience(self) -> float:
        """Seconds after which the head of a queue must have moved, at the slowest pace and beside calls that hang."""
        if self.stalled_after is not None:
            return self.stalled_after
        slowest = spacing_at(SLOWEST_RUNG, self.limits)
        return ARRIVED_AFTER + self.limits.hold + 4 * slowest + 2.0

    def note_departure(self, flight: Flight, true_now: float) -> None:
        """A call departs: spaced, in its lane's turn, and not into a pause."""
        if self.alone and self.flights:
            gap = flight.departed - self.flights[-1].departed
            check(gap >= self.limits.spacing - DUST, "departures are spaced", gap=gap)
        if not self.paused_at <= true_now < self.paused_at + self.heard_after:
            self._check_pause(true_now)
        if self.alone:
            self._check_lanes(flight)
        self.flights.append(flight)
        self.moved_at = max(self.moved_at, true_now) if not self.alone else true_now

    def note_return(self, number: int, queue: Hashable) -> None:
        """A call that was refused waits again."""
        self.returning.append((number, queue))

    def note_permit(self, number: int, queue: Hashable) -> None:
        """A call that was refused has its permit: before those of its queue that came back later."""
        before = [other for other, of in self.returning if of == queue and other < number]
        check(not before, "calls refused together come back in their order", before=before)

    def note_refusal(
        self, seconds: float, true_now: float, *, day: bool, clock_is_wrong: bool = False
    ) -> None:
        """A 429 was read: no call of this process departs before the pause is over."""
        longest = DAY
        if self.limits.day_starts is not None:
            longest = FixedDay(self.limits.day_starts).expires_at(START + true_now) - START - true_now
        bounded = max(self.limits.window, min(seconds, longest))
        self.paused_at = true_now
        if day:
            if true_now + bounded > self.day_paused_until:
                self.day_paused_until = true_now + bounded
                self.noted_by_wrong_clock, self.overslept = clock_is_wrong, 0.0
            self.probes.append(true_now)
            self.day_noted_at = true_now
        else:
            self.paused_until = max(self.paused_until, true_now + bounded)
        self.moved_at = max(self.moved_at, true_now + bounded)

    def note_pause(self, seconds: float, true_now: float) -> None:
        """A caller has asked the quota for a pause: as Gong asks, or a growing guess."""
        self.backing_off_until = max(self.backing_off_until, true_now + seconds)
        self.moved_at = max(self.moved_at, self.backing_off_until)

    def note_success(self, departed: float, now: float) -> None:
        """Gong has admitted a call; one that departed after Gong had called the day spent ends the pause."""
        if departed > self.day_noted_at and now < self.day_paused_until:
            self.day_paused_until, self.reopened_at = -math.inf, now

    def note_reopened(self, until: float) -> None:
        """Another process has ended the day's pause; this one finds out by then."""
        if self.day_paused_until > -math.inf:
            self.day_paused_until, self.reopened_at = -math.inf, until

    def note_sleep(self, seconds: float) -> None:
        """The machine has slept."""
        self.overslept += seconds * self.noted_by_wrong_clock

    def is_paused(self, true_now: float) -> bool:
        """Whether this process waits for Gong's pause to end."""
        day_ends = self.day_paused_until + self.overslept
        ends = max(self.paused_until, self.backing_off_until, day_ends, self.reopened_at + 1.0)
        return true_now < ends + DUST

    def check_waits(self, true_now: float, *, spent: bool) -> None:
        """Every wait is explained: by a pause, a spent day, or calls that depart."""
        if not self.waiting or spent or self.is_paused(true_now):
            self.moved_at = max(self.moved_at, true_now) if not self.waiting else self.moved_at
            return
        longest = min(since for _, since in self.waiting.values())
        idle = true_now - max(longest, self.moved_at)
        check(idle <= self.patience, "every wait is explained", idle=idle, waiting=len(self.waiting))

    def check_window(self) -> None:
        """At most so many arrivals in any window, of calls that were answered and not cancelled."""
        if not self.keeps_window:
            return
        answered = (flight.arrived for flight in self.flights if self._is_sure(flight))
        most = most_in_a_window(answered, self.limits.window)
        check(most <= self.limits.slots, "no window above the limit", most=most)

    @staticmethod
    def _is_sure(flight: Flight) -> bool:
        return flight.answered is not None and flight.answered - flight.departed < ARRIVED_AFTER

    def _check_pause(self, true_now: float) -> None:
        check(
            true_now >= self.paused_until - DUST,
            "a pause holds for all callers",
            left=self.paused_until - true_now,
        )
        if true_now < self.day_paused_until - DUST:
            since = true_now - max(self.probes, default=-math.inf)
            check(
                since >= PROBE_INTERVAL - IN_DOUBT, "a day called spent is probed once an hour", since=since
            )
            self.probes.append(true_now)

    def _check_lanes(self, flight: Flight) -> None:
        lanes = {lane for lane, _ in self.waiting.values()}
        bulk = flight.lane == Lane.BULK.value
        self.passed_over = self.passed_over + 1 if Lane.BULK in lanes and not bulk else 0
        self.bulk_first = self.bulk_first + 1 if Lane.INTERACTIVE in lanes and bulk else 0
        if self.limits.bulk_share:
            most = 2.0 / self.limits.bulk_share + 2
            check(self.passed_over <= most, "bulk gets its share", interactive_departures=self.passed_over)
        check(
            self.bulk_first <= 2 + 1 / (1 - self.limits.bulk_share),
            "interactive goes first",
            bulk=self.bulk_first,
        )


def most_in_a_window(arrivals: Iterable[float], seconds: float) -> int:
    """The most arrivals in any half-open window."""
    most, window = 0, deque[float]()
    for moment in sorted(arrivals):
        window.append(moment)
        while window[0] <= moment - seconds + DUST:
            window.popleft()
        most = max(most, len(window))
    return most
