"""The pace against every rule, network and neighbour: the ladder of today beside the pace before it.

    python -m benchmarks.quota_grid                    # some 2 minutes on two cores
    python -m benchmarks.quota_grid --quick            # 15 s, rougher
    python -m benchmarks.quota_grid --svg heat.svg     # the differences as a heat map too

Each cell is the mean of some seeds. Prints what is used of the limit and refused of 1,000 calls, before and after;
then each cell that is worse than before, with a likely reason. The reasons go by rule, network, neighbour and the
two results; no cause is established for each single cell.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TypeAlias

from attrs import frozen

from benchmarks.former_pace import FormerPace
from benchmarks.grid_servers import NEIGHBOURS, NETWORKS, RULES
from benchmarks.grid_world import Cell, LadderPace, Pace, simulate
from benchmarks.heat_map import Panel, heat_map

Key: TypeAlias = tuple[str, str, str]
"""Rule, network, neighbour."""

POLICIES: dict[str, Callable[[Random], Pace]] = {"before": FormerPace, "after": LadderPace}
KEYS: tuple[Key, ...] = tuple(itertools.product(RULES, NETWORKS, NEIGHBOURS))
NOTEWORTHY_USE = 0.02
"""Of the limit; smaller differences are the seeds'."""
NOTEWORTHY_WASTE = 3.0
"""Of 1,000 calls."""
NOTEWORTHY_REFUSED = 0.3
"""Of 1,000 calls; more of them move the rung."""


@frozen
class Job:
    """One simulation."""

    policy: str
    key: Key
    seconds: float
    seed: int

    def run(self) -> Cell:
        """Run the simulation."""
        return simulate(POLICIES[self.policy], *self.key, seconds=self.seconds, seed=self.seed)


Grid: TypeAlias = Mapping[tuple[str, Key], Cell]


def measure(keys: tuple[Key, ...], seconds: float, seeds: int) -> Grid:
    """All cells of both policies, on all cores."""
    jobs = [Job(policy, key, seconds, seed) for policy in POLICIES for key in keys for seed in range(seeds)]
    with ProcessPoolExecutor() as pool:
        cells = list(pool.map(Job.run, jobs, chunksize=8))
    groups = (cells[start : start + seeds] for start in range(0, len(cells), seeds))
    names = ((policy, key) for policy in POLICIES for key in keys)
    return {name: _mean(tuple(group)) for name, group in zip(names, groups, strict=True)}


def _mean(cells: tuple[Cell, ...]) -> Cell:
    def mean(name: str) -> float:
        return fmean(getattr(cell, name) for cell in cells)

    return Cell(
        used=mean("used"),
        refused=mean("refused"),
        most=max(cell.most for cell in cells),
        neighbour=mean("neighbour"),
        wasted=mean("wasted"),
    )


# What is printed


def print_alone(grid: Grid) -> None:
    """The table without a neighbour."""
    print("Without a neighbour: used of the limit / refused of 1,000 / most arrivals in a second\n")
    print(f"{'rule':<24}{'pace':<8}" + "".join(f"{network:>18}" for network in NETWORKS))
    for rule, policy in itertools.product(RULES, POLICIES):
        cells = [grid[policy, (rule, network, "none")] for network in NETWORKS]
        texts = (f"{cell.used:.2f}/{cell.refused:4.1f}/{cell.most}" for cell in cells)
        print(
            f"{rule if policy == 'before' else '':<24}{policy:<8}" + "".join(f"{text:>18}" for text in texts)
        )


def print_neighbours(grid: Grid) -> None:
    """The table beside neighbours: means over networks in which no call hangs."""
    networks = list(NETWORKS)[:6]
    print(
        "\nBeside a neighbour: used of the limit / neighbour admitted / refused calls of all per 1,000 admitted\n"
    )
    neighbours = [name for name in NEIGHBOURS if name != "none"]
    print(f"{'rule':<24}{'pace':<8}" + "".join(f"{name:>20}" for name in neighbours))
    for rule, policy in itertools.product(RULES, POLICIES):
        texts = []
        for neighbour in neighbours:
            cell = _mean(tuple(grid[policy, (rule, network, neighbour)] for network in networks))
            texts.append(f"{cell.used:.2f}/{cell.neighbour:.2f}/{cell.wasted:3.0f}")
        print(
            f"{rule if policy == 'before' else '':<24}{policy:<8}" + "".join(f"{text:>20}" for text in texts)
        )


