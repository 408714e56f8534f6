"""The limits of calls to Gong, and the lanes that share them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from datetime import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from gong_tasks_async.errors.checks import (
    count_problem,
    described,
    flag_problem,
    kind_problem,
    number_of,
    refuse,
)


class Lane(Enum):
    """Who waits for a permit: an interactive caller, or a bulk job."""

    INTERACTIVE = "interactive"
    BULK = "bulk"

    if not TYPE_CHECKING:  # a slot, not a method
        # Members are single, and Enum's own hash is a Python function that every permit would call ten times.
        __hash__ = object.__hash__


def _as_path(value: Path | str | None) -> Path | None:
    return Path(value) if isinstance(value, str) else value  # a wrong type is refused with all other problems


def _rate_problem(name: str, value: object) -> str | None:
    number = number_of(value)
    if number is not None and 0 < number < math.inf:
        return None
    return f"{name} must be more than 0 and finite, not {value if number is not None else described(value)}"


def _share_problem(name: str, value: object, example: str) -> str | None:
    number = number_of(value)
    if number is not None and 0 <= number < 1:
        return None
    shown = value if number is not None else described(value)
    return f"{name} must be in 0..1, such as {example}, not {shown}"


def _day_start_problem(value: object) -> str | None:
    example = "time(0, tzinfo=ZoneInfo('America/Los_Angeles'))"
    if problem := kind_problem("day_starts", value, time, f"a time of day such as {example}", or_none=True):
        return problem
    if isinstance(value, time) and value.tzinfo is None:
        return f"day_starts has no time zone: add one, such as {example}"
    return None


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
        refuse("QuotaLimits", self._problems())

    def _problems(self) -> Iterator[str | None]:
        yield _rate_problem("per_second", self.per_second)
        yield _rate_problem("window", self.window)
        yield _share_problem("headroom", self.headroom, "0.03 for 3 %")
        yield _share_problem("bulk_share", self.bulk_share, "0.1 for a tenth")
        for name in ("adaptive", "seek_raised_limit", "count_rate_limited"):
            yield flag_problem(name, getattr(self, name))
        if self.seek_raised_limit is True and self.adaptive is False:
            yield "seek_raised_limit needs adaptive"
        yield from self._day_problems()
        yield kind_problem("day_store", self.day_store, Path, "the path of a file", or_none=True)

    def _day_problems(self) -> Iterator[str | None]:
        reserve, per_day = self.interactive_reserve, self.per_day
        wrong_reserve = count_problem("interactive_reserve", reserve, at_least=0)
        wrong_day = None if per_day is None else count_problem("per_day", per_day)
        yield wrong_reserve
        yield wrong_day and wrong_day.replace(", not", ", or None for any number, not")
        if per_day is not None and not (wrong_reserve or wrong_day) and reserve >= per_day:
            yield f"interactive_reserve {reserve} leaves nothing of per_day {per_day} for bulk"
        yield _day_start_problem(self.day_starts)

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
