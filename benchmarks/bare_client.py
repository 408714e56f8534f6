"""Bare aiohttp and orjson, the base of the comparisons: what a caller without this library would write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson

from benchmarks.our_client import CREDENTIALS, USER, Connected

Decode = Callable[[bytes], Any]

HEADERS = {"Authorization": CREDENTIALS.authorization, "Content-Type": "application/json"}
FILTER = {"types": ["FLOW", "MANUAL"], "taskAction": ["CALL"], "status": ["OPEN"]}


async def bare_aiohttp(base_url: str, stack: AsyncExitStack, decode: Decode = orjson.loads) -> Connected:
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    async def call(method: str, path: str, body: bytes) -> object:
        async with session.request(method, base_url + path, data=body, headers=HEADERS) as answer:
            answer.raise_for_status()
            return decode(await answer.read())

    return Connected(
        patch=lambda task_id: call("PATCH", f"/v2/tasks/{task_id}", done()),
        listing=lambda count: call("POST", "/v2/tasks", all_of(count)),
    )


def done() -> bytes:
    return orjson.dumps({"userId": USER, "status": "DONE"})


def all_of(count: int) -> bytes:
    """The body of a listing; the stub server takes the user's id for the number of tasks."""
    return orjson.dumps({"filter": {"userId": str(count), **FILTER}})
