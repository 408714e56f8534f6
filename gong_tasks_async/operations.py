"""The two task calls, each from a wish to its values, over any caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from gong_tasks_async import protocol
from gong_tasks_async.caller import Caller
from gong_tasks_async.errors import DecodeError, GongError, TaskNotFoundError
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, UserTasks

SLICE = 0.005
"""Seconds of decoding after which the event loop gets a turn."""


async def update_task(caller: Caller, update: TaskUpdate) -> Task:
    """Make one change, and return the task as it is now."""
    request = protocol.update_task(update)
    response = await caller.call(request)
    try:
        return protocol.read_updated_task(response, update)
    except DecodeError as error:
        raise caller.about(request, error, 1)  # noqa: B904 - the same error, completed


async def iter_tasks(caller: Caller, wanted: TaskFilter, *, missing_is_empty: bool) -> AsyncGenerator[Task]:
    """The tasks that match, with a turn for the event loop after each slice of decoding."""
    request = protocol.list_tasks(wanted)
    try:
        response = await caller.call(request)
    except TaskNotFoundError:
        if missing_is_empty:
            return
        raise
    slice_ends = time.monotonic() + SLICE
    try:
        for task in protocol.read_tasks(response):
            yield task
            if time.monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + SLICE
    except DecodeError as error:
        raise caller.about(request, error, 1)  # noqa: B904 - the same error, completed


async def list_user(caller: Caller, wanted: TaskFilter, *, missing_is_empty: bool) -> UserTasks:
    """One user's part of a listing of many: the tasks, or the error that stood in the way."""
    found = iter_tasks(caller, wanted, missing_is_empty=missing_is_empty)
    try:
        return UserTasks(wanted, tuple([task async for task in found]))
    except GongError as error:
        return UserTasks(wanted, error=error)
