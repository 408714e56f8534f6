"""What became of each row, and of the whole run."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from gong_tasks_async.errors import GongError
from gong_tasks_async.models import Task, TaskUpdate


@frozen
class Updated:
    """The change was made; ``task`` is as Gong answered."""

    update: TaskUpdate
    task: Task


@frozen
class Unchanged:
    """The task was as wanted already, so no call was spent on it."""

    update: TaskUpdate


@frozen
class Failed:
    """Gong's answer to this change is no, and will not become another one."""

    update: TaskUpdate
    error: GongError


Outcome: TypeAlias = Updated | Unchanged | Failed


@frozen(kw_only=True)
class BulkReport:
    """What a bulk run came to."""

    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    pending: int = 0
    """Rows without a final answer: run them again. Of a generator, only those that were taken from it."""
    calls: int = 0
    """Requests sent, retries included."""
    elapsed: float = 0.0
    """Seconds."""
    failures: tuple[Failed, ...] = ()
    """The first 1,000 of the failed rows, with Gong's words; ``on_outcome`` sees them all."""
    stopped_because: GongError | None = None
    """Why the run ended before its rows did, if it did."""
    resume_after: datetime | None = None
    """When it is worth going on, where Gong said so."""

    @property
    def complete(self) -> bool:
        """True where no row is left to be run again."""
        return self.pending == 0 and self.stopped_because is None

    def __str__(self) -> str:
        counts = f"{self.updated:,} updated, {self.unchanged:,} unchanged, {self.failed:,} failed"
        lines = [f"{counts}, {self.pending:,} pending; {self.calls:,} calls in {self.elapsed:,.1f} s"]
        if self.stopped_because is not None:
            lines.append(f"stopped: {self.stopped_because}")
        if self.resume_after is not None:
            lines.append(f"go on after {self.resume_after.isoformat(timespec='seconds')}")
        return "\n".join(lines)
