"""When calls arrived at Gong, as far as can be known: no clock of its own, no I/O."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable

from gong_tasks_async.quota.ladder import ARRIVED_AFTER, Window


class Arrivals:
    """Counts calls that are in flight, and those that arrived lately.

    A call arrives between its departure and its response; it is counted as in flight until then, and as arrived at
    the response. One that is not answered counts as arrived ``ARRIVED_AFTER`` seconds after its departure.
    """

    def __init__(self, retention: float) -> None:
        self._retention = retention
        self._in_flight: dict[int, float] = {}
        """Departures by call, oldest first."""
        self._arrived: list[float] = []
        self.departures: int = 0
        self.dropped: int = 0
        """How many of them are counted no longer, less the late answers, which are counted twice."""

    def depart(self, now: float) -> int:
        """Count a call that departs; returns what to name it by."""
        self.departures = call = self.departures + 1
        self._in_flight[call] = now
        return call

    def arrive(self, call: int, now: float) -> bool:
        """Count a call as arrived: it was answered. False: it took longer than ARRIVED_AFTER, and counts twice."""
        if in_time := call in self._in_flight:
            del self._in_flight[call]
        else:
            self.dropped -= 1
        if self._arrived and self._arrived[-1] > now:  # one that was settled by its ARRIVED_AFTER
            insort(self._arrived, now)
        else:
            self._arrived.append(now)
        return in_time

    def forget(self, call: int) -> None:
        """Count a call no longer: it never left."""
        if self._in_flight.pop(call, None) is not None:
            self.dropped += 1

    def free_at(self, windows: Iterable[Window], now: float) -> float:
        """When the next call may depart, if no response comes before; ``now`` where it may."""
        free_at, total = now, self.departures - self.dropped
        for window in windows:
            if total >= window.calls:  # else it is free, whichever of them still count
                self._settle(now)
                free_at = max(free_at, self._window_free_at(window, now))
        return free_at

    def shift(self, seconds: float) -> None:
        """Follow another clock, which shows ``seconds`` more."""
        self._in_flight = {call: departed + seconds for call, departed in self._in_flight.items()}
        self._arrived = [arrived + seconds for arrived in self._arrived]

    def _settle(self, now: float) -> None:
        """Take overdue calls for arrived, and drop arrivals that no window reaches."""
        while self._in_flight:
            call, departed = next(iter(self._in_flight.items()))
            if departed + ARRIVED_AFTER > now:
                break
            del self._in_flight[call]
            insort(self._arrived, departed + ARRIVED_AFTER)
        if self._arrived and self._arrived[0] < now - self._retention:
            out_of_reach = bisect_right(self._arrived, now - self._retention)
            del self._arrived[:out_of_reach]
            self.dropped += out_of_reach

    def _window_free_at(self, window: Window, now: float) -> float:
        first = bisect_right(self._arrived, now - window.hold)  # the arrivals from there on count
        over = len(self._in_flight) + len(self._arrived) - first - window.calls
        if over < 0:
            return now
        if first + over < len(self._arrived):
            return self._arrived[first + over] + window.hold
        overdue = list(self._in_flight.values())[first + over - len(self._arrived)] + ARRIVED_AFTER
        return overdue + window.hold
