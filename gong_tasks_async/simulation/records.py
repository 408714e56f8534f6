"""What is recorded while a simulation runs, and the forecast that is made of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence

from attrs import define, field

from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.quota import Lane
from gong_tasks_async.simulation.forecast import SLICES, Forecast, Slice
from gong_tasks_async.simulation.gong import Flight

TOO_MANY_REQUESTS = 429
SECOND = 1.0
DUST = 1e-6
"""Seconds by which the virtual clock creeps."""


@define(eq=False)
class Records:
    """Moments of calls, by the event loop's clock; an observer of the network."""

    flights: list[Flight] = field(factory=list[Flight])
    admitted: dict[str, list[float]] = field(factory=lambda: {lane.value: [] for lane in Lane})
    refused: list[float] = field(factory=list[float])
    neighbours: list[float] = field(factory=list[float])
    """Admitted calls of the neighbours."""
    neighbours_refused: list[float] = field(factory=list[float])
    waits: list[tuple[float, float]] = field(factory=list[tuple[float, float]])
    """Of interactive calls that were answered: when they left, and how long they had waited."""
    unanswered: int = 0

    def note_departure(self, flight: Flight) -> None:
        """Record a call that departs."""
        self.flights.append(flight)

    def note_response(self, flight: Flight, response: HttpResponse) -> None:
        """Record whether it was admitted."""
        moments = self.refused if response.status == TOO_MANY_REQUESTS else self.admitted[flight.lane]
        moments.append(flight.arrived)

    def note_neighbour(self, now: float, admitted: bool) -> None:
        """Record a call of a neighbour."""
        (self.neighbours if admitted else self.neighbours_refused).append(now)

    def note_wait(self, asked: float, departed: float) -> None:
        """Record an interactive call that was answered."""
        self.waits.append((departed, departed - asked))

    def to_forecast(
        self, *, seconds: float, rows: int, settled: int, runs: int, per_second: float, day_used: int
    ) -> Forecast:
        """What it has come to."""
        own = sum(len(moments) for moments in self.admitted.values())
        return Forecast(
            seconds=seconds,
            rows=rows,
            settled=settled,
            runs=runs,
            calls=len(self.flights),
            rate_limited=len(self.refused),
            neighbour_calls=len(self.neighbours) + len(self.neighbours_refused),
            neighbour_rate_limited=len(self.neighbours_refused),
            waits=sorted(wait for _, wait in self.waits),
            unanswered=self.unanswered,
            most_in_a_second=most_in_a_second(flight.arrived for flight in self.flights if flight.arrived),
            used=(own + len(self.neighbours)) / (per_second * seconds) if seconds else 0.0,
            day_used=day_used,
            slices=self._slices(seconds),
        )

    def _slices(self, seconds: float) -> Sequence[Slice]:
        width = seconds / SLICES
        ends = [width * (place + 1) for place in range(SLICES)]
        bulk, interactive = (
            _counts(self.admitted[lane.value], ends) for lane in (Lane.BULK, Lane.INTERACTIVE)
        )
        neighbours = _counts(self.neighbours, ends)
        refused = _counts([*self.refused, *self.neighbours_refused], ends)
        longest = [0.0] * SLICES
        for departed, wait in self.waits:
            place = min(SLICES - 1, bisect_right(ends, departed))
            longest[place] = max(longest[place], wait)
        return tuple(
            Slice(
                starts=place * width,
                bulk=bulk[place],
                interactive=interactive[place],
                neighbours=neighbours[place],
                rate_limited=refused[place],
                longest_wait=longest[place],
            )
            for place in range(SLICES)
        )


def _counts(moments: Iterable[float], ends: Sequence[float]) -> list[int]:
    counts = [0] * len(ends)
    for moment in moments:
        counts[min(len(ends) - 1, bisect_right(ends, moment))] += 1
    return counts


def most_in_a_second(arrivals: Iterable[float]) -> int:
    """The most arrivals in any half-open second."""
    most, window = 0, deque[float]()
    for moment in sorted(arrivals):
        window.append(moment)
        while window[0] <= moment - SECOND + DUST:
            window.popleft()
        most = max(most, len(window))
    return most
