"""What the store of jobs gives and takes: a claim, a stored row, the cost of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from gong_tasks_async.bulk import JournalRow
from gong_tasks_async.bulk.journal_entries import Note
from gong_tasks_async.distributed.progress import JobState
from gong_tasks_async.distributed.serialization import (
    JobSettings,
    LastAttempt,
    PlannedRow,
    attempt_of,
    origin_of,
    row_of,
    settings_of,
)


@frozen
class Claim:
    """The response to a claim."""

    kind: Literal["go", "wait", "over"]
    """``wait``: deliver it again soon; ``over``: nothing to do now."""
    feed: bytes
    """Not empty where further rows of the job should be enqueued: another text each time that some were."""
    row: bytes = b""
    settings: bytes = b""
    ends: int = 0
    """Deliveries of the row, one after the other, whose worker ended without recording anything."""
    last_attempt: bytes = b""
    life: bytes = b""
    """Another one each time that the job is resumed."""
    look: bytes = b""
    """Not empty if the tasks are to be looked at, whether or not the job has a guard."""
    trace: bytes = b""

    def read_row(self) -> PlannedRow:
        """The row as submitted.

        Raises:
            ValueError: this version cannot read it.
        """
        return row_of(self.row)

    def read_trace(self) -> Mapping[str, str]:
        """The trace context of the submission; empty if there is none."""
        return origin_of(self.trace)

    @property
    def may_be_made(self) -> bool:
        """Whether an earlier delivery may have made the update."""
        if self.ends:
            return True
        error = attempt_of(self.last_attempt).error if self.last_attempt else None
        return error is not None and Note(0, error).may_be_made

    def read_settings(self) -> JobSettings:
        """The job's settings.

        Raises:
            ValueError: this version cannot read them.
        """
        return settings_of(self.settings)


@frozen
class StoredRow:
    """A row as stored."""

    number: int
    """Its place in the plan, from 1."""
    row: JournalRow | None
    """None if this version cannot read it."""
    last_attempt: LastAttempt | None = None
    """Of a pending row."""
    outcome: bytes = b""
    """As it stands in Redis."""


@frozen
class Created:
    """The job of a name, after an attempt to create it."""

    state: JobState
    fingerprint: str
    is_new: bool


@frozen
class AttemptCost:
    """The cost of one attempt at a row."""

    attempt: int
    """The number of the attempt, from 1."""
    calls: int
    refused: int
    listings: int = 0
    """How many of the calls listed tasks."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Calls, those that were rate-limited, listings."""
        return self.calls, self.refused, self.listings


@frozen
class Settled:
    """The rows of a job that have their outcome by one step."""

    row: bool
    """Whether this row has its outcome by it."""
    failed: int = 0
    """Rows that were held as suspects, and have failed by it."""
