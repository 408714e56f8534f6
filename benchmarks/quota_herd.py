"""200 calls that are queued at once, against a strict sliding second: ours, and the client that most people write.

That client is plain aiohttp, written as fairly as it can be: one keep-alive session with aiohttp's usual 100
connections, all calls started together, and a call that is answered 429 gives its connection back, sleeps for its
own Retry-After, and tries again, up to so many times or for ever. "with jitter" adds a random wait that doubles with each try, up to a minute, as textbooks
advise. Nothing but the simulator's ledger is counted.

    python -m benchmarks.quota_herd           # in memory, under a virtual clock
    python -m benchmarks.quota_herd --real    # real sockets, real clock: a few minutes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import orjson
from attrs import asdict, frozen

from gong_tasks_async import AccessKey, GongError, GongTasksClient, TaskUpdate
from gong_tasks_async.simulator import (
    Engine,
    SecondLimit,
    Simulator,
    VirtualClockLoop,
    make_app,
    memory_session,
)

CALLS = 200
LATENCIES = ((0.0, 0.0), (0.040, 0.120))
TOO_MANY_REQUESTS = 429
LONGEST_JITTER = 60.0


@frozen
class Result:
    """What one client's 200 calls came to."""

    client: str
    latency_ms: str
    sent: int
    refused: int
    lost: int
    seconds: float


@frozen
class Place:
    """Where a client finds its simulator."""

    engine: Engine
    base_url: str
    session: aiohttp.ClientSession

    def updates(self, calls: int) -> list[TaskUpdate]:
        """So many changes, each to a task of its own."""
        tasks = list(self.engine.tasks.items())[:calls]
        return [TaskUpdate(task_id, str(task["userId"]), status="DONE") for task_id, task in tasks]


Client = Callable[[Place, list[TaskUpdate]], Coroutine[Any, Any, int]]
"""Sends all updates at once, and tells how many were lost."""


async def our_client(place: Place, updates: list[TaskUpdate]) -> int:
    keys = AccessKey(place.engine.access_key, place.engine.access_key_secret)
    async with GongTasksClient(keys, base_url=place.base_url, session=place.session) as gong:
        calls = (gong.update_task(update) for update in updates)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    return sum(isinstance(outcome, GongError) for outcome in outcomes)


async def straw(place: Place, updates: list[TaskUpdate], *, attempts: float, jitter: bool = False) -> int:
    calls = (straw_call(place, update, attempts, jitter=jitter) for update in updates)
    return (await asyncio.gather(*calls)).count(False)


async def straw_call(place: Place, update: TaskUpdate, attempts: float, *, jitter: bool) -> bool:
    """One call with its own patience; false when it was lost."""
    tries = 0
    while tries < attempts:
        wait = await straw_attempt(place, update)
        if wait is None:
            return True
        tries += 1
        await asyncio.sleep(wait + (random.uniform(0, min(LONGEST_JITTER, 2.0**tries)) if jitter else 0.0))
    return False


async def straw_attempt(place: Place, update: TaskUpdate) -> float | None:
    """One request: None when it was admitted, else its Retry-After."""
    authorization = AccessKey(place.engine.access_key, place.engine.access_key_secret).authorization
    async with place.session.patch(
        f"{place.base_url}/v2/tasks/{update.task_id}",
        data=orjson.dumps({"userId": update.user_id, "status": "DONE"}),
        headers={"Authorization": authorization, "Content-Type": "application/json"},
    ) as answer:
        await answer.read()
        if answer.status == TOO_MANY_REQUESTS:
            return float(answer.headers["Retry-After"])
        answer.raise_for_status()
        return None


CLIENTS: dict[str, Client] = {
    "ours": our_client,
    "Retry-After, 5 tries": partial(straw, attempts=5),
    "Retry-After, 20 tries": partial(straw, attempts=20),
    "Retry-After, for ever": partial(straw, attempts=math.inf),
    "with jitter, 5 tries": partial(straw, attempts=5, jitter=True),
    "with jitter, for ever": partial(straw, attempts=math.inf, jitter=True),
}

QUICK = ("ours", "Retry-After, 5 tries", "with jitter, 5 tries")


@asynccontextmanager
async def place_of(latency: tuple[float, float], seed: int, *, virtual: bool) -> AsyncIterator[Place]:
    """A simulator of its own for each client, and a session that reaches it."""
    engine = Engine(users=1, tasks_per_user=CALLS, second_limit=SecondLimit.SLIDING)
    if virtual:
        async with memory_session(make_app(engine, latency, seed)) as session:
            yield Place(engine, "http://localhost", session)
        return
    async with (
        Simulator(engine, latency=latency, seed=seed) as simulator,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Place(engine, simulator.base_url, session)


async def run(
    client: Client, latency: tuple[float, float], seed: int, *, virtual: bool
) -> tuple[Engine, int]:
    """Send everything at once; the engine's ledger tells what came of it."""
    random.seed(seed)
    async with place_of(latency, seed, virtual=virtual) as place:
        return place.engine, await client(place, place.updates(CALLS))


async def measure(name: str, latency: tuple[float, float], seed: int, *, virtual: bool) -> Result:
    loop = asyncio.get_running_loop()
    started = loop.time()
    engine, lost = await run(CLIENTS[name], latency, seed, virtual=virtual)
    return Result(
        client=name,
        latency_ms=f"{latency[0] * 1000:.0f}-{latency[1] * 1000:.0f}",
        sent=engine.ledger.calls,
        refused=engine.ledger.refused,
        lost=lost,
        seconds=loop.time() - started,
    )


async def measure_all(seed: int, *, virtual: bool, quick: bool) -> list[Result]:
    """One after another: 200 calls at once are also a load on the machine."""
    latencies, names = (LATENCIES[:1], QUICK) if quick else (LATENCIES, CLIENTS)
    return [await measure(name, latency, seed, virtual=virtual) for latency in latencies for name in names]


def print_table(results: list[Result]) -> None:
    print(
        f"{'client':<24}{'latency ms':<12}{'sent':>7}{'refused':>10}{'wasted':>9}{'lost':>7}{'seconds':>10}"
    )
    for r in results:
        print(
            f"{r.client:<24}{r.latency_ms:<12}{r.sent:>7}{r.refused:>10}{r.refused / r.sent:>9.0%}"
            f"{r.lost:>7}{r.seconds:>10.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}; without latency")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=None if options.real else VirtualClockLoop) as runner:
        results = runner.run(measure_all(options.seed, virtual=not options.real, quick=options.quick))
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
