"""What is promised of any window, whatever the network does: the proof is in docs/developers/pacing.md."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gong_tasks_async import Lane, LocalQuota, QuotaLimits
from gong_tasks_async.quota.ladder import ARRIVED_AFTER, CALM, WINDOW_TRUST
from gong_tasks_async.simulator import VirtualClockLoop

Ways = Iterator[tuple[float, float]]
"""Seconds there and back of each call, in the order of departure."""
WORKERS = 8


def most_in_a_window(arrivals: list[float], seconds: float) -> int:
    """The most arrivals in any half-open window."""
    most, window = 0, deque[float]()
    for moment in sorted(arrivals):
        window.append(moment)
        while window[0] <= moment - seconds + 1e-9:
            window.popleft()
        most = max(most, len(window))
    return most


def arrivals_of(
    calls: int, ways: Ways, limits: QuotaLimits, refused: Callable[[], bool] = lambda: False
) -> list[float]:
    """When so many calls of one quota arrive, made by workers that are always busy."""
    arrivals: list[float] = []

    async def work(quota: LocalQuota, left: Iterator[int]) -> None:
        for _ in left:
            permit = await quota.acquire(Lane.BULK)
            there, back = next(ways)
            await asyncio.sleep(there)
            arrivals.append(asyncio.get_running_loop().time())
            await asyncio.sleep(back)
            status = 429 if refused() else 200
            quota.release(permit, status=status)
            if status == 429:
                quota.pause(1.0)

    async def main() -> None:
        quota, left = LocalQuota(limits), iter(range(calls))
        await asyncio.gather(*(work(quota, left) for _ in range(WORKERS)))

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(main())
    return arrivals


def quota_limits(per_second: float, window: float = 1.0) -> QuotaLimits:
    return QuotaLimits(per_second=per_second, window=window, per_day=None, interactive_reserve=0)


way = st.one_of(
    st.sampled_from([0.0, 0.001, 0.33, 0.34, 0.999, 1.0, 2.0]), st.floats(0, ARRIVED_AFTER / 2 - 0.01)
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    ways=st.lists(st.tuples(way, way), min_size=1, max_size=30),
    per_second=st.sampled_from([1.0, 2.0, 3.0, 3.5, 5.0]),
    window=st.sampled_from([1.0, 2.0]),
    refusals=st.integers(0, 2**30),
)
def test_no_window_sees_more_arrivals_than_the_limit_whatever_the_latency(
    ways: list[tuple[float, float]], per_second: float, window: float, refusals: int
) -> None:
    limits, chance = quota_limits(per_second, window), Random(refusals)
    arrivals = arrivals_of(
        60, itertools.cycle(ways), limits, lambda: refusals % 3 == 0 and chance.random() < 0.1
    )
    assert most_in_a_window(arrivals, window) <= limits.slots


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(least=st.floats(0.005, 0.3), spread=st.floats(1.0, 1.4 / WINDOW_TRUST / 2), seed=st.integers(0, 2**30))
def test_nor_when_the_quickest_round_trip_is_relied_on_while_no_way_falls_to_a_third_of_it(
    least: float, spread: float, seed: int
) -> None:
    chance = Random(seed)
    ends = (least, least * spread)
    ways = ((chance.choice(ends), chance.choice(ends)) for _ in itertools.count())
    assert most_in_a_window(arrivals_of(CALM + 300, ways, quota_limits(3.0)), 1.0) <= 3


NETWORKS: dict[str, Callable[[Random], tuple[float, float]]] = {
    "15-150 ms each way": lambda chance: (chance.uniform(0.015, 0.15), chance.uniform(0.015, 0.15)),
    "lognormal": lambda chance: (0.04 * 2.718 ** chance.gauss(0, 1), 0.04 * 2.718 ** chance.gauss(0, 1)),
    "one way alone": lambda chance: (chance.uniform(0, 0.5), 0.0),
    "the other alone": lambda chance: (0.0, chance.uniform(0, 0.5)),
    "fast or slow": lambda chance: (chance.choice([0.002, 0.4]), chance.choice([0.002, 0.4])),
    "slow server": lambda chance: (chance.uniform(0.01, 0.03), chance.uniform(0.21, 0.43)),
    "up to 3 s": lambda chance: (chance.uniform(0, 3), 0.01),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_nor_in_a_thousand_calls_of_each_kind_of_network(name: str) -> None:
    chance = Random(7)
    ways = (NETWORKS[name](chance) for _ in itertools.count())
    assert most_in_a_window(arrivals_of(1_000, ways, quota_limits(3.0)), 1.0) <= 3


def test_what_is_excepted_a_network_that_becomes_many_times_quicker_at_once_costs_one_call() -> None:
    slow = [(0.4, 0.0)] * 400
    ways = itertools.chain(slow, itertools.cycle([(0.0, 0.0)]))
    assert most_in_a_window(arrivals_of(600, ways, quota_limits(3.0)), 1.0) <= 4


def test_what_is_excepted_a_call_that_hangs_counts_as_arrived_before_it_does() -> None:
    ways = itertools.chain([(9.0, 0.0)], itertools.cycle([(0.0, 0.0)]))
    assert most_in_a_window(arrivals_of(60, ways, quota_limits(3.0)), 1.0) <= 4
