"""The two task calls, each from a wish to its values, over any caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing

from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.bulk import Applied, each_result
from gong_tasks_async.errors import DecodeError, GongError, TaskNotFoundError
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, UserTasks
from gong_tasks_async.models.requests import check_update

SLICE = 0.002
"""Seconds of decoding after which the event loop gets a turn. A turn costs a hundredth of that."""


async def update_task(caller: Caller, update: TaskUpdate) -> Applied:
    """Make one change, and return the task as it is now."""
    if type(update) is not TaskUpdate:
        check_update(update)
    request = endpoints.update_task(update)
    response = await caller.call(request)
    try:
        task, request_id = endpoints.read_updated_task(response, update, caller.on_unreadable)
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed
    return Applied(task, response.attempts, request_id)


async def update_one(caller: Caller, update: TaskUpdate) -> Task:
    """Make one change, and return the task as it is now.

    Raises:
        DecodeError: Gong confirmed the change, and its answer cannot be read.
    """
    applied = await update_task(caller, update)
    if applied.task is None:
        unread = DecodeError(path="$.tasks", expected=f"task {update.task_id}", found="none that can be read")
        raise caller.about(endpoints.update_task(update), unread, applied.attempts)
    return applied.task


async def iter_tasks(caller: Caller, wanted: TaskFilter, *, missing_is_empty: bool) -> AsyncGenerator[Task]:
    """The tasks that match, with a turn for the event loop after each slice of decoding."""
    request = endpoints.list_tasks(wanted)
    try:
        response = await caller.call(request)
    except TaskNotFoundError:
        if missing_is_empty:
            return
        raise
    slice_ends = time.monotonic() + SLICE
    try:
        for task in endpoints.read_tasks(response, caller.on_unreadable):
            yield task
            if time.monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + SLICE
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed


async def list_user(caller: Caller, wanted: TaskFilter, *, missing_is_empty: bool) -> UserTasks:
    """One user's part of a listing of many: the tasks, or the error that stood in the way."""
    found = iter_tasks(caller, wanted, missing_is_empty=missing_is_empty)
    try:
        return UserTasks(wanted, tuple([task async for task in found]))
    except GongError as error:
        return UserTasks(wanted, error=error)


async def list_many(
    caller: Caller,
    filters: Iterable[TaskFilter | str] | AsyncIterable[TaskFilter | str],
    workers: int,
    *,
    missing_is_empty: bool,
) -> AsyncGenerator[UserTasks]:
    """The listings of many users, as they come."""

    async def list_one(wanted: TaskFilter | str) -> UserTasks:
        return await list_user(caller, to_filter(wanted), missing_is_empty=missing_is_empty)

    # Closed here and now when the caller leaves early, so that no worker outlives the loop over it.
    async with aclosing(each_result(filters, list_one, workers)) as results:
        async for listed in results:
            yield listed


def to_filter(wanted: TaskFilter | str) -> TaskFilter:
    """Convert a user's id to a filter for that user's open tasks.

    Raises:
        InvalidValueError: it is neither an id nor a filter.
    """
    return wanted if isinstance(wanted, TaskFilter) else TaskFilter(wanted)
