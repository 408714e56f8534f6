"""Guard: update a task only if it is still as an earlier look found it.

A look is one listing of a user's tasks. Before the first row of a user in a run, and again where the look is older
than an hour, the tasks are compared with what the job found first. An update without a verdict, which Gong may have
made, is not sent again later than a minute after it was sent without another look. A look that is made for one row
counts for all rows of its user that still wait to be sent. What remains is the window between the look and the PATCH:
Gong offers no conditional update.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from attrs import define, evolve, field

from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.journal_entries import PendingRow
from gong_tasks_async.bulk.outcomes import JournalRow, RowState, TaskSnapshot
from gong_tasks_async.bulk.plan import Look, has_values, read_clocks
from gong_tasks_async.bulk.recorder import Recorder
from gong_tasks_async.bulk.undo import expected_after
from gong_tasks_async.errors import GongError
from gong_tasks_async.http.retry import may_be_made

LOOK_AGAIN_AFTER = 3_600.0
"""Seconds for which a look is good."""
RESEND_WITHIN = 60.0
"""Seconds in which an update without a verdict is sent again as it is: later, people may have seen it, and changed it."""
LOOK_IS_NEW = 5.0
"""Seconds; rows of one user that wait for the same outage need one look, not one each."""
CHANGED = "changed since"
"""Why a row is skipped."""


@define
class Guard:
    """Decides for each row whether it is sent."""

    applier: Applier
    skip_changed: bool = True
    """False to leave out only what already has its values."""
    recorder: Recorder | None = None
    _unseen: set[int] = field(factory=set[int], init=False)
    """Rows whose task the last look has not found."""
    _planned: Mapping[int, TaskSnapshot] = field(factory=dict[int, TaskSnapshot], init=False)
    """Tasks as the plan's look found them."""
    _first: dict[int, TaskSnapshot] = field(factory=dict[int, TaskSnapshot], init=False)
    """Other tasks as this run found them first."""
    _now: dict[str, Mapping[int, TaskSnapshot]] = field(
        factory=dict[str, Mapping[int, TaskSnapshot]], init=False
    )
    """The tasks of each user as their last look found them."""
    _looked_at: dict[str, tuple[float, float]] = field(factory=dict[str, tuple[float, float]], init=False)
    _looking: defaultdict[str, asyncio.Lock] = field(factory=lambda: defaultdict(asyncio.Lock), init=False)

    def trust(self, look: Look) -> None:
        """Take a look that was made for this run's plan."""
        self._planned = look.tasks
        self._now.update(dict.fromkeys(look.owners, look.tasks))
        self._looked_at.update(dict.fromkeys(look.owners, (look.loop_time, look.wall_time)))

    async def check(
        self, row: PendingRow, max_age: float = LOOK_AGAIN_AFTER, applier: Applier | None = None
    ) -> JournalRow | None:
        """The outcome of a row that is not to be sent; None for all others.

        Args:
            row: to be sent.
            max_age: seconds for which a look is good.
            applier: lists the tasks, if not the guard's own.

        Raises:
            GongError: the owner's tasks cannot be listed.
        """
        update = row.update
        await self._look(update.user_id, max_age, applier or self.applier)
        found, before = (
            self._now[update.user_id].get(update.task_id),
            row.before or self._before(update.task_id),
        )
        self._count_unseen(update.task_id, found)
        if found is None:
            return None
        if has_values(found, update):
            state = RowState.UPDATED if row.sent else RowState.UNCHANGED
            return JournalRow(update, state, before=before, after=_left(row, before, found))
        if self.skip_changed and before is not None and found.differs_from(before):
            return JournalRow(update, RowState.SKIPPED, reason=CHANGED, before=before)
        return None

    @property
    def unguarded(self) -> int:
        """Rows that were or will be sent although the last look has not found their task."""
        return len(self._unseen)

    def looked_at(self, user_id: str) -> tuple[float, float] | None:
        """When the user's tasks were listed last, by both clocks."""
        return self._looked_at.get(user_id)

    def _before(self, task_id: int) -> TaskSnapshot | None:
        return self._planned.get(task_id) or self._first.get(task_id)

    def _count_unseen(self, task_id: int, found: TaskSnapshot | None) -> None:
        if found is None and self.skip_changed:
            self._unseen.add(task_id)
        else:
            self._unseen.discard(task_id)

    async def _look(self, user_id: str, max_age: float, applier: Applier) -> None:
        async with self._looking[user_id]:
            looked_at = self._looked_at.get(user_id)
            if looked_at is not None and _age(looked_at) < max_age:
                return
            asked_at = read_clocks()
            found = {task.id: TaskSnapshot.of(task) for task in await applier.list_owned(user_id)}
            for task_id, snapshot in found.items():
                if task_id not in self._planned:
                    self._first.setdefault(task_id, snapshot)
            if self.recorder is not None:
                await self.recorder.look(found)
            self._now[user_id] = found
            self._looked_at[user_id] = asked_at


