"""One quota for several processes: ours, pyrate-limiter's and limits' Redis limiters on the same work.

Four processes with eight callers each keep a simulator busy that admits so many calls in any sliding second, 5-30 ms
away. Each process is this same client; only its quota differs. The others get what ours has without them: after a
429 their process waits for as long as it was asked to, and no longer.

Then one process alone: what a turn costs when nothing has to be waited for, and what a company costs Redis in memory.

    python benchmarks/redis_quota.py                    # 30 s for each contender and rate: 5 minutes
    python benchmarks/redis_quota.py --seconds 10 --rates 300

Starts a redis-server of its own, which must be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import limits as limits_library
from attrs import asdict, frozen
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from pyrate_limiter import Limiter, Rate, RedisBucket
from redis import Redis
from redis.asyncio import Connection, Redis as AsyncRedis

from gong_tasks_async import (
    AccessKey,
    GongTasksClient,
    Lane,
    Permit,
    Quota,
    QuotaEstimate,
    QuotaLimits,
    QuotaSnapshot,
    RedisQuota,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.simulator import DayLimit, Engine, SecondLimit, SimulatorThread

PROCESSES = 4
CALLERS = 8
LATENCY = (0.005, 0.030)
TURNS = 3000
COMPANIES = 500
BUCKETS_A_DAY = 289


@frozen
class Result:
    """What one contender made of one rate."""

    contender: str
    per_second: float
    used: float
    refused_a_minute: float
    most_in_a_second: int
    least_share: float
    most_share: float
    trips_a_turn: float
    cpu_ms_a_turn: float


@frozen
class Cost:
    """A turn alone."""

    contender: str
    wall_us: float
    cpu_us: float
    server_us: float


class Borrowed:
    """Another library's limiter as a quota: wait for it, and for as long as a 429 has asked this process to."""

    def __init__(self, take: Callable[[], Awaitable[None]]) -> None:
        self._take = take
        self._shut_until = 0.0

    async def acquire(
        self,
        lane: Lane,  # noqa: ARG002 - the protocol's
        *,
        deadline: float | None = None,  # noqa: ARG002 - the protocol's
        max_wait: float = math.inf,  # noqa: ARG002 - the protocol's
        returning: bool = False,  # noqa: ARG002 - the protocol's
    ) -> Permit:
        """See :class:`Quota`."""
        loop = asyncio.get_running_loop()
        await self._take()
        while (wait := self._shut_until - loop.time()) > 0:
            await asyncio.sleep(wait)
            await self._take()
        return Permit(loop.time())

    async def reopen(self) -> None:
        """Nothing is paused for long."""

    def release(self, permit: Permit, *, status: int | None, sent: bool = True) -> None:
        """Nothing to be told."""

    def pause(self, seconds: float, *, day_spent: bool = False) -> None:  # noqa: ARG002 - the protocol's
        """See :class:`Quota`; of this process alone."""
        self._shut_until = max(self._shut_until, asyncio.get_running_loop().time() + seconds)

    async def snapshot(self) -> QuotaSnapshot:
        """Nothing is known."""
        return await Unlimited().snapshot()

    async def estimate(self, calls: int, lane: Lane = Lane.BULK) -> QuotaEstimate:
        """Nothing is known."""
        return await Unlimited().estimate(calls, lane)


@asynccontextmanager
async def our_quota(url: str, per_second: float) -> AsyncIterator[Quota]:
    async with RedisQuota(
        url, company="acme", limits=QuotaLimits(per_second=per_second, per_day=None)
    ) as quota:
        yield quota


@asynccontextmanager
async def pyrate(url: str, per_second: float) -> AsyncIterator[Quota]:
    async with AsyncRedis.from_url(url) as client:
        bucket = await RedisBucket.init([Rate(int(per_second), 1000)], client, "acme")
        limiter = Limiter(bucket)

        async def take() -> None:
            await limiter.try_acquire_async("gong")

        yield Borrowed(take)
        limiter.close()


