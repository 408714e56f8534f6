"""How long a person's call waits behind 1,000 of a machine, and what is left for the machine behind people.

The quota alone is measured, without a client: 1,000 callers in the bulk lane take turns without end, so that as
many always wait, and each turn is given back one round trip later. People come at random moments, and their time
from arrival to departure is told in spacings (the seconds from one call to the next at full pace). Then 100 people
take turns without end, which fills the limit, and the bulk lane's share of the departures is counted.

Under a virtual clock, since these are waits, not work: the machine's speed does not show.

    python -m benchmarks.quota_lanes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import asdict, frozen

from gong_tasks_async import Lane, LocalQuota, QuotaLimits
from gong_tasks_async.simulator import VirtualClockLoop

LATENCIES = ((0.0, 0.0), (0.040, 0.120))
BULK_SHARES = (0.0, 0.05, 0.1, 0.3)
GAP = (1.0, 10.0)
"""Seconds from one person's departure to the next one's arrival."""
PEOPLE = 100
SETTLED = 100
"""Departures before the count begins."""


@frozen
class Waits:
    """From a person's arrival to its departure, in spacings."""

    latency_ms: str
    arrivals: int
    median: float
    p90: float
    most: float


@frozen
class Share:
    """What the bulk lane gets of the departures while people fill the line."""

    bulk_share: float
    departures: int
    got: float


class LoadGenerator:
    """Callers that take turns without end, and the departures of each lane."""

    def __init__(self, quota: LocalQuota, latency: tuple[float, float], seed: int) -> None:
        self.departed: Counter[Lane] = Counter()
        self._quota = quota
        self._latency = latency
        self._random = random.Random(seed)

    async def one_call(self, lane: Lane) -> float:
        """Wait for a turn, and give it back a round trip later; tells when it left."""
        turn = await self._quota.acquire(lane)
        self.departed[lane] += 1
        trip = self._random.uniform(*self._latency)
        asyncio.get_running_loop().call_later(trip, lambda: self._quota.release(turn, status=200))
        return turn.departed

    @asynccontextmanager
    async def at_work(self, **callers: int) -> AsyncIterator[None]:
        """So many callers of each lane, all of them waiting now."""
        lanes = [Lane[name] for name, count in callers.items() for _ in range(count)]
        tasks = [asyncio.create_task(self._endlessly(lane)) for lane in lanes]
        await asyncio.sleep(1.0)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _endlessly(self, lane: Lane) -> None:
        while True:
            await self.one_call(lane)


async def people_behind_bulk(latency: tuple[float, float], arrivals: int, bulk: int, seed: int) -> Waits:
    limits = QuotaLimits(per_day=None)
    load = LoadGenerator(LocalQuota(limits), latency, seed)
    moments, waits = random.Random(seed), []
    async with load.at_work(BULK=bulk):
        for _ in range(arrivals):
            await asyncio.sleep(moments.uniform(*GAP))
            arrived = asyncio.get_running_loop().time()
            waits.append((await load.one_call(Lane.INTERACTIVE) - arrived) / limits.spacing)
    return Waits(
        latency_ms=f"{latency[0] * 1000:.0f}-{latency[1] * 1000:.0f}",
        arrivals=arrivals,
        median=statistics.median(waits),
        p90=statistics.quantiles(waits, n=10)[-1],
        most=max(waits),
    )


async def bulk_behind_people(bulk_share: float, departures: int, bulk: int, seed: int) -> Share:
    limits = QuotaLimits(per_day=None, bulk_share=bulk_share)
    load = LoadGenerator(LocalQuota(limits), LATENCIES[-1], seed)
    async with load.at_work(BULK=bulk, INTERACTIVE=PEOPLE):
        await asyncio.sleep(SETTLED * limits.spacing)
        load.departed.clear()
        await asyncio.sleep(departures * limits.spacing)
        total = load.departed.total()
        return Share(bulk_share, total, load.departed[Lane.BULK] / total)


async def measure_all(options: argparse.Namespace) -> tuple[list[Waits], list[Share]]:
    size = (options.bulk, options.seed)
    return (
        [await people_behind_bulk(latency, options.arrivals, *size) for latency in LATENCIES],
        [await bulk_behind_people(share, options.departures, *size) for share in BULK_SHARES],
    )


def print_tables(waits: list[Waits], shares: list[Share]) -> None:
    print("A person's wait behind the bulk lane, in spacings")
    print(f"{'latency ms':<12}{'arrivals':>9}{'median':>9}{'p90':>8}{'max':>8}")
    for w in waits:
        print(f"{w.latency_ms:<12}{w.arrivals:>9}{w.median:>9.2f}{w.p90:>8.2f}{w.most:>8.2f}")
    print("\nThe bulk lane behind people who fill the limit")
    print(f"{'bulk_share':<12}{'departures':>11}{'bulk got':>10}")
    for s in shares:
        print(f"{s.bulk_share:<12g}{s.departures:>11}{s.got:>10.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bulk", type=int, default=1_000, help="how many bulk calls wait")
    parser.add_argument("--arrivals", type=int, default=200)
    parser.add_argument("--departures", type=int, default=3_000, help="at full pace; as long as these take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        waits, shares = runner.run(measure_all(options))
    if options.json:
        tables = {"waits": [asdict(w) for w in waits], "shares": [asdict(s) for s in shares]}
        print(json.dumps(tables, indent=2))
    else:
        print_tables(waits, shares)


if __name__ == "__main__":
    main()
