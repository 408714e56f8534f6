from __future__ import annotations

from typing import Any

import pytest

from gong_tasks_async.simulator import Request
from tests.simulator.simulator_calls import (
    AUTHORIZED,
    EVERYTHING,
    HEADERS,
    a_task,
    listing,
    patch,
    post,
    small,
)

BAD_FILTERS: dict[str, tuple[Any, str]] = {
    "no user": ({"filter": EVERYTHING}, "userId is required"),
    "number": (listing(123), "userId must be a non-empty string"),  # type: ignore[arg-type]  # wrong on purpose
    "empty user": (listing(""), "userId must be a non-empty string"),
    "null workspace": (listing("1", workspaceId=None), "workspaceId must be a non-empty string"),
    "no types": (listing("1", types=[]), "types must be a non-empty array of FLOW, MANUAL"),
    "types text": (listing("1", types="FLOW"), "types must be a non-empty array of FLOW, MANUAL"),
    "other type": (listing("1", types=["FLOW", "OTHER"]), "types must be a non-empty array of FLOW, MANUAL"),
    "unhashable": (listing("1", types=[[]]), "types must be a non-empty array of FLOW, MANUAL"),
    "other action": (listing("1", taskAction=["EMAIL"]), "taskAction must be a non-empty array of CALL"),
    "lower case": (
        listing("1", status=["open"]),
        "status must be a non-empty array of OPEN, DONE, DISMISSED",
    ),
    "unknown field": (listing("1", priority="HIGH"), "Unrecognized field 'priority'"),
    "deprecated": (listing("1") | {"userId": "1"}, "Unrecognized field 'userId'"),
    "deprecated too": (listing("1") | {"workspaceId": "1"}, "Unrecognized field 'workspaceId'"),
    "no filter": ({}, "filter must be an object"),
    "filter array": ({"filter": []}, "filter must be an object"),
    "array": ([], "The body must be a JSON object"),
    "null": (None, "The body must be a JSON object"),
}


@pytest.mark.parametrize("case", BAD_FILTERS)
def test_a_malformed_filter_is_refused(case: str) -> None:
    body, message = BAD_FILTERS[case]
    response = post(small(), body)
    assert response.status == 400
    assert response.json()["errors"] == [message]
    assert response.json()["requestId"]


def test_everything_wrong_is_said_at_once() -> None:
    errors = post(small(), {"filter": {"userId": 1, "other": 2}}).json()["errors"]
    assert errors == [
        "types is required",
        "taskAction is required",
        "status is required",
        "userId must be a non-empty string",
        "Unrecognized field 'other'",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "CLOSED"}, "status must be one of OPEN, DONE, DISMISSED"),
        ({"status": None}, "status must be one of OPEN, DONE, DISMISSED"),
        ({"status": []}, "status must be one of OPEN, DONE, DISMISSED"),
        ({"priority": 1}, "priority must be a non-empty string"),
        ({"priority": {"name": "high"}}, "priority must be a non-empty string"),
        ({"title": "new"}, "Unrecognized field 'title'"),
        ({"userId": 12}, "userId must be a non-empty string"),
        *(
            ({"dueDate": text}, "dueDate must be an ISO-8601 date-time with an offset")
            for text in (
                "2026-02-17",
                "2026-02-17T10:30:00",
                "2026-02-30T10:30:00Z",
                "2026-02-17 10:30:00Z",
                "",
                1.5,
            )
        ),
    ],
)
def test_a_malformed_change_is_refused_and_not_applied(change: dict[str, Any], message: str) -> None:
    engine = small()
    task_id, user_id = a_task(engine)
    before = dict(engine.tasks[task_id])
    response = patch(engine, task_id, {"userId": user_id, **change})
    assert (response.status, response.json()["errors"]) == (400, [message])
    assert engine.tasks[task_id] == before


def test_half_a_surrogate_pair_can_be_quoted_back() -> None:
    response = post(small(), {"\ud800": 1, "filter": {}})
    assert (response.status, response.json()["errors"]) == (400, ["Unrecognized field '?'"])


def test_the_owner_is_required() -> None:
    engine = small()
    assert patch(engine, a_task(engine)[0], {"status": "DONE"}).json()["errors"] == ["userId is required"]


@pytest.mark.parametrize("task_id", ["abc", "-1", "0", "1.0", str(2**63), "9" * 5000, "1e3", "٣"])
def test_a_task_id_is_a_positive_int64(task_id: str) -> None:
    response = patch(small(), task_id, {"userId": "1"})
    assert response.status == 400
    assert response.json()["errors"] == [f"taskId is not an int64: {task_id}"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_must_be_declared_as_json(content_type: str | None) -> None:
    headers = AUTHORIZED | ({} if content_type is None else {"Content-Type": content_type})
    response = small().answer(Request("POST", "/v2/tasks", {}, headers, b"{}"), 0)
    assert response.status == 400
    assert response.json()["errors"] == ["Content-Type must be application/json"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    response = small().answer(Request("post", "/v2/tasks", {}, HEADERS, body), 0)
    assert response.status == 400
    assert response.json()["errors"] == ["Failed to parse the JSON body"]
