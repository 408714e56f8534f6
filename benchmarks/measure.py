"""The measuring core: contenders take turns in shuffled rounds, and are told as ratios with intervals.

A machine that gets slower or faster for a while does so to all contenders of a round, and the shuffle keeps any
of them from always following the same one. So costs are compared within a round, and the median of the rounds
counts. The base takes part twice, under its own name and as its control: both are the same code, so that the
ratio of the two (A/A) says how far the others can be trusted.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from attrs import frozen

Cost = Callable[[], float]
"""Does a contender's block of work once, and says what that cost."""

RESAMPLES = 2_000
TRUSTED = (0.97, 1.03)
"""Where the control has to be; outside it, the run is called noisy."""


@frozen
class Figure:
    """A median, and the interval in which it is with 95 % confidence."""

    value: float
    low: float
    high: float


@frozen
class Scale:
    """How much work a run is worth."""

    full: bool
    seed: int = 1

    def pick(self, quick: int, full: int) -> int:
        """One of two numbers."""
        return full if self.full else quick


@frozen
class Comparison:
    """What each contender's blocks have cost, round by round, and with whom they are compared."""

    name: str
    costs: Mapping[str, Sequence[float]]
    base: str | None = None
    """None where the costs themselves are the figures, in this unit."""
    unit: str = ""

    def figure(self, contender: str, over: str | None = None) -> Figure:
        """A contender's ratio over another one, by default the base; its own cost where there is none."""
        over = over or self.base
        if over is None:
            return median_with_interval(self.costs[contender])
        pairs = zip(self.costs[contender], self.costs[over], strict=True)
        return median_with_interval([cost / other for cost, other in pairs])

    @property
    def control(self) -> Figure | None:
        """The base over itself."""
        name = f"{self.base} again"
        return self.figure(name) if name in self.costs else None

    @property
    def noisy(self) -> bool:
        """Whether the same code came out as two different costs."""
        return self.control is not None and not TRUSTED[0] <= self.control.value <= TRUSTED[1]


def median_with_interval(values: Sequence[float], seed: int = 1) -> Figure:
    """The median of a sample and its 95 % interval, by the percentile bootstrap."""
    return _with_interval(tuple(values), seed)


@cache
def _with_interval(values: tuple[float, ...], seed: int) -> Figure:
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = RESAMPLES // 40
    return Figure(statistics.median(values), medians[tail], medians[-tail - 1])


def compare(name: str, contenders: Mapping[str, Cost], base: str, rounds: int, seed: int) -> Comparison:
    """Measure contenders against one of them, which takes part twice."""
    controlled = {**contenders, f"{base} again": contenders[base]}
    costs = in_rounds(controlled, rounds, seed)
    usual = statistics.median(costs[base])  # absolute costs are this machine's, and are not kept
    return Comparison(name, {who: [cost / usual for cost in spent] for who, spent in costs.items()}, base)


def in_rounds(contenders: Mapping[str, Cost], rounds: int, seed: int) -> dict[str, list[float]]:
    """What each contender's blocks cost, in so many rounds of random order."""
    order = random.Random(seed)
    for cost in contenders.values():
        cost()  # connections, caches
    gc.collect()
    gc.freeze()  # other contenders' modules would make this one's collections longer
    try:
        spent: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name in order.sample(list(contenders), len(contenders)):
                spent[name].append(contenders[name]())
    finally:
        gc.unfreeze()
    return spent


def timed(work: Callable[[], object], calls: int = 1, clock: Callable[[], float] = time.process_time) -> Cost:
    """The cost of each of a block's calls by a clock: by default CPU, that of all threads of this process."""

    def cost() -> float:
        gc.collect()  # nobody pays for another one's garbage
        started = clock()
        work()
        return (clock() - started) / calls

    return cost
