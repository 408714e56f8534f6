"""Whole days through the client, against each rule that may stand behind "3 a second and 10,000 a day".

``GONG_QUOTA_FULL_DAY=1`` makes all 10,000 calls against every one of them.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from gong_tasks_async import DailyQuotaError, GongTasksClient, Lane, LocalQuota, QuotaLimits
from gong_tasks_async.simulator import Engine, SecondLimit
from tests.conftest import Connect

pytestmark = pytest.mark.virtual

DAY = 10_000
PART = DAY if os.environ.get("GONG_QUOTA_FULL_DAY") == "1" else 1_000
JITTER = (0.040, 0.120)
MODELS = [SecondLimit.BUCKET, SecondLimit.FIXED, SecondLimit.SLIDING, SecondLimit.SPACING]
SPACING = QuotaLimits().spacing


def now() -> float:
    return asyncio.get_running_loop().time()


def wall() -> float:
    return 1_790_000_000.0 + now()


def gong_with(model: SecondLimit = SecondLimit.SLIDING) -> Engine:
    return Engine(users=1, tasks_per_user=0, second_limit=model)


def limits(**changes: object) -> QuotaLimits:
    return QuotaLimits(interactive_reserve=0, **changes)  # type: ignore[arg-type]


async def connected(
    connect: Connect, gong: Engine, latency: tuple[float, float], **changes: object
) -> GongTasksClient:
    quota = LocalQuota(limits(**changes), wall_clock=wall)
    return (await connect(gong, latency=latency, quota=quota)).with_options(lane=Lane.BULK)


async def work(client: GongTasksClient, calls: int, workers: int = 8) -> None:
    """Make so many calls with a few workers; any that is lost is raised."""

    async def worker(left: Iterator[int]) -> None:
        for _ in left:
            await client.list_tasks("1")

    left = iter(range(calls))
    await asyncio.gather(*(worker(left) for _ in range(workers)))


@pytest.mark.parametrize("latency", [(0.0, 0.0), JITTER], ids=["none", "jitter"])
@pytest.mark.parametrize("model", MODELS)
async def test_of_a_days_calls_none_is_lost_and_few_are_refused(
    model: SecondLimit, latency: tuple[float, float], connect: Connect
) -> None:
    whole = DAY if (model, latency) == (SecondLimit.SLIDING, JITTER) else PART
    gong = gong_with(model)
    client = await connected(connect, gong, latency, count_rate_limited=False)  # as this Gong does
    await work(client, whole)
    assert gong.ledger.admitted == whole
    assert gong.ledger.refused <= 5
    assert whole / now() >= 2.5


async def test_the_call_after_the_days_last_one_is_refused_here_and_not_by_gong(connect: Connect) -> None:
    gong = Engine(users=1, tasks_per_user=0, per_day=50)
    client = await connected(connect, gong, JITTER, per_day=50)
    await work(client, 50)
    with pytest.raises(DailyQuotaError) as spent:
        await client.list_tasks("1")
    assert (spent.value.attempts, gong.ledger.calls, gong.ledger.refused) == (0, 50, 0)


@pytest.mark.parametrize("latency", [(0.0, 0.0), JITTER], ids=["none", "jitter"])
async def test_two_hundred_queued_calls_waste_at_most_two_on_a_strict_second(
    latency: tuple[float, float], connect: Connect
) -> None:
    gong = gong_with()
    client = await connected(connect, gong, latency)
    await work(client, 200, workers=200)
    assert gong.ledger.admitted == 200
    assert gong.ledger.refused <= 2


@pytest.mark.parametrize("moment", [0.0, 3.0, 3.1, 3.2, 3.3, 50.0])
async def test_one_person_behind_a_thousand_machines_leaves_within_two_spacings(
    moment: float, connect: Connect
) -> None:
    gong = gong_with()
    client = await connected(connect, gong, (0.0, 0.0))
    machines = asyncio.create_task(work(client, 1_000, workers=1_000))
    await asyncio.sleep(0.5 + moment)
    before, arrived = now(), gong.ledger.calls
    await client.with_options(lane=Lane.INTERACTIVE).list_tasks("1")
    assert now() - before <= 2 * SPACING
    assert gong.ledger.calls - arrived <= 2
    machines.cancel()
    await asyncio.wait([machines])


async def beside_a_neighbour(
    connect: Connect, gaps: tuple[float, float], *, adaptive: bool
) -> tuple[int, float, float]:
    """Our refused calls, the share of its calls that the neighbour gets, and of the limit that both use."""
    gong, chance = gong_with(), random.Random(7)
    client = await connected(connect, gong, (0.0, 0.0), adaptive=adaptive)
    began, own = now(), asyncio.create_task(work(client, DAY))
    asked = got = 0
    while now() < began + 1_200.0:
        await asyncio.sleep(chance.uniform(*gaps))
        asked += 1
        got += gong._limits.refuse(now()) is None
    own.cancel()
    await asyncio.wait([own])
    return gong.ledger.refused, got / asked, (gong.ledger.admitted + got) / (3.0 * (now() - began))


@pytest.mark.parametrize(
    ("gaps", "both_use"),
    [((1.0, 1.0), 0.9), ((0.8, 1.2), 0.6), ((0.0, 2.0), 0.55)],
    ids=["even", "uneven", "wild"],
)
async def test_beside_a_neighbour_the_adaptive_pace_wastes_little_and_starves_nobody(
    gaps: tuple[float, float], both_use: float, connect: Connect
) -> None:
    wasted, _, _ = await beside_a_neighbour(connect, gaps, adaptive=False)
    refused, share, together = await beside_a_neighbour(connect, gaps, adaptive=True)
    assert refused <= 0.3 * wasted
    assert share >= 0.7
    assert together >= both_use
