from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings, strategies as st

from gong_tasks_async.bulk.calendar import next_working_day
from gong_tasks_async.bulk.selection import (
    Change,
    dismiss,
    due_on,
    mark_done,
    move_due_by,
    move_due_to_next_working_day,
    reopen,
)
from gong_tasks_async.models import Task, TaskStatus, TaskUpdate

BERLIN = ZoneInfo("Europe/Berlin")
PACIFIC = timezone(timedelta(hours=-8))
FRIDAY = datetime(2026, 3, 6, 9, 30, tzinfo=PACIFIC)
TASK = Task(id=7, user_id="1", due_date=FRIDAY)
BARE = Task(id=8, user_id="1")


def fixed(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


NAIVE_MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1))  # noqa: DTZ001 - made aware below
FIXED_ZONES = st.integers(-14 * 60, 14 * 60).map(fixed)
ZONES = FIXED_ZONES | st.sampled_from(
    [
        UTC,
        BERLIN,
        ZoneInfo("America/Los_Angeles"),
        ZoneInfo("Australia/Lord_Howe"),
        ZoneInfo("Africa/Casablanca"),
    ]
)


def aware(zones: st.SearchStrategy[Any]) -> st.SearchStrategy[datetime]:
    return st.builds(lambda moment, zone: moment.replace(tzinfo=zone), NAIVE_MOMENTS, zones)


DAYS = st.integers(-4_000, 4_000).filter(bool)
WEEKENDS = st.frozensets(st.integers(0, 6), max_size=6)


def moved(change: Change, due: datetime) -> datetime:
    update = change(Task(id=7, user_id="1", due_date=due))
    assert update.due_date is not None
    assert (update.status, update.priority) == (None, None)
    return update.due_date