@asynccontextmanager
async def limits(url: str, per_second: float) -> AsyncIterator[Quota]:
    limiter = MovingWindowRateLimiter(RedisStorage(f"async+{url}", implementation="redispy"))
    rule = limits_library.RateLimitItemPerSecond(int(per_second))

    async def take() -> None:
        while not await limiter.hit(rule, "acme"):
            window = await limiter.get_window_stats(rule, "acme")
            await asyncio.sleep(max(0.0, window.reset_time - time.time()))

    yield Borrowed(take)


CONTENDERS = {"ours": our_quota, "pyrate-limiter": pyrate, "limits, moving window": limits}


def count_trips() -> list[int]:
    """Count what is sent to Redis from now on, by whichever library: all of them use redis-py here."""
    sent = [0]
    send = Connection.send_packed_command

    async def counted(self: Connection, *args: object, **settings: object) -> None:
        sent[0] += 1
        await send(self, *args, **settings)  # type: ignore[arg-type]  # passed on as it came

    Connection.send_packed_command = counted  # type: ignore[method-assign, assignment]  # counted so
    return sent


async def work(contender: str, redis: str, base_url: str, task: list[str], per_second: float) -> None:
    """Be one of the processes, until standard input ends; tell what it took by then at each line that comes in."""
    sent = count_trips()
    update = TaskUpdate(int(task[0]), task[1], status="DONE")

    async def call_on(gong: GongTasksClient) -> None:
        while True:
            await gong.update_task(update)

    credentials = AccessKey(task[2], task[3])
    async with (
        CONTENDERS[contender](redis, per_second) as quota,
        GongTasksClient(credentials, base_url=base_url, quota=quota) as gong,
    ):
        bulk = gong.with_options(lane=Lane.BULK)
        callers = [asyncio.create_task(call_on(bulk)) for _ in range(CALLERS)]
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps([sent[0], time.process_time()]), flush=True)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)


@contextmanager
def redis_server(*settings: str) -> Iterator[str]:
    """A Redis of our own."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as folder:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen([*words, *settings], stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


@contextmanager
def workers(
    contender: str, redis: str, engine: Engine, base_url: str
) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes, each on a task of its own."""
    started = []
    for task_id in list(engine.tasks)[:PROCESSES]:
        task = [
            str(task_id),
            str(engine.tasks[task_id]["userId"]),
            engine.access_key,
            engine.access_key_secret,
        ]
        words = json.dumps([contender, redis, base_url, task, engine.per_second])
        command = [sys.executable, __file__, "--worker", words]
        started.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        )
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def taken(started: list[subprocess.Popen[str]]) -> tuple[float, float]:
    """What all processes together have sent to Redis so far, and their seconds of CPU."""
    trips = cpu = 0.0
    for process in started:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert process.stdout is not None  # noqa: S101 - as above
        process.stdin.write("\n")
        process.stdin.flush()
        sent, seconds = json.loads(process.stdout.readline())
        trips, cpu = trips + sent, cpu + seconds
    return trips, cpu


def measure(contender: str, per_second: float, seconds: float) -> Result:
    """Four processes and one contender, for so long."""
    engine = Engine(
        users=1,
        tasks_per_user=9,
        second_limit=SecondLimit.SLIDING,
        day_limit=DayLimit.NONE,
        per_second=per_second,
    )
    ledger = engine.ledger
    with (
        redis_server() as redis,
        SimulatorThread(engine, latency=LATENCY) as gong,
        workers(contender, redis, engine, gong.base_url) as started,
    ):
        while len({entry.task_id for entry in ledger.entries}) < PROCESSES:
            time.sleep(0.05)
        time.sleep(2.0)
        took, first, began = taken(started), len(ledger.entries), time.monotonic()
        time.sleep(seconds)
        seen, seconds = ledger.entries[first:], time.monotonic() - began
        trips, cpu = (after - before for before, after in zip(took, taken(started), strict=True))
    refused = sum(entry.refused for entry in seen)
    shares = [
        sum(entry.task_id == task for entry in seen) / len(seen) for task in list(engine.tasks)[:PROCESSES]
    ]
    ledger.entries[:] = seen
    return Result(
        contender=contender,
        per_second=per_second,
        used=(len(seen) - refused) / (per_second * seconds),
        refused_a_minute=refused * 60 / seconds,
        most_in_a_second=ledger.most_in_window(1.0),
        least_share=min(shares) * PROCESSES,
        most_share=max(shares) * PROCESSES,
        trips_a_turn=trips / len(seen),
        cpu_ms_a_turn=1000 * cpu / len(seen),
    )


