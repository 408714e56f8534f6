"""What a bulk run costs for each row when the network costs nothing: time, and memory that stays.

The rows come from a generator and go through the whole client but for the socket, which answers at once.

    python benchmarks/bulk_memory.py             # a million rows
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from gong_tasks_async import AccessKey, GongTasksClient, TaskUpdate, Unlimited
from gong_tasks_async.http import HttpRequest, HttpResponse
from gong_tasks_async.transport import Transport

WARM_UP = 2_000


class InstantNetwork:
    """Answers every PATCH at once with the task's id."""

    async def send(self, request: HttpRequest, timeout: float) -> HttpResponse:  # noqa: ARG002, ASYNC109 - the protocol's
        """Answer at once."""
        return HttpResponse(200, {}, b'{"tasks":[{"id":%s}]}' % request.path.rpartition("/")[2].encode())

    async def close(self) -> None:
        """Nothing is open."""


class OfflineClient(GongTasksClient):
    """A client without a socket."""

    def _open_transport(self) -> Transport:
        return InstantNetwork()


def rows(count: int) -> Iterator[TaskUpdate]:
    return (TaskUpdate(number, "1", status="DONE") for number in range(1, count + 1))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def measure(count: int) -> None:
    async with OfflineClient(AccessKey("key", "secret"), quota=Unlimited()) as gong:
        await gong.update_many(rows(WARM_UP))
        memory, started = resident_bytes(), time.process_time()
        report = await gong.update_many(rows(count))
        spent = time.process_time() - started
    print(f"{report.updated:,} rows: {spent / count * 1e6:.1f} us of CPU each")
    print(f"memory grew by {(resident_bytes() - memory) / 2**20:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    asyncio.run(measure(parser.parse_args().rows))


if __name__ == "__main__":
    main()
