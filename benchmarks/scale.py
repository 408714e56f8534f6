"""How the cost grows with the number: time and memory at 1, 10, 100, ... times, and the exponents.

An exponent of 1 is as it should be: ten times as many cost ten times as much. More bends upwards. 0 is flat. The exponent
is the slope of a line through the three largest sizes (two for memory), both axes logarithmic. Time is CPU, the least of
some runs: of this process, and of the redis-server where one takes part. Memory is the most that was held beyond what was there before:
of Python's allocator, counted by tracemalloc in a run of its own, or, where SQLite holds some too, of the whole process.
Each size is measured in a process of its own.

    python -m benchmarks.scale                     # small sizes, two minutes on an idle machine
    python -m benchmarks.scale --full --keep       # to a million rows, half an hour; each kind of work is kept as it is done
    python -m benchmarks.scale --only journal      # some
    python -m benchmarks.scale --svg PATH          # the chart too

What needs a redis-server is left out where none is installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import shutil
import tempfile
import tracemalloc
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from benchmarks.growth_chart import Growth, growth_chart
from benchmarks.results import FOLDER, about_here
from benchmarks.scale_redis import REDIS_WORKS
from benchmarks.scale_work import LOCAL_WORKS, Prepared, Work

WORKS = {**LOCAL_WORKS, **REDIS_WORKS}
KEPT = FOLDER / "scale.json"
"""The curves of full runs."""
STEEPEST = 1.05
"""The largest exponent of time that counts as straight."""
FLAT = 0.2
"""The largest exponent of memory that counts as flat."""
NOISE_SECONDS = 0.005
"""CPU seconds below which a time is mostly noise, and has no exponent; the difference of two times is noisier."""
NOISIER = 5
RUNS, ENOUGH_SECONDS = 3, 3.0
"""So many runs, of which the least counts; fewer of those that take long, beside which noise is small."""
NOISE_BYTES = 64 * 2**10
RESIDENT_NOISE_BYTES = 4 * 2**20
"""What a process takes and gives back beside the work: SQLite's cache, the allocator's arenas."""


@frozen
class Point:
    """What so many cost, all together."""

    size: int
    seconds: float
    bytes: int
    """Of memory, at the most."""
    stored: int
    """Bytes on disk or in Redis."""


@frozen
class Curve:
    """How one kind of work grows."""

    name: str
    points: tuple[Point, ...]

    @property
    def work(self) -> Work:
        """What it is."""
        return WORKS[self.name]

    @property
    def of_time(self) -> float | None:
        """The exponent of time; None where it cannot be told from noise."""
        noise = NOISE_SECONDS * (1 if self.work.without is None else NOISIER)
        return exponent([(p.size, p.seconds) for p in self.points if p.seconds >= noise])

    @property
    def of_memory(self) -> float | None:
        """The exponent of memory; 0 where it is too little to grow."""
        if self.last.bytes < (RESIDENT_NOISE_BYTES if self.work.resident else NOISE_BYTES):
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


def measured(name: str, size: int, smallest: int, folder: Path) -> Point:
    """The time and the memory of one size, in this process."""
    work = WORKS[name]
    _timed(work.prepared, smallest, folder)  # what is imported at first use
    before = _resident("VmRSS") if work.resident else 0
    seconds, stored = _least(work.prepared, size, folder)
    if work.without is not None:
        seconds -= _least(work.without, size, folder)[0]
    held = _resident("VmHWM") - before if work.resident else _held(work, size, folder)
    return Point(size, round(max(0.0, seconds), 4), held, stored)


def _least(prepared: Prepared, size: int, folder: Path) -> tuple[float, int]:
    """The quickest of some runs."""
    runs: list[tuple[float, int]] = []
    while len(runs) < RUNS and sum(seconds for seconds, _ in runs) < ENOUGH_SECONDS:
        runs.append(_timed(prepared, size, folder))
    return min(runs)


def _timed(prepared: Prepared, size: int, folder: Path) -> tuple[float, int]:
    """Seconds, and bytes that were stored."""
    with prepared(size, folder) as ready:
        gc.collect()
        started = ready.clock()
        ready.run()
        return ready.clock() - started, ready.stored()


def _held(work: Work, size: int, folder: Path) -> int:
    without = 0 if work.without is None else _peak(work.without, size, folder)
    return max(0, _peak(work.prepared, size, folder) - without)


def _peak(prepared: Prepared, size: int, folder: Path) -> int:
    with prepared(size, folder) as ready:
        gc.collect()
        tracemalloc.start()
        try:
            ready.run()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return peak


def _resident(what: str) -> int:
    """Bytes that this process has (VmRSS), or had at most (VmHWM); Linux."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def curve_of(name: str, folder: Path, *, full: bool) -> Curve:
    """Measure each size in a process of its own, whose memory nothing else has grown."""
    sizes = WORKS[name].full if full else WORKS[name].quick
    points = []
    for size in sizes:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            points.append(pool.apply(measured, (name, size, sizes[0], folder)))
    return Curve(name, tuple(points))


