"""What changed for a user: list the tasks again and again, within a share of the day's calls.

Gong has no webhook for Engage tasks, so the only way to learn of a new one is to ask. Asking costs calls that the whole
company shares: the interval between two listings follows from the share, however many users are watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TypeAlias

from attrs import define, evolve, field, frozen

from gong_tasks_async.api.caller import Caller
from gong_tasks_async.api.tasks import list_user
from gong_tasks_async.errors import GongError, Meaning
from gong_tasks_async.events import logger
from gong_tasks_async.models import Task, TaskFilter

DAY = 86_400.0
CALLS_WITHOUT_LIMIT = 10_000
"""Calls a day that a share is of, where the quota knows no limit: Gong's default."""
BUSIEST = 8.0
"""How many times more often than a quiet user a busy one is listed, at the most."""
CALMING = 0.5
"""What is left of a user's activity after a listing in which nothing changed."""


@frozen
class TaskAppeared:
    """A task that the listing before did not have.

    Attributes:
        task: the task, as the latest listing has it.
    """

    task: Task


@frozen
class TaskChanged:
    """A task that differs from the listing before.

    Attributes:
        before: the task in the listing before.
        after: the task in the latest listing.
    """

    before: Task
    after: Task


@frozen
class TaskGone:
    """A task that the listing before had: closed, deleted, or another user's now.

    Attributes:
        task: the task, as the last listing that had it shows it.
    """

    task: Task


TaskEvent: TypeAlias = TaskAppeared | TaskChanged | TaskGone


def differences(before: Mapping[int, Task], after: Mapping[int, Task]) -> Iterator[TaskEvent]:
    """What changed between two listings of one user."""
    for task_id, task in after.items():
        if task_id not in before:
            yield TaskAppeared(task)
        elif before[task_id] != task:
            yield TaskChanged(before[task_id], task)
    for task_id, task in before.items():
        if task_id not in after:
            yield TaskGone(task)


def interval(share: float, calls_a_day: int | None) -> float:
    """Seconds between two listings that together take a share of the day's calls."""
    return DAY / (share * (calls_a_day or CALLS_WITHOUT_LIMIT))


@define
class Turns:
    """Which user is listed next: each in turn, the busy ones more often."""

    users: tuple[str, ...]
    _listed_at: dict[str, float] = field(factory=dict[str, float], init=False)
    _activity: dict[str, float] = field(factory=dict[str, float], init=False)

    def next(self, now: float) -> str:
        """The user whose listing is oldest, in time weighted by activity; those never listed come first."""
        return max(self.users, key=lambda user: self._urgency(user, now))

    def record(self, user: str, now: float, changes: int) -> None:
        """Note a listing and how much had changed."""
        self._listed_at[user] = now
        self._activity[user] = min(BUSIEST, CALMING * self._activity.get(user, 1.0) + changes)

    def _urgency(self, user: str, now: float) -> float:
        if user not in self._listed_at:
            return float("inf")
        return (now - self._listed_at[user]) * max(1.0, self._activity[user])


Memory: TypeAlias = dict[str, dict[int, Task]]
"""The last listing of each user, by task id."""


async def watch(
    caller: Caller,
    users: Iterable[str],
    *,
    share: float,
    memory: Memory,
    remember: Callable[[Memory], Awaitable[None]],
    missing_is_empty: bool,
) -> AsyncGenerator[TaskEvent]:
    """Yield what changes; a user's first listing is what later ones are compared with.

    What was yielded is remembered before the next listing: after a crash some events may come again, none is lost. A listing that fails is logged, and the user's turn comes again. An error that concerns every call, such as wrong credentials, is raised.
    """
    turns = Turns(tuple(dict.fromkeys(users)))
    if caller.retry.max_total_wait is None:
        # A user's turn comes again: no listing is worth as many attempts as a single call.
        caller.retry = evolve(caller.retry, max_total_wait=caller.retry.max_wait)
    loop = asyncio.get_running_loop()
    while turns.users:
        user = turns.next(loop.time())
        started, changes, sent = loop.time(), 0, caller.calls
        listed = await list_user(caller, TaskFilter(user), missing_is_empty=missing_is_empty)
        if listed.error is not None:
            _log_or_raise(user, listed.error)
        else:
            after = {task.id: task for task in listed.tasks}
            for event in differences(memory.get(user, after), after):
                changes += 1
                yield event
            memory[user] = after
        turns.record(user, started, changes)
        await remember(memory)
        # Attempts are calls too: where Gong asks for a second again and again, one listing is dozens of them.
        calls = max(1, caller.calls - sent)
        await asyncio.sleep(calls * interval(share, await _calls_a_day(caller)) - (loop.time() - started))


def _log_or_raise(user: str, error: GongError) -> None:
    if error.meaning is Meaning.RUN:
        raise error
    logger.warning("The tasks of user %s could not be listed; trying again later: %s", user, error)


async def _calls_a_day(caller: Caller) -> int | None:
    """What the quota allows a day; None without a limit, and while the quota cannot be asked."""
    with suppress(GongError):
        snapshot = await caller.quota.snapshot()
        return None if snapshot.left is None else snapshot.used + snapshot.left
    return None
