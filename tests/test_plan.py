from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given, settings, strategies as st

from gong_tasks_async.bulk.merging import NAMED_CONFLICTS, PlanConflictError
from gong_tasks_async.bulk.outcomes import TaskSnapshot
from gong_tasks_async.bulk.plan import LostValue, Plan, SampledTask, is_unchanged, plan_updates
from gong_tasks_async.errors import InvalidValueError
from gong_tasks_async.models import Account, Flow, Priority, Task, TaskStatus, TaskUpdate
from gong_tasks_async.quota import LocalQuota, QuotaEstimate

NOON = datetime(2026, 2, 17, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TWICE = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)  # the clocks go back from 3:00 to 2:00

ZONES = (UTC, BERLIN, timezone(timedelta(hours=-8)))
INSTANTS = st.integers(0, 3).map(
    lambda hours: datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(hours=hours)
)
MOMENTS = st.builds(lambda moment, zone: moment.astimezone(zone), INSTANTS, st.sampled_from(ZONES))
STATUSES = st.sampled_from(TaskStatus)
PRIORITIES = st.sampled_from(["high", "HIGH", "low"])
PARTS = st.fixed_dictionaries(
    {}, optional={"status": STATUSES, "due_date": MOMENTS, "priority": PRIORITIES}
).filter(bool)
UPDATES = st.builds(
    lambda task_id, parts: TaskUpdate(task_id, str(task_id % 3), **parts), st.integers(1, 9), PARTS
)
TASKS = st.builds(
    Task,
    id=st.integers(1, 9),
    status=st.none() | STATUSES,
    due_date=st.none() | MOMENTS,
    priority=st.none() | st.builds(Priority, name=st.none() | PRIORITIES),
)


@st.composite
def consistent_rows(draw: st.DrawFn) -> list[TaskUpdate]:
    """Rows in any order, some of which say the same, now and then in other words."""
    distinct = draw(st.lists(UPDATES, unique_by=lambda update: update.task_id))
    again = draw(st.lists(st.sampled_from(distinct).flatmap(in_other_words))) if distinct else []
    return draw(st.permutations(distinct + again))


def in_other_words(update: TaskUpdate) -> st.SearchStrategy[TaskUpdate]:
    due, priority = update.due_date, update.priority
    return st.builds(
        evolve,
        st.just(update),
        due_date=st.just(due) if due is None else st.sampled_from(ZONES).map(due.astimezone),
        priority=st.sampled_from([priority, priority and priority.upper()]),
    )


def applied(task: Task, update: TaskUpdate) -> Task:
    """The task as Gong would answer with it."""
    return evolve(
        task,
        status=update.status or task.status,
        due_date=update.due_date or task.due_date,
        priority=task.priority if update.priority is None else Priority(name=update.priority.lower()),
    )


def done(task_id: int, user_id: str = "1") -> TaskUpdate:
    return TaskUpdate(task_id, user_id, status=TaskStatus.DONE)


def test_identical_updates_are_merged_into_the_first() -> None:
    in_utc, in_berlin = (TaskUpdate(7, "1", due_date=NOON.astimezone(zone)) for zone in (UTC, BERLIN))
    plan = plan_updates([in_utc, done(8), in_berlin, done(8)])
    assert plan.updates == (in_utc, done(8))
    assert plan.updates[0] is in_utc
    assert (plan.rows, plan.duplicates, plan.calls, plan.users) == (4, 2, 2, 1)


def test_a_row_that_is_given_twice_as_the_same_object_is_a_duplicate() -> None:
    row = done(7)
    assert plan_updates([row, row]).duplicates == 1


@pytest.mark.parametrize(
    "other",
    [
        done(7, "2"),
        TaskUpdate(7, "1", status=TaskStatus.OPEN),
        TaskUpdate(7, "1", status=TaskStatus.DONE, due_date=NOON),
        TaskUpdate(7, "1", priority="high"),
    ],
)
def test_different_updates_of_one_task_are_refused(other: TaskUpdate) -> None:
    with pytest.raises(PlanConflictError) as caught:
        plan_updates([done(7), done(8), other, done(7)])
    assert caught.value.conflicts == {7: (done(7), other)}


