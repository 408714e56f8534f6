"""The shared quota held against made-up companies: whoever comes, gives up, dies or is refused, its promises stand.

``GONG_SHARED_QUOTA_EXAMPLES`` sets how many companies are made up.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from itertools import pairwise
from unittest.mock import patch

from attrs import define, field, frozen
from fakeredis import FakeAsyncRedis, FakeServer
from hypothesis import given, settings, strategies as st

from gong_tasks_async import DailyQuotaError, Lane, QuotaLimits, RedisQuota
from gong_tasks_async.simulator import VirtualClockLoop
from tests.shared_quota_fakes import BEGAN

EXAMPLES = int(os.environ.get("GONG_SHARED_QUOTA_EXAMPLES", "60"))
ROUNDING = 1e-5


@frozen
class Arrival:
    """Somebody who wants one call."""

    gap: float
    process: int
    lane: Lane
    flight: float
    patience: float | None
    """Seconds until it is cancelled."""


@frozen
class Company:
    limits: QuotaLimits
    processes: int
    arrivals: list[Arrival]
    pauses: list[tuple[float, int, float]]
    """When, seen by which process, for how long."""


seconds = st.floats(0.0, 2.0)
arrivals = st.builds(
    Arrival,
    gap=st.sampled_from([0.0, 0.0, 0.01, 0.4, 3.0]),
    process=st.integers(0, 3),
    lane=st.sampled_from(Lane),
    flight=st.floats(0.0, 0.3),
    patience=st.none() | seconds,
)
companies = st.builds(
    Company,
    limits=st.builds(
        QuotaLimits,
        per_second=st.sampled_from([1.0, 3.0, 10.0]),
        per_day=st.sampled_from([5, 1000]),
        interactive_reserve=st.sampled_from([0, 2]),
        adaptive=st.just(False),
        bulk_share=st.sampled_from([0.0, 0.1]),
    ),
    processes=st.integers(1, 4),
    arrivals=st.lists(arrivals, min_size=1, max_size=30),
    pauses=st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(0, 3), st.floats(0.05, 5.0)), max_size=3),
)


@define
class Seen:
    departures: list[tuple[float, Lane]] = field(factory=list)
    spent: list[Lane] = field(factory=list)
    shut: list[tuple[float, float]] = field(factory=list)
    used: int = 0


async def call(quota: RedisQuota, arrival: Arrival, seen: Seen) -> None:
    try:
        async with asyncio.timeout(arrival.patience):
            turn = await quota.acquire(arrival.lane)
    except TimeoutError:
        return
    except DailyQuotaError:
        seen.spent.append(arrival.lane)
        return
    seen.departures.append((turn.departed, arrival.lane))
    await asyncio.sleep(arrival.flight)
    quota.release(turn, status=200)


async def shut(quota: RedisQuota, when: float, lasts: float, seen: Seen) -> None:
    await asyncio.sleep(when)
    now = asyncio.get_running_loop().time()
    quota.pause(lasts)
    seen.shut.append((now, now + lasts))


async def live(company: Company) -> Seen:
    server, seen = FakeServer(), Seen()
    clients = [FakeAsyncRedis(server=server) for _ in range(company.processes)]
    quotas = [
        RedisQuota(client, company="acme", limits=company.limits, wall_clock=time.time) for client in clients
    ]
    await asyncio.gather(*(quota.snapshot() for quota in quotas))  # everybody listens
    lives: list[Coroutine[object, object, None]] = [
        shut(quotas[process % len(quotas)], when, lasts, seen) for when, process, lasts in company.pauses
    ]
    tasks = [asyncio.create_task(life) for life in lives]
    for arrival in company.arrivals:
        await asyncio.sleep(arrival.gap)
        quota = quotas[arrival.process % len(quotas)]
        tasks.append(asyncio.create_task(call(quota, arrival, seen)))
    await asyncio.gather(*tasks)
    await asyncio.sleep(10.0)
    seen.used = (await quotas[0].snapshot()).used
    for quota, client in zip(quotas, clients, strict=True):
        await quota.close()
        await client.aclose()
    return seen


def lived(company: Company) -> Seen:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        loop = runner.get_loop()
        with patch("time.time", lambda: BEGAN + loop.time()), suppress(asyncio.CancelledError):
            return runner.run(live(company))
    raise AssertionError("cancelled by nobody")


@settings(max_examples=EXAMPLES)
@given(companies)
def test_the_company_s_promises_stand(company: Company) -> None:
    seen, limits = lived(company), company.limits
    moments = sorted(moment for moment, _ in seen.departures)
    assert all(later - earlier >= limits.spacing - 0.003 - ROUNDING for earlier, later in pairwise(moments))
    for began, opens in seen.shut:
        assert [moment for moment in moments if began + ROUNDING < moment < opens - ROUNDING] == []
    assert seen.used == len(moments)
    assert limits.per_day is not None
    assert len(moments) <= limits.per_day
    by_machines = [moment for moment, lane in seen.departures if lane is Lane.BULK]
    assert len(by_machines) <= limits.allowed(Lane.BULK)
    if limits.allowed(Lane.BULK) >= len(company.arrivals):
        assert seen.spent == []
    patient = [arrival for arrival in company.arrivals if arrival.patience is None]
    assert len(moments) + len(seen.spent) >= len(patient)


@frozen
class Traffic:
    """Calls of some processes, each as long as its turn says, and where on its way it reaches Gong."""

    processes: int
    callers: int
    flights: list[float]
    arrivals: list[float]


async def arrivals_of(traffic: Traffic) -> list[float]:
    server = FakeServer()
    moments: list[float] = []
    clients = [FakeAsyncRedis(server=server) for _ in range(traffic.processes)]
    quotas = [RedisQuota(client, company="acme", wall_clock=time.time) for client in clients]
    flights = iter(traffic.flights)

    async def caller(quota: RedisQuota) -> None:
        for flight in flights:
            permit = await quota.acquire(Lane.BULK)
            place = traffic.arrivals[len(moments) % len(traffic.arrivals)]
            moments.append(permit.departed + flight * place)
            await asyncio.sleep(flight)
            quota.release(permit, status=200)

    await asyncio.gather(*(caller(quota) for quota in quotas for _ in range(traffic.callers)))
    for quota, client in zip(quotas, clients, strict=True):
        await quota.close()
        await client.aclose()
    return sorted(moments)


@settings(max_examples=EXAMPLES // 3)
@given(
    st.builds(
        Traffic,
        processes=st.integers(1, 4),
        callers=st.integers(1, 4),
        flights=st.lists(
            st.sampled_from([0.01, 0.05, 0.3]) | st.floats(0.001, 4.5), min_size=20, max_size=60
        ),
        arrivals=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=7),
    )
)
def test_no_window_has_more_arrivals_than_the_limit_whatever_the_latency(traffic: Traffic) -> None:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        loop = runner.get_loop()
        with patch("time.time", lambda: BEGAN + loop.time()):
            moments = runner.run(arrivals_of(traffic))
    limit = QuotaLimits().slots
    assert all(moments[i + limit] - moments[i] >= 1.0 - ROUNDING for i in range(len(moments) - limit))
