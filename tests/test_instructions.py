"""What the parts of a call cost, in instructions, which a busy machine does not change: no more than when it was last kept.

Where a count has grown on purpose, `python -m benchmarks.instructions --rewrite` keeps the new ones.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

from benchmarks import instructions
from benchmarks.instruction_work import GATED, PIECES


def why_not() -> str | None:
    """Why these counts cannot be compared here."""
    if sys.gettrace() or "COVERAGE_PROCESS_CONFIG" in os.environ:
        return "coverage would be counted too"
    if not instructions.is_countable():
        return "valgrind is not installed"
    missing = [name for name in instructions.LIBRARIES if find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if not instructions.baseline():
        return f"no counts are kept of {instructions.build()}"
    return None


def test_the_parts_of_a_call_cost_no_more_than_their_baseline() -> None:
    if reason := why_not():
        pytest.skip(reason)
    counts = instructions.count(GATED)
    assert instructions.grown(counts, instructions.baseline()) == []


def test_a_count_may_grow_by_three_percent_and_no_more() -> None:
    before = {"a permit": 1_000.0}
    assert instructions.grown({"a permit": 1_030.0}, before) == []
    assert instructions.grown({"a permit": 1_031.0}, before) == [
        "a permit: 1,031 instructions, and 1,000 before"
    ]
    assert instructions.grown({"another": 5.0}, before) == []


def test_each_kept_count_is_of_a_piece_that_is_counted() -> None:
    known = {*PIECES, *instructions.IMPORTS}
    assert all(set(kept) <= known for kept in instructions.baselines().values())
    assert set(GATED) <= known
