"""How long a person waits: from Enter to the first line, for the first call, behind a bulk run, beside a large listing.

Real time, the median and the 99th percentile of some runs, but for the wait behind a bulk run in one process: that is
the quota's, and counted in a virtual clock's seconds. A command's instructions are counted by callgrind, if valgrind is
installed. Beside each wait stands what is in the way.

    python -m benchmarks.latency                        # three minutes on an idle machine
    python -m benchmarks.latency --runs 3 --people 5    # less
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from unittest.mock import patch

from attrs import asdict, frozen

from benchmarks import instructions, latency_first, latency_service, latency_shared, stub_server
from benchmarks.stub_server import PROJECT
from gong_tasks_async import Lane, LocalQuota
from gong_tasks_async.simulator import Engine, SimulatorThread, VirtualClockLoop

LISTED = 10_000
BULK_ROWS = 1_000
PEOPLE = 30
COMMAND = "from gong_tasks_async.cli import main; main()"


@frozen
class Latency:
    """How long somebody waits for something."""

    wait: str
    median_ms: float
    p99_ms: float
    million_instructions: int | str
    """Of the whole command, where valgrind can count them; of other waits none."""
    in_the_way: str


def summary(wait: str, seconds: list[float], in_the_way: str, instructions: int | str = "") -> Latency:
    """Median and 99th percentile."""
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    median = statistics.median(ordered)
    return Latency(wait, round(median * 1e3, 2), round(worst * 1e3, 2), instructions, in_the_way)


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
            seconds = [_to_first_line(arguments, environment) for _ in range(runs)]
            yield summary(wait, seconds, in_the_way, _instructions_of(arguments, environment))


def _instructions_of(arguments: list[str], environment: dict[str, str]) -> int | str:
    """Millions."""
    if not instructions.is_countable():
        return ""
    with patch.dict(os.environ, environment):
        _, collected = instructions.under_callgrind(arguments)
    return round(sum(collected.values()) / 1e6)


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


def of_first_calls(runs: int) -> Iterator[Latency]:
    """The first call of a fresh client, and the second."""
    calls, encrypted = latency_first.plain(runs), latency_first.encrypted(runs)
    yield summary(
        "first call of a fresh client, no TLS", calls.first, "the session, a TCP connection, one call"
    )
    if encrypted is not None:
        yield summary(
            "first call of a fresh client, TLS",
            encrypted.first,
            "the same and a handshake: its arithmetic, on both sides, and one more round trip of the network",
        )
    yield summary("second call, no TLS", calls.second, "the library, aiohttp and the stub server")
    if encrypted is not None:
        yield summary("second call, TLS", encrypted.second, "the same and the cipher")
    yield summary(
        "a TLS context", calls.contexts, "reading the authorities; aiohttp does it once, when it is imported"
    )


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


def behind_another_process(people: int) -> Latency | None:
    """The same behind bulk rows of another process; None without a redis-server."""
    if shutil.which("redis-server") is None:
        return None
    return summary(
        f"a person's call behind {BULK_ROWS:,} bulk rows of another process",
        latency_shared.behind_another_process(BULK_ROWS, people),
        "the same spacing, and one call that was granted before the person came; two round trips to Redis",
    )


def of_service(tasks: int, listings: int) -> Iterator[Latency]:
    """What a service notices of a large listing, with what it notices of nothing beside it."""
    with stub_server.running("full") as url:
        idle, busy = asyncio.run(latency_service.of_service(url, tasks, listings, float(listings)))
    while_listed = f"while {tasks:,} tasks are listed"
    yield summary(
        "lag of a service's event loop, nothing listed", idle.lags, "timers, and 100 requests a second"
    )
    yield summary(
        f"the same, {while_listed}",
        busy.lags,
        "slices of 2 ms of decoding, pieces of the answer as they come",
    )
    yield summary("a request to that service, nothing listed", idle.requests, "aiohttp on both sides")
    yield summary(f"the same, {while_listed}", busy.requests, "that lag, at each step of the request")


def measure(options: argparse.Namespace) -> Iterator[Latency]:
    yield from of_command(options.runs)
    yield from of_first_calls(options.runs)
    yield behind_bulk()
    if (another := behind_another_process(options.people)) is not None:
        yield another
    yield from of_service(options.tasks, options.listings)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, help="of each command, and fresh clients")
    parser.add_argument("--people", type=int, default=30, help="calls behind another process; 1.5 s each")
    parser.add_argument("--tasks", type=int, default=LISTED, help="in a listing of the service")
    parser.add_argument("--listings", type=int, default=5, help="of the service, one after the other")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    for latency in measure(options):
        found.append(latency)
        if not options.json:
            print(
                f"{latency.wait:<62}{latency.median_ms:>10.1f}{latency.p99_ms:>10.1f} ms"
                f"{latency.million_instructions:>8}  {latency.in_the_way}",
                flush=True,
            )
    if options.json:
        print(json.dumps([asdict(latency) for latency in found]))


if __name__ == "__main__":
    main()
