"""Pictures of the pacing, for a person to look at: calls and refusals over time, as the simulator saw them.

models.png      one client against each limit that Gong may enforce, with 40-120 ms of latency
neighbour.png   a fixed and an adaptive pace beside a neighbour that draws 1 call a second
herd.png        200 calls queued at once: ours, and clients that sleep their own Retry-After

All under the virtual clock; half a minute in all.

    python -m benchmarks.plots           # writes into benchmarks/results/
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import quota_herd, quota_neighbour, quota_use
from gong_tasks_async import QuotaLimits
from gong_tasks_async.simulator import Engine, Entry, SecondLimit, VirtualClockLoop

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
LATENCY = (0.040, 0.120)
OUR_COLOR, OUR_REFUSED_COLOR, THEIR_COLOR, THEIR_REFUSED_COLOR, LIMIT = (
    "#3b78b5",
    "#c62828",
    "#7fb77e",
    "#f4a259",
    "#444444",
)
DOTS = ((False, "admitted", OUR_COLOR, "o", 12), (True, "refused (429)", OUR_REFUSED_COLOR, "X", 70))
BAR = 5.0
"""Seconds that one bar of the neighbour's picture stands for."""
HERD = ("ours", "Retry-After, 5 tries", "Retry-After, for ever", "with jitter, for ever")


def virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(work)


def counts(entries: Iterable[Entry], start: float, seconds: float, width: float) -> list[float]:
    """Calls a second in each bar of so many seconds."""
    bars = [0.0] * round((seconds - start) / width)
    for entry in entries:
        if (place := int((entry.arrived - start) / width)) < len(bars):
            bars[place] += 1 / width
    return bars


def stack(
    axes: Axes, parts: list[tuple[str, str, list[Entry]]], start: float, seconds: float, width: float
) -> None:
    """Bars on bars, each with its colour and label."""
    left = [start + width * number for number in range(round((seconds - start) / width))]
    bottom = [0.0] * len(left)
    for label, colour, entries in parts:
        heights = counts(entries, start, seconds, width)
        axes.bar(left, heights, width * 0.92, bottom, align="edge", color=colour, label=label)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]


def limit_line(axes: Axes) -> None:
    axes.axhline(
        quota_use.PER_SECOND, color=LIMIT, linestyle="--", linewidth=1, label="Gong's limit: 3 a second"
    )


def split(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Admitted and refused ones."""
    admitted: list[Entry] = []
    refused: list[Entry] = []
    for entry in entries:
        (refused if entry.refused else admitted).append(entry)
    return admitted, refused


def in_the_last_second(entries: Iterable[Entry]) -> list[int]:
    """At each arrival, how many calls the second that it ends has seen."""
    window: deque[float] = deque()
    seen = []
    for entry in entries:
        window.append(entry.arrived)
        while window[0] <= entry.arrived - 1.0:
            window.popleft()
        seen.append(len(window))
    return seen


async def one_model(rule: SecondLimit, seconds: float) -> list[Entry]:
    engine = Engine(users=1, tasks_per_user=5, second_limit=rule, access_key=f"KEY-{rule.value}")
    async with quota_use.connected(engine, LATENCY, QuotaLimits(), 1, virtual=True) as gong:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await gong.update_many(quota_use.endless_updates(engine))
    return engine.ledger.entries


def draw_model(axes: Axes, rule: SecondLimit, entries: list[Entry]) -> None:
    """A dot for each call: when, and how long after the one before."""
    points = [(b.refused, b.arrived, b.arrived - a.arrived) for a, b in pairwise(entries)]
    for refused, label, colour, marker, size in DOTS:
        x = [arrived for was, arrived, _ in points if was is refused]
        y = [gap for was, _, gap in points if was is refused]
        axes.scatter(x, y, size, colour, marker=marker, label=label, zorder=3)
    axes.axhline(
        1 / quota_use.PER_SECOND, color=LIMIT, linestyle="--", linewidth=1, label="a third of a second"
    )
    refusals, most = sum(entry.refused for entry in entries), max(in_the_last_second(entries))
    axes.set_title(
        f"{rule.value}: {len(entries)} calls, {refusals} refused, at most {most} in any second", fontsize=10
    )
    axes.set_ylim(0, 1.2)
    axes.grid(alpha=0.25)


def models(seconds: float = 60.0) -> Figure:
    figure, grid = plt.subplots(2, 2, figsize=(12, 7), sharex=True, sharey=True, layout="constrained")
    for axes, rule in zip(grid.flat, quota_use.RULES, strict=True):
        draw_model(axes, rule, virtually(one_model(rule, seconds)))
    figure.suptitle(
        "One client against each limit that Gong may enforce, 40-120 ms of latency: each call as it arrives"
    )
    figure.supxlabel("seconds")
    figure.supylabel("seconds since the call before")
    grid.flat[0].legend(loc="upper right")
    return figure


def draw_neighbour(axes: Axes, pace: str, latency: tuple[float, float], seconds: float) -> None:
    """Who was admitted and refused, ours on top of the neighbour's."""
    limits = QuotaLimits(adaptive=pace == "adaptive")
    company = virtually(quota_neighbour.run(latency, seconds, limits, 1, virtual=True))
    (own, own_refused), (theirs, theirs_refused) = split(company.our_entries), split(company.neighbours)
    parts = [
        ("neighbour, admitted", THEIR_COLOR, theirs),
        ("ours, admitted", OUR_COLOR, own),
        ("ours, refused (429)", OUR_REFUSED_COLOR, own_refused),
        ("neighbour, refused (429)", THEIR_REFUSED_COLOR, theirs_refused),
    ]
    stack(axes, parts, 0.0, seconds, BAR)
    limit_line(axes)
    f = quota_neighbour.figures(company, seconds)
    axes.set_title(
        f"{pace} pace, latency {latency[0] * 1000:.0f}-{latency[1] * 1000:.0f} ms\n{f.our_refused_a_minute:.1f} of ours"
        f" refused a minute, neighbour gets {f.neighbours_share:.0%} of its calls, {f.used:.0%} of the limit used",
        fontsize=10,
    )
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, 4.2)


