"""What a bulk run costs for each row, and how soon it begins and ends, when the network costs nothing.

runner     the run alone: rows from a generator, an applier that answers at once
client     the whole client but for the socket: codec, caller, pool
journal    the whole client with a journal on disk, for several numbers of workers
moments    real time from the first answer to its outcome, and from the cancel to the end, with no grace given

Memory that stays is measured in a process of its own for each.

    python -m benchmarks.bulk_cost             # a million rows, and 100,000 with a journal
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from attrs import asdict, define, field, frozen

from gong_tasks_async import (
    AccessKey,
    Credentials,
    GongTasksClient,
    QuotaEstimate,
    Task,
    TaskUpdate,
    Unlimited,
)
from gong_tasks_async.bulk import Applied, BulkJob, Journal, JournalRow, RunSettings
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.retry import Resend
from gong_tasks_async.http.transport import Transport

T = TypeVar("T")

WARM_UP = 2_000
WORKERS = (1, 8, 64)
SLOW = 3600.0
"""Seconds; an answer that does not come while anybody looks."""


@define
class InstantApplier:
    """Makes every change at once, with neither codec nor caller."""

    answer: Applied = field(factory=lambda: Applied(Task(id=1)))
    calls: int = 0
    listings: int = 0
    rate_limited: int = 0
    base_url: str = "https://api.gong.io"

    async def ready(self) -> None:
        """Nothing to do."""

    async def list_owned(self, user_id: str) -> list[Task]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return []

    async def estimate(self, calls: int) -> QuotaEstimate:
        """No time."""
        return QuotaEstimate(calls, 0.0, datetime.now(UTC))

    async def apply(self, update: TaskUpdate, resend: Resend | None = None) -> Applied:  # noqa: ARG002 - the protocol's
        """Answer at once."""
        self.calls += 1
        return self.answer

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def halt(self) -> None:
        """Nothing waits here."""


class Network:
    """Answers a PATCH with the task's id: the first so many at once, and others after an hour."""

    base_url = "https://api.gong.io"

    def __init__(self, prompt: float = float("inf")) -> None:
        self.prompt = prompt
        self.answered_at = 0.0

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ARG002, ASYNC109 - the protocol's
        """Answer."""
        self.prompt -= 1
        if self.prompt < 0:
            await asyncio.sleep(SLOW)
        self.answered_at = self.answered_at or time.perf_counter()
        return HttpResponse(200, {}, b'{"tasks":[{"id":%s}]}' % request.path.rpartition("/")[2].encode())

    def use(self, credentials: Credentials, base_url: str | None = None) -> None:
        """Nobody checks who calls."""

    async def close(self) -> None:
        """Nothing is open."""


class OfflineClient(GongTasksClient):
    """A client without a socket."""

    network = Network()

    def _open_transport(self) -> Transport:
        return self.network


@frozen
class Cost:
    """What rows have cost. CPU is that of all threads of the process."""

    what: str
    rows: int
    cpu_us: float
    rows_a_second: float
    grown_mb: float
    """Memory that the process did not have before."""
    grown_bytes_a_row: float
    commits: int = 0


@frozen
class Moments:
    """Real milliseconds."""

    journal: bool
    first_outcome_ms: float
    cancel_ms: float


def rows(count: int) -> Iterator[TaskUpdate]:
    return (TaskUpdate(number, "1", status="DONE") for number in range(1, count + 1))


def offline(network: Network | None = None) -> OfflineClient:
    client = OfflineClient(AccessKey("key", "secret"), quota=Unlimited())
    client.network = network or Network()
    return client


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def cost_of(what: str, count: int, run: Callable[[int], Coroutine[Any, Any, object]]) -> Cost:
    """The cost of a run over so many rows, that of making the rows left out."""
    await run(WARM_UP)
    started = time.process_time()
    for _ in rows(count):
        pass
    making = time.process_time() - started
    memory, started, began = resident_bytes(), time.process_time(), time.perf_counter()
    await run(count)
    spent, passed = time.process_time() - started - making, time.perf_counter() - began
    grown = resident_bytes() - memory
    return Cost(what, count, spent / count * 1e6, count / passed, grown / 2**20, grown / count)


