"""What an undo restores, leaves alone and cannot restore: a pure function of a job's rows and of the tasks as they are."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve

from gong_tasks_async import JournalRow, RowState, TaskStatus, TaskUpdate
from gong_tasks_async.bulk import TaskSnapshot
from gong_tasks_async.bulk.plan import Look
from gong_tasks_async.bulk.undo import first_updated, owners_of, plan_undo

DUE = datetime(2026, 3, 2, 9, tzinfo=UTC)
BEFORE = TaskSnapshot(TaskStatus.OPEN, DUE, "HIGH", datetime(2026, 1, 1, tzinfo=UTC))
AFTER = evolve(BEFORE, status=TaskStatus.DONE, updated=datetime(2026, 1, 2, tzinfo=UTC))
ROW = JournalRow(TaskUpdate(7, "1", status="DONE"), RowState.UPDATED, before=BEFORE, after=AFTER)


def restored(row: JournalRow, now: TaskSnapshot) -> tuple[TaskUpdate, ...]:
    return plan_undo([row], Look({7: now})).updates


def test_what_the_job_has_set_is_set_back() -> None:
    assert restored(ROW, AFTER) == (TaskUpdate(7, "1", status="OPEN"),)


def test_the_state_that_counts_is_gong_s_response_to_the_update() -> None:
    """Gong may change more than it was asked for."""
    moved = evolve(AFTER, due_date=datetime(2026, 4, 1, tzinfo=UTC))
    assert restored(evolve(ROW, after=moved), moved) == (TaskUpdate(7, "1", status="OPEN"),)
    assert restored(evolve(ROW, after=moved), AFTER) == ()


def test_without_a_response_it_is_what_was_asked_for() -> None:
    row = evolve(ROW, after=None)
    assert restored(row, AFTER) == (TaskUpdate(7, "1", status="OPEN"),)
    assert restored(row, evolve(AFTER, priority="LOW")) == ()


def test_a_value_that_was_the_same_before_is_not_sent() -> None:
    row = evolve(ROW, update=TaskUpdate(7, "1", status="DONE", due_date=DUE, priority="high"))
    assert restored(row, AFTER) == (TaskUpdate(7, "1", status="OPEN"),)


def test_a_change_that_gong_dates_later_is_a_person_s() -> None:
    assert restored(ROW, evolve(AFTER, updated=datetime(2026, 1, 3, tzinfo=UTC))) == ()


def test_only_updated_rows_count() -> None:
    rows = [evolve(ROW, state=state) for state in RowState if state is not RowState.UPDATED]
    plan = plan_undo(rows, Look({7: AFTER}))
    assert (plan.updates, plan.lost, owners_of(rows), first_updated(rows)) == ((), (), [], frozenset())
    assert (owners_of([ROW, ROW]), first_updated([ROW])) == (["1"], frozenset({7}))
