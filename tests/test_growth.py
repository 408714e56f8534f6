"""How costs grow with the size, in counts that a busy machine does not change: no more than in proportion, or not at all.

`python -m benchmarks.scale --full` measures the same works in time and memory, to a million rows.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from benchmarks import scale
from benchmarks.growth_chart import Growth, growth_chart
from benchmarks.redis_parts import Part, run
from benchmarks.scale import WORKS, Curve, Point, exponent, verdict
from benchmarks.scale_work import LOCAL_WORKS, Prepared
from tests.redis_server import require_redis

TIMES = 4
STEPS = 50
"""Of SQLite's virtual machine, which are counted at once."""
FEW = dict.fromkeys(LOCAL_WORKS, 200) | {"failures": 50, "journals": 3, "companies": 25, "listing": 50}
FLAT = {"journal": (1_000, 4_000), "resume": (1_000, 4_000), "report": (2_000, 4_000), "listing": (200, 800)}
"""From how many on their buffers are full; a report of failures, which hold more, only in the full run."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all, since a report needs the journal that the works before it have left."""
    return tmp_path_factory.mktemp("growth")


class Calls:
    """Counts functions called, those in C too, and generators resumed, in all threads that start meanwhile."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.count += event in {"call", "c_call"}


@contextmanager
def counted() -> Iterator[Calls]:
    calls, before = Calls(), sys.getprofile()
    threading.setprofile(calls)
    sys.setprofile(calls)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def calls_of(prepared: Prepared, size: int, folder: Path) -> int:
    with prepared(size, folder) as ready, counted() as calls:
        ready.run()
    return calls.count


def most_held(prepared: Prepared, size: int, folder: Path) -> int:
    with prepared(size, folder) as ready:
        tracemalloc.start()
        try:
            ready.run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", LOCAL_WORKS)
def test_so_many_times_as_many_take_so_many_times_as_many_calls_at_most(name: str, folder: Path) -> None:
    prepared, few = LOCAL_WORKS[name].prepared, FEW[name]
    calls_of(prepared, few, folder)  # what is imported or cached at first use
    once, more = (calls_of(prepared, size, folder) for size in (few, TIMES * few))
    assert math.log(more / once, TIMES) <= scale.STEEPEST


@pytest.mark.parametrize("name", ["journal", "resume", "report"])
def test_so_many_times_as_many_rows_take_so_many_times_as_many_steps_of_sqlite(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [0]

    def step() -> None:
        steps[0] += 1

    def connect(*arguments: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = original(*arguments, **settings)
        connection.set_progress_handler(step, STEPS)
        return connection

    original = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", connect)
    found = []
    for size in (1_000, TIMES * 1_000):
        with LOCAL_WORKS[name].prepared(size, folder) as ready:
            steps[0] = 0
            ready.run()
        found.append(steps[0])
    once, more = found
    assert math.log(more / once, TIMES) <= scale.STEEPEST, found


@pytest.mark.parametrize("name", FLAT)
def test_memory_does_not_grow_where_rows_and_tasks_pass_through(name: str, folder: Path) -> None:
    assert LOCAL_WORKS[name].flat
    prepared, (few, many) = LOCAL_WORKS[name].prepared, FLAT[name]
    most_held(prepared, FEW[name], folder)  # what is imported or cached at first use
    once, more = (most_held(prepared, size, folder) for size in (few, many))
    assert math.log(more / once, many / few) <= scale.FLAT, (once, more)


@pytest.mark.parametrize("name", [name for name, work in LOCAL_WORKS.items() if work.most_held])
def test_one_more_holds_no_more_bytes_than_it_may(name: str, folder: Path) -> None:
    work, few = LOCAL_WORKS[name], FEW[name]

    def held(size: int) -> int:
        without = most_held(work.without, size, folder) if work.without else 0
        return most_held(work.prepared, size, folder) - without

    held(few)  # what is imported or cached at first use
    once, more = held(few), held(TIMES * few)
    assert work.most_held
    assert 0 < (more - once) / ((TIMES - 1) * few) <= work.most_held


@pytest.mark.parametrize("name", [name for name, work in WORKS.items() if work.most_stored])
def test_one_more_row_takes_no_more_bytes_on_disk_or_in_redis_than_it_may(name: str, folder: Path) -> None:
    if name not in LOCAL_WORKS:
        require_redis()
    stored = []
    for size in (300, TIMES * 300):
        with WORKS[name].prepared(size, folder) as ready:
            ready.run()
            stored.append(ready.stored())
    once, more = stored
    most = WORKS[name].most_stored
    assert most
    assert 0 < (more - once) / ((TIMES - 1) * 300) <= most


def test_more_processes_on_a_redis_ask_it_hardly_more_often_for_a_permit() -> None:
    asked = []
    for processes in (2, 16):
        part = Part("growth", network="40-120 ms", callers=(4,) * processes)
        seen, _ = run(part, on=True, seconds=40.0)
        asked.append(seen.scripts)
    few, many = asked
    assert math.log(many / few, 16 / 2) <= 0.4


def curve(name: str, *points: tuple[int, float, int, int]) -> Curve:
    return Curve(name, tuple(Point(*point) for point in points))


def test_the_exponent_is_the_slope_of_the_last_three_points() -> None:
    assert exponent([(1, 9.0), (10, 1.0), (100, 100.0), (1000, 10_000.0)]) == pytest.approx(2.0)
    assert exponent([(10, 1.0)]) is None


def test_a_verdict_names_each_promise_that_is_broken() -> None:
    straight = curve("journal", (1_000, 1.0, 0, 400_000), (10_000, 10.0, 0, 4_000_000))
    assert verdict(straight) == "as promised"
    bent = curve("journal", (1_000, 1.0, 10**7, 0), (10_000, 20.0, 10**8, 6_000_000))
    assert verdict(bent) == "time bends upwards, memory grows, more than 500 bytes stored each"
    assert "bytes held each" in verdict(curve("waiting", (100, 1.0, 10**6, 0)))


def test_a_chart_has_a_line_and_its_points_for_each_curve() -> None:
    growth = Growth("rows <of> a job", [(1, 0.1), (10, 1.0)], [(1, 10.0), (10, 0.0)], "1.0", "0.0")
    drawn = growth_chart([growth, growth])
    assert (drawn.count("<polyline"), drawn.count("<circle"), drawn.count("rows &lt;of&gt; a job")) == (
        4,
        6,
        2,
    )


def test_the_kept_curves_are_of_known_works_with_what_they_were_measured_on() -> None:
    curves, abouts = scale.kept()
    assert {one.name for one in curves} <= WORKS.keys()
    assert all(about["commit"] and about["date"] for about in abouts)
    assert {verdict(one) for one in curves} <= {"as promised", "time bends upwards"}, (
        "a page shows the second"
    )
