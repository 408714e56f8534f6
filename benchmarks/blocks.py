"""Blocks of calls: each contender's share of a round, in an event loop of its own that lasts the whole run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

from benchmarks.our_client import Connect, Connected
from benchmarks.stub_server import TASK_ID

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Block = Callable[[], object]


@contextmanager
def connected(
    connect: Connect, base_url: str, loop_factory: LoopFactory | None = None
) -> Iterator[tuple[asyncio.Runner, Connected]]:
    """A client, and the event loop in which it lives."""
    stack = AsyncExitStack()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            yield runner, runner.run(_connect(connect, base_url, stack))
        finally:
            runner.run(stack.aclose())


async def _connect(connect: Connect, base_url: str, stack: AsyncExitStack) -> Connected:
    return await connect(base_url, stack)


@contextmanager
def patches(
    connect: Connect, base_url: str, calls: int, concurrency: int, loop_factory: LoopFactory | None = None
) -> Iterator[Block]:
    """A block of so many PATCHes, so many of them at a time."""
    with connected(connect, base_url, loop_factory) as (runner, client):
        yield lambda: runner.run(_many_patches(client, calls, concurrency))


async def _many_patches(client: Connected, calls: int, concurrency: int) -> None:
    numbers = iter(range(calls))  # every call is for another task, as in life

    async def work() -> None:
        for number in numbers:
            await client.patch(TASK_ID + number)

    await asyncio.gather(*(work() for _ in range(concurrency)))


@contextmanager
def listings(connect: Connect, base_url: str, calls: int, tasks: int) -> Iterator[Block]:
    """A block of so many listings of so many tasks, one after another."""
    with connected(connect, base_url) as (runner, client):
        yield lambda: runner.run(_many_listings(client, calls, tasks))


async def _many_listings(client: Connected, calls: int, tasks: int) -> None:
    for _ in range(calls):
        await client.listing(tasks)
