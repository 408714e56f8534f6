"""Where the day's calls are counted: in memory, or in a file that processes of one machine share.

Stored moments are judged when they are read, by the clock of then; no clock's reading deletes anything. A
clock that was wrong for a while, ahead or behind, thus spoils nothing that a right one has written.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from math import inf
from typing import NamedTuple, Protocol

from attrs import frozen

from gong_tasks_async.quota.day import DAY, PROBE_INTERVAL, Day, believed_until

KEPT_CALLS = 100_000
"""Calls that a store keeps, however old: those of the last day, should a clock go a day forward and come back."""


@frozen
class Count:
    """What a store knows: the moments of the calls that count, oldest first, and Gong's pause of the day."""

    made: Sequence[float]
    paused_until: float
    probe_at: float
    """When one call may find out whether the pause still holds."""


class Taken(NamedTuple):
    """A call was counted; ``used`` with it, under ``ticket``."""

    ticket: int
    used: int = 0
    probe: bool = False
    """Whether it is let through although Gong calls the day spent, to find out."""
    counted_at: float | None = None
    """The moment that decides its day, where days are fixed; a :class:`DayStore` leaves it out."""


class DayStore(Protocol):
    """Counts calls. Each method is one atomic step. Moments are seconds since 1970."""

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """Count a call; return the count instead where as many as are allowed were made, or Gong is paused."""
        ...

    def give_back(self, ticket: int) -> None:
        """Forget a call that was counted and never sent, or that Gong does not count."""

    def pause(self, until: float, now: float) -> None:
        """Note that Gong calls the day spent until then; a later moment that was noted before stands."""

    def reopen(self) -> None:
        """Forget a pause of the day."""

    def is_reopened(self) -> bool:
        """Whether it holds no pause of the day; one that is not believed is held too."""
        ...

    def count(self, now: float, since: float) -> Count:
        """What is known now."""
        ...

    def close(self) -> None:
        """Close the file; the next step opens it again."""


def is_probe_due(probe_at: float, now: float) -> bool:
    """Whether a call may find out if a pause still holds. A clock set back does not put it off."""
    return not now < probe_at <= now + PROBE_INTERVAL


def counts_until(now: float) -> float:
    """The latest moment that a call that counts can have: clocks are set back, but not by more than a day."""
    return now + DAY


class MemoryStore:
    """Counts in this process alone, and forgets with it."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int]] = []
        self._first = 0
        """Where those begin that counted when :meth:`count_now` was last asked."""
        self._expires_at = -inf
        """None of them stops counting before."""
        self._usual_from = -inf
        """Before then the clock has been set back, or Gong is paused."""
        self._last_ticket: int = 0
        self._paused_until = 0.0
        self._probe_at = 0.0

    def take(self, now: float, since: float, allowed: int) -> Taken | Count:
        """See :class:`DayStore`."""
        calls = self._calls
        if calls and since < calls[0][0] and calls[-1][0] <= now:  # as in `_counting`, without a call
            used = len(calls)
        else:
            first, end = self._counting(now, since)
            used = end - first
        paused = self._paused_until > now and now < believed_until(self._paused_until, now)
        if used >= allowed or (paused and not is_probe_due(self._probe_at, now)):
            return self.count(now, since)
        if paused:
            self._probe_at = now + PROBE_INTERVAL
        self._last_ticket += 1
        if not calls or calls[-1][0] <= now:  # by far the most often: no clock was set back
            calls.append((now, self._last_ticket))
            self._usual_from = max(self._usual_from, now)
        else:
            insort(calls, (now, self._last_ticket))
            self._look_again()
        if len(calls) - used > 2 * KEPT_CALLS:
            self._prune(now, since)
        return Taken(self._last_ticket, used + 1, paused)

    def count_now(self, now: float, day: Day, below: int) -> int:
        """Count a call as :meth:`take` does, where nothing is unusual and fewer than ``below`` count: nearly always.

        Returns:
            Its ticket. 0: nothing was counted, and :meth:`take` has to look.
        """
        if now < self._usual_from:
            return 0
        if now >= self._expires_at:
            self._expire(now, day)
        calls = self._calls
        if len(calls) - self._first >= below:
            return 0
        self._usual_from = now
        self._last_ticket = ticket = self._last_ticket + 1
        calls.append((now, ticket))
        return ticket

    @property
    def used(self) -> int:
        """How many count with the call that :meth:`count_now` has just counted."""
        return len(self._calls) - self._first

    @property
    def latest(self) -> float:
        """When that call was counted."""
        return self._calls[-1][0]

    def give_back(self, ticket: int) -> None:
        """See :class:`DayStore`."""
        for place in range(len(self._calls) - 1, -1, -1):  # the latest first: it is nearly always one of them
            if self._calls[place][1] == ticket:
                del self._calls[place]
                if place < self._first:
                    self._first -= 1
                return

    def pause(self, until: float, now: float) -> None:
        """See :class:`DayStore`."""
        self._paused_until = max(believed_until(self._paused_until, now), until)
        self._probe_at = now + PROBE_INTERVAL
        self._usual_from = max(self._usual_from, self._paused_until)

    def reopen(self) -> None:
        """See :class:`DayStore`."""
        self._paused_until = 0.0
        self._look_again()

    def is_reopened(self) -> bool:
        """See :class:`DayStore`."""
        return self._paused_until == 0.0

    def count(self, now: float, since: float) -> Count:
        """See :class:`DayStore`."""
        first, end = self._counting(now, since)
        made = [made for made, _ in self._calls[first:end]]
        past = bisect_right(made, now)
        made[past:] = [now] * (len(made) - past)
        return Count(tuple(made), believed_until(self._paused_until, now), self._probe_at)

    def close(self) -> None:
        """Nothing is open."""

    def _counting(self, now: float, since: float) -> tuple[int, int]:
        """Where the calls that count begin and end."""
        calls = self._calls
        first = 0 if not calls or calls[0][0] > since else bisect_right(calls, (since, inf))
        if not calls or calls[-1][0] <= now:
            return first, len(calls)
        return first, bisect_right(calls, (counts_until(now), inf))

    def _expire(self, now: float, day: Day) -> None:
        """Pass over the calls that count no longer."""
        since = day.since(now)
        if self._first > 2 * KEPT_CALLS:
            self._prune(now, since)
        calls, first = self._calls, self._first
        while first < len(calls) and calls[first][0] <= since:
            first += 1
        self._first, self._usual_from = first, now
        self._expires_at = day.expires_at(calls[first][0] if first < len(calls) else now)

    def _look_again(self) -> None:
        """Have :meth:`count_now` look at all calls, since one came at an unusual moment or some were dropped."""
        self._first, self._expires_at = 0, -inf
        self._usual_from = max(self._calls[-1][0] if self._calls else -inf, self._paused_until)

    def _prune(self, now: float, since: float) -> None:
        oldest, latest = self._last_ticket - KEPT_CALLS, counts_until(now)
        self._calls = [call for call in self._calls if call[1] > oldest or since < call[0] <= latest]
        self._look_again()
