"""A company simulated whole: its invariants hold for days on end, and each planted fault is found.

``GONG_SIMULATED_DAYS`` sets for how long: a company with quotas of its processes' own lives 31 hours on average for each
seed, one with a quota in Redis for minutes. `nox -s simulate` runs 10,000 days. A failing seed replays exactly:
``live(LocalCompany.of(seed))``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec

import pytest
from attrs import evolve, frozen

from tests.redis_server import RedisServer
from tests.simulation import faults, shared_faults
from tests.simulation.books import Broken
from tests.simulation.company import Company, live
from tests.simulation.faults import Plant
from tests.simulation.local_company import LocalCompany
from tests.simulation.plan import SharedPlan
from tests.simulation.shared_company import SharedCompany

DAYS = int(os.environ.get("GONG_SIMULATED_DAYS", "200"))


@frozen
class Kind:
    """How a company's processes share its limits."""

    company: type[LocalCompany | SharedCompany]
    seeds: int
    block: int
    """Seeds of one test."""
    plants: Mapping[Plant, int]
    """Each with a seed that finds it, most probably."""
    seeds_for_a_plant: int
    replayed: int
    """A seed in which much happens."""

    def live(self, seed: int) -> Company:
        """Live through a seed."""
        return live(self.company.of(seed))

    def live_all(self, seeds: Iterable[int]) -> None:
        """Live through seeds until one is broken."""
        for seed in seeds:
            self.live(seed)


LOCAL = Kind(LocalCompany, DAYS * 24 // 30, 20, faults.PLANTS, 60, replayed=8)
SHARED = Kind(SharedCompany, DAYS // 16, 6, shared_faults.PLANTS, 20, replayed=3)
needs_lua = pytest.mark.skipif(find_spec("lupa") is None, reason="needs fakeredis[lua]")
KINDS: dict[str, tuple[Kind, tuple[pytest.MarkDecorator, ...]]] = {
    "local": (LOCAL, ()),
    "shared": (SHARED, (needs_lua,)),
}


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        pytest.param(kind, first, id=f"{name}-{first}", marks=marks)
        for name, (kind, marks) in KINDS.items()
        for first in range(0, kind.seeds, kind.block)
    ],
)
def test_the_invariants_hold(kind: Kind, first: int) -> None:
    for seed in range(first, min(first + kind.block, kind.seeds)):
        try:
            kind.live(seed)
        except Broken as broken:
            pytest.fail(f"seed {seed}: {broken}; {kind.company.of(seed).plan}")


@pytest.mark.parametrize(
    ("kind", "plant", "found_by"),
    [
        pytest.param(kind, plant, found_by, id=f"{name}-{plant.__name__}", marks=marks)
        for name, (kind, marks) in KINDS.items()
        for plant, found_by in kind.plants.items()
    ],
)
def test_a_planted_fault_is_found(
    kind: Kind, plant: Plant, found_by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken):
        kind.live_all((found_by, *range(kind.seeds_for_a_plant)))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name, marks=marks) for name, (kind, marks) in KINDS.items()]
)
def test_a_seed_replays_exactly(kind: Kind) -> None:
    once, again = (kind.live(kind.replayed) for _ in range(2))
    assert once.departed
    assert once.departed == again.departed
    assert [flight.arrived for flight in once.flights] == [flight.arrived for flight in again.flights]


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(4437, id="a pause that a wrong clock dated ends late by the time slept"),
        pytest.param(6689, id="a call that is refused six times pauses all for half a minute"),
    ],
)
def test_the_invariants_allow(seed: int) -> None:
    LOCAL.live(seed)


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
        rows=2,
        kills=1,
        outage=0.0,
        set_back=0.0,
        mistaken=False,
        reopened=False,
        lasts=0.5,
        goes_on=2.0,
        lands=0.5,
        conditions=evolve(calm.conditions, ways=(0.005, 0.05), refused=0.0, lost=0.0, hanging=0.0),
    )
    company = SharedCompany(plan=plan, connect=connect)
    await company.run()
    assert len(company.flights) >= 6
    for client in clients:
        await client.aclose()