def is_real(moment: datetime) -> bool:
    """Whether the clocks of its zone ever show it."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(
        tzinfo=None
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (move_due_by, "moves nothing"),
        (lambda: move_due_by(days=1.5), "whole number"),  # type: ignore[arg-type]
        (lambda: move_due_to_next_working_day(range(7)), "not all of them"),
        (lambda: move_due_to_next_working_day([7]), "0 .Monday. to 6"),
        (lambda: due_on(FRIDAY), "takes a date"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_task_is_seen(
    make: Callable[[], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("change", "status"),
    [(mark_done, TaskStatus.DONE), (dismiss, TaskStatus.DISMISSED), (reopen, TaskStatus.OPEN)],
)
def test_changes_of_status(change: Change, status: TaskStatus) -> None:
    assert change(TASK) == TaskUpdate(7, "1", status=status)


@pytest.mark.parametrize(
    ("change", "due"),
    [
        (move_due_by(days=3), "2026-03-09T09:30:00-08:00"),
        (move_due_by(hours=-10), "2026-03-05T23:30:00-08:00"),
        (move_due_by(days=1, hours=0.5), "2026-03-07T10:00:00-08:00"),
        (move_due_by(days=7, zone=BERLIN), "2026-03-13T18:30:00+01:00"),
        (move_due_to_next_working_day(), "2026-03-09T09:30:00-08:00"),
        (move_due_to_next_working_day((4, 5)), "2026-03-08T09:30:00-08:00"),
        (move_due_to_next_working_day(()), "2026-03-07T09:30:00-08:00"),
        (due_on(date(2026, 7, 1)), "2026-07-01T09:30:00-08:00"),
        (due_on(date(2026, 7, 1), zone=ZoneInfo("America/Los_Angeles")), "2026-07-01T09:30:00-07:00"),
    ],
)
def test_changes_of_the_due_date(change: Change, due: str) -> None:
    assert moved(change, FRIDAY).isoformat() == due


def test_days_are_those_of_the_zone_that_is_given() -> None:
    friday_evening = datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert moved(move_due_to_next_working_day(zone=PACIFIC), friday_evening).isoformat() == (
        "2026-03-09T19:00:00-08:00"
    )
    sunday_in_sydney = datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert moved(
        move_due_to_next_working_day(zone=ZoneInfo("Australia/Sydney")), sunday_in_sydney
    ).date() == (date(2026, 3, 9))


def test_days_keep_the_time_of_day_and_hours_pass() -> None:
    before_summer_time = datetime(2026, 3, 28, 9, tzinfo=BERLIN)
    assert moved(move_due_by(days=1), before_summer_time).isoformat() == "2026-03-29T09:00:00+02:00"
    assert moved(move_due_by(hours=24), before_summer_time).isoformat() == "2026-03-29T10:00:00+02:00"


@pytest.mark.parametrize("fold", [0, 1])
def test_a_time_that_the_clocks_skip_is_the_one_as_much_later(fold: int) -> None:
    due = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold)
    assert moved(due_on(date(2026, 3, 29)), due).isoformat() == "2026-03-29T03:30:00+02:00"


def test_an_hour_that_comes_twice_stays_the_second_one() -> None:
    second = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
    assert moved(due_on(second.date()), second).utcoffset() == timedelta(hours=1)
    assert moved(move_due_by(hours=-1), second).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("change", [move_due_by(days=1), move_due_to_next_working_day()])
def test_a_task_that_cannot_be_moved_is_named(change: Change) -> None:
    with pytest.raises(ValueError, match=r"task 8 has no due date to move: .* has_due_date"):
        change(BARE)
    with pytest.raises(ValueError, match=r"task 9: .* beyond the calendar"):
        change(Task(id=9, user_id="1", due_date=datetime.max.replace(tzinfo=PACIFIC)))


@settings(deadline=None)
@given(aware(FIXED_ZONES), DAYS, st.integers(-99, 99))
def test_there_and_back_is_the_identity_for_fixed_offsets(due: datetime, days: int, hours: int) -> None:
    there = moved(move_due_by(days=days, hours=hours), due)
    back = moved(move_due_by(days=-days, hours=-hours), there)
    assert (back, back.utcoffset()) == (due, due.utcoffset())
    assert there - due == timedelta(days=days, hours=hours)


@settings(deadline=None)
@given(aware(ZONES), DAYS)
def test_days_keep_the_time_of_day_and_the_zone(due: datetime, days: int) -> None:
    expected = (due + timedelta(days=days)).replace(tzinfo=None)
    assume(is_real(expected.replace(tzinfo=due.tzinfo)))
    after = moved(move_due_by(days=days), due)
    assert after.tzinfo is due.tzinfo
    assert after.replace(tzinfo=None) == expected


@settings(deadline=None)
@given(aware(ZONES), st.integers(-9_999, 9_999).filter(bool))
def test_hours_are_hours_that_pass(due: datetime, hours: int) -> None:
    after = moved(move_due_by(hours=hours), due)
    assert after.astimezone(UTC) - due.astimezone(UTC) == timedelta(hours=hours)
    assert after.tzinfo is due.tzinfo


@settings(deadline=None)
@given(aware(ZONES), WEEKENDS)
def test_the_next_working_day_is_no_day_of_rest_and_keeps_the_time(
    due: datetime, weekend: frozenset[int]
) -> None:
    after = moved(move_due_to_next_working_day(weekend), due)
    between = [due.date() + timedelta(days=n) for n in range(1, (after.date() - due.date()).days)]
    assert after.date() > due.date()
    assert after.weekday() not in weekend
    assert all(day.weekday() in weekend for day in between)
    if is_real(datetime.combine(after.date(), due.timetz())):
        assert after.time() == due.time()


@settings(deadline=None)
@given(st.dates(date(1971, 1, 1), date(2037, 1, 1)), aware(ZONES))
def test_due_on_sets_the_day_once(day: date, due: datetime) -> None:
    once = moved(due_on(day), due)
    assert once.date() == day
    assert moved(due_on(day), once) == once


@settings(deadline=None)
@given(st.dates(max_value=date(9999, 12, 24)), WEEKENDS)
def test_the_next_working_day_comes_within_a_week(day: date, weekend: frozenset[int]) -> None:
    assert timedelta() < next_working_day(day, weekend) - day <= timedelta(days=7)
