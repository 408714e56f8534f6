"""A company with one quota in Redis, simulated whole: over a fake server for long, over a real one for some seconds.

``GONG_SIMULATED_DAYS`` sets how many seeds are lived through, a sixteenth of it. A failing seed replays exactly:
``live_shared(seed)``.
"""

from __future__ import annotations

import os

import pytest
from attrs import evolve

pytest.importorskip("lupa", reason="needs fakeredis[lua]")

from tests.redis_server import RedisServer
from tests.simulation.books import Broken
from tests.simulation.shared_company import SharedCompany, live_shared
from tests.simulation.shared_faults import PLANTS, Plant
from tests.simulation.shared_plan import SharedPlan

SEEDS = int(os.environ.get("GONG_SIMULATED_DAYS", "200")) // 16
BLOCK = 6
SEEDS_FOR_A_PLANT = 20


def live_all(seeds: int) -> None:
    for seed in range(seeds):
        live_shared(seed)


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_the_invariants_hold(first: int) -> None:
    for seed in range(first, min(first + BLOCK, SEEDS)):
        try:
            live_shared(seed)
        except Broken as broken:
            pytest.fail(f"seed {seed}: {broken}; {SharedPlan.of(seed)}")


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken):
        live_all(SEEDS_FOR_A_PLANT)


def test_a_seed_replays_exactly() -> None:
    once, again = ([flight.arrived for flight in live_shared(3).flights] for _ in range(2))
    assert once == again


async def test_the_invariants_hold_over_a_real_server(redis_server: RedisServer) -> None:
    redis = pytest.importorskip("redis.asyncio")
    clients = []

    async def connect() -> object:
        clients.append(redis.Redis.from_url(redis_server.url))
        return clients[-1]

    calm = SharedPlan.of(0)
    plan = evolve(
        calm,
        processes=3,
        callers=9,
        rows=3,
        killed=True,
        outage=0.0,
        set_back=0.0,
        mistaken=False,
        reopened=False,
        conditions=evolve(calm.conditions, ways=(0.005, 0.05), refused=0.0, lost=0.0, hanging=0.0),
    )
    company = SharedCompany(plan, connect, lambda _: None, lasts=1.0, lands=1.0)
    await company.run()
    assert len(company.flights) >= 9
    for client in clients:
        await client.aclose()