def test_the_two_hours_that_a_clock_shows_alike_are_different_wishes() -> None:
    first, second = (TaskUpdate(7, "1", due_date=TWICE.replace(fold=fold)) for fold in (0, 1))
    with pytest.raises(PlanConflictError, match=r"\+02:00 for user 1, or due 2026-10-25T02:30:00\+01:00"):
        plan_updates([first, second])


def test_all_conflicts_are_named_at_once() -> None:
    rows = [
        TaskUpdate(task_id, "8", status=status) for status in ("OPEN", "DONE") for task_id in range(1, 31)
    ]
    with pytest.raises(PlanConflictError) as caught:
        plan_updates(rows)
    text = str(caught.value)
    assert text.startswith("30 tasks with two different updates")
    assert "task 1: status OPEN for user 8, or status DONE for user 8; task 2:" in text
    assert f"task {NAMED_CONFLICTS}:" in text
    assert f"task {NAMED_CONFLICTS + 1}:" not in text
    assert text.endswith("and 10 more")
    assert len(caught.value.conflicts) == 30


def test_a_conflict_is_spelled_out_in_full() -> None:
    both = TaskUpdate(7, "8", due_date=NOON, priority="HIGH")
    with pytest.raises(ValueError, match="1 task with") as caught:
        plan_updates([done(7, "8"), both])
    assert "or due 2026-02-17T12:00:00+00:00, priority HIGH for user 8" in str(caught.value)


def test_a_conflict_survives_pickling_and_copying() -> None:
    error = PlanConflictError({7: (done(7), done(7, "2"))})
    for restored in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert (str(restored), restored.conflicts) == (str(error), error.conflicts)


def test_what_is_as_wanted_is_not_sent() -> None:
    current = [Task(id=7, status=TaskStatus.DONE), Task(id=8, status=TaskStatus.OPEN), Task(id=10)]
    plan = plan_updates([done(9), done(8), done(7), done(7)], current)
    assert plan.updates == (done(9), done(8))
    assert plan.unchanged == (done(7),)
    assert (plan.rows, plan.duplicates) == (4, 1)


def test_of_a_task_that_comes_twice_the_last_one_counts() -> None:
    before, after = Task(id=7, status=TaskStatus.DONE), Task(id=7, status=TaskStatus.OPEN)
    assert plan_updates([done(7)], [before, after]).updates == (done(7),)
    assert plan_updates([done(7)], [after, before]).updates == ()


HIGH = Priority(name="high")
FULL = Task(id=7, status=TaskStatus.OPEN, due_date=NOON, priority=HIGH)


@pytest.mark.parametrize(
    ("task", "update", "expected"),
    [
        (FULL, TaskUpdate(7, "1", TaskStatus.OPEN, NOON.astimezone(BERLIN), "HIGH"), True),
        (FULL, TaskUpdate(8, "1", TaskStatus.OPEN), False),
        (FULL, TaskUpdate(7, "1", TaskStatus.DONE, NOON), False),
        (FULL, TaskUpdate(7, "1", due_date=NOON + timedelta(microseconds=1)), False),
        (FULL, TaskUpdate(7, "1", priority="low"), False),
        (FULL, TaskUpdate(7, "99", priority="high"), True),
        (Task(id=7), TaskUpdate(7, "1", status="OPEN"), False),
        (Task(id=7), TaskUpdate(7, "1", due_date=NOON), False),
        (Task(id=7), TaskUpdate(7, "1", priority="high"), False),
        (Task(id=7, priority=Priority(id=1)), TaskUpdate(7, "1", priority="high"), False),
    ],
)
def test_what_counts_as_wanted(task: Task, update: TaskUpdate, expected: bool) -> None:
    assert is_unchanged(task, update) is expected


