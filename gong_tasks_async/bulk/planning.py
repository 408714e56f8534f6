"""Planning with a look: list the owners of the tasks, once each, before the plan is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping

from attrs import evolve, frozen

from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.bulk.plan import (
    SAMPLE,
    Look,
    Plan,
    SampledTask,
    drop_unchanged,
    has_values,
    merge_updates,
    read_clocks,
    sampled,
)
from gong_tasks_async.bulk.pool import each_result
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import Task, TaskUpdate

LISTERS = 8
"""Listings in flight at once, before a plan is made."""


@frozen
class _Owned:
    user_id: str
    tasks: list[Task] | None
    """None where they could not be listed."""


async def make_plan(applier: Applier, updates: Iterable[TaskUpdate], *, look: bool) -> Plan:
    """The plan of updates, with the time that its calls will take.

    Args:
        applier: lists tasks, and knows the quota.
        updates: read to their end.
        look: whether to list the owners' tasks, to drop no-ops and to remember the state before.

    Raises:
        PlanConflictError: some tasks have two different updates.
        GongError: no owner's tasks can be listed, for a reason that concerns every call.
    """
    plan = merge_updates(updates)
    if look:
        plan = await look_at(applier, plan)
    return await with_estimate(applier, plan)


async def with_estimate(applier: Applier, plan: Plan) -> Plan:
    """The plan with the time that its calls will take at the quota of now."""
    return plan.with_estimate(await applier.estimate(plan.calls)) if plan.calls else plan


async def look_at(applier: Applier, plan: Plan) -> Plan:
    """The plan without no-ops, with the state before of all tasks that were found.

    An owner whose tasks cannot be listed is left out; those updates are kept.
    """
    updates = {update.task_id: update for update in plan.updates}
    started = read_clocks()
    tasks: dict[int, TaskSnapshot] = {}
    samples: dict[int, SampledTask] = {}
    listed: set[str] = set()
    async for owned in each_result(
        dict.fromkeys(update.user_id for update in plan.updates), _lister(applier), LISTERS
    ):
        if owned.tasks is None:
            continue
        listed.add(owned.user_id)
        for task in owned.tasks:
            if (update := updates.get(task.id)) is not None:
                tasks[task.id] = snapshot = TaskSnapshot.of(task)
                if len(samples) < SAMPLE and not has_values(snapshot, update):
                    samples[task.id] = sampled(update, task)
    return drop_unchanged(plan, Look(tasks, frozenset(listed), *started), samples.values())


async def look_at_owners(
    applier: Applier, owners: Iterable[str], kept: Container[int] = ()
) -> tuple[Look, dict[int, Task]]:
    """All tasks of these users as they are now, and those of them in full that are to be kept.

    Raises:
        GongError: the tasks of one of them cannot be listed.
    """
    started = read_clocks()
    owners = list(owners)
    tasks: dict[int, TaskSnapshot] = {}
    full: dict[int, Task] = {}
    async for listed in each_result(owners, applier.list_owned, LISTERS):
        tasks.update((task.id, TaskSnapshot.of(task)) for task in listed)
        full.update((task.id, task) for task in listed if task.id in kept)
    return Look(tasks, frozenset(owners), *started), full


def _lister(applier: Applier) -> Callable[[str], Awaitable[_Owned]]:
    async def list_owner(user_id: str) -> _Owned:
        try:
            return _Owned(user_id, await applier.list_owned(user_id))
        except GongError as error:
            if error.meaning.concerns_all:
                raise
            return _Owned(user_id, None)

    return list_owner


def with_names(plan: Plan, users: Mapping[str, str], source: str | None = None) -> Plan:
    """The plan with the names of the tasks' owners and the file or selection that it came from, for reports.

    Args:
        plan: the plan.
        users: names of users by id.
        source: file or selection that the updates came from.
    """
    return evolve(plan, users_by_id=dict(users), source=source or plan.source)
