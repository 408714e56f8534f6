"""The two task calls, each from a wish to its values, over any caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from pathlib import Path

from attrs import frozen

from gong_tasks_async.api import endpoints
from gong_tasks_async.api.caller import Caller
from gong_tasks_async.bulk import Applied, BulkReport, Job, Plan, each_result, plan_updates
from gong_tasks_async.errors import DecodeError, GongError, TaskNotFoundError
from gong_tasks_async.models import Task, TaskFilter, TaskStatus, TaskUpdate, UserTasks

LISTERS = 8
"""How many listings may be under way at once, before a plan is made."""

SLICE = 0.002
"""Seconds of decoding after which the event loop gets a turn. A turn costs a hundredth of that."""


async def update_task(caller: Caller, update: TaskUpdate) -> Applied:
    """Make one change, and return the task as it is now."""
    request = endpoints.update_task(update)
    response = await caller.call(request)
    try:
        task, request_id = endpoints.read_updated_task(response, update, caller.on_unreadable)
    except DecodeError as error:
        raise caller.about(request, error, response.attempts)  # noqa: B904 - the same error, completed
    return Applied(task, response.attempts, request_id)


@frozen
class UpdateApplier:
    """What a bulk run needs of a caller."""

    caller: Caller

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self.caller.calls

    @property
    def rate_limited(self) -> int:
        """How many of them were answered 429."""
        return self.caller.rate_limited

    async def apply(self, update: TaskUpdate) -> Applied:
        """Make one change."""
        return await update_task(self.caller, update)

    async def sleep(self, seconds: float) -> None:
        """Wait, until :meth:`halt` at the most."""
        await self.caller.rest(asyncio.sleep(seconds))

    def halt(self) -> None:
        """Make no further request; those under way come to their end."""
        self.caller.halt()


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
    """A text is a user's id, and stands for that user's open tasks."""
    return TaskFilter(wanted) if isinstance(wanted, str) else wanted


async def list_current(caller: Caller, updates: Iterable[TaskUpdate]) -> list[Task]:
    """The tasks, in any state, of everybody whose tasks are to be changed: one call for each person.

    Somebody whose tasks cannot be listed is left out; those rows are then sent, whatever their state.
    """
    owners = dict.fromkeys(update.user_id for update in updates)
    filters = [TaskFilter(owner, statuses=tuple(TaskStatus)) for owner in owners]

    async def list_owner(wanted: TaskFilter) -> UserTasks:
        return await list_user(caller, wanted, missing_is_empty=True)

    return [task async for owned in each_result(filters, list_owner, LISTERS) for task in owned.tasks]


async def plan(caller: Caller, updates: list[TaskUpdate], *, look: bool) -> Plan:
    """What there is to do, and how long it will take; ``look`` lists the tasks first, to leave out the unchanged."""
    planned = plan_updates(updates, await list_current(caller, updates) if look else None)
    return planned.with_estimate(await caller.quota.estimate(planned.calls)) if planned.calls else planned


async def run_planned(
    job: Job, caller: Caller, updates: list[TaskUpdate], journal: Path | None, *, look: bool, dry_run: bool
) -> BulkReport:
    """Plan, and unless this is a rehearsal, run the plan."""
    if journal is not None and journal.exists():  # noqa: ASYNC240 - one look, before anything runs
        look = False  # it knows already what was as wanted
    planned = await plan(caller, updates, look=look)
    if dry_run:
        return BulkReport(unchanged=len(planned.unchanged), pending=planned.calls, calls=caller.calls)
    return await job.run_plan(planned, journal)
