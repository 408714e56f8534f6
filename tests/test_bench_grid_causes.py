"""Why a cell of the grid is worse than before: found by experiment, not assigned."""

from __future__ import annotations

import pytest

from benchmarks.former_pace import FormerPace
from benchmarks.grid_causes import CAUSES, UNKNOWN, losses, main_cause, without
from benchmarks.grid_world import Cell, LadderPace, simulate
from gong_tasks_async.quota import ladder

SECONDS = 900.0
WINDOW, ONE_AT_A_TIME, _, _, SLOWEST, _ = CAUSES


def cell(used: float, wasted: float = 0.0) -> Cell:
    return Cell(used=used, refused=0.0, most=3, neighbour=1.0, wasted=wasted)


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        (("sliding second", "slow server", "none"), WINDOW),
        (("bucket of 2", "lognormal 80 ms", "none"), ONE_AT_A_TIME),
        (("strict spacing", "40-120 ms", "1/s, even"), SLOWEST),
    ],
)
def test_a_loss_is_regained_without_its_cause(key: tuple[str, str, str], cause: str) -> None:
    before, after = (simulate(pace, *key, seconds=SECONDS, seed=0) for pace in (FormerPace, LadderPace))
    cells = {}
    for each in CAUSES:
        with without(each):
            cells[each] = simulate(LadderPace, *key, seconds=SECONDS, seed=0)
    found, regained = main_cause(before, after, cells)
    assert found == cause
    assert regained >= 0.5
    assert simulate(LadderPace, *key, seconds=SECONDS, seed=0) == after  # all of it was put back


def test_of_two_causes_the_one_that_regains_more_is_named() -> None:
    cells = {"some": cell(0.81), "most": cell(0.88), "none": cell(0.6)}
    found, regained = main_cause(cell(0.9), cell(0.7), cells)
    assert found == "most"
    assert regained == pytest.approx(0.9)


def test_no_cause_is_named_that_regains_less_than_half_or_one_loss_of_two() -> None:
    assert main_cause(cell(0.9), cell(0.7), {"little": cell(0.79)}) == (UNKNOWN, 0.0)
    assert main_cause(cell(0.9, 1.0), cell(0.7, 9.0), {"use alone": cell(0.9, 9.0)}) == (UNKNOWN, 0.0)


def test_small_differences_are_no_loss() -> None:
    assert not losses(cell(0.90, 2.0), cell(0.89, 4.0))


def test_each_cause_is_taken_out_for_a_while_only() -> None:
    kept = dict(vars(ladder)), dict(vars(ladder.Ladder))
    for each in CAUSES:
        with without(each):
            pass
    assert (dict(vars(ladder)), dict(vars(ladder.Ladder))) == kept
