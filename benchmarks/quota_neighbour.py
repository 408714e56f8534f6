"""What a fixed and an adaptive pace make of a neighbour: another program of the company that draws 1 call a second.

Ours works through endless updates while the neighbour, which knows of no quota and tries each call once, keeps
its beat. Both reach the same simulator, whose strict sliding second admits 3 calls, so somebody has to give way.
The neighbour's first beat, and the latencies, are drawn anew in each run; the figures are the means of the runs.

    python -m benchmarks.quota_neighbour           # 10 runs of 300 s, in memory, under a virtual clock
    python -m benchmarks.quota_neighbour --real    # one run, real sockets, real clock: 5 minutes
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from attrs import asdict, frozen

from benchmarks.quota_use import PER_SECOND
from gong_tasks_async import (
    AccessKey,
    BearerToken,
    GongTasksClient,
    QuotaLimits,
    RateLimitError,
    RetryPolicy,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.simulator import (
    Engine,
    Entry,
    SecondLimit,
    Simulator,
    VirtualClockLoop,
    make_app,
    memory_session,
)

LATENCIES = ((0.0, 0.0), (0.040, 0.120))
NEIGHBOURS_BEAT = 1.0
STATUSES = ("DONE", "OPEN")
COMPANIES = itertools.count(1)


@frozen
class Company:
    """One simulator, and one task for each of the two programs, so that the ledger can tell them apart."""

    engine: Engine
    our_task: int
    neighbours_task: int

    def update(self, task_id: int, status: str) -> TaskUpdate:
        """A change to one of the two tasks."""
        return TaskUpdate(task_id, str(self.engine.tasks[task_id]["userId"]), status=status)

    @property
    def our_entries(self) -> list[Entry]:
        """Our calls, as the simulator saw them."""
        return self.engine.ledger.for_task(self.our_task)

    @property
    def neighbours(self) -> list[Entry]:
        """The neighbour's calls, as the simulator saw them."""
        return self.engine.ledger.for_task(self.neighbours_task)


@frozen
class Run:
    """What one run came to."""

    our_calls: float
    our_refused_a_minute: float
    neighbours_calls: float
    neighbours_share: float
    used: float


@frozen
class Result:
    """The means of all runs of one case, and the runs that went worst for us, the neighbour, and both."""

    pace: str
    latency_ms: str
    mean: Run
    most_refused_a_minute: float
    least_neighbours_share: float
    least_used: float


def new_company() -> Company:
    """A simulator with a key of its own: a second client of one key and host would rightly be warned of."""
    engine = Engine(
        users=1,
        tasks_per_user=5,
        second_limit=SecondLimit.SLIDING,
        per_second=PER_SECOND,
        access_key=f"COMPANY{next(COMPANIES)}",
    )
    our_task, their_task, *_ = engine.tasks
    return Company(engine, our_task, their_task)


@asynccontextmanager
async def clients(
    engine: Engine, latency: tuple[float, float], limits: QuotaLimits, seed: int, *, virtual: bool
) -> AsyncIterator[tuple[GongTasksClient, GongTasksClient]]:
    """Ours and the neighbour's client, each with credentials of its own, over sockets or in memory."""
    async with AsyncExitStack() as stack:
        reach: dict[str, Any] = {"base_url": "http://localhost"}
        if virtual:
            reach["session"] = await stack.enter_async_context(
                memory_session(make_app(engine, latency, seed))
            )
        else:
            simulator = await stack.enter_async_context(Simulator(engine, latency=latency, seed=seed))
            reach["base_url"] = simulator.base_url
        our_keys = AccessKey(engine.access_key, engine.access_key_secret)
        our_client = await stack.enter_async_context(GongTasksClient(our_keys, limits=limits, **reach))
        tried_once = RetryPolicy(attempts=1, max_wait=0)
        neighbour = await stack.enter_async_context(
            GongTasksClient(BearerToken(engine.access_token), quota=Unlimited(), retry=tried_once, **reach)
        )
        yield our_client, neighbour


