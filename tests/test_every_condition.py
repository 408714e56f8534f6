"""Every condition of a selection leaves out tasks that differ from the wanted one in nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from gong_tasks_async.bulk import selection
from gong_tasks_async.bulk.selection import (
    Condition,
    all_of,
    any_of,
    due_after,
    due_before,
    has_due_date,
    having_status,
    in_flow,
    mark_done,
    not_,
    of_account,
    of_type,
    overdue,
    select,
    titled,
    with_contact,
    with_priority,
)
from gong_tasks_async.models import (
    Account,
    Contact,
    ContactData,
    Email,
    Flow,
    Priority,
    Task,
    TaskStatus,
    TaskType,
)

PACIFIC = timezone(timedelta(hours=-8))
DUE = datetime(2026, 3, 6, 9, 30, tzinfo=PACIFIC)
DAY = timedelta(days=1)
JO = Contact(
    crm_id="003", data=ContactData(first_name="Jo", last_name="Doe", emails=(Email(email="jo@acme.com"),))
)
TASK = Task(
    id=7,
    user_id="1",
    status=TaskStatus.OPEN,
    type=TaskType.FLOW,
    due_date=DUE,
    title="Call: Follow up",
    account=Account(crm_id="001", name="Acme"),
    flow=Flow(id=42, name="Renewals"),
    contact=JO,
    priority=Priority(id=1, name="HIGH", weight=3),
)
SELECTIONS: dict[str, tuple[Condition, list[dict[str, Any]]]] = {
    "due_before": (due_before(DUE + DAY), [{"due_date": DUE + DAY}, {"due_date": None}]),
    "due_after": (due_after(DUE - DAY), [{"due_date": DUE - DAY}, {"due_date": None}]),
    "has_due_date": (has_due_date, [{"due_date": None}]),
    "overdue": (
        overdue(DUE + DAY),
        [{"status": TaskStatus.DONE}, {"due_date": DUE + DAY}, {"due_date": None}],
    ),
    "having_status": (having_status("OPEN", "DONE"), [{"status": TaskStatus.DISMISSED}, {"status": None}]),
    "of_type": (of_type("FLOW"), [{"type": TaskType.MANUAL}, {"type": None}]),
    "in_flow": (in_flow(42), [{"flow": Flow(id=43, name="Renewals")}, {"flow": Flow()}, {"flow": None}]),
    "of_account": (
        of_account("acme"),
        [{"account": Account(crm_id="001", name="Umbrella")}, {"account": None}],
    ),
    "with_contact": (with_contact("jo@acme.com"), [{"contact": Contact(crm_id="003")}, {"contact": None}]),
    "with_priority": (with_priority("high"), [{"priority": Priority(id=1, name="LOW")}, {"priority": None}]),
    "titled": (titled("*follow up"), [{"title": "Follow up later"}, {"title": None}]),
    "all_of": (all_of(in_flow(42), of_type("FLOW")), [{"flow": None}, {"type": None}]),
    "any_of": (any_of(in_flow("Renewals"), in_flow(43)), [{"flow": Flow(id=44, name="Renewal")}]),
    "not_": (not_(in_flow(43)), [{"flow": Flow(id=43)}]),
}
"""By the name of each condition: one that the task meets, and values with which it does not."""


def test_every_condition_is_tried_here() -> None:
    changes = {"dismiss", "due_on", "mark_done", "move_due_by", "move_due_to_next_working_day", "reopen"}
    others = {"Change", "Condition", "next_working_day", "select"}
    assert {*selection.__all__} - changes - others == SELECTIONS.keys()


@pytest.mark.parametrize("name", SELECTIONS)
def test_each_condition_alone_leaves_out_what_differs_there(name: str) -> None:
    condition, differences = SELECTIONS[name]
    others = [evolve(TASK, id=8 + place, **different) for place, different in enumerate(differences)]
    assert list(select([TASK, *others], condition, mark_done)) == [mark_done(TASK)]


def test_all_conditions_together_leave_the_wanted_task_alone() -> None:
    everything = all_of(*(condition for condition, _ in SELECTIONS.values()))
    differences = [different for _, each in SELECTIONS.values() for different in each]
    others = [evolve(TASK, id=8 + place, **different) for place, different in enumerate(differences)]
    assert list(select([*others, TASK], everything, mark_done)) == [mark_done(TASK)]


@pytest.mark.parametrize("days", [0, 1, 300])
def test_after_a_day_is_from_the_next_midnight_of_its_zone_on(days: int) -> None:
    midnight = datetime(2026, 3, 7, tzinfo=PACIFIC)
    after = due_after(date(2026, 3, 6), zone=PACIFIC)
    assert after(evolve(TASK, due_date=(midnight + days * DAY).astimezone(UTC)))
    assert not after(evolve(TASK, due_date=midnight - timedelta(microseconds=1) - days * DAY))
    assert not after(evolve(TASK, due_date=None))


@pytest.mark.parametrize("days", [0, 1, 300])
def test_before_a_day_is_until_the_midnight_that_begins_it_in_its_zone(days: int) -> None:
    midnight = datetime(2026, 3, 6, tzinfo=PACIFIC)
    before = due_before(date(2026, 3, 6), zone=PACIFIC)
    assert not before(evolve(TASK, due_date=(midnight + days * DAY).astimezone(UTC)))
    assert before(evolve(TASK, due_date=midnight - timedelta(microseconds=1) - days * DAY))
    assert not before(evolve(TASK, due_date=None))
