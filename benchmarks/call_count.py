"""How many Python functions are entered for one PATCH: the same on every machine, so that a test can hold it.

Everything counts from the call to its result: this package, aiohttp, yarl, and the event loop's own functions, each
time that a coroutine goes on included. The network is a stub in memory that answers in the next pass of the loop; over
a real socket the same calls come to the same count but for one. The clock is put on by hand, so that the limiter,
with the settings of life, always has its next token and slot ready.

    python -m benchmarks.call_count
"""

from __future__ import annotations

import asyncio
import itertools
import json
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import FrameType
from typing import Any, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler

from benchmarks import stub_server
from benchmarks.measure import Comparison, Scale
from benchmarks.our_client import CREDENTIALS, USER
from gong_tasks_async import GongTasksClient, LocalQuota, Quota, TaskUpdate, Unlimited

Patch = Callable[[TaskUpdate], Awaitable[object]]
Opened = Callable[[], AbstractAsyncContextManager[Patch]]

BASE_URL = "http://localhost"
HEADERS = {"Authorization": CREDENTIALS.authorization, "Content-Type": "application/json"}
WARM_UP = 200
BETWEEN_CALLS = 0.4
"""Seconds by which the clock is put on after each call."""

task_ids = itertools.count(stub_server.TASK_ID)
"""Each call is for a task of its own, as in life: caches of addresses must not help the later contender."""


class HandSetClockLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still until it is put on; asking for the time is one function, as it always is."""

    now = 1_000.0

    def time(self) -> float:
        """Tell the time as it was set."""
        return self.now


class StubTransport(asyncio.Transport):
    """A connection whose other end answers each request at once; a request comes in one piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: ResponseHandler, kind: str) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._before_id, _, self._after_id = stub_server.answer(kind).partition(b"%d" % stub_server.TASK_ID)
        self._closing = False

    def write(self, data: Any) -> None:
        """Answer."""
        path = bytes(data).split(b" ", 2)[1]
        answer = self._before_id + path[-stub_server.ID_DIGITS :] + self._after_id
        self._loop.call_soon(self._protocol.data_received, answer)

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Hang up."""
        self._closing = True
        self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """Hang up."""
        self.close()

    def pause_reading(self) -> None:
        """Nothing comes unasked."""

    def resume_reading(self) -> None:
        """Nothing was held back."""


class StubConnector(aiohttp.BaseConnector):
    """Reaches the stub, whatever the host in the URL."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    async def _create_connection(self, *_: object) -> ResponseHandler:
        protocol = self._factory()
        protocol.connection_made(StubTransport(self._loop, protocol, self._kind))
        return protocol


def stub_session(kind: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=StubConnector(kind), cookie_jar=aiohttp.DummyCookieJar())


@asynccontextmanager
async def our_patch(quota: Callable[[], Quota] = LocalQuota, kind: str = "typical") -> AsyncIterator[Patch]:
    session = stub_session(kind)
    async with (
        session,
        GongTasksClient(CREDENTIALS, base_url=BASE_URL, session=session, quota=quota()) as gong,
    ):
        yield gong.update_task


@asynccontextmanager
async def bare_aiohttp(kind: str = "typical") -> AsyncIterator[Patch]:
    """The same with aiohttp and JSON alone, written as in aiohttp's manual."""
    async with stub_session(kind) as session:

        async def patch(update: TaskUpdate) -> object:
            url = f"{BASE_URL}/v2/tasks/{update.task_id}"
            async with session.patch(url, data=b'{"status":"DONE"}', headers=HEADERS) as answer:
                return await answer.read()

        yield patch


CONTENDERS: dict[str, Opened] = {
    "ours": our_patch,
    "ours, limiter off": partial(our_patch, Unlimited),
    "ours, a full task": partial(our_patch, kind="full"),
    "bare aiohttp": bare_aiohttp,
}


class Counter:
    """Counts while it is switched on, on and on."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        self.calls -= 1  # this method

    def _note(self, _: FrameType, event: str, __: object) -> None:
        self.calls += event == "call"


def calls_of(opened: Opened, patches: int) -> int:
    """Python calls of so many PATCHes, one at a time; the updates are made beforehand, as they are in life."""
    with asyncio.Runner(loop_factory=HandSetClockLoop) as runner:
        return runner.run(_calls_of(opened, patches))


async def _calls_of(opened: Opened, patches: int) -> int:
    loop, counter = asyncio.get_running_loop(), Counter()
    assert isinstance(loop, HandSetClockLoop)  # noqa: S101 - calls_of() made it
    async with opened() as patch:
        for number in range(WARM_UP + patches):
            if number == WARM_UP:
                counter.calls = 0
            update = TaskUpdate(next(task_ids), USER, status="DONE")
            with counter:
                await patch(update)
            loop.now += BETWEEN_CALLS
    return counter.calls


def calls_beyond_bare(patches: int, *, limiter: bool) -> int:
    """What this package adds to bare aiohttp's calls, which change with its version and are not ours to answer for."""
    opened = our_patch if limiter else partial(our_patch, Unlimited)
    return calls_of(opened, patches) - calls_of(bare_aiohttp, patches)


def counts(patches: int) -> dict[str, float]:
    """Python calls of one PATCH, on average of many: now and then timers go off, or are tidied up."""
    return {name: round(calls_of(opened, patches) / patches, 1) for name, opened in CONTENDERS.items()}


def measure(scale: Scale) -> Iterator[Comparison]:
    """The counts as figures of the suite."""
    counted = {name: [count] for name, count in counts(scale.pick(100, 400)).items()}
    yield Comparison("Python calls per PATCH", counted, unit="calls")


def main() -> None:
    print(f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}")
    print(json.dumps(counts(400), indent=2))


if __name__ == "__main__":
    main()
