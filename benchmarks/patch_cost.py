"""CPU time of this process for a PATCH, the limiter on but never waiting, over bare aiohttp with orjson."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from uvloop import new_event_loop

from benchmarks import bare_client, clients, our_client, stub_server
from benchmarks.apart import apart
from benchmarks.blocks import LoopFactory, patches
from benchmarks.measure import Comparison, Cost, Scale, compare, timed
from benchmarks.our_client import Connect
from benchmarks.threads import thread_patches

SLOW = 5
"""How many times fewer calls the dear ones make in a block, so that a round is not all theirs."""

CLIENTS: dict[str, Connect] = {
    "aiohttp": bare_client.bare_aiohttp,
    "ours": our_client.connect,
    "ours, limiter off": our_client.ours_unlimited,
    "raw protocol": clients.raw_protocol,
}
# uvloop's clock counts whole milliseconds, and between two turns in the same one the limiter sees no time go by. At 3
# calls a second that is nothing, but here it would wait (most of the turns; none on asyncio's loop), so it is off.
ON_UVLOOP: dict[str, Connect] = {
    "aiohttp": bare_client.bare_aiohttp,
    "ours, limiter off,": our_client.ours_unlimited,
}
CASES = (("typical", 16), ("typical", 1), ("full", 16))


def measure(scale: Scale) -> Iterator[Comparison]:
    """Each case with all contenders, the last one only in full; then, what orjson is worth."""
    for kind, concurrency in CASES[: scale.pick(2, 3)]:
        with ExitStack() as stack:
            title = f"PATCH, {concurrency} at a time, a {kind} task"
            contenders = _contenders(stack, kind, concurrency, scale.pick(200, 400))
            yield compare(title, contenders, "aiohttp", scale.pick(9, 21), scale.seed)
    with ExitStack() as stack:
        title = "PATCH, 16 at a time, with and without orjson"
        contenders = _with_and_without_orjson(stack, scale.pick(200, 400))
        yield compare(title, contenders, "ours", scale.pick(9, 21), scale.seed)


def _contenders(stack: ExitStack, kind: str, concurrency: int, calls: int) -> dict[str, Cost]:
    base_url = stack.enter_context(stub_server.running(kind))

    def cost(connect: Connect, calls: int, loop_factory: LoopFactory | None = None) -> Cost:
        block = patches(connect, base_url, calls, concurrency, loop_factory)
        return timed(stack.enter_context(block), calls)

    few = calls // SLOW
    threads = stack.enter_context(thread_patches(base_url, few, concurrency))
    return {
        **{name: cost(connect, calls) for name, connect in CLIENTS.items()},
        **{f"{name} on uvloop": cost(connect, calls, new_event_loop) for name, connect in ON_UVLOOP.items()},
        "httpx + pydantic": cost(clients.httpx_pydantic, few),
        "requests in threads": timed(threads, few),
    }


def _with_and_without_orjson(stack: ExitStack, calls: int) -> dict[str, Cost]:
    base_url = stack.enter_context(stub_server.running("typical"))
    processes = {"ours": "with-orjson", "ours without orjson": "without-orjson"}
    return {
        name: stack.enter_context(apart(orjson, "patch", base_url, calls, 16))
        for name, orjson in processes.items()
    }
