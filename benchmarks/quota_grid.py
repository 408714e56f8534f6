"""The pace against every rule, network and neighbour: the ladder of today beside the pace before it.

    python -m benchmarks.quota_grid                    # some 2 minutes on two cores
    python -m benchmarks.quota_grid --quick            # 15 s, rougher
    python -m benchmarks.quota_grid --svg heat.svg     # the differences as a heat map too

Each cell is the mean of some seeds. Prints what is used of the limit and refused of 1,000 calls, before and after;
then each cell that is worse than before, with its cause: what the ladder does otherwise is taken out of it, one thing
after the other, and the cell is run again (:mod:`benchmarks.grid_causes`).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TypeAlias

from attrs import frozen

from benchmarks.former_pace import FormerPace
from benchmarks.grid_causes import CAUSES, losses, main_cause, without
from benchmarks.grid_servers import NEIGHBOURS, NETWORKS, RULES
from benchmarks.grid_world import Cell, LadderPace, Pace, simulate
from benchmarks.heat_map import Panel, heat_map

Key: TypeAlias = tuple[str, str, str]
"""Rule, network, neighbour."""

POLICIES: dict[str, Callable[[Random], Pace]] = {"before": FormerPace, "after": LadderPace}
KEYS: tuple[Key, ...] = tuple(itertools.product(RULES, NETWORKS, NEIGHBOURS))


@frozen
class Job:
    """One simulation."""

    policy: str
    key: Key
    seconds: float
    seed: int
    cause: str | None = None
    """What is taken out of the ladder."""

    def run(self) -> Cell:
        """Run the simulation."""
        with without(self.cause):
            return simulate(POLICIES[self.policy], *self.key, seconds=self.seconds, seed=self.seed)


Grid: TypeAlias = Mapping[tuple[str, Key], Cell]


def measure(keys: tuple[Key, ...], seconds: float, seeds: int) -> Grid:
    """All cells of both policies, on all cores."""
    names = list(itertools.product(POLICIES, keys))
    return dict(zip(names, _run([(*name, None) for name in names], seconds, seeds), strict=True))


def measure_causes(worse: Iterable[Key], seconds: float, seeds: int) -> Mapping[Key, Mapping[str, Cell]]:
    """Cells of the ladder without each of the causes."""
    names = list(itertools.product(worse, CAUSES))
    cells = _run([("after", *name) for name in names], seconds, seeds)
    found: dict[Key, dict[str, Cell]] = {}
    for (key, cause), cell in zip(names, cells, strict=True):
        found.setdefault(key, {})[cause] = cell
    return found


def _run(names: Sequence[tuple[str, Key, str | None]], seconds: float, seeds: int) -> list[Cell]:
    """The mean of the seeds of each policy and key, without a cause."""
    jobs = [Job(policy, key, seconds, seed, cause) for policy, key, cause in names for seed in range(seeds)]
    with ProcessPoolExecutor() as pool:
        cells = list(pool.map(Job.run, jobs, chunksize=8))
    return [_mean(tuple(cells[start : start + seeds])) for start in range(0, len(cells), seeds)]


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


def worse(grid: Grid) -> list[Key]:
    """The cells that are worse than before."""
    return [
        key for key in KEYS if ("before", key) in grid and losses(grid["before", key], grid["after", key])
    ]


def print_worse(grid: Grid, without_causes: Mapping[Key, Mapping[str, Cell]]) -> None:
    """Each cell that is worse, and its cause."""
    print(f"\nWorse than before ({len(without_causes)} of {len(KEYS)} cells): used, wasted per 1,000\n")
    for key, cells in without_causes.items():
        before, after = grid["before", key], grid["after", key]
        cause, regained = main_cause(before, after, cells)
        numbers = f"{before.used:.2f} -> {after.used:.2f}, {before.wasted:3.0f} -> {after.wasted:3.0f}"
        share = f"{cause}; without that {regained:.0%} of the loss is regained" if regained else cause
        print(f"{key[0]:<24}{key[1]:<18}{key[2]:<18}{numbers:<30}{share}")


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
    print_worse(grid, measure_causes(worse(grid), seconds, seeds))
    if options.svg:
        options.svg.write_text(draw_heat(grid), encoding="utf-8")


if __name__ == "__main__":
    main()
