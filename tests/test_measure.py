"""The measuring core of the benchmarks, with costs that are known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from benchmarks.measure import Comparison, compare, in_rounds, median_with_interval

costs = st.lists(st.floats(0.001, 1000.0), min_size=1, max_size=40)


@given(costs)
def test_the_median_lies_within_its_interval_and_that_within_the_sample(values: list[float]) -> None:
    figure = median_with_interval(values)
    assert min(values) <= figure.low <= figure.value <= figure.high <= max(values)


def test_more_rounds_make_the_interval_narrower() -> None:
    few, many = (median_with_interval([1.0, 1.1, 1.2, 1.3] * times) for times in (2, 40))
    assert many.high - many.low < few.high - few.low


def test_a_ratio_is_taken_within_each_round() -> None:
    slow_machine = [1.0, 10.0, 3.0]
    comparison = Comparison(
        "it", {"base": slow_machine, "twice": [2 * cost for cost in slow_machine]}, "base"
    )
    figure = comparison.figure("twice")
    assert (figure.low, figure.value, figure.high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_ratio_of_two_others_goes_past_the_base() -> None:
    comparison = Comparison("it", {"base": [1.0], "ours": [2.0], "theirs": [6.0]}, "base")
    assert comparison.figure("theirs", over="ours").value == 3.0


def test_without_a_base_the_costs_are_the_figures() -> None:
    comparison = Comparison("it", {"ours": [7.0, 9.0, 8.0]}, unit="ms")
    assert (comparison.figure("ours").value, comparison.control) == (8.0, None)


def test_the_base_takes_part_twice_and_a_difference_is_called_noise() -> None:
    quiet = compare("it", {"base": lambda: 1.0}, "base", rounds=3, seed=1)
    assert (quiet.control is not None, quiet.noisy) == (True, False)
    drifting = itertools.count(1)
    noisy = compare("it", {"base": lambda: float(next(drifting) ** 3)}, "base", rounds=1, seed=1)
    assert noisy.noisy


def test_everybody_has_one_turn_in_each_round_in_an_order_of_chance() -> None:
    seen: list[str] = []

    def cost(name: str) -> float:
        seen.append(name)
        return 1.0

    names = ("a", "b", "c")
    spent = in_rounds({name: lambda name=name: cost(name) for name in names}, rounds=20, seed=1)  # type: ignore[misc]  # bound now
    rounds = [tuple(seen[place : place + 3]) for place in range(3, len(seen), 3)]
    assert {name: len(values) for name, values in spent.items()} == dict.fromkeys(names, 20)
    assert all(sorted(order) == list(names) for order in rounds)
    assert len(set(rounds)) == 6