@pytest.mark.parametrize("fold", [0, 1])
def test_due_dates_are_compared_as_moments_in_the_hour_that_comes_twice(fold: int) -> None:
    task = Task(id=7, due_date=TWICE.replace(fold=fold).astimezone(UTC))
    for wanted in (0, 1):
        assert is_unchanged(task, TaskUpdate(7, "1", due_date=TWICE.replace(fold=wanted))) is (fold == wanted)


def test_a_due_date_at_the_edge_of_the_calendar_can_be_compared() -> None:
    edge = datetime.max.replace(tzinfo=timezone(timedelta(hours=-8)))
    assert not is_unchanged(Task(id=7, due_date=edge), TaskUpdate(7, "1", due_date=NOON))


def test_a_plan_tells_itself_to_people() -> None:
    rows = [done(task_id, str(task_id % 200)) for task_id in range(1, 8_001)]
    plan = plan_updates([*rows, done(1)], [Task(id=2, status=TaskStatus.DONE)])
    assert str(plan) == "7,999 calls for 200 users (8,001 rows: 1 duplicate, 1 already up to date)"
    assert str(Plan(updates=())) == "nothing to send (0 rows: 0 duplicates, 0 already up to date)"


def test_a_plan_shows_the_first_five_tasks_that_will_change_by_title_or_flow() -> None:
    current = [
        Task(id=1, status=TaskStatus.DONE, title="Done already"),
        Task(id=2, title="Call", flow=Flow(name="Renewals"), account=Account(name="Acme")),
        Task(id=3, flow=Flow(name="Renewals"), priority=Priority(name="high")),
        Task(id=4, flow=Flow(), account=Account()),
        *(Task(id=number) for number in range(6, 12)),
    ]
    plan = plan_updates(map(done, range(1, 12)), current)
    assert [each.update.task_id for each in plan.sample] == [2, 3, 4, 6, 7]
    assert plan.sample[:3] == (
        SampledTask(done(2), "Call", "Acme", TaskSnapshot()),
        SampledTask(done(3), "Renewals", None, TaskSnapshot(priority="high")),
        SampledTask(done(4), None, None, TaskSnapshot()),
    )
    assert plan.looked.keys() == {*range(1, 12)} - {5}
    assert plan_updates([done(1)]).looked == {}


def test_a_plan_of_other_rows_is_another_job_and_in_another_order_it_is_the_same() -> None:
    rows = [done(7), done(8, "2"), TaskUpdate(9, "1", due_date=NOON, priority="high")]
    job = plan_updates(rows).job
    assert (job.rows, len(job.fingerprint)) == (3, 32)
    assert plan_updates(reversed(rows)).job == job
    assert (
        plan_updates(rows, [Task(id=7, status=TaskStatus.DONE)]).job == job
    )  # that row counts, though it is not sent
    others = [
        rows[:2],
        [*rows, done(10)],
        [done(7, "2"), *rows[1:]],
        [TaskUpdate(7, "1", status=TaskStatus.OPEN), *rows[1:]],
        [*rows[:2], TaskUpdate(9, "1", due_date=NOON + timedelta(seconds=1), priority="high")],
        [*rows[:2], TaskUpdate(9, "1", due_date=NOON, priority="low")],
    ]
    assert job not in [plan_updates(other).job for other in others]


def test_values_that_an_undo_loses_are_counted_in_the_plan() -> None:
    plan = Plan(updates=(done(7),), lost=(LostValue(8, "1", "changed since the job"),))
    assert str(plan).splitlines()[1] == "1 value that cannot be restored"
    assert len(str(Plan(updates=(done(7),))).splitlines()) == 1


