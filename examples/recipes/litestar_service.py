"""Litestar: the client as a dependency that lives as long as the service. Run with `litestar --app litestar_service:app run`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.datastructures import State

from gong_tasks_async import GongTasksClient, to_json


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Open the client with the service, and close it with it."""
    async with GongTasksClient.from_env() as gong:
        app.state.gong = gong.with_options(timeout=10)
        yield


@get("/users/{user_id:str}/tasks")
async def list_tasks(state: State, user_id: str) -> list[dict[str, object]]:
    """List a user's open tasks."""
    return [dict(to_json(task)) for task in await state.gong.list_tasks(user_id)]


app = Litestar([list_tasks], lifespan=[lifespan])
