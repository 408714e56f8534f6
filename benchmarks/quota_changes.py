"""How soon the pace follows when the company changes: a neighbour leaves, a limit is lowered and raised again.

    python -m benchmarks.quota_changes            # some 2 minutes on two cores
    python -m benchmarks.quota_changes --quick    # one seed of each

The full pace is back where a window of two minutes begins in which the client gets 0.95 of what it gets alone, on
average. With ``seek_raised_limit`` it is what the client gets of 6 a second that it was told of. Simulated as in
``quota_grid``; each line is of some seeds: the median and the worst.
"""

from __future__ import annotations

import argparse
import itertools
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import fmean, median

from attrs import frozen

from benchmarks.grid_world import LIMITS, LadderPace, World
from gong_tasks_async import QuotaLimits

CHANGED_AT = 1_500.0
AFTERWARDS = 3_600.0
WINDOW = 120.0
AS_FULL = 0.95
RULES = ("sliding second", "bucket of 3", "strict spacing")
NETWORKS = ("40-120 ms", "30-300 ms")
SEEKING = QuotaLimits(seek_raised_limit=True)


@frozen
class Change:
    """What changes, beside what, and which pace is full afterwards."""

    name: str
    neighbour: str
    limits: Sequence[tuple[float, int]] = ()
    settings: QuotaLimits = LIMITS
    full: float = AS_FULL
    """The share of what a client gets alone that is its full pace."""
    within: float = 720.0
    """The aim, in seconds."""
    rules: tuple[str, ...] = RULES


CHANGES = (
    Change("a neighbour of 1/s, even, leaves", "1/s, even"),
    Change("a neighbour of 1/s, Poisson, leaves", "1/s, Poisson"),
    Change("a neighbour of 10 each 20 s leaves", "10 each 20 s"),
    Change("the limit: 3, 1, 3", "none", ((300.0, 1), (CHANGED_AT, 3))),
    Change(
        "the limit: 3, 6, with seek_raised_limit",
        "none",
        ((CHANGED_AT, 6),),
        SEEKING,
        full=0.9,
        within=1_500.0,
        rules=("sliding second", "bucket of 3"),
    ),
)


@frozen
class Job:
    """One simulation."""

    change: Change
    rule: str
    network: str
    seed: int

    def run(self) -> float:
        """Seconds from the change until the full pace is back; infinite where it does not come."""
        make = partial(LadderPace, limits=self.change.settings)
        full = self.change.full * self._rate_alone()
        world = World(
            make,
            self.rule,
            self.network,
            self.change.neighbour,
            self.seed,
            neighbour_leaves=CHANGED_AT,
            changes=self.change.limits,
        )
        world.run(CHANGED_AT + AFTERWARDS)
        return _back_after(world.clients[0].admitted, full)

    def _rate_alone(self) -> float:
        """Calls a second of a client that is told the last limit, alone."""
        last = self.change.limits[-1][1] if self.change.limits else LIMITS.per_second
        make = partial(LadderPace, limits=QuotaLimits(per_second=last))
        world = World(make, self.rule, self.network, "none", self.seed, changes=((0.0, int(last)),))
        world.run(AFTERWARDS)
        return len(world.clients[0].admitted) / AFTERWARDS


def _back_after(admitted: Sequence[float], rate: float) -> float:
    for start in range(int(CHANGED_AT), int(CHANGED_AT + AFTERWARDS - WINDOW), 5):
        calls = bisect_left(admitted, start + WINDOW) - bisect_left(admitted, start)
        if calls >= rate * WINDOW:
            return start - CHANGED_AT
    return math.inf


def jobs(seeds: int) -> Iterator[Job]:
    """All simulations, those of a line next to each other."""
    for change in CHANGES:
        for rule, network, seed in itertools.product(change.rules, NETWORKS, range(seeds)):
            yield Job(change, rule, network, seed)


# Two of ours


@frozen
class Pair:
    """Two clients of ours against strict spacing."""

    network: str
    seed: int

    def run(self) -> float:
        """Refused calls for each 1,000 admitted, in 4,000 s."""
        world = World(LadderPace, "strict spacing", self.network, "two of ours", self.seed)
        world.run(4_000.0)
        return world.cell(4_000.0).wasted


PAIR_NETWORKS = ("loopback", "40-120 ms", "30-300 ms", "lognormal 80 ms", "slow server", "2 % up to 3 s")


def print_changes(seeds: int, pool: ProcessPoolExecutor) -> None:
    """One line for each change, rule and network."""
    every = tuple(jobs(seeds))
    seconds = list(pool.map(Job.run, every))
    print(f"{'change':<44}{'rule':<18}{'network':<12}{'median s':>9}{'worst s':>9}  within the aim")
    for start in range(0, len(every), seeds):
        job, group = every[start], seconds[start : start + seeds]
        within = sum(each <= job.change.within for each in group)
        print(
            f"{job.change.name:<44}{job.rule:<18}{job.network:<12}{median(group):>9.0f}{max(group):>9.0f}"
            f"  {within} of {seeds} in {job.change.within:.0f} s"
        )


def print_pairs(seeds: int, pool: ProcessPoolExecutor) -> None:
    """One line for each network."""
    every = [Pair(network, seed) for network in PAIR_NETWORKS for seed in range(seeds)]
    wasted = list(pool.map(Pair.run, every))
    print("\nTwo of ours on strict spacing, 4,000 s: wasted of 1,000 admitted\n")
    for index, network in enumerate(PAIR_NETWORKS):
        group = wasted[index * seeds : (index + 1) * seeds]
        print(f"{network:<18}{fmean(group):>6.0f} ({min(group):.0f} to {max(group):.0f})")
    print(f"{'all':<18}{fmean(wasted):>6.0f}")


# What looking for a raised limit costs


@frozen
class Price:
    """A client that looks for a raised limit where none was raised."""

    rule: str
    network: str
    seed: int

    def run(self) -> tuple[float, float]:
        """Refused of 1,000 calls, and the share of the limit that is used, in an hour."""
        make = partial(LadderPace, limits=SEEKING)
        world = World(make, self.rule, self.network, "none", self.seed)
        world.run(AFTERWARDS)
        cell = world.cell(AFTERWARDS)
        return cell.refused, cell.used


def print_price(seeds: int, pool: ProcessPoolExecutor) -> None:
    """One line for each rule and network."""
    every = [Price(*where, seed) for where in itertools.product(RULES, NETWORKS) for seed in range(seeds)]
    found = list(pool.map(Price.run, every))
    print("\nseek_raised_limit where the limit stays at 3: refused of 1,000, used of the limit\n")
    for start in range(0, len(every), seeds):
        refused, used = (fmean(numbers) for numbers in zip(*found[start : start + seeds], strict=True))
        print(f"{every[start].rule:<18}{every[start].network:<12}{refused:>7.1f}{used:>7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds
    with ProcessPoolExecutor() as pool:
        print_changes(seeds, pool)
        print_pairs(seeds, pool)
        print_price(seeds, pool)


if __name__ == "__main__":
    main()
