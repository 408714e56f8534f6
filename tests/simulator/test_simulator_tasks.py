from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gong_tasks_async.simulator import Fault, Response
from tests.simulator.simulator_calls import a_task, get_users, listing, patch, post, small


def ids(response: Response) -> set[int]:
    return {int(task["id"]) for task in response.json()["tasks"]}


def test_a_listing_holds_the_users_tasks_and_nobody_elses() -> None:
    engine = small(tasks_per_user=50)
    for user_id in engine.user_ids:
        expected = {task_id for task_id, task in engine.tasks.items() if str(task["userId"]) == user_id}
        assert ids(post(engine, listing(user_id))) == expected


@pytest.mark.parametrize(
    ("field", "key", "values"),
    [("types", "type", ["FLOW", "MANUAL"]), ("status", "status", ["OPEN", "DONE", "DISMISSED"])],
)
def test_a_filter_filters(field: str, key: str, values: list[str]) -> None:
    engine = small(tasks_per_user=100)
    user_id = engine.user_ids[0]
    parts = [post(engine, listing(user_id, **{field: [value]})).json()["tasks"] for value in values]
    assert all(task[key] == value for value, part in zip(values, parts, strict=True) for task in part)
    assert sum(map(len, parts)) == 100


def test_workspaces_part_the_tasks() -> None:
    engine = small(tasks_per_user=50)
    user_id = engine.user_ids[0]
    first, second = (ids(post(engine, listing(user_id, workspaceId=w))) for w in engine.workspace_ids)
    assert first
    assert second
    assert first | second == ids(post(engine, listing(user_id)))
    assert not first & second


def test_an_answer_without_tasks_has_three_readings() -> None:
    engine = small()
    assert post(engine, listing("404")).json()["tasks"] == []
    engine.empty_as = "missing"  # type: ignore[assignment]  # converted
    assert set(post(engine, listing("404")).json()) == {"requestId", "crmType"}
    engine.empty_as = "not_found"  # type: ignore[assignment]  # converted
    missing = post(engine, listing("404"))
    assert (missing.status, missing.json()["errors"]) == (404, ["No tasks found for the user"])


def test_a_change_sets_what_it_names_and_nothing_else() -> None:
    engine = small()
    task_id, user_id = a_task(engine)
    before = dict(engine.tasks[task_id])
    change = {
        "userId": user_id,
        "status": "DONE",
        "dueDate": "2027-01-02T03:04:05.678+02:00",
        "priority": "MEDIUM",
    }
    response = patch(engine, task_id, change, now=12.5)
    (task,) = response.json()["tasks"]
    assert response.json()["crmType"] == "SALESFORCE"
    assert task == engine.tasks[task_id]
    assert task.pop("updated") != before.pop("updated")
    changed = {
        "status": "DONE",
        "dueDate": change["dueDate"],
        "priority": {"id": 2, "name": "medium", "weight": 20},
    }
    assert task == before | changed


def test_every_change_is_newer_than_the_one_before_even_at_the_same_moment() -> None:
    engine = small()
    task_id, user_id = a_task(engine)
    moments = [engine.tasks[task_id]["updated"]]
    moments += [patch(engine, task_id, {"userId": user_id}).json()["tasks"][0]["updated"] for _ in range(3)]
    read = [datetime.fromisoformat(moment) for moment in moments]
    assert read == sorted(set(read))


def test_an_unheard_of_priority_is_taken_all_the_same() -> None:
    engine = small()
    task_id, user_id = a_task(engine)
    (task,) = patch(engine, task_id, {"userId": user_id, "priority": "Urgent"}).json()["tasks"]
    assert task["priority"] == {"id": -1, "name": "urgent", "weight": 0}


def test_somebody_elses_task_is_as_unknown_as_none() -> None:
    engine = small()
    task_id, _ = a_task(engine)
    other = engine.user_ids[1]
    assert patch(engine, task_id, {"userId": other, "status": "DONE"}).status == 404
    missing = patch(engine, 5, {"userId": other})
    assert (missing.status, missing.json()["errors"]) == (404, [f"Task 5 was not found for user {other}"])
    assert engine.tasks[task_id]["status"] == "OPEN"


def test_older_answers_have_no_crm_type() -> None:
    engine = small(crm_type=None)
    assert set(post(engine, listing(engine.user_ids[0])).json()) == {"requestId", "tasks"}


def test_users_come_page_by_page() -> None:
    engine = small(users=7, page_size=3)
    pages: list[dict[str, Any]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        pages.append(get_users(engine, cursor=cursor).json())
        cursor = pages[-1]["records"].get("cursor")
    assert [user["id"] for page in pages for user in page["users"]] == engine.user_ids
    assert [page["records"]["currentPageSize"] for page in pages] == [3, 3, 1]
    assert [page["records"]["currentPageNumber"] for page in pages] == [0, 1, 2]
    assert {page["records"]["totalRecords"] for page in pages} == {7}


def test_a_last_page_that_is_full_has_no_cursor() -> None:
    assert "cursor" not in get_users(small(users=3, page_size=3)).json()["records"]


@pytest.mark.parametrize("cursor", ["", "abc", "AAAA", "c3RhcnQ6eA==", "é"])
def test_an_invented_cursor_is_refused(cursor: str) -> None:
    response = get_users(small(), cursor=cursor)
    assert (response.status, response.json()["errors"]) == (400, ["Invalid cursor"])


def test_every_answer_has_a_request_id_and_a_ray_of_its_own() -> None:
    engine = small()
    answers = [get_users(engine) for _ in range(50)]
    assert len({answer.json()["requestId"] for answer in answers}) == 50
    assert len({answer.headers["CF-Ray"] for answer in answers}) == 50


def test_the_same_seed_gives_the_same_company_answers_and_faults() -> None:
    def play(seed: int) -> list[tuple[int, bytes, Fault | None]]:
        engine = small(seed=seed, fault_rates=dict.fromkeys(Fault, 0.05))
        answers = [post(engine, listing(engine.user_ids[n % 2]), now=n) for n in range(60)]
        return [(answer.status, answer.body, answer.fault) for answer in answers]

    assert play(3) == play(3)
    assert play(3) != play(4)


def test_faults_by_chance_come_about_as_often_as_said() -> None:
    engine = small(fault_rates={Fault.RESET_AFTER: 0.1, Fault.BAD_GATEWAY: 0.2})
    faults = [get_users(engine).fault for _ in range(2000)]
    assert 150 < faults.count(Fault.RESET_AFTER) < 250
    assert 330 < faults.count(Fault.BAD_GATEWAY) < 470
    assert set(faults) == {None, Fault.RESET_AFTER, Fault.BAD_GATEWAY}
