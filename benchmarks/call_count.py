"""Python functions called for one PATCH, the limiter on: the same on every machine, so that a test can hold it."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from types import FrameType

from benchmarks import our_client, stub_server
from benchmarks.measure import Comparison, Scale

WARM_UP = 20


def count_calls(calls: int = 100) -> float:
    """The median over so many PATCHes, one at a time, of everything that runs in the event loop meanwhile."""
    with stub_server.running("typical") as base_url:
        return statistics.median(asyncio.run(_counts(base_url, calls)))


async def _counts(base_url: str, calls: int) -> list[int]:
    async with AsyncExitStack() as stack:
        client = await our_client.ours(base_url, stack)
        for number in range(WARM_UP):
            await client.patch(stub_server.TASK_ID + number)
        return [await _counted(client, stub_server.TASK_ID + number) for number in range(calls)]


async def _counted(client: our_client.Connected, task_id: int) -> int:
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        await client.patch(task_id)
    finally:
        sys.setprofile(None)
    return count


def measure(scale: Scale) -> Iterator[Comparison]:
    """The count as one figure of the suite."""
    yield Comparison("Python calls per PATCH", {"ours": [count_calls(scale.pick(100, 400))]}, unit="calls")
