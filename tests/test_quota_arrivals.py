"""When the next call may depart, given the calls in flight and those that arrived lately: plain arithmetic."""

from __future__ import annotations

import random

import pytest

from gong_tasks_async.quota.ladder import Window
from gong_tasks_async.quota.local.arrivals import Arrivals

WHOLE, ONE = Window(3, 1.0), Window(1, 0.4)


def departed(*moments: float) -> tuple[Arrivals, list[int]]:
    arrivals = Arrivals(retention=2.0)
    return arrivals, [arrivals.depart(moment) for moment in moments]


def test_a_window_with_room_is_free_now() -> None:
    arrivals, _ = departed(10.0, 10.1)
    assert arrivals.free_at([WHOLE], 10.2) == 10.2
    assert arrivals.free_at([], 10.2) == 10.2


def test_calls_without_an_answer_fill_it_until_they_count_as_arrived_five_seconds_later() -> None:
    arrivals, _ = departed(10.0, 10.1, 10.2)
    assert arrivals.free_at([WHOLE], 10.2) == pytest.approx(16.0)
    assert arrivals.free_at([WHOLE], 15.05) == pytest.approx(16.0)
    assert arrivals.free_at([WHOLE], 16.0) == 16.0


def test_an_answer_frees_its_place_once_the_window_has_passed_it_and_at_that_very_moment() -> None:
    arrivals, (first, second, _) = departed(10.0, 10.1, 10.2)
    arrivals.arrive(second, 10.5)
    assert arrivals.free_at([WHOLE], 10.5) == pytest.approx(11.5)
    arrivals.arrive(first, 10.75)
    assert arrivals.free_at([WHOLE], 10.75) == pytest.approx(11.5)
    assert arrivals.free_at([WHOLE], 11.25) == 11.5
    assert arrivals.free_at([WHOLE], 11.5) == 11.5


def test_a_fuller_window_waits_for_as_many_arrivals_to_pass_as_it_has_too_many() -> None:
    arrivals, calls = departed(10.0, 10.1, 10.2, 10.3)
    for call, moment in zip(calls, (10.5, 10.6, 10.7, 10.9), strict=True):
        arrivals.arrive(call, moment)
    assert arrivals.free_at([WHOLE], 11.0) == pytest.approx(11.6)
    assert arrivals.free_at([Window(1, 1.0)], 11.0) == pytest.approx(11.9)


def test_of_several_windows_the_last_to_be_free_counts() -> None:
    arrivals, (call,) = departed(10.0)
    assert arrivals.free_at([WHOLE, ONE], 10.0) == pytest.approx(15.4)
    arrivals.arrive(call, 10.2)
    assert arrivals.free_at([WHOLE, ONE], 10.2) == arrivals.free_at([ONE, WHOLE], 10.2) == pytest.approx(10.6)


def test_a_call_that_never_left_takes_no_place() -> None:
    arrivals, (_, second, _) = departed(10.0, 10.1, 10.2)
    arrivals.forget(second)
    assert arrivals.free_at([WHOLE], 10.2) == 10.2
    arrivals.forget(99)


def test_a_late_answer_counts_when_it_comes_and_an_earlier_moment_stays_in_its_place() -> None:
    arrivals, (slow, quick, _) = departed(10.0, 14.0, 14.5)
    assert arrivals.free_at([ONE], 15.25) > 15.25  # the first counts as arrived at 15 by now
    arrivals.arrive(quick, 14.75)
    arrivals.arrive(slow, 15.25)
    assert arrivals._arrived == [14.75, 15.0, 15.25]


def test_an_answer_goes_between_those_before_and_after_it() -> None:
    arrivals, (_, quick, later) = departed(10.0, 14.0, 14.5)
    arrivals.arrive(quick, 14.25)
    assert arrivals.free_at([ONE], 15.25) > 15.25  # the first counts as arrived at 15 by now
    arrivals.arrive(later, 14.75)
    assert arrivals._arrived == [14.25, 14.75, 15.0]


def test_arrivals_that_a_window_has_passed_do_not_hide_the_calls_it_waits_for() -> None:
    arrivals, (first, second, *_) = departed(10.0, 10.1, 11.0, 11.25, 11.5)
    arrivals.arrive(first, 10.25)
    arrivals.arrive(second, 10.5)
    assert arrivals.free_at([Window(2, 0.5)], 11.5) == 11.25 + 5.0 + 0.5  # the second of three in flight
    assert arrivals.free_at([Window(3, 0.5)], 11.5) == 11.0 + 5.0 + 0.5
    assert arrivals.free_at([Window(4, 0.5)], 11.5) == 11.5


def test_what_no_window_reaches_is_dropped() -> None:
    arrivals, calls = departed(10.0, 10.0, 10.0)
    for call, moment in zip(calls, (10.0, 10.5, 12.0), strict=True):
        arrivals.arrive(call, moment)
    arrivals.free_at([WHOLE], 12.25)
    assert arrivals._arrived == [10.5, 12.0]
    arrivals.free_at([WHOLE], 12.5)
    assert arrivals._arrived == [10.5, 12.0]  # nothing is old enough to look for more


def test_another_clock_shifts_all_that_is_counted() -> None:
    arrivals, (first, _, _) = departed(10.0, 10.1, 10.2)
    arrivals.arrive(first, 10.5)
    arrivals.shift(100.0)
    assert arrivals.free_at([WHOLE], 110.5) == pytest.approx(111.5)
    assert arrivals.free_at([Window(2, 1.0)], 110.5) == pytest.approx(116.1)


@pytest.mark.parametrize("seed", range(20))
def test_what_departed_less_what_was_dropped_is_what_is_counted(seed: int) -> None:
    arrivals, chance, now, open_calls = Arrivals(retention=2.0), random.Random(seed), 0.0, [99]
    for _ in range(60):
        now += chance.choice([0.0, 0.25, 1.0, 6.0])
        step = chance.choice(["depart", "depart", "arrive", "forget", "look"])
        if step == "depart":
            open_calls.append(arrivals.depart(now))
        elif step == "look":
            arrivals.free_at([ONE], now)
        else:
            call = chance.choice(open_calls)
            if step == "forget":
                arrivals.forget(call)
            elif call != 99:
                open_calls.remove(call)
                arrivals.arrive(call, now)
        assert arrivals.departures - arrivals.dropped == len(arrivals._in_flight) + len(arrivals._arrived)


def test_a_window_that_cannot_be_full_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[float]()
    monkeypatch.setattr(Arrivals, "_settle", lambda _, now: looks.append(now))
    arrivals, calls = departed(*(10.0 for _ in range(5)))
    for call in calls[:3]:
        arrivals.forget(call)
    assert (arrivals.free_at([WHOLE], 10.0), looks) == (10.0, [])
    assert arrivals.free_at([ONE], 10.0) > 10.0
    assert looks == [10.0]
