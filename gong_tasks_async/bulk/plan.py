"""Plan of a run, made before the first call: deduplicate, drop no-ops, refuse conflicts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Self

from attrs import evolve, field, frozen

from gong_tasks_async.bulk.journal_schema import JobIdentity, fingerprint
from gong_tasks_async.bulk.merging import merged
from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.bulk.render.format import counted, duration
from gong_tasks_async.models import Task, TaskUpdate
from gong_tasks_async.quota import QuotaEstimate

SAMPLE = 5
"""Tasks that a plan shows."""


def _how_many(updates: tuple[object, ...]) -> str:
    return f"<{len(updates):,}>"


@frozen
class Look:
    """Tasks as listings found them before a run."""

    tasks: Mapping[int, TaskSnapshot] = field(factory=dict[int, TaskSnapshot])
    owners: frozenset[str] = frozenset()
    """Users whose tasks were listed."""
    loop_time: float = 0.0
    wall_time: float = 0.0
    """When, by both clocks: that of the event loop stands still while a computer sleeps."""


@frozen
class SampledTask:
    """A task of a plan, for people to recognize.

    Attributes:
        update: the update that the task will get.
        title: the task's title.
        account: the account's name in the CRM.
        before: the task as it is now.
    """

    update: TaskUpdate
    title: str | None
    account: str | None
    before: TaskSnapshot


@frozen
class LostValue:
    """A task that an undo leaves as it is, or a value that it cannot restore.

    Attributes:
        task_id: the task.
        user_id: its owner.
        reason: why it cannot be restored.
    """

    task_id: int
    user_id: str
    reason: str


@frozen(kw_only=True)
class Plan:
    """What a bulk run will do. Made by :func:`plan_updates`; ``str()`` describes it for people.

    ``await gong.update_many(plan)`` runs it, and lists no owner again.

    Attributes:
        updates: what is to be sent: one update for each task, in the order of its first row.
        unchanged: what is not sent, since the task already has these values.
        duplicates: rows equal to an earlier one.
        estimate: the time that the calls will take, where the quota was asked.
        look: the tasks as they are now, where they were listed.
        sample: the first tasks that will be changed, where they were listed.
        lost: what an undo cannot restore.
        users_by_id: names of the tasks' owners, where they are known; for reports.
        source: file or selection that the updates came from; for reports.
    """

    updates: tuple[TaskUpdate, ...] = field(repr=_how_many)
    unchanged: tuple[TaskUpdate, ...] = field(default=(), repr=_how_many)
    duplicates: int = 0
    estimate: QuotaEstimate | None = None
    look: Look | None = field(default=None, repr=False, eq=False)
    sample: tuple[SampledTask, ...] = field(default=(), repr=False)
    lost: tuple[LostValue, ...] = field(default=(), repr=_how_many)
    users_by_id: Mapping[str, str] = field(factory=dict[str, str], repr=False, hash=False)
    source: str | None = None

    @property
    def rows(self) -> int:
        """How many updates were given."""
        return len(self.updates) + len(self.unchanged) + self.duplicates

    @property
    def calls(self) -> int:
        """How many calls it takes, without retries."""
        return len(self.updates)

    @property
    def users(self) -> int:
        """How many users own the tasks that will be changed."""
        return len({update.user_id for update in self.updates})

    @property
    def looked(self) -> Mapping[int, TaskSnapshot]:
        """The tasks as they are now, by id, where they were listed."""
        return {} if self.look is None else self.look.tasks

    @property
    def job(self) -> JobIdentity:
        """What makes another plan the same job: its rows, in any order."""
        return identity_of(chain(self.updates, self.unchanged))

    def with_estimate(self, estimate: QuotaEstimate) -> Self:
        """The same plan, with the time it will take: ``plan.with_estimate(await quota.estimate(plan.calls))``.

        A plan without calls needs none; a quota refuses to estimate it.

        Args:
            estimate: how long the calls take.
        """
        return evolve(self, estimate=estimate)

    def __str__(self) -> str:
        rows = counted(self.rows, "row")
        saved = f"{rows}: {counted(self.duplicates, 'duplicate')}, {len(self.unchanged):,} already up to date"
        to_do = f"{counted(self.calls, 'call')} for {counted(self.users, 'user')}"
        lines = [f"{to_do if self.calls else 'nothing to send'} ({saved})"]
        if self.estimate is not None:
            lines.append(_spelled_estimate(self.estimate))
        if self.lost:
            lines.append(f"{counted(len(self.lost), 'value')} that cannot be restored")
        return "\n".join(lines)


def plan_updates(updates: Iterable[TaskUpdate], current: Iterable[Task] | None = None) -> Plan:
    """Merge identical updates, refuse contradictory ones, and drop those that would change nothing.

    Two updates of a task are identical where they mean the same: the same moment may be written in two time
    zones, a priority in capitals or not. The first of them is kept, and so is the order of the rows. ::

        plan = plan_updates(updates, current=await gong.list_tasks(user_id))
        print(plan)

    Args:
        updates: the updates; read to their end before anything is returned.
        current: the tasks as they are now, as far as they are known; an update of any other task is kept. Of a
            task that comes twice, the last one counts.

    Raises:
        PlanConflictError: some tasks have two different updates; it names all of them.
    """
    plan = merge_updates(updates)
    if current is None:
        return plan
    tasks = {update.task_id: None for update in plan.updates}
    found = {task.id: task for task in current if task.id in tasks}
    sample = sample_of(plan.updates, found.get)
    return drop_unchanged(
        plan, Look({number: TaskSnapshot.of(task) for number, task in found.items()}), sample
    )


def read_clocks() -> tuple[float, float]:
    """The time by the event loop, where one is running, and on the wall."""
    try:
        return asyncio.get_running_loop().time(), time.time()
    except RuntimeError:
        return time.monotonic(), time.time()


def merge_updates(updates: Iterable[TaskUpdate]) -> Plan:
    """A plan of all updates, each task once.

    Raises:
        PlanConflictError: some tasks have two different updates.
        InvalidValueError: something else than an update is among them.
    """
    rows, first_rows = merged(updates)
    return Plan(updates=tuple(first_rows.values()), duplicates=rows - len(first_rows))


def drop_unchanged(plan: Plan, look: Look, sample: Iterable[SampledTask] = ()) -> Plan:
    """The plan without those updates whose task already has their values."""

    def same(update: TaskUpdate) -> bool:
        found = look.tasks.get(update.task_id)
        return found is not None and has_values(found, update)

    updates: list[TaskUpdate] = []
    unchanged = list(plan.unchanged)
    for update in plan.updates:
        (unchanged if same(update) else updates).append(update)
    kept = tuple(each for each in sample if not same(each.update))[:SAMPLE]
    return evolve(plan, updates=tuple(updates), unchanged=tuple(unchanged), look=look, sample=kept)


def sample_of(updates: Iterable[TaskUpdate], task_of: Callable[[int], Task | None]) -> Iterator[SampledTask]:
    """The tasks of updates, as people recognize them."""
    for update in updates:
        if (task := task_of(update.task_id)) is not None:
            yield sampled(update, task)


def sampled(update: TaskUpdate, task: Task) -> SampledTask:
    """A task with its update."""
    title = task.title or (task.flow and task.flow.name)
    account = None if task.account is None else task.account.name
    return SampledTask(update, title or None, account, TaskSnapshot.of(task))


def is_unchanged(task: Task, update: TaskUpdate) -> bool:
    """Whether the update would leave its task as it is; false wherever that is not known, and for another task.

    Due dates are compared as moments, priorities by name without regard to case.
    """
    return task.id == update.task_id and has_values(TaskSnapshot.of(task), update)


def has_values(task: TaskSnapshot, update: TaskUpdate) -> bool:
    """Whether a task already has the values of an update."""
    return (
        update.status in (None, task.status)
        and (update.due_date is None or _is_due(task.due_date, update.due_date))
        and (update.priority is None or _is_named(task.priority, update.priority))
    )


def identity_of(updates: Iterable[TaskUpdate]) -> JobIdentity:
    """The identity of the job of these rows, of which no two are of one task."""
    total = rows = 0
    for update in updates:
        total, rows = total + fingerprint(update), rows + 1
    return JobIdentity(f"{total % 2**128:032x}", rows)


def _is_due(due: datetime | None, new: datetime) -> bool:
    # A difference to UTC, since == is never true across zones in the hour that a clock shows twice.
    return due is not None and not due - new.astimezone(UTC)


def _is_named(priority: str | None, new: str) -> bool:
    return priority is not None and priority.casefold() == new.casefold()


def _spelled_estimate(estimate: QuotaEstimate) -> str:
    ends = f"{estimate.ends_at:%Y-%m-%d at %H:%M %Z}"
    return f"{duration(estimate.seconds)} at the current quota, to end on {ends}"
