"""How much of the quota is used, and how many calls are refused, against each rule that Gong may enforce.

Eight clients run at once, each against a simulator of its own: four rules, with and without 40-120 ms of latency.
Eight workers keep each client busy for the whole time, so the quota is all that holds it back.

    python -m benchmarks.quota_use                # one minute, real sockets, real clock
    python -m benchmarks.quota_use --virtual      # the same in memory, under a virtual clock
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from attrs import asdict, frozen

from gong_tasks_async import AccessKey, GongTasksClient, LocalQuota, QuotaLimits, TaskUpdate
from gong_tasks_async.simulator import (
    Engine,
    SecondLimit,
    Simulator,
    VirtualClockLoop,
    make_app,
    memory_session,
)

RULES = (SecondLimit.BUCKET, SecondLimit.FIXED, SecondLimit.SLIDING, SecondLimit.SPACING)
LATENCIES = ((0.0, 0.0), (0.040, 0.120))
PER_SECOND = 3.0


@frozen
class Result:
    """One client's minute."""

    rule: str
    latency_ms: str
    admitted: int
    used: float
    refused_a_minute: float
    most_in_a_second: int


@asynccontextmanager
async def connected(
    engine: Engine, latency: tuple[float, float], limits: QuotaLimits, seed: int, *, virtual: bool
) -> AsyncIterator[GongTasksClient]:
    """A client of a simulator, over sockets or in memory."""
    credentials, quota = AccessKey(engine.access_key, engine.access_key_secret), LocalQuota(limits)
    async with AsyncExitStack() as stack:
        if virtual:
            session = await stack.enter_async_context(memory_session(make_app(engine, latency, seed)))
            gong = GongTasksClient(credentials, base_url="http://localhost", session=session, quota=quota)
        else:
            simulator = await stack.enter_async_context(Simulator(engine, latency=latency, seed=seed))
            gong = GongTasksClient(credentials, base_url=simulator.base_url, quota=quota)
        yield await stack.enter_async_context(gong)


def endless_updates(engine: Engine) -> Iterator[TaskUpdate]:
    """The same few tasks, done and reopened for ever."""
    task_id, task = next(iter(engine.tasks.items()))
    for status in itertools.cycle(("DONE", "OPEN")):
        yield TaskUpdate(task_id, str(task["userId"]), status=status)


async def measure(
    rule: SecondLimit,
    latency: tuple[float, float],
    seconds: float,
    limits: QuotaLimits,
    seed: int,
    virtual: bool,
) -> Result:
    """Keep one client busy for so long."""
    engine = Engine(users=1, tasks_per_user=5, second_limit=rule, per_second=PER_SECOND)
    async with connected(engine, latency, limits, seed, virtual=virtual) as gong:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await gong.update_many(endless_updates(engine))
    ledger = engine.ledger
    return Result(
        rule=rule.value,
        latency_ms=f"{latency[0] * 1000:.0f}-{latency[1] * 1000:.0f}",
        admitted=ledger.admitted,
        used=ledger.admitted / (PER_SECOND * seconds),
        refused_a_minute=ledger.refused * 60 / seconds,
        most_in_a_second=ledger.most_in_window(1.0),
    )


async def measure_all(seconds: float, limits: QuotaLimits, seed: int, *, virtual: bool) -> list[Result]:
    """All rules and latencies at once; they share nothing but the machine."""
    cases = [(rule, latency) for latency in LATENCIES for rule in RULES]
    return await asyncio.gather(*(measure(*case, seconds, limits, seed, virtual=virtual) for case in cases))


def print_table(results: list[Result]) -> None:
    print(f"{'rule':<10}{'latency ms':>12}{'calls':>8}{'used':>8}{'refused/min':>13}{'most in 1 s':>13}")
    for r in results:
        print(
            f"{r.rule:<10}{r.latency_ms:>12}{r.admitted:>8}{r.used:>8.3f}{r.refused_a_minute:>13.1f}{r.most_in_a_second:>13}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--headroom", type=float, default=QuotaLimits().headroom)
    parser.add_argument("--fixed-pace", action="store_true", help="do not slow down on 429s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--virtual", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    limits = QuotaLimits(headroom=options.headroom, adaptive=not options.fixed_pace)
    with asyncio.Runner(loop_factory=VirtualClockLoop if options.virtual else None) as runner:
        results = runner.run(measure_all(options.seconds, limits, options.seed, virtual=options.virtual))
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