async def turn_cost(contender: str, redis: str) -> Cost:
    """Many turns, one after another, at a rate that never makes anybody wait."""
    client = Redis.from_url(redis)
    async with CONTENDERS[contender](redis, 1e6) as quota:
        for _ in range(100):
            quota.release(await quota.acquire(Lane.BULK), status=200)
        client.config_resetstat()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(TURNS):
            quota.release(await quota.acquire(Lane.BULK), status=200)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    scripts = client.info("commandstats")["cmdstat_evalsha"]["usec"]
    client.close()
    return Cost(contender, 1e6 * wall / TURNS, 1e6 * cpu / TURNS, scripts / TURNS)


async def one_call_of(company: str, redis: str) -> None:
    """Use a company's quota once, so that all its keys are there."""
    async with RedisQuota(redis, company=company, timeout=30.0) as quota:
        quota.pause(0.001)
        quota.release(await quota.acquire(Lane.BULK), status=200)


async def memory_a_company(redis: str) -> tuple[float, float]:
    """Bytes that a company takes in Redis: with one call made, and with calls in every part of the day."""
    client = Redis.from_url(redis)
    before = client.info("memory")["used_memory"]
    await asyncio.gather(*(one_call_of(f"company-{number:05}", redis) for number in range(COMPANIES)))
    one_call = (client.info("memory")["used_memory"] - before) / COMPANIES
    for number in range(COMPANIES):
        freed = 1_800_000_000 // 300 * 300
        day = {freed + 300 * bucket: 35 for bucket in range(BUCKETS_A_DAY)}
        client.hset(f"{{gong:company-{number:05}}}:day", mapping=day)  # type: ignore[arg-type]  # numbers are fine
    full_day = (client.info("memory")["used_memory"] - before) / COMPANIES
    client.close()
    return one_call, full_day


def print_table(results: list[Result]) -> None:
    print(f"{'contender':<24}{'rate':>6}{'used':>7}{'refused/min':>13}{'most in 1 s':>13}", end="")
    print(f"{'shares':>12}{'trips/turn':>12}{'CPU ms/turn':>13}")
    for r in results:
        shares = f"{r.least_share:.2f}-{r.most_share:.2f}"
        print(f"{r.contender:<24}{r.per_second:>6g}{r.used:>7.3f}{r.refused_a_minute:>13.1f}", end="")
        print(f"{r.most_in_a_second:>13}{shares:>12}{r.trips_a_turn:>12.2f}{r.cpu_ms_a_turn:>13.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[3.0, 300.0])
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        asyncio.run(work(*json.loads(options.worker)))
        return
    results = [
        measure(contender, rate, options.seconds)
        for rate in options.rates
        for contender in options.contenders
    ]
    with redis_server() as redis:
        costs = [asyncio.run(turn_cost(contender, redis)) for contender in options.contenders]
    with redis_server() as redis:
        one_call, full_day = asyncio.run(memory_a_company(redis))
    load = os.getloadavg()[0]
    if options.json:
        figures = {"shared": [asdict(r) for r in results], "turns": [asdict(cost) for cost in costs]}
        memory = [{"bytes after one call": one_call, "bytes after a full day": full_day}]
        print(json.dumps({**figures, "memory of a company": memory}))
        return
    print_table(results)
    print(f"\n{'a turn alone':<24}{'wall us':>9}{'CPU us':>9}{'Redis us':>10}")
    for cost in costs:
        print(f"{cost.contender:<24}{cost.wall_us:>9.0f}{cost.cpu_us:>9.0f}{cost.server_us:>10.0f}")
    print(f"\nbytes in Redis for a company: {one_call:,.0f} with one call, {full_day:,.0f} with a full day")
    print(f"load of the machine: {load:.1f}")


if __name__ == "__main__":
    main()
