"""What a decoded task and a bulk row cost, counted, not timed: no more than when it was last meant to change.

Where a count has grown on purpose, `nox -s baseline` writes the new ones down.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

from benchmarks import gates


def _tracer() -> str | None:
    """What looks on while this Python runs, and would be counted too."""
    if sys.gettrace() or sys.getprofile() or "COVERAGE_PROCESS_CONFIG" in os.environ:
        return "a tracer"
    monitoring = getattr(sys, "monitoring", None)  # new in Python 3.12
    return None if monitoring is None else next(filter(None, map(monitoring.get_tool, range(6))), None)


@pytest.fixture(scope="module")
def counts() -> dict[str, float]:
    if tracer := _tracer():
        pytest.skip(f"{tracer} is active, and would be counted too")
    if find_spec("orjson") is None:
        pytest.skip("the counts are those with orjson, which is not installed")
    if not gates.baseline():
        pytest.skip(f"{gates.BASELINE.name} has no counts of Python {gates.python_here()}")
    return gates.count_afresh()


@pytest.mark.parametrize("name", gates.COUNTS)
def test_costs_no_more_than_its_baseline(name: str, counts: dict[str, float]) -> None:
    before = gates.baseline()[name]
    assert counts[name] <= gates.allowed(before), (
        f"{name}: {counts[name]:.2f}, and {before:.2f} before; if that is meant, run `nox -s baseline`"
    )


def test_a_count_may_grow_by_three_percent_and_no_more() -> None:
    assert gates.allowed(100.0) == pytest.approx(103.0, abs=0.1)
    assert gates.allowed(0.0) < 0.1


def test_every_python_that_is_supported_has_a_baseline() -> None:
    assert set(gates.baselines()) == {"3.11", "3.12", "3.13"}


def test_a_profiled_call_is_counted_once() -> None:
    def one() -> None:
        two()

    def two() -> None:
        pass

    if _tracer():
        pytest.skip("a tracer is active, and would lose its place")
    assert gates.counted(gates.Calls(), one) == 2