def records(curves: Iterable[Curve]) -> list[dict[str, object]]:
    """The table."""
    return [
        {
            "what grows": curve.work.what,
            "to": curve.last.size,
            "exponent of time": _rounded(curve.of_time),
            "exponent of memory": _rounded(curve.of_memory),
            "us each": round(curve.last.seconds / curve.last.size * 1e6, 1),
            "bytes held each": round(curve.last.bytes / curve.last.size),
            "bytes stored each": max(0, round(curve.last.stored / curve.last.size)) or "",
            "verdict": verdict(curve),
        }
        for curve in curves
    ]


def verdict(curve: Curve) -> str:
    """Whether it bends upwards, grows where it is promised flat, or takes more than it may."""
    work, last = curve.work, curve.last
    found = []
    if round(curve.of_time or 0.0, 2) > STEEPEST:
        found.append("time bends upwards")
    if work.flat and (curve.of_memory or 0.0) > FLAT:
        found.append("memory grows")
    if work.most_held and last.bytes / last.size > work.most_held:
        found.append(f"more than {work.most_held:,} bytes held each")
    if work.most_stored and last.stored / last.size > work.most_stored:
        found.append(f"more than {work.most_stored:,} bytes stored each")
    return ", ".join(found) or "as promised"


def _rounded(exponent: float | None) -> float | str:
    return "" if exponent is None else round(exponent, 2) + 0.0  # no -0.0


def chart(curves: Sequence[Curve]) -> str:
    """Time and memory against the size, as SVG."""
    return growth_chart(
        [
            Growth(
                curve.work.what,
                [(point.size, point.seconds) for point in curve.points],
                [(point.size, float(point.bytes)) for point in curve.points],
                f"{_rounded(curve.of_time)}",
                f"{_rounded(curve.of_memory)}",
            )
            for curve in curves
        ]
    )


def as_json(curves: Sequence[Curve]) -> dict[str, Any]:
    """The table, and what it is made from."""
    points = [{"work": curve.name, **asdict(point)} for curve in curves for point in curve.points]
    return {"scale": records(curves), "points": points}


def keep(curve: Curve) -> None:
    """Put a curve into the kept results, in place of the last one of the same work, with what it was measured on."""
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    found[curve.name] = {"about": about_here(), "points": [asdict(point) for point in curve.points]}
    ordered = {name: found[name] for name in WORKS if name in found}
    KEPT.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def kept() -> tuple[list[Curve], list[dict[str, str]]]:
    """The kept curves, and what each was measured on."""
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    curves = [Curve(name, tuple(Point(**p) for p in one["points"])) for name, one in found.items()]
    return curves, [one["about"] for one in found.values()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS), metavar="WORK")
    parser.add_argument("--keep", action="store_true", help="put what was measured into the kept results")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    names = [name for name in options.only if name in LOCAL_WORKS or shutil.which("redis-server")]
    curves = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            curves.append(curve_of(name, Path(folder), full=options.full))
            if options.keep:
                keep(curves[-1])
            if not options.json:
                [record] = records(curves[-1:])
                print("  ".join(f"{key} {value}" for key, value in record.items()), flush=True)
    if options.svg:
        options.svg.write_text(chart(curves), encoding="utf-8")
    if options.json:
        print(json.dumps(as_json(curves)))


if __name__ == "__main__":
    main()