def test_a_plan_of_any_size_is_short_to_look_at_takes_its_parts_by_name_and_can_be_a_key() -> None:
    task = Task(id=7, title="Call")
    plan = evolve(plan_updates([done(7)], [task]), users_by_id={"1": "Ann"})
    assert repr(plan) == (
        "Plan(updates=<1>, unchanged=<0>, duplicates=0, estimate=None, lost=<0>, source=None)"
    )
    assert {plan: 1}[evolve(plan)] == 1
    with pytest.raises(TypeError):
        Plan((done(7),))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (59, "59 s"), (90, "1 min 30 s"), (5_400, "1 h 30 min"), (216_000, "2 d 12 h")],
)
def test_a_plan_with_an_estimate_says_how_long_and_until_when(seconds: float, words: str) -> None:
    plan = plan_updates([done(7)]).with_estimate(QuotaEstimate(1, seconds, NOON))
    assert str(plan).splitlines()[1] == f"{words} at the current quota, to end on 2026-02-17 at 12:00 UTC"


async def test_the_quota_estimates_a_plan() -> None:
    plan = plan_updates(done(task_id) for task_id in range(1, 20_001))
    planned = plan.with_estimate(await LocalQuota().estimate(plan.calls))
    assert planned.estimate is not None
    assert planned.estimate.ends_at > datetime.now(UTC) + timedelta(days=2)
    assert f"to end on {planned.estimate.ends_at.date()}" in str(planned)
    assert plan.estimate is None


@settings(deadline=None)
@given(consistent_rows(), st.lists(TASKS))
def test_every_row_is_sent_merged_or_dropped(rows: list[TaskUpdate], current: list[Task]) -> None:
    plan = plan_updates(rows, current)
    kept = [*plan.updates, *plan.unchanged]
    assert plan.rows == len(rows)
    assert plan.duplicates == len(rows) - len({row.task_id for row in rows})
    assert sorted(update.task_id for update in kept) == sorted({row.task_id for row in rows})


@settings(deadline=None)
@given(consistent_rows(), st.lists(TASKS))
def test_the_order_of_first_appearance_is_kept(rows: list[TaskUpdate], current: list[Task]) -> None:
    order = list(dict.fromkeys(row.task_id for row in rows))
    plan = plan_updates(rows, current)
    for part in (plan.updates, plan.unchanged):
        places = [order.index(update.task_id) for update in part]
        assert places == sorted(places)
        assert all(update is rows[[row.task_id for row in rows].index(update.task_id)] for update in part)


@settings(deadline=None)
@given(consistent_rows(), st.lists(TASKS))
def test_planning_is_idempotent(rows: list[TaskUpdate], current: list[Task]) -> None:
    plan = plan_updates(rows, current)
    assert plan_updates(plan.updates, current) == evolve(plan, unchanged=(), duplicates=0)
    assert plan_updates(plan.updates).updates == plan.updates


@settings(deadline=None)
@given(consistent_rows(), st.lists(TASKS, unique_by=lambda task: task.id))
def test_once_the_plan_is_carried_out_all_is_as_wanted(rows: list[TaskUpdate], current: list[Task]) -> None:
    plan = plan_updates(rows, current)
    known = {row.task_id: Task(id=row.task_id) for row in rows} | {task.id: task for task in current}
    after = known | {update.task_id: applied(known[update.task_id], update) for update in plan.updates}
    assert all(is_unchanged(after[row.task_id], row) for row in rows)
    assert plan_updates(rows, after.values()).updates == ()


@settings(deadline=None)
@given(st.lists(UPDATES))
def test_exactly_the_tasks_of_which_two_things_are_wanted_are_refused(rows: list[TaskUpdate]) -> None:
    meanings: dict[int, set[object]] = {}
    for row in rows:
        moment = row.due_date and row.due_date.timestamp()
        meanings.setdefault(row.task_id, set()).add(
            (row.status, moment, row.priority and row.priority.lower())
        )
    contradictory = {task_id for task_id, several in meanings.items() if len(several) > 1}
    try:
        refused = set[int]()
        plan_updates(rows)
    except PlanConflictError as error:
        refused = set(error.conflicts)
    assert refused == contradictory


@pytest.mark.parametrize("rows", ["rows.csv", {"1": "DONE"}, [1], [("1", "2", "DONE")], [None]])
def test_what_is_no_update_is_refused_in_words(rows: Any) -> None:
    with pytest.raises(InvalidValueError, match="it must be a TaskUpdate, not"):
        plan_updates(rows)
