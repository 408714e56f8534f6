"""CPU time of listing 1,000 full tasks (2.5 MB), from the call to the typed list, over bare aiohttp to dicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import bare_client, clients, our_client, stub_server
from benchmarks.apart import apart
from benchmarks.blocks import listings
from benchmarks.measure import Comparison, Scale, compare, timed
from benchmarks.our_client import Connect

TASKS = 1_000
CLIENTS: dict[str, Connect] = {
    "aiohttp": bare_client.bare_aiohttp,
    "ours": our_client.connect,
    "aiohttp + msgspec": clients.aiohttp_msgspec,
    "httpx + pydantic": clients.httpx_pydantic,
    "raw protocol": clients.raw_protocol,
}


def measure(scale: Scale) -> Iterator[Comparison]:
    """One case; beside it, what orjson is worth."""
    rounds = scale.pick(9, 21)
    with ExitStack() as stack:
        base_url = stack.enter_context(stub_server.running("full"))
        contenders = {
            name: timed(stack.enter_context(listings(connect, base_url, 2, TASKS)))
            for name, connect in CLIENTS.items()
        }
        yield compare("POST with 1,000 tasks", contenders, "aiohttp", rounds, scale.seed)
        pair = {
            name: stack.enter_context(apart(key, "listing", base_url, 2, TASKS))
            for name, key in {"ours": "with-orjson", "ours without orjson": "without-orjson"}.items()
        }
        yield compare(
            "POST with 1,000 tasks, with and without orjson", pair, "ours", scale.pick(5, 21), scale.seed
        )
