"""What a run has come to so far, in memory that does not grow with its rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from gong_tasks_async.bulk.journal_schema import RowState
from gong_tasks_async.bulk.report import Failed, Outcome, RowCounts, TimelineBucket, Unchanged, Updated

KEPT_FAILURES = 1_000
MOST_BUCKETS = 240
FIRST_BUCKET = timedelta(seconds=1)
STATE_OF = {Updated: RowState.UPDATED, Unchanged: RowState.UNCHANGED, Failed: RowState.FAILED}


class Timeline:
    """Rows settled over time, in at most so many buckets: when they are full, each two become one."""

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

    def moments(self) -> tuple[TimelineBucket, ...]:
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
    """Counts outcomes: in all, for each user, and over time."""

    def __init__(self, started_at: datetime | None = None) -> None:
        self.started_at = started_at or datetime.now(UTC)
        self.updated = self.unchanged = self.failed = 0
        self.failures: list[Failed] = []
        self.timeline = Timeline(self.started_at)
        self._by_user: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    @property
    def settled(self) -> int:
        """Rows with an outcome."""
        return self.updated + self.unchanged + self.failed

    @property
    def by_user(self) -> dict[str, RowCounts]:
        """The same for each owner of tasks."""
        return {
            user_id: RowCounts(updated=updated, unchanged=unchanged, failed=failed)
            for user_id, (updated, unchanged, failed) in self._by_user.items()
        }

    def count(self, outcome: Outcome) -> None:
        """Count one outcome of this moment."""
        self.add(outcome.update.user_id, STATE_OF[type(outcome)], datetime.now(UTC))
        if isinstance(outcome, Failed):
            self.keep(outcome)

    def add(self, user_id: str, state: RowState, at: datetime) -> None:
        """Count a row of somebody that was settled at some moment."""
        user = self._by_user[user_id]
        if state is RowState.UPDATED:
            self.updated += 1
            user[0] += 1
            self.timeline.add(at, updated=1)
        elif state is RowState.FAILED:
            self.failed += 1
            user[2] += 1
            self.timeline.add(at, failed=1)
        else:
            self.unchanged += 1
            user[1] += 1

    def keep(self, failed: Failed) -> None:
        """Keep a failure for the report, as long as there are not too many."""
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(failed)
