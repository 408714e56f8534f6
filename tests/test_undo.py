"""What an undo restores, leaves alone and cannot restore: a pure function of a job's rows and of the tasks as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from gong_tasks_async import JournalRow, RowState, TaskStatus, TaskUpdate
from gong_tasks_async.bulk import TaskSnapshot
from gong_tasks_async.bulk.plan import Look, LostValue
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


LATER = datetime(2026, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("update", "unchanged"),
    [
        (TaskUpdate(7, "1", status="DONE"), [TaskUpdate(7, "1", status="OPEN")]),
        (
            TaskUpdate(7, "1", status="DONE", due_date=LATER),
            [TaskUpdate(7, "1", status="OPEN", due_date=DUE)],
        ),
        (TaskUpdate(7, "1", priority="LOW"), [TaskUpdate(7, "1", priority="HIGH")]),
    ],
)
def test_what_is_as_before_again_is_neither_restored_nor_lost(
    update: TaskUpdate, unchanged: list[TaskUpdate]
) -> None:
    row = evolve(ROW, update=update, after=evolve(AFTER, status=update.status or BEFORE.status))
    plan = plan_undo([row], Look({7: evolve(BEFORE, updated=LATER)}))
    assert (plan.updates, list(plan.unchanged), plan.lost) == ((), unchanged, ())


def test_a_due_date_that_was_empty_and_is_so_again_is_not_lost() -> None:
    before = evolve(BEFORE, due_date=None)
    row = evolve(
        ROW, update=TaskUpdate(7, "1", due_date=DUE), before=before, after=evolve(before, due_date=DUE)
    )
    plan = plan_undo([row], Look({7: evolve(before, updated=LATER)}))
    assert (plan.updates, plan.unchanged, plan.lost) == ((), (), ())


def test_a_change_that_gong_dates_later_is_a_person_s() -> None:
    assert restored(ROW, evolve(AFTER, updated=datetime(2026, 1, 3, tzinfo=UTC))) == ()


@pytest.mark.parametrize(("seconds", "is_restored"), [(0, True), (5, True), (5.000001, False)])
def test_a_listing_may_date_the_job_s_own_change_five_seconds_later(
    seconds: float, is_restored: bool
) -> None:
    assert AFTER.updated is not None
    now = evolve(AFTER, updated=AFTER.updated + timedelta(seconds=seconds))
    assert bool(restored(ROW, now)) is is_restored


def test_without_times_of_change_the_values_decide() -> None:
    undated = evolve(AFTER, updated=None)
    assert restored(ROW, undated) == restored(evolve(ROW, after=undated), AFTER) == restored(ROW, AFTER)


@pytest.mark.parametrize(
    ("name", "new", "other"),
    [
        ("status", TaskStatus.DONE, TaskStatus.DISMISSED),
        ("due_date", DUE + timedelta(days=1), DUE + timedelta(days=2)),
        ("priority", "LOW", "MEDIUM"),
    ],
)
def test_each_value_is_set_back_alone_unless_a_person_changed_it(name: str, new: Any, other: Any) -> None:
    update = TaskUpdate(7, "1", **{name: new})
    row = JournalRow(update, RowState.UPDATED, before=BEFORE)
    assert restored(row, evolve(BEFORE, **{name: new})) == (
        TaskUpdate(7, "1", **{name: getattr(BEFORE, name)}),
    )
    assert restored(row, evolve(BEFORE, **{name: other})) == ()


def test_what_an_update_does_not_take_is_named_while_the_rest_is_set_back() -> None:
    before = evolve(BEFORE, status=TaskStatus("snoozed"))
    row = JournalRow(
        TaskUpdate(7, "1", status="DONE", due_date=DUE + timedelta(days=1)), RowState.UPDATED, before=before
    )
    plan = plan_undo(
        [row], Look({7: evolve(before, status=TaskStatus.DONE, due_date=DUE + timedelta(days=1))})
    )
    assert plan.updates == (TaskUpdate(7, "1", due_date=BEFORE.due_date),)
    assert [each.reason for each in plan.lost] == ["its status was snoozed, which an update cannot set"]


def test_what_was_empty_cannot_be_restored_and_is_named_while_the_rest_is_set_back() -> None:
    before = evolve(BEFORE, due_date=None, priority=None)
    update = TaskUpdate(7, "1", status="DONE", due_date=DUE, priority="HIGH")
    row = JournalRow(update, RowState.UPDATED, before=before, after=AFTER)
    plan = plan_undo([row], Look({7: AFTER}))
    assert plan.updates == (TaskUpdate(7, "1", status="OPEN"),)
    assert plan.lost == tuple(
        LostValue(7, "1", f"its {name} was empty, which an update cannot restore")
        for name in ("due date", "priority")
    )


@pytest.mark.parametrize(
    ("row", "now", "reason"),
    [
        (evolve(ROW, before=None), AFTER, "did not list the tasks first"),
        (ROW, None, "not found: deleted, or not listed by Gong"),
        (ROW, evolve(AFTER, priority="LOW"), "changed since the job"),
    ],
)
def test_each_task_that_is_left_as_it_is_has_its_reason_and_stops_no_other(
    row: JournalRow, now: TaskSnapshot | None, reason: str
) -> None:
    other = evolve(ROW, update=TaskUpdate(8, "2", status="DONE"))
    plan = plan_undo([row, other], Look({8: AFTER} if now is None else {7: now, 8: AFTER}))
    assert plan.updates == (TaskUpdate(8, "2", status="OPEN"),)
    [lost] = plan.lost
    assert (lost.task_id, lost.user_id) == (7, "1")
    assert reason in lost.reason


def test_owners_are_named_once_in_the_rows_order_and_only_the_first_tasks_are_looked_for() -> None:
    rows = [evolve(ROW, update=TaskUpdate(n, str(n % 3), status="DONE")) for n in range(1, 300)]
    assert owners_of(rows) == ["1", "2", "0"]
    assert first_updated(rows) == frozenset(range(1, 201))


def test_only_updated_rows_count() -> None:
    rows = [evolve(ROW, state=state) for state in RowState if state is not RowState.UPDATED]
    plan = plan_undo(rows, Look({7: AFTER}))
    assert (plan.updates, plan.lost, owners_of(rows), first_updated(rows)) == ((), (), [], frozenset())
    assert (owners_of([ROW, ROW]), first_updated([ROW])) == (["1"], frozenset({7}))
