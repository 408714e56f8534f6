"""Guard: update a task only if it is still as an earlier look found it.

A look is one listing of a user's tasks. Before the first row of a user in a run, and again where the look is older
than an hour, the tasks are compared with what the job found first. What remains is the window between the look and
the PATCH: Gong offers no conditional update.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from attrs import define, field

from gong_tasks_async.bulk.applier import Applier
from gong_tasks_async.bulk.journal_entries import PendingRow
from gong_tasks_async.bulk.outcomes import JournalRow, RowState, TaskSnapshot
from gong_tasks_async.bulk.plan import Look, has_values, read_clocks
from gong_tasks_async.bulk.recorder import Recorder

LOOK_AGAIN_AFTER = 3_600.0
"""Seconds for which a look is good."""
CHANGED = "changed since"
"""Why a row is skipped."""


@define
class Guard:
    """Decides for each row whether it is sent."""

    applier: Applier
    skip_changed: bool = True
    """False to leave out only what already has its values."""
    recorder: Recorder | None = None
    unguarded: int = field(default=0, init=False)
    """Rows to be sent whose task no look has found."""
    _first: dict[int, TaskSnapshot] = field(factory=dict, init=False)
    """Tasks as this run found them first."""
    _now: dict[int, TaskSnapshot] = field(factory=dict, init=False)
    _looked_at: dict[str, tuple[float, float]] = field(factory=dict, init=False)
    _looking: defaultdict[str, asyncio.Lock] = field(factory=lambda: defaultdict(asyncio.Lock), init=False)

    def trust(self, look: Look) -> None:
        """Take a look that was made for this run's plan."""
        self._first.update(look.tasks)
        self._now.update(look.tasks)
        self._looked_at.update(dict.fromkeys(look.owners, (look.loop_time, look.wall_time)))

    def forget(self, user_id: str) -> None:
        """Have the user's tasks listed again before the next of their rows."""
        self._looked_at.pop(user_id, None)

    async def check(self, row: PendingRow) -> JournalRow | None:
        """The outcome of a row that is not to be sent; None for all others.

        Raises:
            GongError: the owner's tasks cannot be listed.
        """
        update = row.update
        await self._look(update.user_id)
        found, before = (
            self._now.pop(update.task_id, None),
            row.before or self._first.pop(update.task_id, None),
        )
        if found is None:
            self.unguarded += self.skip_changed
            return None
        if has_values(found, update):
            state = RowState.UPDATED if row.sent else RowState.UNCHANGED
            return JournalRow(update, state, before=before, after=found if row.sent else None)
        if self.skip_changed and before is not None and found.differs_from(before):
            return JournalRow(update, RowState.SKIPPED, reason=CHANGED, before=before)
        return None

    async def _look(self, user_id: str) -> None:
        async with self._looking[user_id]:
            if self._is_fresh(user_id):
                return
            asked_at = read_clocks()
            found = {task.id: TaskSnapshot.of(task) for task in await self.applier.list_owned(user_id)}
            for task_id, snapshot in found.items():
                self._first.setdefault(task_id, snapshot)
            if self.recorder is not None:
                await self.recorder.look(found)
            self._now.update(found)
            self._looked_at[user_id] = asked_at

    def _is_fresh(self, user_id: str) -> bool:
        looked_at = self._looked_at.get(user_id)
        # The clock of the event loop stands still while a computer sleeps; that on the wall may be set.
        ages = [now - then for now, then in zip(read_clocks(), looked_at or (), strict=False)]
        return looked_at is not None and all(age < LOOK_AGAIN_AFTER for age in ages)
