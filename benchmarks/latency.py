"""How long a person waits: from Enter to the first line, for the first call, behind a bulk run, beside a large listing.

Real time, the median and the 99th percentile of some runs, but for the wait behind a bulk run: that is the quota's, and
counted in a virtual clock's seconds. Beside each stands what is in the way.

    python -m benchmarks.latency               # half a minute on an idle machine
    python -m benchmarks.latency --runs 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from attrs import asdict, frozen

from benchmarks import our_client, stub_server
from benchmarks.stub_server import PROJECT
from gong_tasks_async import Lane, LocalQuota, TaskUpdate
from gong_tasks_async.simulator import Engine, SimulatorThread, VirtualClockLoop

LISTED = 10_000
BULK_ROWS = 1_000
PEOPLE = 30
TICK = 0.001
"""Seconds between two looks at the event loop's lag."""
COMMAND = "from gong_tasks_async.cli import main; main()"


@frozen
class Latency:
    """How long somebody waits for something."""

    wait: str
    median_ms: float
    p99_ms: float
    in_the_way: str


def summary(wait: str, seconds: list[float], in_the_way: str) -> Latency:
    """Median and 99th percentile."""
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Latency(wait, round(statistics.median(ordered) * 1e3, 2), round(worst * 1e3, 2), in_the_way)


def of_command(runs: int) -> Iterator[Latency]:
    """From Enter to the first line, and what is on the way there."""
    engine = Engine(users=3, tasks_per_user=20)
    owner = str(next(iter(engine.tasks.values()))["userId"])
    with SimulatorThread(engine) as gong:
        environment = {
            "GONG_ACCESS_KEY": gong.access_key,
            "GONG_ACCESS_KEY_SECRET": gong.access_key_secret,
            "GONG_BASE_URL": gong.base_url,
        }
        ways = {
            "an interpreter that does nothing": (["-c", ""], "Python itself"),
            "gong-tasks --help": (["-c", COMMAND, "--help"], "click"),
            "gong-tasks list --help": (["-c", COMMAND, "list", "--help"], "the command's options"),
            "gong-tasks list, to the first line": (
                ["-c", COMMAND, "list", "--user", owner],
                "imports (aiohttp, rich, this package), the connection, one call",
            ),
        }
        for wait, (arguments, in_the_way) in ways.items():
            yield summary(wait, [_to_first_line(arguments, environment) for _ in range(runs)], in_the_way)


def _to_first_line(arguments: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        process.stdout.readline()
        passed = time.perf_counter() - started
        process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(arguments[1:])}: exit code {process.returncode}")
    return passed


async def of_first_calls(url: str, runs: int) -> list[Latency]:
    """The first call of a fresh client, and the second."""
    first, second, contexts = [], [], []
    for number in range(runs):
        update = TaskUpdate(stub_server.TASK_ID + number, our_client.USER, status="DONE")
        started = time.perf_counter()
        async with our_client.opened(url) as gong:
            await gong.update_task(update)
            between = time.perf_counter()
            await gong.update_task(update)
            second.append(time.perf_counter() - between)
        first.append(between - started)
        started = time.perf_counter()
        ssl.create_default_context()
        contexts.append(time.perf_counter() - started)
    return [
        summary("first call of a fresh client, no TLS", first, "the session and a TCP connection"),
        summary("second call", second, "the library, aiohttp and the stub server"),
        summary(
            "a TLS context", contexts, "reading the authorities; aiohttp does it once, when it is imported"
        ),
    ]


def behind_bulk() -> Latency:
    """A person's call behind bulk rows that wait in the same process."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        waits = runner.run(_waits())
    return summary(
        f"a person's call behind {BULK_ROWS:,} bulk rows, one process (virtual)",
        waits,
        "the spacing of 3 calls a second: 343 ms to the next permit at the most",
    )


async def _waits() -> list[float]:
    quota, loop, chance = LocalQuota(), asyncio.get_running_loop(), random.Random(1)

    async def call(lane: Lane) -> float:
        came = loop.time()
        permit = await quota.acquire(lane, deadline=None)
        waited = loop.time() - came
        await asyncio.sleep(0.1)
        quota.release(permit, status=200)
        return waited

    bulk = [asyncio.create_task(call(Lane.BULK)) for _ in range(BULK_ROWS)]
    waits = []
    for _ in range(PEOPLE):
        await asyncio.sleep(chance.uniform(1.0, 5.0))
        waits.append(await call(Lane.INTERACTIVE))
    for task in bulk:
        task.cancel()
    await asyncio.gather(*bulk, return_exceptions=True)
    return waits


async def loop_lag(url: str) -> Latency:
    """How late the event loop is for others while a service lists many tasks."""
    lags: list[float] = []

    async def tick() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            lags.append(max(0.0, time.perf_counter() - started - TICK))

    async with our_client.opened(url) as gong:
        ticking = asyncio.create_task(tick())
        async for _ in gong.iter_tasks(str(LISTED)):
            pass
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
    return summary(
        f"lag of the event loop while {LISTED:,} tasks are listed", lags, "slices of 2 ms of decoding"
    )


def measure(runs: int) -> Iterator[Latency]:
    yield from of_command(runs)
    with stub_server.running("full") as url:
        yield from asyncio.run(of_first_calls(url, runs))
        yield asyncio.run(loop_lag(url))
    yield behind_bulk()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    for latency in measure(options.runs):
        found.append(latency)
        if not options.json:
            print(
                f"{latency.wait:<62}{latency.median_ms:>10.1f}{latency.p99_ms:>10.1f} ms  {latency.in_the_way}",
                flush=True,
            )
    if options.json:
        print(json.dumps([asdict(latency) for latency in found]))


if __name__ == "__main__":
    main()
