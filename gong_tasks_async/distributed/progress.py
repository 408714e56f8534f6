"""Progress of a job."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from gong_tasks_async.errors import GongError


class JobState(StrEnum):
    """State of a job."""

    STARTING = "starting"
    """Its rows are being enqueued."""
    RUNNING = "running"
    PAUSED = "paused"
    """It resumes by itself at ``resume_after``."""
    STOPPED = "stopped"
    """It waits to be resumed; ``stopped_because`` is the reason."""
    CANCELLED = "cancelled"
    ENDED = "ended"
    """Every row is settled or given up; given-up rows are pending."""


@frozen(kw_only=True)
class Progress:
    """Progress of a job, in rows."""

    job: str
    state: JobState
    rows: int
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    given_up: int = 0
    """Rows left pending after ``row_attempts`` without a final response; resuming the job retries them."""
    in_flight: int = 0
    """Rows that a worker has claimed."""
    calls: int = 0
    """Requests sent, as far as recorded: those of a killed worker are not."""
    rate_limited: int = 0
    """Requests that got a 429."""
    stopped_because: GongError | None = None
    resume_after: datetime | None = None
    started_at: datetime | None = None
    """When the first row was claimed."""
    settled_at: datetime | None = None
    """When the latest row was settled."""

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
        """True if the job does nothing more by itself."""
        return self.in_flight == 0 and self.state in (JobState.ENDED, JobState.STOPPED, JobState.CANCELLED)
