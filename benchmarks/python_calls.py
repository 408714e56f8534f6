"""How many Python functions are entered for one PATCH: ours with the limiter on and off, and bare aiohttp.

A count does not depend on the machine or on what else it does, only on the versions of Python and aiohttp: so it
can be a gate in CI, where no time can. Everything counts from the call to its result: this package, aiohttp, yarl,
and the event loop's own functions, each time that a coroutine goes on included. The network is a stub in memory that
answers in the next pass of the loop; over a real socket the same calls come to the same count but for one.

Beside them, how many blocks of memory a call leaves behind: without the limiter none, with it the day's memory of it.

    python benchmarks/python_calls.py            # --keep writes the figures down, for tests/test_call_gate.py
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import platform
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Self, TypeVar

import aiohttp
import orjson
import stub_server
from aiohttp.client_proto import ResponseHandler

from gong_tasks_async import AccessKey, GongTasksClient, LocalQuota, Quota, TaskUpdate, Unlimited
from gong_tasks_async.codec import decode_answer

T = TypeVar("T")
Call = Callable[[int], Awaitable[object]]

BASE_URL = "http://localhost"
CREDENTIALS = AccessKey("ACCESSKEY", "ACCESSKEYSECRET")
HEADERS = {"Authorization": CREDENTIALS.authorization, "Content-Type": "application/json"}
USER = "234599484848423"
KEPT_FIGURES = Path(__file__).with_suffix(".json")
WARM_UP = 200
"""Calls before the first that counts; a few caches below us hold the last 128."""
CALLS = 400
BETWEEN_CALLS = 0.4
"""Seconds by which the clock is put on after each call, so that the limiter has its next token and a slot ready."""


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


def stub_session(kind: str = "typical") -> aiohttp.ClientSession:
    """A session that reaches the stub; see `stub_server` for the kinds of its answer."""
    return aiohttp.ClientSession(connector=StubConnector(kind), cookie_jar=aiohttp.DummyCookieJar())


@asynccontextmanager
async def ours(quota: Quota, kind: str = "typical") -> AsyncIterator[Call]:
    """Our client; its updates are made beforehand, as they are by whoever calls it."""
    session = stub_session(kind)
    updates = {number: TaskUpdate(number, USER, status="DONE") for number in task_ids()}
    async with session, GongTasksClient(CREDENTIALS, base_url=BASE_URL, session=session, quota=quota) as gong:
        yield lambda number: gong.update_task(updates[number])


@asynccontextmanager
async def bare_aiohttp(kind: str = "typical") -> AsyncIterator[Call]:
    """The same with aiohttp and orjson alone, written as in their manuals."""
    async with stub_session(kind) as session:

        async def patch(number: int) -> object:
            body = orjson.dumps({"userId": USER, "status": "DONE"})
            async with session.patch(f"{BASE_URL}/v2/tasks/{number}", data=body, headers=HEADERS) as answer:
                return orjson.loads(await answer.read())

        yield patch


def task_ids() -> range:
    """Each call is for a task of its own, as in life."""
    return range(stub_server.TASK_ID, stub_server.TASK_ID + WARM_UP + CALLS)


class Counter:
    """Counts the Python functions that are entered, and the coroutines that go on, while it is switched on."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        self.calls = 0
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        self.calls -= 1  # this method

    def _note(self, _: FrameType, event: str, __: object) -> None:
        if event == "call":
            self.calls += 1


async def count_calls(call: Call) -> float:
    """Python calls of one call, on average of many: now and then timers go off, or are tidied up."""
    loop, counter, counts = asyncio.get_running_loop(), Counter(), []
    assert isinstance(loop, HandSetClockLoop)  # noqa: S101 - in_memory() made it
    for number in task_ids():
        waiting = call(number)
        with counter:
            await waiting
        counts.append(counter.calls)
        loop.now += BETWEEN_CALLS
        await asyncio.sleep(0)
    return round(statistics.fmean(counts[WARM_UP:]), 1)


async def count_kept(call: Call) -> float:
    """Blocks of memory that a call leaves behind, on average of many."""
    loop, ids = asyncio.get_running_loop(), list(task_ids())
    assert isinstance(loop, HandSetClockLoop)  # noqa: S101 - in_memory() made it
    for number in ids:
        if number == ids[WARM_UP]:
            gc.collect()
            before = sys.getallocatedblocks()
        await call(number)
        loop.now += BETWEEN_CALLS
    gc.collect()
    return round((sys.getallocatedblocks() - before) / CALLS, 1)


def count_decoding(kind: str) -> int:
    """Python calls for one answer with one task, from bytes to values."""
    body = stub_server.answer(kind).partition(b"\r\n\r\n")[2]
    decode_answer(body)
    with Counter() as counter:
        decode_answer(body)
    return counter.calls


def in_memory(measuring: Coroutine[Any, Any, T]) -> T:
    """Run a measurement in a loop whose clock it sets by hand."""
    with asyncio.Runner(loop_factory=HandSetClockLoop) as runner:
        return runner.run(measuring)


async def _of(entering: Callable[[], Any], counting: Callable[[Call], Awaitable[T]]) -> T:
    async with entering() as call:
        return await counting(call)


def figures() -> dict[str, float]:
    """All counts, by what was counted."""
    contenders: dict[str, Callable[[], Any]] = {
        "limiter on": lambda: ours(LocalQuota()),
        "limiter off": lambda: ours(Unlimited()),
        "bare aiohttp": bare_aiohttp,
        "full task, limiter on": lambda: ours(LocalQuota(), "full"),
        "full task, bare aiohttp": partial(bare_aiohttp, "full"),
    }
    counts: dict[str, float] = {
        f"PATCH, {name}": in_memory(_of(entering, count_calls)) for name, entering in contenders.items()
    }
    kept = {
        f"blocks kept, {name}": in_memory(_of(contenders[name], count_kept))
        for name in ("limiter on", "limiter off")
    }
    decoding = {f"decode a {kind} task": count_decoding(kind) for kind in ("typical", "full")}
    return counts | decoding | kept


def kept_figures() -> dict[str, dict[str, float]]:
    """The figures that were written down, by version of Python."""
    figures: dict[str, dict[str, float]] = json.loads(KEPT_FIGURES.read_text(encoding="utf-8"))
    return figures


def keep(counts: dict[str, float]) -> None:
    """Write down the figures for this version of Python."""
    text = json.dumps(kept_figures() | {python_version(): counts}, indent=2, sort_keys=True)
    KEPT_FIGURES.write_text(f"{text}\n", encoding="utf-8")


def python_version() -> str:
    """The version without its last part, such as "3.11"."""
    return platform.python_version().rpartition(".")[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    counts = figures()
    if options.keep:
        keep(counts)
    if options.json:
        print(json.dumps(counts, indent=2))
        return
    print(f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}")
    for name, calls in counts.items():
        print(f"{name:<36}{calls:>6}")


if __name__ == "__main__":
    main()
