"""The two task calls, from request models to values, over any caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import TypeAlias

from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.bulk.applier import Applied
from gong_tasks_async.bulk.pool import each_result
from gong_tasks_async.errors import DecodeError, GongError, TaskNotFoundError, UpdateMismatchError
from gong_tasks_async.errors.checks import count_problem, described, refuse
from gong_tasks_async.errors.stop_rule import StopRule
from gong_tasks_async.events import UpdateUnreadable
from gong_tasks_async.http.envelope import request_id_of
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.responses import means_nothing_found
from gong_tasks_async.http.retry import Resend
from gong_tasks_async.models import Task, TaskFilter, TaskUpdate, UserTasks
from gong_tasks_async.models.requests import check_update

Filters: TypeAlias = Iterable[TaskFilter | str] | AsyncIterable[TaskFilter | str]
"""Of many users; a text is one user's id."""

SLICE = 0.002
"""Seconds of decoding after which the event loop runs its other tasks; a pass costs a hundredth of that."""


async def update_task(caller: Caller, update: TaskUpdate, resend: Resend | None = None) -> Applied:
    """Make one update of many. One that Gong confirmed was made, even where the task cannot be read."""
    request = _update_request(update)
    response = await caller.call(request, resend)
    outcome = _updated_task(caller, request, response, update)
    request_id = request_id_of(response)
    if not isinstance(outcome, DecodeError):
        return Applied(outcome, response.attempts, request_id)
    caller.events.emit(
        UpdateUnreadable(
            task_id=update.task_id, path=outcome.path, expected=outcome.expected, request_id=request_id
        )
    )
    return Applied(None, response.attempts, request_id)


async def update_one(caller: Caller, update: TaskUpdate) -> Task:
    """Make one update, and return the task as it is now.

    Raises:
        DecodeError: Gong confirmed the update, and the task cannot be read.
    """
    request = _update_request(update)
    outcome = _updated_task(caller, request, await caller.call(request), update)
    if isinstance(outcome, DecodeError):
        raise outcome
    return outcome


def _update_request(update: TaskUpdate) -> HttpRequest:
    if type(update) is not TaskUpdate:
        check_update(update)
    return endpoints.update_task(update)


def _updated_task(
    caller: Caller, request: HttpRequest, response: HttpResponse, update: TaskUpdate
) -> Task | DecodeError:
    """The task that Gong confirmed; where it cannot be read, the error instead."""
    try:
        return endpoints.read_updated_task(response, update, caller.on_unreadable)
    except DecodeError as error:
        return caller.about(request, error, response.attempts)
    except UpdateMismatchError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed


async def iter_tasks(caller: Caller, wanted: TaskFilter, *, missing_is_empty: bool) -> AsyncGenerator[Task]:
    """The tasks that match; the event loop runs its other tasks after each slice of decoding."""
    request = endpoints.list_tasks(wanted)
    response = await _listed(caller, request, missing_is_empty=missing_is_empty)
    if response is not None:
        async with aclosing(_decoded(caller, request, response)) as tasks:
            async for task in tasks:
                yield task


async def _listed(caller: Caller, request: HttpRequest, *, missing_is_empty: bool) -> HttpResponse | None:
    """The response to a listing; None where it is a 404 that means that there is nothing."""
    try:
        return await caller.call(request)
    except TaskNotFoundError as error:
        if missing_is_empty or means_nothing_found(error):
            return None
        raise


async def _decoded(caller: Caller, request: HttpRequest, response: HttpResponse) -> AsyncGenerator[Task]:
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
    """One user's part of a listing of many: the tasks, or the error that prevented it."""
    request = endpoints.list_tasks(wanted)
    try:
        response = await _listed(caller, request, missing_is_empty=missing_is_empty)
        if response is None:
            return UserTasks(wanted)
        tasks = tuple([task async for task in _decoded(caller, request, response)])
    except GongError as error:
        return UserTasks(wanted, error=error)
    return UserTasks(
        wanted, tasks, request_id=request_id_of(response), crm_type=endpoints.read_crm_type(response)
    )


def list_many(
    caller: Caller,
    filters: TaskFilter | Filters,
    workers: int,
    *,
    missing_is_empty: bool,
) -> AsyncGenerator[UserTasks]:
    """The listings of many users, as they come.

    Raises:
        InvalidValueError: at once, where ``workers`` is no number of them, or ``filters`` cannot be iterated over.
        GongError: it concerns every user, or five users in a row met no verdict.
    """
    refuse("list_many", [count_problem("workers", workers), _filters_problem(filters)])
    return _list_many(caller, filters, workers, missing_is_empty=missing_is_empty)


def _filters_problem(filters: object) -> str | None:
    if isinstance(filters, str | TaskFilter | Iterable | AsyncIterable):
        return None
    return f"filters must be user ids or filters, or an iterable of them, not {described(filters)}"


async def _list_many(
    caller: Caller, filters: TaskFilter | Filters, workers: int, *, missing_is_empty: bool
) -> AsyncGenerator[UserTasks]:
    async def list_one(wanted: TaskFilter | str) -> UserTasks:
        return await list_user(caller, to_filter(wanted), missing_is_empty=missing_is_empty)

    if isinstance(filters, str | TaskFilter):  # iterated, an id would be one user for each digit
        filters = (filters,)
    stop_rule = StopRule()
    # Closed here and now when the caller leaves early, so that no worker outlives the loop over it.
    async with aclosing(each_result(filters, list_one, workers)) as results:
        async for listed in results:
            if listed.error is not None and stop_rule.stops(listed.error):
                raise listed.error
            if listed.error is None:
                stop_rule.note_success()
            yield listed


def to_filter(wanted: TaskFilter | str) -> TaskFilter:
    """Convert a user's id to a filter for that user's open tasks.

    Raises:
        InvalidValueError: it is neither an id nor a filter.
    """
    return wanted if isinstance(wanted, TaskFilter) else TaskFilter(wanted)
