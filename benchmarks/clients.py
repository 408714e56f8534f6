"""The clients that are compared, each set up as well as its users can: one keep-alive pool, nothing logged."""

from __future__ import annotations

from contextlib import AsyncExitStack

import httpx
import orjson
import pydantic
from pydantic.alias_generators import to_camel

from benchmarks.bare_client import HEADERS, all_of, bare_aiohttp, done
from benchmarks.decoders import with_msgspec, with_pydantic
from benchmarks.our_client import CREDENTIALS, USER, Connected
from benchmarks.raw_client import RawClient


async def aiohttp_msgspec(base_url: str, stack: AsyncExitStack) -> Connected:
    return await bare_aiohttp(base_url, stack, with_msgspec())


async def raw_protocol(base_url: str, stack: AsyncExitStack) -> Connected:
    client = RawClient(base_url, CREDENTIALS.authorization)
    stack.callback(client.close)

    async def call(method: str, path: str, body: bytes) -> object:
        return orjson.loads(await client.request(method, path, body))

    return Connected(
        patch=lambda task_id: call("PATCH", f"/v2/tasks/{task_id}", done()),
        listing=lambda count: call("POST", "/v2/tasks", all_of(count)),
    )


class Change(pydantic.BaseModel):
    """The body of a PATCH."""

    model_config = pydantic.ConfigDict(alias_generator=to_camel, populate_by_name=True)
    user_id: str
    status: str


async def httpx_pydantic(base_url: str, stack: AsyncExitStack) -> Connected:
    """HTTP/1.1, whose pool is as large as aiohttp's; models in and out, as its users have them."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=60.0)
    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=base_url, headers=HEADERS, limits=limits, http2=False, trust_env=False)
    )
    decode = with_pydantic()

    async def call(method: str, path: str, body: bytes) -> object:
        answer = await client.request(method, path, content=body)
        answer.raise_for_status()
        return decode(answer.content)

    def change() -> bytes:
        return Change(user_id=USER, status="DONE").model_dump_json(by_alias=True).encode()

    return Connected(
        patch=lambda task_id: call("PATCH", f"/v2/tasks/{task_id}", change()),
        listing=lambda count: call("POST", "/v2/tasks", all_of(count)),
    )