async def cost_of_runner(count: int) -> Cost:
    async def run(count: int) -> None:
        await BulkJob(applier=InstantApplier(), settings=RunSettings()).run(rows(count))

    return await cost_of("runner", count, run)


async def cost_of_client(count: int) -> Cost:
    async with offline() as gong:
        return await cost_of("client", count, lambda count: gong.update_many(rows(count)))


async def cost_of_journal(count: int, workers: int) -> Cost:
    """With what it takes to write the plan down first; commits are those of outcomes."""
    settle, commits = Journal.settle, 0

    def counted(journal: Journal, batch: Sequence[JournalRow]) -> None:
        nonlocal commits
        commits += 1
        settle(journal, batch)

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Journal, "settle", counted):

        async def run(count: int) -> None:
            nonlocal commits
            commits = 0
            await gong.update_many(rows(count), journal=Path(folder) / f"{count}", workers=workers)

        async with offline() as gong:
            cost = await cost_of(f"journal, {workers} workers", count, run)
    return Cost(**asdict(cost) | {"commits": commits})


async def moments(folder: Path, *, journal: bool) -> Moments:
    """One row is answered, the others are not; once its outcome is there, the run is cancelled."""
    network, told_at = Network(prompt=1), asyncio.get_running_loop().create_future()
    async with offline(network) as gong:
        running = asyncio.create_task(
            gong.update_many(
                rows(10_000),
                journal=folder / "job" if journal else None,
                grace=0.0,
                on_outcome=lambda _: told_at.set_result(time.perf_counter()),
            )
        )
        first = await told_at - network.answered_at
        started = time.perf_counter()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return Moments(journal, first * 1e3, (time.perf_counter() - started) * 1e3)


def worst_moments(runs: int, *, journal: bool) -> Moments:
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(asyncio.run(moments(Path(folder), journal=journal)))
    return Moments(journal, max(m.first_outcome_ms for m in found), max(m.cancel_ms for m in found))


def alone(measure: Callable[..., Coroutine[Any, Any, T]], *arguments: object) -> T:
    """Measure in a fresh process, whose memory nobody else has grown."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: T = pool.apply(_in_loop, (measure, arguments))
        return found


def _in_loop(measure: Callable[..., Coroutine[Any, Any, T]], arguments: tuple[object, ...]) -> T:
    return asyncio.run(measure(*arguments))


def print_tables(costs: list[Cost], ends: list[Moments]) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}")
    print(
        f"{'':<22}{'rows':>10}{'us a row':>10}{'rows/s':>10}{'grown MB':>10}{'bytes a row':>13}{'rows a commit':>15}"
    )
    for c in costs:
        batch = f"{c.rows / c.commits:.1f}" if c.commits else ""
        print(
            f"{c.what:<22}{c.rows:>10,}{c.cpu_us:>10.1f}{c.rows_a_second:>10,.0f}"
            f"{c.grown_mb:>10.2f}{c.grown_bytes_a_row:>13.1f}{batch:>15}"
        )
    for m in ends:
        how = "with a journal" if m.journal else "without a journal"
        print(
            f"{how}: first outcome {m.first_outcome_ms:.1f} ms after its answer, cancelled in {m.cancel_ms:.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--journal-rows", type=int, default=100_000)
    parser.add_argument("--moments", type=int, default=20, help="runs, of which the slowest counts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    costs = [alone(cost_of_runner, options.rows), alone(cost_of_client, options.rows)]
    costs += [alone(cost_of_journal, options.journal_rows, workers) for workers in WORKERS]
    ends = [worst_moments(options.moments, journal=journal) for journal in (False, True)]
    if options.json:
        print(
            json.dumps(
                {
                    "costs": [asdict(cost) for cost in costs],
                    "moments": [asdict(moment) for moment in ends],
                },
                indent=2,
            )
        )
    else:
        print_tables(costs, ends)


if __name__ == "__main__":
    main()
