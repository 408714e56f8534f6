"""Microseconds of CPU for one turn at the quota, acquire and release, by how the day is counted and how many wait.

The code is to be measured, not the wait for 3 calls a second, and yet with the settings of life: the usual rate,
three slots, one token. So the clock is virtual, and is put on by 9.6 seconds after each turn. The next slot has then
cooled, the next token is there, and no turn sets a timer; and the day holds 9,000 calls, each new one seeing an old
one off, which is as much work as it ever makes. ("no limit" is per_day=None; the calls are counted all the same.)

alone           One caller. Nothing waits, so the event loop does not go round: the bare code. (A file makes it wait.)
10,000 waiting  As many tasks take turns without end. A turn then includes waking the next task, and one round of
                the event loop.
hand-over       What these two cost without any quota: as many tasks that wake each other through a deque.
and timers      10,000 waiting, with the clock left to itself: each turn waits for its token, as in life, so that
                timers are set, fire, and wake it, and the virtual clock jumps.

The CPU time of all threads counts, so that of the thread which writes the file does too; "wall" includes the disk.
Medians of blocks, with the ninth decile beside them.

    python -m benchmarks.turn_cost
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import statistics
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import asdict, frozen

from gong_tasks_async import Lane, LocalQuota, QuotaLimits
from gong_tasks_async.simulator import VirtualClockLoop

LEAP = 9.6
DAYS_CALLS = 9_000
WAITERS = 10_000
FILE = "SQLite file"


@frozen
class Result:
    """One case; microseconds for each turn."""

    budget: str
    waiting: str
    cpu_us: float
    cpu_p90_us: float
    wall_us: float


class Meter:
    """Counts turns, puts the clock on after each, and takes the time of each block."""

    def __init__(self, leap: float, warm_up: int, blocks: int, turns: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockLoop)  # noqa: S101 - main() made it
        self._loop = loop
        self._leap = leap
        self._left = warm_up
        self._turns = turns
        self._blocks = blocks
        self._marks: list[tuple[float, float]] = []
        self.leaping = False
        self.done = loop.create_future()

    def turn(self) -> bool:
        """Count one turn; false when that was the last."""
        if self.leaping:
            self._loop.advance(self._leap)
        self._left -= 1
        if not self._left:
            self._left = self._turns
            self._mark()
        return not self.done.done()

    def result(self, budget: str, waiting: str) -> Result:
        """The blocks, worked up."""
        blocks = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self._marks)]
        cpu, wall = ([block[kind] / self._turns * 1e6 for block in blocks] for kind in (0, 1))
        tenth = statistics.quantiles(cpu, n=10)[-1]
        return Result(budget, waiting, statistics.median(cpu), tenth, statistics.median(wall))

    def _mark(self) -> None:
        self._marks.append((time.process_time(), time.perf_counter()))
        if len(self._marks) > self._blocks and not self.done.done():
            self.done.set_result(None)


async def alone(quota: LocalQuota, meter: Meter) -> None:
    meter.leaping = True
    going = True
    while going:
        quota.release(await quota.acquire(Lane.INTERACTIVE), status=200)
        going = meter.turn()


async def run_callers(one: Callable[[], Coroutine[Any, Any, None]], meter: Meter, *, leaping: bool) -> None:
    """So many tasks, until the meter has enough."""
    tasks = [asyncio.create_task(one()) for _ in range(WAITERS)]
    await asyncio.sleep(
        0
    )  # the clock stands, so that the first has to wait for its second turn, and all line up
    meter.leaping = leaping
    await meter.done
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def with_waiters(quota: LocalQuota, meter: Meter, *, leaping: bool = True) -> None:
    async def one() -> None:
        going = True
        while going:
            quota.release(await quota.acquire(Lane.BULK), status=200)
            going = meter.turn()

    await run_callers(one, meter, leaping=leaping)


async def hand_over(_: LocalQuota, meter: Meter) -> None:
    loop = asyncio.get_running_loop()
    line: deque[asyncio.Future[None]] = deque()

    async def one() -> None:
        going = True
        while going:
            place = loop.create_future()
            line.append(place)
            if len(line) == WAITERS:
                line.popleft().set_result(None)
            await place
            going = meter.turn()

    await run_callers(one, meter, leaping=True)


Case = Callable[[LocalQuota, Meter], Coroutine[Any, Any, None]]
WAITING: dict[str, Case] = {
    "alone": alone,
    "10,000 waiting": with_waiters,
    "hand-over": hand_over,
    "and timers": partial(with_waiters, leaping=False),
}
BUDGETS = {"no limit": ("alone", "10,000 waiting", "hand-over", "and timers")} | dict.fromkeys(
    ("in memory", FILE), ("alone", "10,000 waiting")
)


def limits_of(budget: str, folder: Path) -> QuotaLimits:
    if budget == "no limit":
        return QuotaLimits(per_day=None)
    return QuotaLimits(day_store=folder / "day.sqlite" if budget == FILE else None)


async def measure(budget: str, waiting: str, options: argparse.Namespace) -> Result:
    turns = options.turns // 10 if budget == FILE else options.turns
    meter = Meter(LEAP, DAYS_CALLS, options.blocks, turns)
    with TemporaryDirectory() as folder:
        limits = limits_of(budget, Path(folder))
        quota = LocalQuota(limits, wall_clock=asyncio.get_running_loop().time)
        await WAITING[waiting](quota, meter)
    return meter.result(budget, waiting)


def print_table(results: list[Result]) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}; microseconds for each turn")
    print(f"{'budget':<13}{'waiting':<16}{'CPU':>8}{'p90':>8}{'wall':>8}")
    for r in results:
        print(f"{r.budget:<13}{r.waiting:<16}{r.cpu_us:>8.1f}{r.cpu_p90_us:>8.1f}{r.wall_us:>8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--turns", type=int, default=2_000, help="in each block; a tenth with a file")
    parser.add_argument("--no-file", action="store_true", help="leave out the SQLite file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.getLogger("gong_tasks_async").addHandler(logging.NullHandler())  # days that run low are meant to
    results = []
    for budget, lines in BUDGETS.items():
        if budget == FILE and options.no_file:
            continue
        for waiting in lines:
            with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
                results.append(runner.run(measure(budget, waiting, options)))
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
