"""Guards of a worker: whether a row's task is still as its submission, or an earlier delivery, left it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

from attrs import field, frozen

from gong_tasks_async.bulk import Applier
from gong_tasks_async.bulk.guard import LOOK_AGAIN_AFTER, Guard, RowLooks
from gong_tasks_async.bulk.journal_entries import PendingRow

KEPT = 4
"""Jobs whose looks a worker keeps; of a fifth one that it works on in turn the owners are listed again."""

NOW = 0.0
"""Seconds for which a look is good for a row that may have been sent since."""

JobLife: TypeAlias = tuple[str, bytes]
"""A job, and what changes each time that it is resumed."""


@frozen
class Guards:
    """The guards of the jobs that a worker works on, by the rule of a run in one process.

    A guard lists the tasks of each owner once an hour, and again when its job was resumed.
    """

    _guards: OrderedDict[JobLife, Guard] = field(factory=OrderedDict[JobLife, Guard], init=False)

    def looks(self, life: JobLife, row: PendingRow, applier: Applier, *, skip_changed: bool) -> RowLooks:
        """The looks at a row.

        Args:
            life: the job.
            row: ``sent`` if an earlier delivery may have made the update: then the owner is listed again.
            applier: makes the listings; each row pays for its own.
            skip_changed: False to leave out only what already has its values.
        """
        guard = self._guards.setdefault(life, Guard(applier, skip_changed))
        self._guards.move_to_end(life)
        while len(self._guards) > KEPT:
            self._guards.popitem(last=False)
        return RowLooks(guard, row, applier, NOW if row.sent else LOOK_AGAIN_AFTER)
