"""A long listing leaves the event loop to others between slices of decoding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from gong_tasks_async import AccessKey, DecodeError, GongTasksClient
from gong_tasks_async.api import tasks
from gong_tasks_async.models import Task
from gong_tasks_async.quota import Unlimited
from tests.fakes import ScriptedClient, ScriptedTransport, answer

TASKS = 2_000
AT_ONCE = float("inf")
AFTER_EACH = float("-inf")

Listing = Callable[[GongTasksClient], Awaitable[list[Task]]]


@asynccontextmanager
async def listing(body: dict[str, Any], *, strict: bool = False) -> AsyncIterator[GongTasksClient]:
    client = ScriptedClient(
        AccessKey("k", "s"), quota=Unlimited(), base_url="http://localhost", strict=strict
    )
    client.transport = ScriptedTransport(answer(200, body))
    async with client:
        yield client


async def taken_one_by_one(client: GongTasksClient) -> list[Task]:
    return [task async for task in client.iter_tasks("1")]


async def taken_at_once(client: GongTasksClient) -> list[Task]:
    return await client.list_tasks("1")


async def turns_of_others(work: Awaitable[list[Task]]) -> int:
    """How often another task could run meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    assert len(await work) == TASKS
    other.cancel()
    with suppress(asyncio.CancelledError):
        await other
    return turns


@pytest.mark.parametrize("take", [taken_one_by_one, taken_at_once])
async def test_others_run_after_each_slice_of_time(monkeypatch: pytest.MonkeyPatch, take: Listing) -> None:
    async with listing({"tasks": [{"id": n} for n in range(TASKS)]}) as client:
        monkeypatch.setattr(tasks, "SLICE", AFTER_EACH)
        assert await turns_of_others(take(client)) >= TASKS
        monkeypatch.setattr(tasks, "SLICE", AT_ONCE)
        assert await turns_of_others(take(client)) < 10


async def test_what_came_before_a_bad_task_is_handed_out_and_the_error_says_where_and_of_which_request() -> (
    None
):
    tasks: list[dict[str, Any]] = [{"id": n} for n in range(10_000)]
    tasks[9_000]["id"] = None
    read = []
    async with listing({"requestId": "r", "tasks": tasks}, strict=True) as client:
        with pytest.raises(DecodeError) as caught:  # noqa: PT012 - what came before it is looked at below
            async for task in client.iter_tasks("1"):
                read.append(task.id)  # noqa: PERF401 - a comprehension would lose what came before the error
    assert read == list(range(9_000))
    error = caught.value
    assert (error.path, error.method, error.request_id, error.attempts) == (
        "$.tasks[9000].id",
        "POST",
        "r",
        1,
    )
    assert error.url == "https://api.gong.io/v2/tasks"
