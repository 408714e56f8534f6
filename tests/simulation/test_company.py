"""A company simulated whole: its invariants hold for days on end, and each planted fault is found.

``GONG_SIMULATED_DAYS`` sets for how long (a seed is 2 to 60 hours, 31 on average); `nox -s simulate` runs 10,000.
A failing seed replays exactly: ``live(seed)``.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.books import Broken
from tests.simulation.company import live
from tests.simulation.faults import PLANTS, Plant
from tests.simulation.plan import Plan

SEEDS = int(os.environ.get("GONG_SIMULATED_DAYS", "200")) * 24 // 30
BLOCK = 50
SEEDS_FOR_A_PLANT = 60


def live_all(seeds: int) -> None:
    for seed in range(seeds):
        live(seed)


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_the_invariants_hold(first: int) -> None:
    for seed in range(first, min(first + BLOCK, SEEDS)):
        try:
            live(seed)
        except Broken as broken:
            pytest.fail(f"seed {seed}: {broken}; {Plan.of(seed)}")


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken):
        live_all(SEEDS_FOR_A_PLANT)


def test_a_seed_replays_exactly() -> None:
    once, again = (list(live(8).departed) for _ in range(2))
    assert once == again
