from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gong_tasks_async.simulator import Engine, full_task, openapi_document

ENGINE = Engine(tasks_per_user=300)
TASKS = list(ENGINE.tasks.values())
SHAPES = [r"\d\dZ", r":\d\d\+02:00", r"\.\d{3}\+02:00", r"\.\d{6}\+02:00"]


def test_ids_are_past_what_a_double_holds_and_come_as_numbers_and_as_text() -> None:
    assert all(task_id > 2**53 and int(float(task_id)) != task_id for task_id in ENGINE.tasks)
    assert {type(task["id"]) for task in TASKS} == {int, str}
    assert {type(task["userId"]) for task in TASKS} == {int, str}
    steps = [task["flow"]["step"]["id"] for task in TASKS if "flow" in task]
    assert -1 in steps
    assert "-1" in steps


@pytest.mark.parametrize(("share", "kind"), [(0.0, int), (1.0, str)])
def test_one_spelling_alone_can_be_had(share: float, kind: type) -> None:
    engine = Engine(users=1, tasks_per_user=20, ids_as_text=share)
    assert {type(task["id"]) for task in engine.tasks.values()} == {kind}


def test_most_tasks_are_open_and_all_kinds_occur() -> None:
    statuses = [task["status"] for task in TASKS]
    assert statuses.count("OPEN") > len(TASKS) * 0.8
    assert set(statuses) == {"OPEN", "DONE", "DISMISSED"}
    assert {task["type"] for task in TASKS} == {"FLOW", "MANUAL"}


def test_manual_tasks_have_a_title_and_flow_tasks_a_flow() -> None:
    assert all(
        ("title" in task, "flow" in task) == (task["type"] == "MANUAL", task["type"] == "FLOW")
        for task in TASKS
    )


@pytest.mark.parametrize(
    "field", ["account", "opportunity", "contact", "dueDate", "priority", "additionalContacts"]
)
def test_what_may_be_missing_is_missing_here_and_null_there(field: str) -> None:
    assert any(field not in task for task in TASKS)
    assert any(task.get(field, 0) is None for task in TASKS)
    assert any(task.get(field) for task in TASKS)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_moment_occurs(shape: str) -> None:
    assert any(re.search(f"{shape}$", task["created"]) for task in TASKS)


def test_users_are_text_and_differ() -> None:
    engine = Engine(users=20, tasks_per_user=0)
    assert len(set(engine.user_ids)) == 20
    assert all(user_id.isdecimal() and len(user_id) <= 20 for user_id in engine.user_ids)
    assert len({user["emailAddress"] for user in engine.people}) == 20


def test_a_full_task_lacks_nothing() -> None:
    schemas = openapi_document()["components"]["schemas"]
    task = full_task(9067931441193858457)
    assert task["id"] == 9067931441193858457
    assert json.loads(json.dumps(task)) == task

    def lacks(value: Any, name: str) -> set[str]:
        return set(schemas[name]["properties"]) - {
            key for key, inner in value.items() if inner not in (None, [])
        }

    assert lacks(task, "Task") == set()
    assert lacks(task["account"], "Account") == set()
    assert lacks(task["opportunity"], "Opportunity") == set()
    assert lacks(task["contact"]["data"], "ContactData") <= {"optOutChannels"}
    assert lacks(task["flow"]["step"], "Step") == set()


def test_a_full_task_is_the_same_each_time() -> None:
    assert full_task(7, 8) == full_task(7, 8)
    assert full_task(7, 8)["userId"] == 8