def worse(grid: Grid) -> Iterator[tuple[Key, Cell, Cell, str]]:
    """Each cell that is worse than before, and why that is right."""
    for key in KEYS:
        before, after = grid["before", key], grid["after", key]
        less = after.used < before.used - NOTEWORTHY_USE
        more = after.wasted > before.wasted + NOTEWORTHY_WASTE
        if less or more:
            yield key, before, after, reason(key, before, after)


def reason(key: Key, before: Cell, after: Cell) -> str:
    """Why a cell is likely to be worse, as far as rule, network, neighbour and the two results say."""
    return next(why for applies, why in REASONS if applies(key, before, after))


REASONS: tuple[tuple[Callable[[Key, Cell, Cell], bool], str], ...] = (
    (
        lambda key, before, after: key[2] == "two of ours" and after.wasted < before.wasted,
        "the pair wasted more before: one of the two had given way for good",
    ),
    (
        lambda key, before, after: key[2] == "two of ours" and after.neighbour > before.neighbour,
        "the two share more evenly, and both look for the limit",
    ),
    (
        lambda key, before, after: key[2] != "none" and after.neighbour >= before.neighbour + 0.02,
        "the neighbour gets more of its calls",
    ),
    (
        lambda key, *_: key[2] != "none",
        "it tries the full pace again after a calm; before, it stayed down for an hour after a neighbour",
    ),
    (
        lambda key, *_: key[1] == "0.3 % hang 60 s",
        "a call that hangs counts as arrived after 5 s; before, it held up a third of the pace for 60 s",
    ),
    (
        lambda key, *_: key[:2] == ("strict spacing", "slow server"),
        "one call at a time is all that strict spacing lets be proven; more in flight was luck",
    ),
    (
        lambda _key, _before, after: after.refused <= NOTEWORTHY_REFUSED,
        "a call counts for a window less 0.35 of the quickest round trip, no longer 0.8: what is promised of a window",
    ),
    (
        lambda *_: True,
        "one call at a time after a refusal, until a calm has passed: that is what tells the rules apart",
    ),
)


def print_worse(grid: Grid) -> None:
    found = list(worse(grid))
    print(f"\nWorse than before ({len(found)} of {len(KEYS)} cells): used, wasted per 1,000\n")
    for (rule, network, neighbour), before, after, why in found:
        numbers = f"{before.used:.2f} -> {after.used:.2f}, {before.wasted:3.0f} -> {after.wasted:3.0f}"
        print(f"{rule:<24}{network:<18}{neighbour:<18}{numbers:<30}{why}")


def print_heat(grid: Grid) -> None:
    """Of each rule and network, whether the pace uses more (+) or less (-) than before, by neighbours."""
    print("\nDifference of use, after less before, in hundredths; columns as above\n")
    for neighbour in NEIGHBOURS:
        print(neighbour)
        for rule in RULES:
            keys = [(rule, network, neighbour) for network in NETWORKS]
            texts = (f"{100 * (grid['after', key].used - grid['before', key].used):+18.0f}" for key in keys)
            print(f"  {rule:<30}" + "".join(texts))


def draw_heat(grid: Grid) -> str:
    """The use of the limit before, after, and the difference in hundredths, as a heat map (SVG)."""

    def of(policy: str, neighbour: str) -> Callable[[str, str], float]:
        return lambda rule, network: grid[policy, (rule, network, neighbour)].used

    def difference(neighbour: str) -> Callable[[str, str], float]:
        before, after = (of(policy, neighbour) for policy in POLICIES)
        return lambda rule, network: after(rule, network) - before(rule, network)

    panels = [
        *([Panel(f"{policy}: {name}", of(policy, name)) for name in NEIGHBOURS] for policy in POLICIES),
        [Panel(f"difference: {name}", difference(name), signed=True) for name in NEIGHBOURS],
    ]
    return heat_map(panels, tuple(RULES), tuple(NETWORKS))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1_500.0, help="simulated, of each cell and seed")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    seconds, seeds = (600.0, 1) if options.quick else (options.seconds, options.seeds)
    grid = measure(KEYS, seconds, seeds)
    print_alone(grid)
    print_neighbours(grid)
    print_heat(grid)
    print_worse(grid)
    if options.svg:
        options.svg.write_text(draw_heat(grid), encoding="utf-8")


if __name__ == "__main__":
    main()
