"""How far a job is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from gong_tasks_async.errors import GongError


class JobState(StrEnum):
    """What a job is doing."""

    STARTING = "starting"
    """Its rows are being put in line."""
    RUNNING = "running"
    PAUSED = "paused"
    """It goes on by itself at ``resume_after``."""
    STOPPED = "stopped"
    """It goes on when somebody resumes it; ``stopped_because`` says what to mend first."""
    CANCELLED = "cancelled"
    ENDED = "ended"
    """Each row has been dealt with; those that kept failing without a final answer are pending."""


@frozen(kw_only=True)
class Progress:
    """How far a job is, in rows."""

    job: str
    state: JobState
    rows: int
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    given_up: int = 0
    """Rows that were tried often enough without a final answer; resuming the job tries them again."""
    in_flight: int = 0
    """Rows that a worker has in hand."""
    calls: int = 0
    """Requests sent, as far as they were recorded: those of a worker that was killed are not."""
    rate_limited: int = 0
    """How many of them were answered 429."""
    stopped_because: GongError | None = None
    resume_after: datetime | None = None
    started_at: datetime | None = None
    """When the first row was taken in hand."""
    settled_at: datetime | None = None
    """When the last row was settled."""

    @property
    def settled(self) -> int:
        """Rows with an outcome."""
        return self.updated + self.unchanged + self.failed

    @property
    def pending(self) -> int:
        """Rows without an outcome."""
        return self.rows - self.settled

    @property
    def finished(self) -> bool:
        """True where nothing more will happen by itself."""
        return self.in_flight == 0 and self.state in (JobState.ENDED, JobState.STOPPED, JobState.CANCELLED)
