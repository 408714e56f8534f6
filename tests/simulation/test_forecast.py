"""What a simulated company comes to: its forecast agrees with arithmetic, and shows what is known to happen."""

from __future__ import annotations

import random

import pytest

from gong_tasks_async import QuotaLimits
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.simulation import Scenario, Sharing, simulate
from gong_tasks_async.simulator import SecondLimit


def test_a_job_alone_takes_its_rows_times_the_spacing() -> None:
    forecast = simulate(Scenario(rows=200, round_trip=(0.001, 0.001)))
    assert forecast.seconds == pytest.approx(200 * 1.03 / 3, rel=0.02)
    assert (forecast.finished, forecast.calls, forecast.rate_limited, forecast.day_used) == (
        True,
        200,
        0,
        200,
    )
    assert sum(part.bulk for part in forecast.slices) == 200


def test_people_hardly_wait_for_a_bulk_job() -> None:
    forecast = simulate(Scenario(rows=300, calls_a_minute=20))
    assert len(forecast.waits) > 20
    assert forecast.wait(0.5) < 0.4
    assert forecast.wait(0.99) < 2.0
    assert forecast.unanswered == 0


def test_a_day_that_is_spent_is_waited_for() -> None:
    forecast = simulate(Scenario(rows=25, limits=QuotaLimits(per_day=20, interactive_reserve=5)))
    assert forecast.finished
    assert 86_400 < forecast.seconds < 90_000
    assert forecast.rate_limited == 0


def test_time_bounds_what_never_ends() -> None:
    limits = QuotaLimits(per_day=20, interactive_reserve=5)
    forecast = simulate(Scenario(rows=60, limits=limits, hours=2))
    assert (forecast.finished, forecast.settled, round(forecast.seconds)) == (False, 15, 7_200)


def test_three_quotas_that_know_nothing_of_each_other_exceed_the_limit_and_one_does_not() -> None:
    most = {}
    for sharing in Sharing:
        scenario = Scenario(rows=100, calls_a_minute=120, processes=3, sharing=sharing, rule=SecondLimit.NONE)
        most[sharing] = simulate(scenario).most_in_a_second
    assert most[Sharing.SHARED] <= 3
    assert most[Sharing.DIVIDED] <= 3
    assert most[Sharing.SEPARATE] > 3


def test_a_neighbour_costs_time_and_429s() -> None:
    alone, beside = (simulate(Scenario(rows=200, neighbours=rates)) for rates in ((), (1.0,)))
    assert beside.seconds > 1.5 * alone.seconds
    assert beside.rate_limited > alone.rate_limited == 0
    assert beside.neighbour_calls > 0


def test_the_same_scenario_comes_to_the_same_end_and_leaves_the_random_numbers_alone() -> None:
    scenario = Scenario(rows=60, calls_a_minute=30, neighbours=(0.5,))
    random.seed(7)
    state = random.getstate()
    assert simulate(scenario) == simulate(scenario)
    assert random.getstate() == state


def test_all_that_makes_no_sense_is_named_at_once() -> None:
    with pytest.raises(InvalidValueError) as caught:
        Scenario(processes=0, rows=-1, neighbours=(99.0,), round_trip=(2.0, 1.0), hours=0)
    assert len(caught.value.problems) == 5
    with pytest.raises(InvalidValueError, match="there is nothing to simulate"):
        Scenario()
