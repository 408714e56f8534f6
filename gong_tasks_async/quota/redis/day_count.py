"""What one process knows of the day's calls of all: an event when they run low, kept should the server forget."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import overload

from gong_tasks_async.errors import DailyQuotaError
from gong_tasks_async.events import EventSink
from gong_tasks_async.quota.day import DAY, Day, RollingDay, day_of
from gong_tasks_async.quota.limits import Lane, QuotaLimits
from gong_tasks_async.quota.low_watch import LowWatch
from gong_tasks_async.quota.spent import SpentLanes

BUCKET = 300
"""Seconds of a rolling day whose calls stop counting together, at the latest moment."""
MOST_KNOWN = 2 * round(DAY / BUCKET)


class DayCount:
    """The counts of the day, by the second at which they stop counting, as this process last saw them."""

    def __init__(self, limits: QuotaLimits, events: EventSink, wall_clock: Callable[[], float]) -> None:
        self.day: Day = day_of(limits.day_starts)
        self._wall_clock, self._ahead = wall_clock, 0.0
        self._low = LowWatch(limits.per_day, events)
        self.spent: SpentLanes = SpentLanes(events, self.now)
        self.known: dict[str, int] = {}
        """By field of the server's hash: the company's, and ``second:process`` what this one sent during an outage."""

    def now(self) -> float:
        """The server's time, as far as is known here."""
        return self._wall_clock() + self._ahead

    def set_clock(self, server_now: float) -> None:
        """Learn the server's time."""
        self._ahead = server_now - self._wall_clock()

    def bounds(self) -> dict[str, float]:
        """When the day began, and when it and the next one end; nothing of a rolling day, which the server knows itself."""
        if isinstance(self.day, RollingDay):
            return {}
        resets = (math.ceil(reset) for reset in self.day.resets(self.now()))
        return dict(zip(("day_began", "day_ends", "next_ends"), resets, strict=True))

    def record(self, expires_at: int, counted: int, used: int) -> None:
        """Remember what came with a permit."""
        self._remember(str(expires_at), counted)
        self._low.check(used, self.now(), lambda _: expires_at)

    def record_local(self, process: int) -> None:
        """Remember a call that no other process knows of."""
        now = self.now()
        made = math.floor(now / BUCKET + 1) * BUCKET if isinstance(self.day, RollingDay) else now
        field = f"{math.ceil(self.day.expires_at(made))}:{process}"
        self._remember(field, self.known.get(field, 0) + 1)

    def note_spent(self, lane: Lane, counts: Mapping[int, int], allowed: int) -> DailyQuotaError:
        """Remember that the day is spent for a lane, by the company's counts; the error to raise."""
        made = CallTimes(counts, self.day)
        return self.spent.note(
            lane, self.day.expires_at(made[-allowed]) if len(made) >= allowed else self.now()
        )

    def _remember(self, field: str, calls: int) -> None:
        self.known[field] = calls
        if len(self.known) > MOST_KNOWN:
            del self.known[min(self.known)]


class CallTimes(Sequence[float]):
    """The moments of the calls that count, oldest first, as late as each may have been.

    Not a list: anybody may have written any number of calls into the server's keys.
    """

    def __init__(self, counts: Mapping[int, int], day: Day) -> None:
        back = DAY if isinstance(day, RollingDay) else 1.0
        self._moments = [expires_at - back for expires_at in sorted(counts)]
        self._ends = list(accumulate(counts[expires_at] for expires_at in sorted(counts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._moments[bisect_right(self._ends, range(len(self))[place])]
