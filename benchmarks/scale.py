"""How the cost grows with the number: time and memory at 1, 10, 100, ... times, and the exponents.

An exponent of 1 is as it should be: ten times as many cost ten times as much. More bends upwards. 0 is flat. The exponent
is the slope of a line through the three largest sizes (two for memory), both axes logarithmic. Time is the CPU of this process, the least
of some runs; memory the most that Python's allocator held at once beyond what was there before, counted by tracemalloc in a
run of its own, so that it is the same on every run.

    python -m benchmarks.scale                     # small sizes, a minute on an idle machine
    python -m benchmarks.scale --full              # to a million rows, a quarter of an hour
    python -m benchmarks.scale --only journal      # some
    python -m benchmarks.scale --svg PATH          # the chart too
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict, frozen

from benchmarks.scale_work import WORKS, Prepared, Work

STEEPEST = 1.05
"""The largest exponent of time that counts as straight."""
NOISE_SECONDS = 0.02
"""CPU seconds below which a time is mostly noise, and has no exponent."""
ONCE = 5_000
"""A size from which on one run is enough: noise is small beside it."""
NOISE_BYTES = 64 * 2**10


@frozen
class Point:
    """What so many cost, all together."""

    size: int
    seconds: float
    bytes: int


@frozen
class Curve:
    """How one kind of work grows."""

    name: str
    unit: str
    points: tuple[Point, ...]

    @property
    def of_time(self) -> float | None:
        """The exponent of time; None where it cannot be told from noise."""
        return exponent([(p.size, p.seconds) for p in self.points if p.seconds >= NOISE_SECONDS])

    @property
    def of_memory(self) -> float | None:
        """The exponent of memory; 0 where it is too little to grow."""
        if self.points[-1].bytes < NOISE_BYTES:
            return 0.0
        return exponent([(p.size, float(p.bytes)) for p in self.points[-2:]])

    @property
    def last(self) -> Point:
        """The largest."""
        return self.points[-1]


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """The slope of the line through the last three points on logarithmic axes; None for fewer than two."""
    taken = [(math.log(size), math.log(cost)) for size, cost in points[-3:] if cost > 0]
    if len(taken) < 2:
        return None
    x_mean, y_mean = sum(x for x, _ in taken) / len(taken), sum(y for _, y in taken) / len(taken)
    rise = sum((x - x_mean) * (y - y_mean) for x, y in taken)
    return rise / sum((x - x_mean) * (x - x_mean) for x, _ in taken)


def measured(work: Work, size: int, repeats: int) -> Point:
    """The time and the memory of one size."""
    seconds = min(_timed(work.prepared, size) for _ in range(repeats))
    if work.without is not None:
        seconds -= min(_timed(work.without, size) for _ in range(repeats))
    return Point(size, max(0.0, seconds), _held(work, size))


def _timed(prepared: Prepared, size: int) -> float:
    with prepared(size) as run:
        gc.collect()
        started = time.process_time()
        run()
        return time.process_time() - started


def _held(work: Work, size: int) -> int:
    without = 0 if work.without is None else _peak(work.without, size)
    return max(0, _peak(work.prepared, size) - without)


def _peak(prepared: Prepared, size: int) -> int:
    with prepared(size) as run:
        gc.collect()
        tracemalloc.start()
        try:
            run()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return peak


def curve_of(name: str, *, full: bool) -> Curve:
    work = WORKS[name]
    sizes = work.full if full else work.quick
    _timed(work.prepared, sizes[0])  # what is imported at first use
    return Curve(name, work.unit, tuple(measured(work, size, 1 if size >= ONCE else 3) for size in sizes))


def records(curves: Sequence[Curve]) -> list[dict[str, object]]:
    """The table."""
    return [
        {
            "work": curve.name,
            "to": curve.last.size,
            "exponent of time": _rounded(curve.of_time),
            "exponent of memory": _rounded(curve.of_memory),
            "us each": round(curve.last.seconds / curve.last.size * 1e6, 1),
            "bytes each": round(curve.last.bytes / curve.last.size),
            "verdict": verdict(curve),
        }
        for curve in curves
    ]


def verdict(curve: Curve) -> str:
    """Whether it bends upwards, or grows where it is promised flat."""
    found = []
    if round(curve.of_time or 0.0, 2) > STEEPEST:
        found.append("time bends upwards")
    if WORKS[curve.name].flat and (curve.of_memory or 0.0) > 0.2:
        found.append("memory grows")
    if (most := WORKS[curve.name].bytes_each) and curve.last.bytes / curve.last.size > most:
        found.append(f"more than {most:,} bytes each")
    return ", ".join(found)


def _rounded(exponent: float | None) -> float | str:
    return "" if exponent is None else round(exponent, 2)


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Time and memory against the size, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - only a chart needs it
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.use("Agg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gong", "font.size": 9})
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    for curve in curves:
        sizes = [point.size for point in curve.points]
        times, memory = curve.of_time, curve.of_memory
        axes[0].plot(sizes, [p.seconds for p in curve.points], "o-", label=f"{curve.name}: {_rounded(times)}")
        axes[1].plot(
            sizes, [max(1, p.bytes) for p in curve.points], "o-", label=f"{curve.name}: {_rounded(memory)}"
        )
    for each, title in zip(axes, ("CPU seconds", "bytes held"), strict=True):
        each.set_xscale("log")
        each.set_yscale("log")
        each.set_title(f"{title}, and the exponent")
        each.grid(visible=True, alpha=0.25)
        each.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS), metavar="WORK")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    curves = []
    for name in options.only:
        curves.append(curve_of(name, full=options.full))
        if not options.json:
            [record] = records(curves[-1:])
            print("  ".join(f"{key} {value}" for key, value in record.items()), flush=True)
    if options.svg:
        draw(curves, options.svg)
    if options.json:
        print(
            json.dumps(
                {
                    "scale": records(curves),
                    "points": [
                        {"work": curve.name, **asdict(point)} for curve in curves for point in curve.points
                    ],
                }
            )
        )


if __name__ == "__main__":
    main()
