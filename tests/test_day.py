from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async.quota.day import DAY, Day, FixedDay, RollingDay, ready_at

MIDNIGHT = time(0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 8), 23), ((2026, 11, 1), 25), ((2026, 6, 1), 24)])
@pytest.mark.parametrize("starts", [time(0), time(1, 30), time(2, 30), time(17)])
def test_a_fixed_day_is_as_long_as_the_clocks_make_it(
    date: tuple[int, int, int], hours: int, starts: time
) -> None:
    day = FixedDay(starts.replace(tzinfo=NEW_YORK))
    turns = {day.expires_at(datetime(*date, tzinfo=NEW_YORK).timestamp() + m * 900) for m in range(-96, 192)}
    lengths = [later - earlier for earlier, later in zip(sorted(turns), sorted(turns)[1:], strict=False)]
    # A turn that falls into the gap of spring comes at half past three instead.
    expected = {24, hours} if (starts, hours) != (time(2, 30), 23) else {24, 23}
    assert {length / 3600 for length in lengths} == expected
    for turn in turns:
        assert day.expires_at(turn + 1) in {turn + length * 3600 for length in (23, 24, 25)}
        assert day.expires_at(turn - 1) == turn


def reference(
    calls: int, now: float, spacing: float, allowed: int, made: list[float], day: Day, turns: list[float]
) -> float:
    """One call after the other, each at the first moment at which the day's rule lets it through."""
    moments, moment = list(made), now

    def counted(at: float) -> int:
        if isinstance(day, RollingDay):
            return sum(at - DAY < made <= at for made in moments)
        return sum(bisect_right(turns, made) == bisect_right(turns, at) for made in moments)

    for _ in range(calls):
        expires_at = [made + DAY for made in moments] if isinstance(day, RollingDay) else turns
        moment = min(at for at in [moment, *expires_at] if at >= moment and counted(at) < allowed)
        moments.append(moment)
        moment += spacing
    return moments[-1]


DAYS = [RollingDay(), FixedDay(MIDNIGHT), FixedDay(time(4, 30, tzinfo=NEW_YORK))]


@pytest.mark.parametrize("day", DAYS, ids=["rolling", "midnight", "new-york"])
@settings(max_examples=150, deadline=None)
@given(
    calls=st.integers(1, 25),
    now=st.integers(0, 30 * 86_400).map(lambda at: datetime(2026, 10, 20, tzinfo=UTC).timestamp() + at),
    spacing=st.sampled_from([1, 10, 1_000, 20_000, 50_000]),
    allowed=st.integers(1, 6),
    ages=st.lists(st.integers(0, 86_399), max_size=9),
)
def test_ready_at_agrees_with_going_through_the_days_call_by_call(
    day: Day, calls: int, now: float, spacing: float, allowed: int, ages: list[int]
) -> None:
    made = sorted(now - age for age in ages if now - age > day.since(now))
    turns: list[float] = []
    if isinstance(day, FixedDay):
        first = datetime.combine(datetime.fromtimestamp(now, day.starts.tzinfo).date(), day.starts)
        turns = [(first + timedelta(days=days)).timestamp() for days in range(-2, 60)]
    foretold = ready_at(calls, now=now, spacing=spacing, allowed=allowed, made=made, day=day)
    assert foretold == reference(calls, now, spacing, allowed, made, day, turns)


def test_without_a_daily_limit_only_the_spacing_takes_time() -> None:
    assert ready_at(10**6, now=5.0, spacing=0.5, allowed=None, made=[], day=RollingDay()) == 5 + 999_999 * 0.5