@define
class RowLooks:
    """The looks at one row, before it is sent and sent again; see :class:`~gong_tasks_async.http.retry.Resend`."""

    guard: Guard
    row: PendingRow
    applier: Applier | None = None
    """Lists the tasks, if not the guard's own."""
    max_age: float = LOOK_AGAIN_AFTER
    """Seconds for which a look is good before the first attempt."""
    _found: JournalRow | None = field(default=None, init=False)
    """The outcome of a look between two attempts."""
    _judged_by: tuple[float, float] | None = field(default=None, init=False)
    """When the look was made that the row was compared with."""
    _refused: GongError | None = field(default=None, init=False)
    """Why such a look could not be made."""
    _failure: GongError | None = field(default=None, init=False)
    """How an attempt failed that may have made the change, until a look has found out."""
    _last: GongError | None = field(default=None, init=False)
    """How the last attempt failed."""
    _sent_at: tuple[float, float] | None = field(default=None, init=False)
    _attempts: int = field(default=0, init=False)

    async def check(self) -> JournalRow | None:
        """The outcome of the row if it is not to be sent; None if it is.

        Raises:
            GongError: the owner's tasks cannot be listed.
        """
        unverified = self._is_unverified
        found = await self.guard.check(self.row, self._good_for, self.applier)
        self._judged_by = self.guard.looked_at(self.row.update.user_id)
        if unverified:
            self._failure = None
        return found

    def outcome(self) -> JournalRow | None:
        """What a look between two attempts has found, if that was the end of the row.

        Raises:
            GongError: that look could not be made.
        """
        if self._refused is not None:
            raise self._refused
        return self._found and evolve(self._found, attempts=self._attempts)

    @property
    def is_due(self) -> bool:
        """Whether a look is due before the update is sent, or one was made meanwhile for another row."""
        return self._is_unverified or self._is_seen_again

    def sending(self) -> None:
        """Note that an attempt leaves."""
        self._attempts += 1
        if self._failure is None:
            self._sent_at = read_clocks()

    def failed(self, error: GongError) -> None:
        """Note how it ended."""
        if may_be_made(error):
            self._failure = error
            self.row = self.row._replace(sent=True)
        self._last = error

    async def look(self) -> None:
        """Look at the task; raises the last failure, if any, where the update is not to be sent."""
        failure = self._failure or self._last or GongError(method="PATCH")
        try:
            self._found = await self.check()
        except GongError as error:
            self._refused = error
        if self._found or self._refused:
            raise failure

    @property
    def _is_unverified(self) -> bool:
        """Whether an attempt may have made the change, so long ago that people may have seen it."""
        return (
            self._failure is not None and self._sent_at is not None and _age(self._sent_at) >= RESEND_WITHIN
        )

    @property
    def _is_seen_again(self) -> bool:
        return self._judged_by not in (None, self.guard.looked_at(self.row.update.user_id))

    @property
    def _good_for(self) -> float:
        """Seconds for which a look is good: rows that list again for each other's looks would never end."""
        if self._is_unverified:
            return LOOK_IS_NEW
        return self.max_age if self._judged_by is None else LOOK_AGAIN_AFTER


def _left(row: PendingRow, before: TaskSnapshot | None, found: TaskSnapshot) -> TaskSnapshot | None:
    """A task as the job left it: as it is found, unless people have changed it since."""
    if not row.sent:
        return None
    expected = found if before is None else expected_after(before, row.update)
    return found if found.values == expected.values else expected


def _age(moment: tuple[float, float]) -> float:
    # The clock of the event loop stands still while a computer sleeps; that on the wall may be set.
    return max(now - then for now, then in zip(read_clocks(), moment, strict=True))
