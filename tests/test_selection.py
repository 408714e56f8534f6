from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async.bulk.plan import plan_updates
from gong_tasks_async.bulk.selection import (
    Condition,
    all_of,
    any_of,
    dismiss,
    due_after,
    due_before,
    has_due_date,
    having_status,
    in_flow,
    mark_done,
    move_due_to_next_working_day,
    not_,
    of_account,
    of_type,
    overdue,
    select,
    titled,
    with_contact,
)
from gong_tasks_async.models import (
    Account,
    Contact,
    ContactData,
    Email,
    Flow,
    Task,
    TaskStatus,
    TaskType,
)

BERLIN = ZoneInfo("Europe/Berlin")
PACIFIC = timezone(timedelta(hours=-8))
FRIDAY = datetime(2026, 3, 6, 9, 30, tzinfo=PACIFIC)
NAIVE = FRIDAY.replace(tzinfo=None)

JO = Contact(
    crm_id="003A", data=ContactData(first_name="Jo", last_name="Doe", emails=(Email(email="Jo@acme.com"),))
)
ANN = Contact(crm_id="003a", data=ContactData(first_name="Ann"))
TASK = Task(
    id=7,
    user_id="1",
    status=TaskStatus.OPEN,
    type=TaskType.FLOW,
    due_date=FRIDAY,
    title="Call: Follow up [urgent]",
    account=Account(crm_id="001X", name="Acme"),
    flow=Flow(id=42, name="Renewals"),
    contact=JO,
    additional_contacts=(ANN, Contact()),
)
BARE = Task(id=8, user_id="1")


MOMENTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 - the zones come with the next line
    datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BERLIN, PACIFIC]),
)
CONDITIONS: st.SearchStrategy[Condition] = st.sampled_from(
    [has_due_date, due_before(FRIDAY), due_after(FRIDAY), in_flow(42), having_status("DONE"), titled("*a*")]
)
TASKS = st.builds(
    Task,
    id=st.integers(1, 99),
    user_id=st.just("1"),
    status=st.none() | st.sampled_from(TaskStatus),
    due_date=st.none() | st.timedeltas(timedelta(-2), timedelta(2)).map(lambda by: FRIDAY + by),
    flow=st.none() | st.builds(Flow, id=st.none() | st.integers(41, 43)),
    title=st.none() | st.text("aB", max_size=3),
)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (due_before(FRIDAY), False),
        (due_before(FRIDAY + timedelta(microseconds=1)), True),
        (due_after(FRIDAY), False),
        (due_after((FRIDAY - timedelta(microseconds=1)).astimezone(BERLIN)), True),
        (has_due_date, True),
        (overdue(FRIDAY), False),
        (overdue(FRIDAY + timedelta(days=1)), True),
        (in_flow(42), True),
        (in_flow("42"), True),
        (in_flow("renewals "), True),
        (in_flow(4), False),
        (in_flow("Renewal"), False),
        (of_account("ACME"), True),
        (of_account("001X"), True),
        (of_account("001x"), False),
        (with_contact("003A"), True),
        (with_contact("003a"), True),
        (with_contact("jo@ACME.com"), True),
        (with_contact("jo doe"), True),
        (with_contact("Ann"), True),
        (with_contact("Jo"), False),
        (titled("call:*"), True),
        (titled("*[[]URGENT]"), True),
        (titled("follow up"), False),
        (of_type(TaskType.FLOW), True),
        (of_type("MANUAL"), False),
        (having_status(TaskStatus.DONE, "OPEN"), True),
        (having_status(TaskStatus.DISMISSED), False),
        (having_status("Open", "done"), True),
        (of_type("flow"), True),
        (titled("call:\u00a0*"), True),
    ],
)
def test_conditions(condition: Condition, met: bool) -> None:
    assert condition(TASK) is met
    assert condition(BARE) is False


def test_a_flow_that_is_named_like_a_number_is_not_taken_for_the_flow_of_that_id() -> None:
    task = Task(id=7, flow=Flow(name="42"))
    assert in_flow("42")(task)
    assert not in_flow(42)(task)


