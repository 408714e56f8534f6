"""CPU time of this process for each PATCH: our client with its limiter off, bare aiohttp with orjson, and httpx.

The contenders take turns in shuffled blocks of one run, so that a machine that gets slower or faster does it to
all of them; bare aiohttp takes part twice, and the ratio of the two says how far the figures can be trusted.

    python benchmarks/call_cost.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import aiohttp
import httpx
import orjson
import stub_server
from attrs import asdict, frozen

from gong_tasks_async import AccessKey, GongTasksClient, TaskUpdate, Unlimited

CREDENTIALS = AccessKey("key", "secret")
HEADERS = {"Authorization": CREDENTIALS.authorization, "Content-Type": "application/json"}
USER = "234599484848423"
CASES = (("typical", 1), ("typical", 16), ("full", 16))
Patch = Callable[[int], Awaitable[object]]


async def ours(base_url: str, stack: AsyncExitStack) -> Patch:
    gong = await stack.enter_async_context(GongTasksClient(CREDENTIALS, base_url=base_url, quota=Unlimited()))
    return lambda task_id: gong.update_task(TaskUpdate(task_id, USER, status="DONE"))


async def bare_aiohttp(base_url: str, stack: AsyncExitStack) -> Patch:
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    async def patch(task_id: int) -> object:
        url = f"{base_url}/v2/tasks/{task_id}"
        async with session.patch(
            url, data=orjson.dumps({"userId": USER, "status": "DONE"}), headers=HEADERS
        ) as answer:
            return orjson.loads(await answer.read())

    return patch


async def bare_httpx(base_url: str, stack: AsyncExitStack) -> Patch:
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))

    async def patch(task_id: int) -> object:
        url = f"{base_url}/v2/tasks/{task_id}"
        answer = await client.patch(
            url, content=orjson.dumps({"userId": USER, "status": "DONE"}), headers=HEADERS
        )
        return orjson.loads(answer.content)

    return patch


@frozen
class Row:
    """One contender's figures in one case; ratios are medians over the rounds, with their middle half."""

    answer: str
    concurrency: int
    contender: str
    us: float
    ratio: float
    low: float
    high: float


CONTENDERS = {"aiohttp": bare_aiohttp, "aiohttp again": bare_aiohttp, "ours": ours, "httpx": bare_httpx}


async def block(patch: Patch, calls: int, concurrency: int) -> float:
    """Microseconds of CPU for each call."""
    remaining = iter(range(calls))  # every call is for another task, as in life

    async def work() -> None:
        for number in remaining:
            await patch(stub_server.TASK_ID + number)

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return (time.process_time() - started) / calls * 1e6


async def compare(base_url: str, concurrency: int, blocks: int, calls: int) -> dict[str, list[float]]:
    """Each contender's blocks, in rounds of random order."""
    spent: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    async with AsyncExitStack() as stack:
        patches = {name: await connect(base_url, stack) for name, connect in CONTENDERS.items()}
        for patch in patches.values():
            await block(patch, calls, concurrency)  # connections, caches
        for _ in range(blocks):
            for name in random.sample(list(patches), len(patches)):
                spent[name].append(await block(patches[name], calls, concurrency))
    return spent


def ratio(spent: dict[str, list[float]], name: str) -> tuple[float, float, float]:
    """A contender's cost over bare aiohttp's: median, and the middle half of the rounds."""
    ratios = [own / base for own, base in zip(spent[name], spent["aiohttp"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return middle, low, high


def measured(
    answer: str, concurrency: int, options: argparse.Namespace
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    with stub_server.running(answer) as base_url:
        spent = asyncio.run(compare(base_url, concurrency, options.blocks, options.calls))
    for name in CONTENDERS:
        yield name, (statistics.median(spent[name]), *ratio(spent, name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=25)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [Row(*case, name, *figures) for case in CASES for name, figures in measured(*case, options)]
    if options.json:
        print(json.dumps([asdict(row) for row in results], indent=2))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, aiohttp {aiohttp.__version__}")
    print(
        f"{'answer':<9}{'concurrency':<13}{'contender':<16}{'us a PATCH':>11}{'over aiohttp':>14}{'middle half':>15}"
    )
    for row in results:
        half = f"{row.low:.2f}-{row.high:.2f}"
        print(
            f"{row.answer:<9}{row.concurrency:<13}{row.contender:<16}{row.us:>11.0f}{row.ratio:>14.2f}{half:>15}"
        )


if __name__ == "__main__":
    main()
