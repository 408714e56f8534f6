"""What a service's event loop and its callers notice of a large listing in the same process.

The service is an aiohttp application that answers each request at once. It is asked 100 times a second by a process
of its own, first while nothing else happens, then while the service lists thousands of tasks, one listing after the other.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
from aiohttp import web
from attrs import define, field

from benchmarks import our_client
from benchmarks.stub_server import PROJECT

TICK = 0.001
"""Seconds between two looks at the event loop's lag."""
EVERY = 0.01
"""Seconds from one request to the service to the next."""


@define
class ServiceTimes:
    """Seconds: how late the loop came to a timer, and how long requests to the service took."""

    lags: list[float] = field(factory=list)
    requests: list[float] = field(factory=list)


async def of_service(
    gong_url: str, tasks: int, listings: int, seconds: float
) -> tuple[ServiceTimes, ServiceTimes]:
    """The times while nothing else happens for so long, and while tasks are listed so often."""
    app = web.Application()
    app.router.add_get("/", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with our_client.opened(gong_url) as gong:

            async def listed() -> None:
                for _ in range(listings):
                    async for _ in gong.iter_tasks(str(tasks)):
                        pass

            await gong.list_tasks("1")  # the connection, and what is imported at first use
            idle = await _times_during(runner.addresses[0][1], lambda: asyncio.sleep(seconds))
            return idle, await _times_during(runner.addresses[0][1], listed)
    finally:
        await runner.cleanup()


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def _times_during(port: int, work: Callable[[], Awaitable[None]]) -> ServiceTimes:
    """The times during some work."""
    times = ServiceTimes()
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.latency_service", str(port)),
        cwd=PROJECT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert asking.stdout is not None  # noqa: S101 - it was asked for
    await asking.stdout.readline()  # its first request is answered
    ticking = asyncio.create_task(_tick(times.lags))
    await work()
    ticking.cancel()
    output, _ = await asking.communicate(b"")
    await asyncio.gather(ticking, return_exceptions=True)
    times.requests = json.loads(output)
    return times


async def _tick(lags: list[float]) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(TICK)
        lags.append(max(0.0, time.perf_counter() - started - TICK))


async def _ask(port: int) -> list[float]:
    """How long each request took, from the moment it was due, until standard input ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    took: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def ask(due: float) -> None:
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                await response.read()
            took.append(time.perf_counter() - due)

        await ask(time.perf_counter())
        took.clear()
        print(flush=True)
        asked, due = set[asyncio.Task[None]](), time.perf_counter()
        while not ended.done():
            asked.add(asyncio.create_task(ask(due)))
            due += EVERY
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), max(0.0, due - time.perf_counter()))
        await asyncio.gather(*asked)
    return took


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_ask(int(sys.argv[1])))))
