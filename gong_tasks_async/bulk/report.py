"""What became of each row, and of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

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


@frozen
class RowCounts:
    """What became of the rows of one user."""

    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    pending: int = 0


@frozen
class TimelineBucket:
    """How many rows were settled in one stretch of the run; all stretches of a run are equally long."""

    at: datetime
    """When the stretch begins."""
    updated: int
    failed: int


@frozen(kw_only=True)
class BulkReport:
    """What a bulk run came to.

    ``print(report)`` says it in a few lines; :meth:`to_text`, :meth:`to_json` and :meth:`to_html` say it in full.
    """

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
    rate_limited: int = 0
    """Calls that were answered 429."""
    by_user: Mapping[str, RowCounts] = field(factory=dict, hash=False)
    """The counts of each user, by user id."""
    timeline: tuple[TimelineBucket, ...] = ()
    """The course of the run. A stretch in which nothing was settled may be left out."""
    started_at: datetime | None = None
    job: str | None = None
    """The journal's name, where one was kept."""

    @property
    def total(self) -> int:
        """All rows, whatever became of them."""
        return self.updated + self.unchanged + self.failed + self.pending

    @property
    def rate(self) -> float:
        """Calls a second, over the whole run; 0.0 where it took no time."""
        return self.calls / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def complete(self) -> bool:
        """True where no row is left to be run again."""
        return self.pending == 0 and self.stopped_because is None

    # The renderers know the report, not the other way round; and who renders nothing loads none of them.

    def to_text(self) -> str:
        """Plain text for a terminal or a mail: the counts, the worst users, the first failures."""
        from gong_tasks_async.bulk.render.text import as_text  # noqa: PLC0415 - see above

        return as_text(self)

    def to_json(self) -> str:
        """JSON for other programs. Ids are text, since many of them lose digits past 2**53."""
        from gong_tasks_async.bulk.render.json_text import as_json  # noqa: PLC0415 - see above

        return as_json(self)

    def to_html(self) -> str:
        """One self-contained page, which loads nothing from anywhere."""
        from gong_tasks_async.bulk.render.html_page import as_html  # noqa: PLC0415 - see above

        return as_html(self)

    def __str__(self) -> str:
        counts = f"{self.updated:,} updated, {self.unchanged:,} unchanged, {self.failed:,} failed"
        lines = [f"{counts}, {self.pending:,} pending; {self.calls:,} calls in {self.elapsed:,.1f} s"]
        if self.stopped_because is not None:
            lines.append(f"stopped: {self.stopped_because}")
        if self.resume_after is not None:
            lines.append(f"go on after {self.resume_after.isoformat(timespec='seconds')}")
        return "\n".join(lines)
