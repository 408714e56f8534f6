"""Report of a run, or of a job over all its runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from gong_tasks_async.bulk.outcomes import Failed, JournalRow, RowCounts, error_name
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate

KEPT_ROWS = 1_000
"""Failed rows, and pending ones, that a report keeps."""
DIGITS = re.compile(r"[0-9]+")


@frozen
class TimelineBucket:
    """How many rows were settled in one span of the run; all spans of a run are equally long.

    Attributes:
        at: when the span begins.
        updated: rows updated in it.
        failed: rows refused in it.
    """

    at: datetime
    updated: int
    failed: int


@frozen
class FailureGroup:
    """Failed rows with one reason.

    Attributes:
        label: kind of error with its HTTP status, such as ``"404 task not found"``.
        message: message of the first of them.
        count: how many rows.
    """

    label: str
    message: str
    count: int


@frozen(kw_only=True)
class RowSummary:
    """The rows of a run or a job, counted."""

    by_user: Mapping[str, RowCounts] = field(factory=dict[str, RowCounts])
    failures: tuple[Failed, ...] = ()
    failures_by_reason: tuple[FailureGroup, ...] = ()
    timeline: tuple[TimelineBucket, ...] = ()
    pending_rows: tuple[JournalRow, ...] = ()

    @property
    def counts(self) -> RowCounts:
        """All rows."""
        return sum(self.by_user.values(), start=RowCounts())


@frozen(kw_only=True)
class BulkReport:
    """Result of a bulk run, or of a job over all its runs.

    ``print(report)`` prints a summary; :meth:`to_text`, :meth:`to_json` and :meth:`to_html` give all of it.

    Attributes:
        updated: rows that Gong updated.
        unchanged: rows whose task already had the values; no call was sent.
        failed: rows that Gong refused.
        pending: rows without an outcome: run them again. Of a generator, only those that were taken from it.
        calls: requests that the run sent, its listings and retries included; those of a plan made before it are not.
        elapsed: seconds.
        failures: the first 1,000 failed rows, with Gong's messages; ``on_outcome`` gets them all.
        stopped_because: why the run ended before its rows did, if it did.
        resume_after: when to resume, where that is known.
        rate_limited: calls that were answered 429.
        by_user: the counts of each user, by user id.
        timeline: the course of the run. A span in which nothing was settled may be left out.
        started_at: when the run began (UTC).
        job: name of the journal, where there is one.
        skipped: rows left out by an option, such as those whose task was changed after the run had read it.
        unguarded: rows sent with ``guard`` whose task no listing had found, so that a change of it could not be
            noticed.
        listings: how many of the calls listed tasks.
        failures_by_reason: failed rows grouped by error class, status and message, the largest group first.
        pending_rows: the first 1,000 pending rows that were tried, with their last error and its number of
            attempts.
        runs: how many runs the report covers.
        changes: what the job changes, such as ``"status DISMISSED"``.
        company: base URL of the company.
        source: file or selection that the rows came from, where that is known.
        users: names of the tasks' owners by user id, where they are known.
        profile: profile of the command that began the job, where there is one.
    """

    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    pending: int = 0
    calls: int = 0
    elapsed: float = 0.0
    failures: tuple[Failed, ...] = ()
    stopped_because: GongError | None = None
    resume_after: datetime | None = None
    rate_limited: int = 0
    by_user: Mapping[str, RowCounts] = field(factory=dict[str, RowCounts], hash=False)
    timeline: tuple[TimelineBucket, ...] = ()
    started_at: datetime | None = None
    job: str | None = None
    skipped: int = 0
    unguarded: int = 0
    listings: int = 0
    failures_by_reason: tuple[FailureGroup, ...] = ()
    pending_rows: tuple[JournalRow, ...] = ()
    runs: int = 1
    changes: tuple[str, ...] = ()
    company: str | None = None
    source: str | None = None
    users: Mapping[str, str] = field(factory=dict[str, str], hash=False)
    profile: str | None = None

    @property
    def counts(self) -> RowCounts:
        """How many rows are in each state."""
        return RowCounts(self.updated, self.unchanged, self.failed, self.pending, self.skipped)

    @property
    def total(self) -> int:
        """All rows."""
        return self.counts.total

    @property
    def rate(self) -> float:
        """Calls a second, over the whole run; 0.0 where it took no time."""
        return self.calls / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def complete(self) -> bool:
        """True where no row is pending."""
        return self.pending == 0 and self.stopped_because is None

    # The renderers import the report, so it imports them late; a program that renders nothing loads none.

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
        if self.skipped:
            counts += f", {self.skipped:,} skipped"
        lines = [f"{counts}, {self.pending:,} pending; {self.calls:,} calls in {self.elapsed:,.1f} s"]
        if self.stopped_because is not None:
            lines.append(f"stopped: {self.stopped_because}")
        if self.resume_after is not None:
            lines.append(f"resume after {self.resume_after.isoformat(timespec='seconds')}")
        return "\n".join(lines)


def build_report(rows: RowSummary, **facts: Any) -> BulkReport:
    """The report of counted rows; ``facts`` are the fields of :class:`BulkReport` that rows do not know."""
    counts = rows.counts
    return BulkReport(
        updated=counts.updated,
        unchanged=counts.unchanged,
        failed=counts.failed,
        pending=facts.pop("pending", counts.pending),
        skipped=counts.skipped,
        by_user=rows.by_user,
        failures=rows.failures,
        failures_by_reason=rows.failures_by_reason,
        timeline=rows.timeline,
        pending_rows=rows.pending_rows,
        **facts,
    )


def failure_key(error: GongError) -> tuple[object, ...]:
    """Equal for errors with one reason: status, class, and message without its numbers, such as a task id."""
    words = getattr(error, "errors", None) or (getattr(error, "message", ""),)
    return getattr(error, "status", None), error_name(error), DIGITS.sub("#", "; ".join(words))


class FailureGroups:
    """Counts failures by reason, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[object, ...]] = Counter()
        self._first: dict[tuple[object, ...], GongError] = {}

    def add(self, error: GongError) -> None:
        """Count a failure; beyond the bound, further reasons are counted together."""
        key = failure_key(error)
        if key not in self._first and len(self._first) >= KEPT_ROWS:
            key = OTHER
        self._first.setdefault(key, error)
        self._counts[key] += 1

    def groups(self) -> tuple[FailureGroup, ...]:
        """The groups, the largest first."""
        from gong_tasks_async.bulk.render.format import error_label, gong_message  # noqa: PLC0415 - as above

        return tuple(
            FailureGroup("Other reasons" if key is OTHER else error_label(error), gong_message(error), count)
            for key, count in self._counts.most_common()
            for error in (self._first[key],)
        )


OTHER: tuple[object, ...] = ("other",)


def changes_of(update: TaskUpdate) -> list[str]:
    """What an update changes, in words: ``["status DISMISSED", "due date"]``."""
    found = [] if update.status is None else [f"status {update.status}"]
    found += [] if update.due_date is None else ["due date"]
    return found + ([] if update.priority is None else [f"priority {update.priority}"])


def counted_changes(changes: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """What a job changes, in words: ``("status DISMISSED (1,494)", "due date (20)")``."""
    return tuple(f"{change} ({count:,})" for change, count in changes)
