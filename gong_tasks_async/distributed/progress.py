"""Progress of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from attrs import field, frozen

from gong_tasks_async.distributed.serialization import error_of, origin_of, settings_of
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
    UNREADABLE = "unreadable"
    """Its record is damaged, or of a newer version of this package."""


@frozen(kw_only=True)
class Progress:
    """Progress of a job, in rows.

    Attributes:
        job: the job's name.
        state: the job's state.
        rows: all rows of the job.
        updated: rows that Gong updated.
        unchanged: rows whose task already had the values.
        failed: rows that Gong refused.
        skipped: rows that the guard has left out: their task was changed since the submission.
        given_up: rows left pending after ``row_attempts`` without a final response; resuming the job retries them.
        in_flight: rows that a worker has claimed.
        calls: requests sent, as far as recorded: those of a killed worker are not.
        rate_limited: requests that got a 429.
        listings: how many of the calls listed tasks, for the guard.
        unguarded: rows of a job with a guard whose task no listing had found, so that a change of it is not noticed.
        stopped_because: why the job was stopped or paused.
        resume_after: when a paused job resumes by itself.
        started_at: when the first row was claimed.
        settled_at: when the latest row was settled.
        outage_since: since when no connection to Gong could be made, while the job probes.
        created_at: when it was submitted.
        worker_up: whether a worker of the company gave a sign of life within the last 10 seconds.
        origin: what the submitter noted about it, such as the file.
        base_url: base URL of the company whose tasks it changes, where the submitter named it.
    """

    job: str
    state: JobState
    rows: int
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    given_up: int = 0
    in_flight: int = 0
    calls: int = 0
    rate_limited: int = 0
    listings: int = 0
    unguarded: int = 0
    stopped_because: GongError | None = None
    resume_after: datetime | None = None
    started_at: datetime | None = None
    settled_at: datetime | None = None
    outage_since: datetime | None = None
    created_at: datetime | None = None
    worker_up: bool = False
    origin: Mapping[str, str] = field(factory=dict[str, str], hash=False)
    base_url: str | None = None

    @property
    def settled(self) -> int:
        """Rows with an outcome."""
        return self.updated + self.unchanged + self.failed + self.skipped

    @property
    def pending(self) -> int:
        """Rows without an outcome."""
        return self.rows - self.settled

    @property
    def finished(self) -> bool:
        """True if the job does nothing more by itself."""
        return self.in_flight <= 0 and self.state in FINISHED


MOST_ROWS = 10**9
"""More is no number of rows; a damaged one must not be counted through."""

FINISHED = {JobState.ENDED, JobState.STOPPED, JobState.CANCELLED, JobState.UNREADABLE}


def progress_of(job: str, facts: Mapping[bytes, bytes], *, worker_up: bool) -> Progress:
    """The progress that a job's stored facts describe.

    Raises:
        ValueError: a fact cannot be read.
        KeyError: a fact is missing.
    """

    def count(name: bytes) -> int:
        number = int(facts.get(name, b"0"))
        if not -MOST_ROWS < number < MOST_ROWS:
            raise ValueError(f"a count of {number}")
        return number

    because = facts.get(b"because")
    return Progress(
        job=job,
        state=JobState(facts[b"state"].decode()),
        rows=count(b"rows"),
        updated=count(b"updated"),
        unchanged=count(b"unchanged"),
        failed=count(b"failed"),
        skipped=count(b"skipped"),
        given_up=count(b"given_up"),
        in_flight=count(b"under_way"),
        calls=count(b"calls"),
        rate_limited=count(b"refused"),
        listings=count(b"listings"),
        unguarded=count(b"unguarded"),
        stopped_because=error_of(because) if because else None,
        resume_after=_utc(facts.get(b"resume_after")),
        started_at=_utc(facts.get(b"started_at")),
        settled_at=_utc(facts.get(b"settled_at")),
        outage_since=_utc(facts.get(b"outage_since")),
        created_at=_utc(facts.get(b"created_at")),
        worker_up=worker_up,
        origin=origin_of(facts.get(b"origin", b"{}")),
        base_url=_base_url(facts.get(b"settings")),
    )


def _utc(timestamp: bytes | None) -> datetime | None:
    return datetime.fromtimestamp(float(timestamp), UTC) if timestamp else None


def _base_url(settings: bytes | None) -> str | None:
    """Of settings that another version has written, unknown."""
    try:
        found: object = settings_of(settings).base_url if settings else None
    except ValueError:
        return None
    return found if isinstance(found, str) else None
