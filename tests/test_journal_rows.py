"""What each record of a journal changes, and what it leaves: of other tasks, of other runs, of settled rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_tasks_async import GongError, TaskNotFoundError, TaskStatus, TaskUpdate
from gong_tasks_async.bulk import JournalRow, RowCounts, RowState, RunRecord
from gong_tasks_async.bulk.journal import Journal
from gong_tasks_async.bulk.journal_entries import Note, PendingRow
from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.errors import (
    APIError,
    BadRequestError,
    DailyQuotaError,
    RateLimitError,
    ServerError,
    TransportError,
)

PENDING, UPDATED, UNCHANGED, SKIPPED, FAILED = RowState
OPEN, MOVED = TaskSnapshot(TaskStatus.OPEN), TaskSnapshot(TaskStatus.OPEN, priority="HIGH")


def done(task_id: int) -> TaskUpdate:
    return TaskUpdate(task_id, "1", status="DONE")


def refusal(kind: type[APIError] = TaskNotFoundError, status: int = 404, attempts: int = 1) -> APIError:
    return kind(method="PATCH", url="https://x", attempts=attempts, status=status, request_id="r-1")


def unanswered(*, connected: bool = True, attempts: int = 1, method: str = "PATCH") -> TransportError:
    return TransportError(reason="reset", connected=connected, attempts=attempts, method=method)


def failed(task_id: int, error: GongError | None = None) -> JournalRow:
    return JournalRow(done(task_id), FAILED, 1, cause=error or refusal())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A job of four rows, of which none is settled."""
    with Journal.create_or_open(tmp_path / "job", map(done, (1, 2, 3, 4))) as journal:
        yield journal


def pending(journal: Journal, *, suspect: bool = False) -> dict[int, PendingRow]:
    return {row.update.task_id: row for row in journal.pending(0, 99, suspect=suspect)}


def sent(journal: Journal) -> list[int]:
    return [task_id for task_id, row in pending(journal).items() if row.sent]


def test_a_failed_row_that_is_tried_again_begins_as_if_it_had_never_been_sent(journal: Journal) -> None:
    journal.send([2])
    journal.note([Note(2, unanswered(), life=1), Note(2, unanswered(), suspect=True, life=3)])
    journal.settle([failed(2)])
    assert journal.retry_failed() == 1
    assert pending(journal)[2] == PendingRow(2, done(2))
    [row] = [row for row in journal.rows(PENDING) if row.update.task_id == 2]
    assert row.settled_at is None


def test_only_failed_rows_of_the_kinds_that_are_named_are_tried_again(journal: Journal) -> None:
    journal.settle([JournalRow(done(1), UPDATED), JournalRow(done(2), SKIPPED, reason="changed since")])
    journal.settle([failed(3), failed(4, refusal(BadRequestError, 400))])
    assert journal.retry_failed(["ServerError"]) == 0
    assert journal.retry_failed(["TaskNotFoundError", "ServerError"]) == 1
    assert journal.counts() == RowCounts(pending=1, updated=1, skipped=1, failed=1)
    assert journal.retry_failed() == 1
    assert journal.counts() == RowCounts(pending=2, updated=1, skipped=1)


def test_a_row_is_sent_until_a_verdict_of_its_own_says_otherwise(journal: Journal) -> None:
    journal.send([1, 2, 3])
    assert sent(journal) == [1, 2, 3]
    journal.note(
        [Note(1, unanswered()), Note(2, refusal(ServerError, 503)), Note(3, refusal(RateLimitError, 429))]
    )
    assert sent(journal) == [1, 2]


@pytest.mark.parametrize(
    ("error", "made"),
    [
        (unanswered(), True),
        (unanswered(connected=False), False),
        (unanswered(connected=False, attempts=2), True),
        (unanswered(attempts=0), False),
        (refusal(ServerError, 500), True),
        (refusal(ServerError, 500, attempts=0), False),
        (refusal(BadRequestError, 400), False),
        (refusal(BadRequestError, 400, attempts=2), True),
        (unanswered(connected=False, method="POST"), True),
    ],
)
def test_an_update_may_be_made_where_an_attempt_got_no_verdict(error: GongError, made: bool) -> None:
    """Of earlier attempts, and of those before a look, it is not known how they ended."""
    assert Note(1, error).may_be_made is made


def test_a_note_changes_its_row_alone_and_adds_up_lives(journal: Journal) -> None:
    journal.settle([failed(4)])
    journal.note([Note(2, unanswered(attempts=3), life=1), Note(4, unanswered(), suspect=True)])
    journal.note([Note(2, refusal(ServerError, 500), life=1), Note(3, refusal(), suspect=True)])
    assert {task_id: row.lives for task_id, row in pending(journal).items()} == {1: 0, 2: 2}
    assert {task_id: row.lives for task_id, row in pending(journal, suspect=True).items()} == {3: 0}
    facts = [(row.attempts, row.request_id, row.status, row.error_kind) for row in journal.rows()]
    assert facts == [
        (0, None, None, None),
        (1, "r-1", 500, "ServerError"),
        (1, "r-1", 404, "TaskNotFoundError"),
        (1, None, 404, "TaskNotFoundError"),
    ]


