"""Describe a bulk run in text: its updates, its cost, its failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from gong_tasks_async.bulk.outcomes import Failed
from gong_tasks_async.bulk.plan import Plan
from gong_tasks_async.bulk.render.format import counted, duration, one_line
from gong_tasks_async.cli.local_time import local_time_zone
from gong_tasks_async.cli.messages import line_for_operator
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.quota import QuotaSnapshot


def users(count: int) -> str:
    """A number of users."""
    return counted(count, "user")


def describe_updates(updates: Sequence[TaskUpdate]) -> str:
    """The updates: ``Set 8,000 tasks of 212 users to DISMISSED``."""
    tasks = counted(len(updates), "task")
    whose = f"{tasks} of {users(len({update.user_id for update in updates}))}"
    changes = list(_changes(updates))
    if changes[0].startswith("to "):
        return f"Set {whose} {', '.join(changes)}"
    return f"Change {whose}: {', '.join(changes)}"


def _changes(updates: Sequence[TaskUpdate]) -> Iterator[str]:
    statuses = Counter(str(update.status) for update in updates if update.status is not None)
    dues = {update.due_date for update in updates if update.due_date is not None}
    priorities = Counter(update.priority for update in updates if update.priority is not None)
    if len(statuses) == 1 and statuses.total() == len(updates):
        yield f"to {next(iter(statuses))}"
    else:
        yield from (f"{count:,} to {status}" for status, count in statuses.most_common())
    if dues:
        count = sum(update.due_date is not None for update in updates)
        yield _due("all" if count == len(updates) else f"{count:,}", dues)
    yield from (f"{count:,} to priority {word}" for word, count in priorities.most_common(3))


def _due(count: str, dues: Collection[datetime]) -> str:
    first, last = min(dues), max(dues)
    if first == last:
        return f"{count} due {local(first)}"
    return f"{count} due from {local(first)} to {local(last)}"


def describe_cost(plan: Plan, quota: QuotaSnapshot) -> str:
    """The cost: ``About 46 min,  8,000 of the 9,212 calls left today``."""
    calls = _of_today(plan.calls, quota)
    if plan.estimate is None:
        return calls
    return f"About {duration(plan.estimate.seconds)}, {calls}"


def _of_today(calls: int, quota: QuotaSnapshot) -> str:
    if quota.left is None:
        return counted(calls, "call")
    left = max(0, quota.left - quota.reserve)
    kept = (
        f" ({quota.reserve:,} more reserved for interactive calls)"
        if quota.reserve and quota.left > left
        else ""
    )
    if calls <= left:
        return f"{calls:,} of the {counted(left, 'call')} left today{kept}"
    return f"{counted(calls, 'call')}, of which {left:,} are left today{kept}"


def local(moment: datetime) -> str:
    """A time by this machine's clock, with its zone."""
    return local_time_zone(moment)


def failure(failed: Failed, names: Mapping[str, str]) -> str:
    """One line for a failed row: the task, its owner, Gong's message, and what to do."""
    update = failed.update
    return f"task {update.task_id} of {owner_of(names, update.user_id)}: {line_for_operator(failed.error)}"


def owner_of(names: Mapping[str, str], user: str) -> str:
    """An owner's name where it is known, else the id."""
    return one_line(names.get(user) or f"user {user}")