async def keep_the_beat(neighbour: GongTasksClient, company: Company, seed: int) -> None:
    """Call at each beat; what is refused is lost."""
    loop = asyncio.get_running_loop()
    beat = loop.time() + random.Random(seed).random() * NEIGHBOURS_BEAT
    for status in itertools.cycle(STATUSES):
        await asyncio.sleep(beat - loop.time())
        with suppress(RateLimitError):
            await neighbour.update_task(company.update(company.neighbours_task, status))
        beat += NEIGHBOURS_BEAT


async def run(
    latency: tuple[float, float], seconds: float, limits: QuotaLimits, seed: int, *, virtual: bool
) -> Company:
    """Let both work for so long."""
    company = new_company()
    updates = (company.update(company.our_task, status) for status in itertools.cycle(STATUSES))
    async with clients(company.engine, latency, limits, seed, virtual=virtual) as (our_client, neighbour):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(our_client.update_many(updates), keep_the_beat(neighbour, company, seed))
    return company


def figures(company: Company, seconds: float) -> Run:
    our_entries, theirs = company.our_entries, company.neighbours
    return Run(
        our_calls=len(our_entries),
        our_refused_a_minute=sum(entry.refused for entry in our_entries) * 60 / seconds,
        neighbours_calls=len(theirs),
        neighbours_share=sum(not entry.refused for entry in theirs) / len(theirs),
        used=company.engine.ledger.admitted / (PER_SECOND * seconds),
    )


def mean(runs: list[Run]) -> Run:
    return Run(
        *(statistics.fmean(column) for column in zip(*(asdict(r).values() for r in runs), strict=True))
    )


async def measure(
    pace: str, latency: tuple[float, float], seconds: float, seeds: range, *, virtual: bool
) -> Result:
    """All runs of one case, side by side; they share nothing but the machine."""
    limits = QuotaLimits(adaptive=pace == "adaptive")
    companies = await asyncio.gather(
        *(run(latency, seconds, limits, seed, virtual=virtual) for seed in seeds)
    )
    runs = [figures(company, seconds) for company in companies]
    return Result(
        pace=pace,
        latency_ms=f"{latency[0] * 1000:.0f}-{latency[1] * 1000:.0f}",
        mean=mean(runs),
        most_refused_a_minute=max(r.our_refused_a_minute for r in runs),
        least_neighbours_share=min(r.neighbours_share for r in runs),
        least_used=min(r.used for r in runs),
    )


async def measure_all(seconds: float, seeds: range, *, virtual: bool) -> list[Result]:
    cases = [(pace, latency) for latency in LATENCIES for pace in ("fixed", "adaptive")]
    return await asyncio.gather(*(measure(*case, seconds, seeds, virtual=virtual) for case in cases))


def fall(result: Result, results: list[Result]) -> float:
    """By which share our refusals are fewer than at the fixed pace."""
    fixed = next(r for r in results if r.pace == "fixed" and r.latency_ms == result.latency_ms)
    if not fixed.mean.our_refused_a_minute:
        return 0.0
    return 1 - result.mean.our_refused_a_minute / fixed.mean.our_refused_a_minute


def print_table(results: list[Result]) -> None:
    print("(in brackets: the worst of the runs)")
    print(
        f"{'pace':<10}{'latency ms':<12}{'our calls':>9}{'refused/min':>16}{'neighbour admitted':>20}"
        f"{'limit used':>16}{'fall of refusals':>18}"
    )
    for r in results:
        refused = f"{r.mean.our_refused_a_minute:.1f} ({r.most_refused_a_minute:.1f})"
        share = f"{r.mean.neighbours_share:.3f} ({r.least_neighbours_share:.3f})"
        used = f"{r.mean.used:.3f} ({r.least_used:.3f})"
        print(
            f"{r.pace:<10}{r.latency_ms:<12}{r.mean.our_calls:>9.0f}{refused:>16}{share:>20}{used:>16}"
            f"{fall(r, results):>18.0%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--runs", type=int, help="10, or 1 with --real")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + (options.runs or (1 if options.real else 10)))
    with asyncio.Runner(loop_factory=None if options.real else VirtualClockLoop) as runner:
        results = runner.run(measure_all(options.seconds, seeds, virtual=not options.real))
    if options.json:
        print(json.dumps([asdict(r) | {"fall_of_refusals": fall(r, results)} for r in results], indent=2))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
