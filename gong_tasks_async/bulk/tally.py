"""Counts of a run so far, in memory that does not grow with its rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from gong_tasks_async.bulk.outcomes import (
    Failed,
    JournalRow,
    Outcome,
    RowState,
    count_states,
    failure_of,
    record_of,
)
from gong_tasks_async.bulk.report import KEPT_ROWS, FailureGroups, RowSummary, TimelineBucket

MOST_BUCKETS = 240
FIRST_BUCKET = timedelta(seconds=1)


class Timeline:
    """Rows settled over time, in a bounded number of buckets: when they are full, each two become one."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at
        self._width = FIRST_BUCKET
        self._buckets: list[tuple[int, int]] = []

    def add(self, at: datetime, *, updated: int = 0, failed: int = 0) -> None:
        """Count rows that were settled at a moment."""
        place = max(0, int((at - self._started_at) / self._width))
        while place >= MOST_BUCKETS:
            self._halve()
            place //= 2
        self._buckets += [(0, 0)] * (place + 1 - len(self._buckets))
        before = self._buckets[place]
        self._buckets[place] = (before[0] + updated, before[1] + failed)

    def buckets(self) -> tuple[TimelineBucket, ...]:
        """The buckets, each with the moment at which it begins."""
        return tuple(
            TimelineBucket(self._started_at + number * self._width, updated, failed)
            for number, (updated, failed) in enumerate(self._buckets)
        )

    def _halve(self) -> None:
        pairs = [self._buckets[number : number + 2] for number in range(0, len(self._buckets), 2)]
        self._buckets = [(sum(u for u, _ in pair), sum(f for _, f in pair)) for pair in pairs]
        self._width *= 2


class Tally:
    """Counts rows: in all, for each user, and over time."""

    def __init__(self, started_at: datetime | None = None) -> None:
        self.started_at: datetime = started_at or datetime.now(UTC)
        self.settled: int = 0
        """Rows with an outcome."""
        self.updated: int = 0
        """How many of them were updated."""
        self._failures: list[Failed] = []
        self._groups = FailureGroups()
        self._timeline = Timeline(self.started_at)
        self._by_user: dict[str, Counter[str]] = defaultdict(Counter)
        self._pending_rows: dict[int, JournalRow] = {}

    def count(self, outcome: Outcome) -> None:
        """Count an outcome of this moment."""
        self.add(record_of(outcome), datetime.now(UTC))

    def add(self, row: JournalRow, at: datetime | None = None) -> None:
        """Count a row.

        Args:
            row: its record.
            at: when it was settled, where the record does not have that.
        """
        self._by_user[row.update.user_id][row.state.value] += 1
        if row.state is RowState.PENDING:
            self.keep_pending(row)
            return
        self.settled += 1
        self._pending_rows.pop(row.update.task_id, None)
        updated, failed = row.state is RowState.UPDATED, row.state is RowState.FAILED
        self.updated += updated
        if updated or failed:
            self._timeline.add(row.settled_at or at or self.started_at, updated=updated, failed=failed)
        if failed:
            self._keep(failure_of(row))

    def keep_pending(self, row: JournalRow) -> None:
        """Keep the last error of a pending row for the report, within bounds."""
        if row.cause is not None and len(self._pending_rows) < KEPT_ROWS:
            self._pending_rows[row.update.task_id] = row

    def summary(self) -> RowSummary:
        """What the report has of these rows."""
        return RowSummary(
            by_user={user_id: count_states(states) for user_id, states in self._by_user.items()},
            failures=tuple(self._failures),
            failures_by_reason=self._groups.groups(),
            timeline=self._timeline.buckets(),
            pending_rows=tuple(self._pending_rows.values()),
        )

    def _keep(self, failed: Failed) -> None:
        self._groups.add(failed.error)
        if len(self._failures) < KEPT_ROWS:
            self._failures.append(failed)