def test_sharp_s_is_another_letter_than_two_s() -> None:
    conditions = (in_flow("STRASSE"), in_flow("STRA\u00dfE"), in_flow("stra\u00dfe"))
    task = Task(id=1, flow=Flow(name="Stra\u00dfe"))
    assert [condition(task) for condition in conditions] == [False, True, True]


def test_a_flow_without_an_id_has_none_in_words_either() -> None:
    assert not in_flow("None")(Task(id=7, flow=Flow()))


def test_what_is_done_is_not_overdue() -> None:
    done = Task(id=7, status=TaskStatus.DONE, due_date=FRIDAY)
    assert not overdue(FRIDAY + timedelta(days=1))(done)


def test_a_status_that_gong_added_can_be_asked_for_as_a_member() -> None:
    snoozed = TaskStatus("SNOOZED")
    assert having_status(snoozed)(Task(id=7, status=snoozed))


def test_moments_are_compared_rightly_in_the_hour_that_comes_twice() -> None:
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    assert due_before(second)(Task(id=7, due_date=first))
    assert due_after(first)(Task(id=7, due_date=second))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: due_before(NAIVE), "no time zone"),
        (lambda: due_after(NAIVE), "no time zone"),
        (lambda: overdue(NAIVE), "no time zone"),
        (lambda: due_before(datetime.max.replace(tzinfo=PACIFIC)), "beyond the calendar"),
        (lambda: in_flow(" "), "flow is empty"),
        (lambda: of_account(""), "account is empty"),
        (lambda: with_contact(""), "contact is empty"),
        (lambda: having_status("opened"), "'opened' is not one of OPEN, DONE, DISMISSED"),
        (having_status, "at least one of OPEN"),
        (of_type, "at least one of FLOW"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_task_is_seen(
    make: Callable[[], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@settings(deadline=None)
@given(CONDITIONS, CONDITIONS, TASKS)
def test_de_morgan(one: Condition, other: Condition, task: Task) -> None:
    assert not_(all_of(one, other))(task) == any_of(not_(one), not_(other))(task)
    assert not_(any_of(one, other))(task) == all_of(not_(one), not_(other))(task)
    assert not_(not_(one))(task) == one(task)
    assert all_of(one)(task) == any_of(one)(task) == one(task)


@settings(deadline=None)
@given(CONDITIONS, TASKS)
def test_of_no_conditions_all_are_met_and_none_is(condition: Condition, task: Task) -> None:
    assert all_of()(task)
    assert not any_of()(task)
    assert all_of(condition, all_of())(task) == any_of(condition, any_of())(task) == condition(task)


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_a_task_is_due_before_at_or_after_a_moment(due: datetime, moment: datetime) -> None:
    task = Task(id=7, due_date=due)
    at_the_moment = due.astimezone(UTC) == moment.astimezone(UTC)
    assert [due_before(moment)(task), at_the_moment, due_after(moment)(task)].count(True) == 1


@settings(deadline=None)
@given(st.lists(TASKS), CONDITIONS)
def test_selecting_keeps_the_order_and_takes_what_meets_the_condition(
    tasks: list[Task], where: Condition
) -> None:
    assert list(select(tasks, where, mark_done)) == [mark_done(task) for task in tasks if where(task)]
    both = itertools.chain(select(tasks, where, mark_done), select(tasks, not_(where), mark_done))
    assert sorted(update.task_id for update in both) == sorted(task.id for task in tasks)


def test_selecting_is_lazy() -> None:
    def endless() -> Iterator[Task]:
        yield from (Task(id=count, user_id="1") for count in itertools.count(1))

    updates = select(endless(), lambda task: task.id % 2 == 0, dismiss)
    assert [update.task_id for update in itertools.islice(updates, 3)] == [2, 4, 6]


def test_a_selection_makes_a_plan() -> None:
    late = all_of(in_flow("Renewals"), overdue(FRIDAY + timedelta(days=1)), not_(titled("*later*")))
    plan = plan_updates(select([TASK, BARE], late, move_due_to_next_working_day()), [TASK, BARE])
    assert [update.task_id for update in plan.updates] == [7]
