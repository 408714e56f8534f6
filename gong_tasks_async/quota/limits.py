"""The limits of calls to Gong, and the lanes that share them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from datetime import time
from enum import Enum
from pathlib import Path

from attrs import field, frozen

from gong_tasks_async.errors import InvalidValueError


class Lane(Enum):
    """Who waits for a permit: an interactive caller, or a bulk job."""

    INTERACTIVE = "interactive"
    BULK = "bulk"

    # Members are single, and Enum's own hash is a Python function that every permit would call ten times.
    __hash__: Callable[[object], int] = object.__hash__  # type: ignore[assignment]  # a slot, not a method


def _as_path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)


@frozen(kw_only=True)
class QuotaLimits:
    """Limits of calls to Gong. The defaults are Gong's own, for the whole company: 3 a second, 10,000 a day.

    Attributes:
        per_second: calls a second; Gong raises it on request.
        window: seconds over which Gong is taken to count: a call counts for so long after its response.
        headroom: the share by which calls are spaced wider than the rate would allow: network jitter needs it.
        adaptive: whether 429s that come all the same lower the pace for a while.
        seek_raised_limit: whether to try faster paces than ``per_second`` after each 200 calls without a 429, and
            so to find a limit that Gong has raised. It gives up the promise of at most ``per_second`` calls in a
            window, and costs about one refused call in 1,000 for as long as it is on; 3 to 6 calls a second take
            5 to 10 minutes. Needs ``adaptive``.
        bulk_share: the share of the calls that the bulk lane gets while interactive calls fill the queue.
        per_day: calls a day, of all callers together; None for any number.
        interactive_reserve: how many of the day's calls are reserved for interactive calls.
        day_starts: when Gong's day resets, such as ``time(0, tzinfo=ZoneInfo("UTC"))``; None for a rolling 24
            hours.
        day_store: the file that counts the day's calls across restarts and processes; None to count in memory.
        count_rate_limited: whether a call that is answered 429 counts against the day. Gong does not say; this is
            the careful reading.

    Raises:
        ValueError: a number is out of its range; all that are wrong are named at once.
    """

    per_second: float = 3.0
    window: float = 1.0
    headroom: float = 0.03
    adaptive: bool = True
    seek_raised_limit: bool = False
    bulk_share: float = 0.1
    per_day: int | None = 10_000
    interactive_reserve: int = 500
    day_starts: time | None = None
    day_store: Path | None = field(default=None, converter=_as_path)
    count_rate_limited: bool = True

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
        if self.seek_raised_limit and not self.adaptive:
            yield "seek_raised_limit needs adaptive"
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
        """Calls in one window, at most."""
        return max(1, math.floor(self.per_second * self.window))

    def allowed(self, lane: Lane) -> int:
        """Calls of a day after which a lane gets no permit.

        Args:
            lane: the lane.
        """
        if self.per_day is None:
            return sys.maxsize
        return self.per_day - (self.interactive_reserve if lane is Lane.BULK else 0)

    @property
    def hold(self) -> float:
        """Seconds for which a call counts after its response, at least a spacing."""
        return max(self.window, 1.0 / self.per_second)