def test_a_suspect_that_is_settled_is_none_when_it_is_tried_again(journal: Journal) -> None:
    journal.note([Note(1, refusal(), suspect=True)])
    journal.settle([failed(1)])
    journal.retry_failed()
    assert pending(journal).keys() == {1, 2, 3, 4}
    assert pending(journal, suspect=True) == {}


def test_the_first_look_at_a_pending_task_is_the_state_before_the_job(journal: Journal) -> None:
    journal.settle([JournalRow(done(3), UPDATED, after=MOVED)])
    journal.look({1: OPEN, 3: OPEN, 99: OPEN})
    journal.look({1: MOVED, 2: MOVED})
    assert [(row.before, row.after) for row in journal.rows()] == [
        (OPEN, None),
        (MOVED, None),
        (None, MOVED),
        (None, None),
    ]


def test_a_snapshot_comes_back_with_each_of_its_values(journal: Journal) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    whole = TaskSnapshot(TaskStatus.DONE, noon, "HIGH", noon + timedelta(hours=1))
    journal.look({1: whole, 2: TaskSnapshot()})
    assert [row.before for row in journal.pending(0, 2)] == [whole, TaskSnapshot()]


def test_pages_of_pending_rows_leave_out_what_is_settled_and_what_was_read(journal: Journal) -> None:
    journal.settle([failed(2)])
    assert [row.number for row in journal.pending(0, 2)] == [1, 3]
    assert [row.number for row in journal.pending(3, 2)] == [4]


def test_the_first_text_of_a_fact_stands(journal: Journal) -> None:
    journal.remember("company", "one")
    journal.remember("company", "other")
    assert journal.facts["company"] == "one"


def test_what_a_run_has_spent_is_recorded_with_outcomes_and_notes_and_is_its_own(journal: Journal) -> None:
    for calls in (1, 7):
        journal.begin_run()
        spent = RunRecord(calls=calls, listings=calls + 1, rate_limited=calls + 2)
        journal.spent = lambda spent=spent: spent
        (journal.settle([failed(1)]) if calls == 1 else journal.note([Note(2, unanswered())]))
    runs = [(run.calls, run.listings, run.rate_limited) for run in journal.runs()]
    assert runs == [(1, 2, 3), (7, 8, 9)]


def test_a_run_lasts_from_its_beginning_to_its_end(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    journal.begin_run()
    journal.begin_run()
    monkeypatch.setattr("time.time", lambda: 1_010.0)
    journal.end_run(RunRecord())
    first, second = journal.runs()
    assert (first.began_at, first.ended_at) == (datetime.fromtimestamp(1_000, UTC), None)
    assert (second.began_at, second.seconds) == (datetime.fromtimestamp(1_000, UTC), 10.0)
    assert (second.calls, second.listings, second.rate_limited) == (0, 0, 0)
    assert first.seconds == RunRecord(ended_at=second.ended_at).seconds == 0.0


@pytest.mark.parametrize(("lasted", "seconds"), [(0.25, 0.25), (0.0, 0.0), (-60.0, 0.0)])
def test_a_run_lasts_no_less_than_nothing_where_the_clock_was_set_back(lasted: float, seconds: float) -> None:
    began_at = datetime(2026, 3, 2, tzinfo=UTC)
    run = RunRecord(began_at=began_at, ended_at=began_at + timedelta(seconds=lasted))
    assert run.seconds == seconds


def test_the_counts_of_a_run_are_given_by_name_since_they_are_alike() -> None:
    count: Any = RunRecord
    with pytest.raises(TypeError):
        count(None, None, 1, 2, 3)
    assert RunRecord(calls=1, listings=2, rate_limited=3).seconds == 0.0


def test_the_end_of_a_run_is_recorded_for_that_run_alone(journal: Journal) -> None:
    tomorrow = datetime(2026, 3, 3, tzinfo=UTC)
    journal.begin_run()
    journal.end_run(
        RunRecord(calls=1, listings=2, rate_limited=3, resume_after=tomorrow, stopped_because=_spent())
    )
    journal.begin_run()
    first, second = journal.runs()
    assert (first.calls, first.listings, first.rate_limited, first.resume_after) == (1, 2, 3, tomorrow)
    assert isinstance(first.stopped_because, DailyQuotaError)
    assert (second.calls, second.resume_after, second.stopped_because) == (0, None, None)


def _spent() -> DailyQuotaError:
    return DailyQuotaError(method="PATCH", url="https://x")
