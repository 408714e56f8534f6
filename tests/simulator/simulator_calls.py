"""Requests for the engine, and the two worlds in which its server is met: real sockets, and memory under a virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from gong_tasks_async.simulator import (
    Engine,
    Request,
    Response,
    Simulator,
    VirtualClockLoop,
    make_app,
    memory_session,
)

T = TypeVar("T")
Json = dict[str, Any]
World = Callable[[Engine], AbstractAsyncContextManager[aiohttp.ClientSession]]

AUTHORIZED = {"Authorization": "Bearer simulated-access-token"}
HEADERS = AUTHORIZED | {"Content-Type": "application/json; charset=utf-8"}
EVERYTHING = {"types": ["FLOW", "MANUAL"], "taskAction": ["CALL"], "status": ["OPEN", "DONE", "DISMISSED"]}


def small(**settings: Any) -> Engine:
    """Make a small company without a per-second limit."""
    chosen: Json = {"users": 2, "tasks_per_user": 4, "second_limit": "none"} | settings
    return Engine(**chosen)


def listing(user_id: str, **filter: Any) -> Json:
    return {"filter": {"userId": user_id, **EVERYTHING, **filter}}


def post(engine: Engine, body: Any, now: float = 0.0) -> Response:
    return engine.answer(Request("POST", "/v2/tasks", {}, HEADERS, json.dumps(body).encode()), now)


def patch(engine: Engine, task_id: int | str, body: Any, now: float = 0.0) -> Response:
    return engine.answer(
        Request("PATCH", f"/v2/tasks/{task_id}", {}, HEADERS, json.dumps(body).encode()), now
    )


def get_users(engine: Engine, now: float = 0.0, cursor: str | None = None) -> Response:
    query = {} if cursor is None else {"cursor": cursor}
    return engine.answer(Request("GET", "/v2/users", query, AUTHORIZED), now)


def a_task(engine: Engine) -> tuple[int, str]:
    """Pick a task, and tell its owner."""
    task_id, task = next(iter(engine.tasks.items()))
    return task_id, str(task["userId"])


@asynccontextmanager
async def over_sockets(engine: Engine) -> AsyncIterator[aiohttp.ClientSession]:
    async with Simulator(engine) as gong, aiohttp.ClientSession(gong.base_url, headers=AUTHORIZED) as session:
        yield session


@asynccontextmanager
async def in_memory(engine: Engine) -> AsyncIterator[aiohttp.ClientSession]:
    async with memory_session(make_app(engine), base_url="http://gong.test", headers=AUTHORIZED) as session:
        yield session


def run(world: World, engine: Engine, scene: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
    """Play a scene in one of the two worlds."""

    async def play() -> T:
        async with world(engine) as session:
            return await scene(session)

    with asyncio.Runner(loop_factory=VirtualClockLoop if world is in_memory else None) as runner:
        return runner.run(play())
