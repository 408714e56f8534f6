"""Counts that are the same on every machine, and what they were when they were last meant to change.

CI measures no time, which other people's work would disturb; it counts Python calls and memory blocks, for each
PATCH, each decoded task and each row of a bulk run. `tests/test_gates.py` fails where a count has grown by more than 3 %.

    python -m benchmarks.gates               # compares with baseline.json
    python -m benchmarks.gates --rewrite     # after a deliberate change: `nox -s baseline` does it for every Python

The counting is done in a fresh process, with a fixed hash seed, so that nothing depends on what ran before.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from benchmarks.bulk_cost import offline, rows
from benchmarks.call_count import calls_beyond_bare
from benchmarks.stub_server import PROJECT, body_of, full_tasks
from gong_tasks_async import codec

BASELINE = Path(__file__).parent / "baseline.json"
TOLERANCE = 0.03
SLACK = 0.05
"""Where nothing at all was counted, 3 % of it is nothing: so much may always be added."""
FEW, MANY = 100, 300
SETTLED = 50
"""The count for one is the difference between many and few, so that what comes once is left out."""


class Calls:
    """Counts Python functions that are called, and generators that are resumed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _frame: FrameType, event: str, _argument: object) -> None:
        """Note an event."""
        if event == "call":
            self.count += 1


class Blocks:
    """Counts memory blocks that have come into being from one call or return to the next.

    The interpreter counts only the blocks that are there; so what comes and goes between two events is not seen,
    and each call adds the frame object that a profiler needs.
    """

    def __init__(self) -> None:
        self.count = 0
        self._there = sys.getallocatedblocks()

    def __call__(self, _frame: FrameType, _event: str, _argument: object) -> None:
        """Note an event."""
        there = sys.getallocatedblocks()
        if there > self._there:
            self.count += there - self._there
        self._there = there


def counted(counter: Calls | Blocks, work: Callable[[], object]) -> int:
    """What is counted while some work is done."""
    sys.setprofile(counter)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counter.count


def for_one(count: Callable[[int], int]) -> float:
    """The count that one more costs; what is found only once is left out."""
    count(MANY)  # caches
    return (count(MANY) - count(FEW)) / (MANY - FEW)


def calls_decoding(tasks: int) -> int:
    body = body_of(full_tasks(tasks))
    return counted(Calls(), lambda: codec.decode_answer(body))


def calls_iterating(tasks: int) -> int:
    body = body_of(full_tasks(tasks))
    return counted(Calls(), lambda: sum(1 for _ in codec.decode_tasks(body)))


def blocks_kept(tasks: int) -> int:
    """Blocks that decoded tasks are made of."""
    body = body_of(full_tasks(tasks))
    before = sys.getallocatedblocks()
    kept = codec.decode_answer(body)
    grown = sys.getallocatedblocks() - before
    assert len(kept.tasks) == tasks  # noqa: S101 - also keeps them until here
    return grown


def calls_in_bulk(number: int) -> int:
    return counted(Calls(), lambda: asyncio.run(_bulk(number)))


def blocks_made_in_bulk(number: int) -> int:
    return counted(Blocks(), lambda: asyncio.run(_bulk(number)))


async def _bulk(number: int) -> int:
    """A bulk run through the whole client but for the socket; tells how many blocks it has left behind."""
    async with offline() as gong:
        await gong.update_many(rows(SETTLED))  # windows and caches are full from here on
        gc.collect()
        before = sys.getallocatedblocks()
        report = await gong.update_many(rows(number))
        gc.collect()
        grown = sys.getallocatedblocks() - before
    assert report.updated == number  # noqa: S101 - also keeps it until here
    return grown


COUNTS: dict[str, Callable[[int], int]] = {
    "calls for a task, decode_answer": calls_decoding,
    "calls for a task, decode_tasks": calls_iterating,
    "blocks that a task is made of": blocks_kept,
    "calls for a PATCH, beyond aiohttp's": partial(calls_beyond_bare, limiter=True),
    "the same, limiter off": partial(calls_beyond_bare, limiter=False),
    "calls for a bulk row": calls_in_bulk,
    "blocks made for a bulk row": blocks_made_in_bulk,
    "blocks left by a bulk row": lambda number: asyncio.run(_bulk(number)),
}


def count_here() -> dict[str, float]:
    """All counts, in this process."""
    gc.disable()
    return {name: round(for_one(count), 3) for name, count in COUNTS.items()}


def count_afresh() -> dict[str, float]:
    """All counts, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gates", "--here"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - this file
    found: dict[str, float] = json.loads(done.stdout)
    return found


def python_here() -> str:
    """Under what the counts are kept: each Python makes other calls."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def baselines() -> dict[str, dict[str, float]]:
    """The counts that were written down, by Python."""
    kept: dict[str, dict[str, float]] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return kept


def baseline() -> dict[str, float]:
    """Those of this Python; empty if there are none."""
    return baselines().get(python_here(), {})


def allowed(count: float) -> float:
    """How far a count may grow."""
    return count * (1 + TOLERANCE) + SLACK


def rewrite(counts: dict[str, float]) -> None:
    """Write this Python's counts down, and leave the others'."""
    kept = {**baselines(), python_here(): counts}
    BASELINE.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="make these counts the baseline of this Python"
    )
    parser.add_argument("--here", action="store_true", help="count in this process, and print JSON")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(count_here()))
        return
    counts, before = count_afresh(), baseline()
    for name, count in counts.items():
        print(f"{name:<38}{before.get(name, float('nan')):>10.2f} ->{count:>10.2f}")
    if options.rewrite:
        rewrite(counts)


if __name__ == "__main__":
    main()