def neighbour(seconds: float = 300.0) -> Figure:
    figure, grid = plt.subplots(2, 2, figsize=(15, 8), sharex=True, sharey=True, layout="constrained")
    for row, pace in zip(grid, ("fixed", "adaptive"), strict=True):
        for axes, latency in zip(row, quota_neighbour.LATENCIES, strict=True):
            draw_neighbour(axes, pace, latency, seconds)
    grid[0][0].legend(loc="upper right", ncols=3, fontsize=8)
    figure.supxlabel("seconds")
    figure.supylabel(f"calls a second (means of {BAR:g} s)")
    figure.suptitle("Beside a neighbour that draws 1 call a second, against a strict sliding second")
    return figure


async def herd_entries(name: str) -> tuple[Engine, int]:
    return await quota_herd.run(quota_herd.CLIENTS[name], (0.0, 0.0), 1, virtual=True)


def draw_herd(axes: Axes, name: str, seconds: float) -> None:
    """Bars of a second; they begin at the half, since the herd comes with the whole one."""
    engine, lost = virtually(herd_entries(name))
    entries = engine.ledger.entries
    admitted, refused = split(entries)
    stack(
        axes,
        [("admitted", OUR_COLOR, admitted), ("refused (429)", OUR_REFUSED_COLOR, refused)],
        -0.5,
        seconds,
        1.0,
    )
    limit_line(axes)
    axes.set_title(
        f"{name}: {len(entries):,} calls sent, {len(refused):,} of them refused,"
        f" {lost} lost, the last one after {entries[-1].arrived:.0f} s",
        fontsize=10,
    )
    axes.set_xlim(-0.5, seconds)


def herd(seconds: float = 135.0) -> Figure:
    figure, rows = plt.subplots(len(HERD), 1, figsize=(12, 11), sharex=True, layout="constrained")
    for axes, name in zip(rows, HERD, strict=True):
        draw_herd(axes, name, seconds)
    rows[0].set_ylim(0, 6)
    rows[0].legend(loc="upper right", ncols=3)
    figure.supxlabel("seconds")
    figure.supylabel("calls in each second")
    figure.suptitle(
        "200 calls queued at once against a strict sliding second (mind the scales: 6, and 200 calls a second)"
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the names of the files as JSON")
    options = parser.parse_args()
    mpl.use("Agg")
    RESULTS.mkdir(exist_ok=True)
    written = []
    for draw in (models, neighbour, herd):
        path = RESULTS / f"{draw.__name__}.png"
        draw().savefig(path, dpi=100)
        written.append(f"benchmarks/results/{path.name}")
    print(json.dumps(written) if options.json else "\n".join(written))


if __name__ == "__main__":
    main()
