"""Outcomes of rows: the values that callers see, and the one record that journals, Redis and CSV files encode."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self, TypeAlias

from attrs import define, frozen

from gong_tasks_async.errors import GongError, Meaning
from gong_tasks_async.models import Task, TaskStatus, TaskUpdate


class RowState(StrEnum):
    """State of a row: pending, or the kind of its outcome."""

    PENDING = "pending"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@frozen
class Updated:
    """The change was made.

    Attributes:
        update: the row's update.
        task: the task as Gong answered; None where Gong confirmed the change and its answer could not be read.
    """

    update: TaskUpdate
    task: Task | None


@frozen
class Unchanged:
    """The task already had the requested values, so no call was spent on it.

    Attributes:
        update: the row's update.
    """

    update: TaskUpdate


@frozen
class Skipped:
    """The row was left out by an option, and no call was spent on it.

    Attributes:
        update: the row's update.
        reason: such as ``"changed since"``: the task was changed after the run had read it.
    """

    update: TaskUpdate
    reason: str


@frozen
class Failed:
    """Gong refused this change, and would refuse it again.

    Attributes:
        update: the row's update.
        error: why Gong refused it.
    """

    update: TaskUpdate
    error: GongError

    @property
    def status(self) -> int | None:
        """HTTP status of the response; None where the error has none."""
        status: int | None = getattr(self.error, "status", None)
        return status

    @property
    def request_id(self) -> str | None:
        """Gong's reference for the request; None where the error has none."""
        request_id: str | None = getattr(self.error, "request_id", None)
        return request_id


Outcome: TypeAlias = Updated | Unchanged | Skipped | Failed


@frozen
class RowCounts:
    """How many rows are in each state: of a job, of a run, or of one user in it.

    Attributes:
        updated: rows that Gong updated.
        unchanged: rows whose task already had the values.
        failed: rows that Gong refused.
        pending: rows without an outcome.
        skipped: rows left out by an option.
    """

    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    pending: int = 0
    skipped: int = 0

    @property
    def settled(self) -> int:
        """Rows with an outcome; they cost no further call."""
        return self.updated + self.unchanged + self.failed + self.skipped

    @property
    def total(self) -> int:
        """All rows."""
        return self.pending + self.settled

    def __add__(self, other: RowCounts) -> RowCounts:
        """Both together."""
        return RowCounts(
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.failed + other.failed,
            self.pending + other.pending,
            self.skipped + other.skipped,
        )


@frozen
class TaskSnapshot:
    """What a run compares of a task: the values that an update can change, and when Gong saw the last change.

    Attributes:
        status: the task's status.
        due_date: the task's due date; aware.
        priority: name of the priority, as Gong spells it.
        updated: when Gong saw the last change; aware.
    """

    status: TaskStatus | None = None
    due_date: datetime | None = None
    priority: str | None = None
    updated: datetime | None = None

    @classmethod
    def of(cls, task: Task) -> Self:
        """The snapshot of a task.

        Args:
            task: the task, as a listing has it.
        """
        priority = None if task.priority is None else task.priority.name
        return cls(task.status, task.due_date, priority, task.updated)

    def differs_from(self, earlier: TaskSnapshot) -> bool:
        """Whether the task was changed since an earlier snapshot.

        Args:
            earlier: an earlier snapshot of the same task.
        """
        return self.values != earlier.values or _later(self.updated, earlier.updated)

    @property
    def values(self) -> tuple[object, ...]:
        """What an update can change, in a comparable spelling."""
        due = self.due_date and self.due_date.astimezone(UTC)
        return self.status, due, self.priority and self.priority.casefold()


def _later(moment: datetime | None, other: datetime | None) -> bool:
    return moment is not None and other is not None and moment > other


@define(slots=False, eq=False, repr=False, kw_only=True)
class RecordedError(GongError):
    """An error of which a journal of an earlier version holds the message only."""

    meaning = Meaning.ROW

    message: str
    kind: str
    """Name of its class, such as ``"TaskNotFoundError"``."""
    status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        return self.message


@frozen
class JournalRow:
    """A row of a job: its update, its state, and the facts of its outcome or its last attempt.

    Attributes:
        update: the row's update.
        state: its outcome, or that it is pending.
        attempts: requests sent for the outcome; for a pending row, those of the last run that tried it.
        request_id: Gong's reference for the request: quote it to Gong's support.
        cause: the error of a failed row, or the last one of a pending row.
        settled_at: when the outcome was recorded (UTC); None for a pending row.
        reason: why a row was skipped.
        before: the task as the run found it, where it looked.
        after: the task as Gong answered the update.
    """

    update: TaskUpdate
    state: RowState = RowState.PENDING
    attempts: int = 0
    request_id: str | None = None
    cause: GongError | None = None
    settled_at: datetime | None = None
    reason: str | None = None
    before: TaskSnapshot | None = None
    after: TaskSnapshot | None = None

    @property
    def error(self) -> str | None:
        """Message of the error."""
        return None if self.cause is None else str(self.cause)

    @property
    def error_kind(self) -> str | None:
        """Name of the error's class, such as ``"TaskNotFoundError"``."""
        return None if self.cause is None else error_name(self.cause)

    @property
    def status(self) -> int | None:
        """HTTP status of the error's response."""
        status: int | None = getattr(self.cause, "status", None)
        return status


def error_name(error: GongError) -> str:
    """The name of an error's class, also of one that a journal of an earlier version holds."""
    return error.kind if isinstance(error, RecordedError) else type(error).__name__


def record_of(outcome: Outcome, *, attempts: int = 1, request_id: str | None = None) -> JournalRow:
    """The record of an outcome.

    Args:
        outcome: the row's.
        attempts: requests sent for an update that was made.
        request_id: Gong's reference for it.
    """
    update = outcome.update
    match outcome:
        case Updated(_, task):
            after = None if task is None else TaskSnapshot.of(task)
            return JournalRow(update, RowState.UPDATED, attempts, request_id, after=after)
        case Failed(_, error):
            return JournalRow(update, RowState.FAILED, error.attempts, outcome.request_id, error)
        case Skipped(_, reason):
            return JournalRow(update, RowState.SKIPPED, reason=reason)
        case Unchanged():
            return JournalRow(update, RowState.UNCHANGED)


def failure_of(row: JournalRow) -> Failed:
    """The outcome of a row that failed."""
    unknown = RecordedError(message="no message was recorded", kind="GongError", attempts=row.attempts)
    return Failed(row.update, row.cause or unknown)


def count_states(found: Mapping[str, int]) -> RowCounts:
    """Counts by the names of the states.

    Raises:
        TypeError: a name is no state's.
    """
    return RowCounts(**found)
