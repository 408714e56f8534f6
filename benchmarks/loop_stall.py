"""For how long a large answer holds the event loop, and how long it takes in all. Real time, not CPU.

Beside the call, a task does nothing but come back in each pass of the loop; the longest time between two of its
visits is for how long everybody else would have stood still.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager

from attrs import frozen

from benchmarks import bare_client, our_client, stub_server
from benchmarks.decoders import our_codec as in_one_go
from benchmarks.measure import Comparison, Cost, Scale, compare, in_rounds, timed

MANY, SOME = 10_000, 1_000
Listing = Callable[[], Awaitable[object]]


@frozen
class Reading:
    """The ways to read a listing, all in one event loop."""

    runner: asyncio.Runner
    iterated: Listing
    listed: Listing
    dicts: Listing
    at_once: Listing


def measure(scale: Scale) -> Iterator[Comparison]:
    """The stalls with many tasks, the total times of the same, and the stalls with fewer."""
    with ExitStack() as stack:
        base_url = stack.enter_context(stub_server.running("full"))
        many = stack.enter_context(reading(base_url, MANY))
        some = stack.enter_context(reading(base_url, SOME))
        rounds = scale.pick(3, 9)
        yield _stalls(f"longest stall, {MANY:,} full tasks", _ways(many), rounds, scale.seed)
        yield _totals(f"total time, {MANY:,} full tasks", many, rounds, scale.seed)
        ways = _ways(some) | {"list_tasks": _stall(some.runner, some.listed)}
        yield _stalls(f"longest stall, {SOME:,} full tasks", ways, scale.pick(9, 21), scale.seed)


def _ways(read: Reading) -> dict[str, Cost]:
    ways = {
        "iter_tasks": read.iterated,
        "decoded in one go": read.at_once,
        "bare aiohttp to dicts": read.dicts,
    }
    return {name: _stall(read.runner, listing) for name, listing in ways.items()}


def _stalls(title: str, ways: dict[str, Cost], rounds: int, seed: int) -> Comparison:
    return Comparison(title, in_rounds(ways, rounds, seed), unit="ms")


def _totals(title: str, read: Reading, rounds: int, seed: int) -> Comparison:
    """Nobody else wants the loop here, so this is what the call itself takes."""
    ways = {"decoded in one go": read.at_once, "iter_tasks": read.iterated}
    costs = {name: _total(read.runner, listing) for name, listing in ways.items()}
    return compare(title, costs, "decoded in one go", rounds, seed)


def _total(runner: asyncio.Runner, listing: Listing) -> Cost:
    return timed(lambda: runner.run(_awaited(listing)), clock=time.perf_counter)


def _stall(runner: asyncio.Runner, listing: Listing) -> Cost:
    def cost() -> float:
        gc.collect()
        return runner.run(longest_stall(listing)) * 1e3

    return cost


async def longest_stall(listing: Listing) -> float:
    """Seconds for which the event loop did not get round, at the longest."""
    visits = [time.perf_counter()]
    visiting = asyncio.create_task(_visit(visits))
    await asyncio.sleep(0)
    await listing()
    await asyncio.sleep(0)  # the last stall ends with this visit
    visiting.cancel()
    return visits[-1]


async def _visit(visits: list[float]) -> None:
    last, longest = time.perf_counter(), 0.0
    while True:
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        visits[-1] = longest


async def _awaited(listing: Listing) -> None:
    await listing()


@contextmanager
def reading(base_url: str, tasks: int) -> Iterator[Reading]:
    """A client of ours and a bare one."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        try:
            yield runner.run(_reading(runner, base_url, tasks, stack))
        finally:
            runner.run(stack.aclose())


async def _reading(runner: asyncio.Runner, base_url: str, tasks: int, stack: AsyncExitStack) -> Reading:
    gong = await stack.enter_async_context(our_client.opened(base_url))
    dicts = await bare_client.bare_aiohttp(base_url, stack)
    at_once = await bare_client.bare_aiohttp(base_url, stack, in_one_go())
    return Reading(
        runner,
        iterated=lambda: _drained(gong.iter_tasks(str(tasks)), tasks),
        listed=lambda: gong.list_tasks(str(tasks)),
        dicts=lambda: dicts.listing(tasks),
        at_once=lambda: at_once.listing(tasks),
    )


async def _drained(tasks: AsyncIterator[object], expected: int) -> None:
    """Take each task and let it go, as a program that works through them does."""
    seen = 0
    async for _ in tasks:
        seen += 1
    assert seen == expected, seen  # noqa: S101 - a benchmark of nothing is worth nothing
