"""What the store of jobs gives and takes: a claim, a stored row, the cost of an attempt."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from gong_tasks_async.bulk import JournalRow
from gong_tasks_async.distributed.progress import JobState
from gong_tasks_async.distributed.serialization import JobSettings, LastAttempt, settings_of, update_of
from gong_tasks_async.models import TaskUpdate


@frozen
class Claim:
    """The response to a claim."""

    kind: Literal["go", "wait", "over"]
    """``wait``: deliver it again soon; ``over``: nothing to do now."""
    feed: bool
    """Whether further rows of the job should be enqueued."""
    row: bytes = b""
    settings: bytes = b""

    def read_update(self) -> TaskUpdate:
        """The row's update.

        Raises:
            ValueError: this version cannot read it.
        """
        return update_of(self.row)

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
