"""What will be changed, decided before the first call: nothing twice, nothing in vain, nothing that would race."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Self

from attrs import evolve, frozen

from gong_tasks_async.models import Priority, Task, TaskUpdate
from gong_tasks_async.quota import QuotaEstimate

NAMED_CONFLICTS = 20
"""How many conflicts an error spells out; its ``conflicts`` holds them all."""

DURATIONS = (("days", 86_400), ("h", 3_600), ("min", 60))


class PlanConflictError(ValueError):
    """Some tasks are to be changed in two different ways, and whichever came last would win.

    ``conflicts`` has all these tasks by their ids, each with its first two wishes.
    """

    def __init__(self, conflicts: Mapping[int, tuple[TaskUpdate, TaskUpdate]]) -> None:
        super().__init__(conflicts)
        self.conflicts = conflicts

    def __str__(self) -> str:
        named = [
            f"task {task_id}: {_spelled(first)}, or {_spelled(second)}"
            for task_id, (first, second) in islice(self.conflicts.items(), NAMED_CONFLICTS)
        ]
        if rest := len(self.conflicts) - len(named):
            named.append(f"and {rest:,} more")
        tasks = _counted(len(self.conflicts), "task")
        return f"{tasks} with two different updates, of which only one can stay: " + "; ".join(named)


@frozen(kw_only=True)
class Plan:
    """What a bulk run is going to do. Made by :func:`plan_updates`; ``str()`` tells it to people."""

    updates: tuple[TaskUpdate, ...]
    """What is to be sent: one update for each task, in the order of its first row."""
    unchanged: tuple[TaskUpdate, ...] = ()
    """What is not sent, since the task is as wanted already."""
    duplicates: int = 0
    """Rows that said the same as an earlier one."""
    estimate: QuotaEstimate | None = None
    """The time that the calls will take, once the quota was asked."""

    @property
    def rows(self) -> int:
        """How many updates were given."""
        return len(self.updates) + len(self.unchanged) + self.duplicates

    @property
    def calls(self) -> int:
        """How many calls it takes, if none has to be tried again."""
        return len(self.updates)

    @property
    def users(self) -> int:
        """How many people own the tasks that are to be changed."""
        return len({update.user_id for update in self.updates})

    def with_estimate(self, estimate: QuotaEstimate) -> Self:
        """The same plan, with the time it will take: ``plan.with_estimate(await quota.estimate(plan.calls))``.

        A plan without calls needs none; a quota refuses to estimate it.
        """
        return evolve(self, estimate=estimate)

    def __str__(self) -> str:
        rows = _counted(self.rows, "row")
        saved = f"{rows}: {_counted(self.duplicates, 'duplicate')}, {len(self.unchanged):,} already as wanted"
        to_do = f"{_counted(self.calls, 'call')} for {_counted(self.users, 'user')}"
        lines = [f"{to_do if self.calls else 'nothing to send'} ({saved})"]
        if self.estimate is not None:
            lines.append(_spelled_estimate(self.estimate))
        return "\n".join(lines)


def plan_updates(updates: Iterable[TaskUpdate], current: Iterable[Task] | None = None) -> Plan:
    """Merge identical updates, refuse contradictory ones, and drop those that would change nothing.

    Two updates of a task are identical where they mean the same: the same moment may be written in two time
    zones, a priority in capitals or not. The first of them is kept, and so is the order of the rows. ::

        plan = plan_updates(updates, current=await gong.list_tasks(user_id))
        print(plan)

    Args:
        updates: what is wanted; read to its end before anything is returned.
        current: the tasks as they are now, as far as they are known; an update of any other task is kept. Of a
            task that comes twice, the last one counts.

    Raises:
        PlanConflictError: some tasks are to be changed in two different ways; it names all of them.
    """
    rows, wanted = _merged(updates)
    as_wanted = {task.id: is_unchanged(task, wanted[task.id]) for task in current or () if task.id in wanted}
    return Plan(
        updates=tuple(update for update in wanted.values() if not as_wanted.get(update.task_id)),
        unchanged=tuple(update for update in wanted.values() if as_wanted.get(update.task_id)),
        duplicates=rows - len(wanted),
    )


def is_unchanged(task: Task, update: TaskUpdate) -> bool:
    """Whether the update would leave its task as it is; false wherever that is not known, and for another task.

    Due dates are compared as moments, priorities by name without regard to case.
    """
    return (
        task.id == update.task_id
        and update.status in (None, task.status)
        and (update.due_date is None or _is_due(task.due_date, update.due_date))
        and (update.priority is None or _is_named(task.priority, update.priority))
    )


def _merged(updates: Iterable[TaskUpdate]) -> tuple[int, dict[int, TaskUpdate]]:
    """The number of rows, and the first row of each task."""
    rows = 0
    wanted: dict[int, TaskUpdate] = {}
    conflicts: dict[int, tuple[TaskUpdate, TaskUpdate]] = {}
    for update in updates:
        rows += 1
        first = wanted.setdefault(update.task_id, update)
        if first is not update and _meaning(first) != _meaning(update):
            conflicts.setdefault(update.task_id, (first, update))
    if conflicts:
        raise PlanConflictError(conflicts)
    return rows, wanted


def _meaning(update: TaskUpdate) -> tuple[object, ...]:
    """Equal for updates of one task that ask the same of Gong."""
    return (
        update.user_id,
        update.status,
        # In UTC, since Python compares moments of one zone by the clock on the wall, which shows some hours twice.
        update.due_date and update.due_date.astimezone(UTC),
        update.priority and update.priority.casefold(),
    )


def _is_due(due: datetime | None, wanted: datetime) -> bool:
    # A difference to UTC, since == is never true across zones in the hour that a clock shows twice.
    return due is not None and not due - wanted.astimezone(UTC)


def _is_named(priority: Priority | None, wanted: str) -> bool:
    return (
        priority is not None and priority.name is not None and priority.name.casefold() == wanted.casefold()
    )


def _spelled(update: TaskUpdate) -> str:
    return ", ".join(_wishes(update)) + f" for user {update.user_id}"


def _wishes(update: TaskUpdate) -> Iterator[str]:
    if update.status is not None:
        yield f"status {update.status}"
    if update.due_date is not None:
        yield f"due {update.due_date.isoformat()}"
    if update.priority is not None:
        yield f"priority {update.priority}"


def _spelled_estimate(estimate: QuotaEstimate) -> str:
    return f"{_duration(estimate.seconds)} at the current quota, to end on {estimate.ends_at:%Y-%m-%d at %H:%M %Z}"


def _duration(seconds: float) -> str:
    for unit, size in DURATIONS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
