"""A job's report as its journal tells it: of all its runs together."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from attrs import define

from gong_tasks_async import errors
from gong_tasks_async.bulk import JournalReader, JournalRow, RowState, open_journal
from gong_tasks_async.bulk.report import BulkReport, Failed, RowCounts, TimelineBucket
from gong_tasks_async.errors import APIError, GongError, Meaning

BUCKETS: Final = 120
KEPT_FAILURES: Final = 1_000
"""As many as the report of a run keeps."""


@define(slots=False, eq=False, repr=False, kw_only=True)
class RecordedError(GongError):
    """An error that a journal has in words only."""

    meaning = Meaning.ROW

    words: str
    request_id: str | None = None

    def __str__(self) -> str:
        return self.words


def report_of(path: Path) -> BulkReport:
    """What became of a job's rows, up to now. Calls are those of settled rows; 429s are not recorded.

    Raises:
        JournalError: the journal cannot be read.
    """
    with open_journal(path) as journal:
        counts = journal.counts()
        return BulkReport(
            updated=counts.updated,
            unchanged=counts.unchanged,
            failed=counts.failed,
            pending=counts.pending,
            calls=sum(row.attempts for row in journal.rows()),
            elapsed=_elapsed(journal),
            failures=tuple(map(failed_of, islice(journal.rows(RowState.FAILED), KEPT_FAILURES))),
            by_user=_by_user(journal),
            timeline=_timeline(journal),
            started_at=journal.created_at,
            job=path.stem,
        )


def failed_of(row: JournalRow) -> Failed:
    """A failed row, with the error that it was recorded with, as far as that goes."""
    words = row.error or "without a message"
    kind = getattr(errors, row.error_kind or "", None)
    if row.status is not None and isinstance(kind, type) and issubclass(kind, APIError):
        error: GongError = kind(
            status=row.status, errors=(words,), request_id=row.request_id, attempts=row.attempts
        )
    else:
        error = RecordedError(words=words, request_id=row.request_id, attempts=row.attempts)
    return Failed(row.update, error)


def _timeline(journal: JournalReader) -> tuple[TimelineBucket, ...]:
    """The course of the job, without the stretches in which nothing was settled, such as nights."""
    moments = (TimelineBucket(*moment) for moment in journal.timeline(BUCKETS))
    return tuple(moment for moment in moments if moment.updated or moment.failed)


def _elapsed(journal: JournalReader) -> float:
    """Seconds from the beginning of the job to its last settled row, nights included."""
    settled = (row.settled_at for row in journal.rows() if row.settled_at is not None)
    last = max(settled, default=journal.created_at)
    return max(0.0, (last - journal.created_at).total_seconds())


def _by_user(journal: JournalReader) -> dict[str, RowCounts]:
    return {
        user: RowCounts(counts.updated, counts.unchanged, counts.failed, counts.pending)
        for user, counts in journal.by_user().items()
    }
