from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gong_tasks_async import codec
from gong_tasks_async.api import endpoints
from gong_tasks_async.api.endpoints import read_tasks, read_updated_task
from gong_tasks_async.errors import DecodeError, UpdateMismatchError
from gong_tasks_async.http.messages import HttpResponse
from gong_tasks_async.models import CrmType, TaskFilter, TaskStatus, TaskUpdate
from tests.json_libraries import LIBRARIES, json_library

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=2))
UPDATE = TaskUpdate(7, "1", "DONE")


@pytest.fixture(autouse=True, scope="module", params=LIBRARIES)
def _both_libraries(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", json_library(request.param)[0])
        yield


FILTER = b'{"filter":{"userId":"1","types":["FLOW","MANUAL"],"taskAction":["CALL"],"status":["OPEN"]}}'
SOLD = timezone(timedelta(seconds=-1_234))
REQUESTS: list[tuple[TaskFilter | TaskUpdate, bytes]] = [
    (TaskFilter("1"), FILTER),
    (TaskFilter("1", "w\xe9", "FLOW"), FILTER.replace(b'"1",', '"1","workspaceId":"wé",'.encode()).replace(b',"MANUAL"', b"")),
    (TaskFilter("1", statuses=["DONE", TaskStatus("X")]), FILTER.replace(b'"OPEN"', b'"DONE","X"')),
    (TaskUpdate(7, "1", "DONE"), b'{"userId":"1","status":"DONE"}'),
    (TaskUpdate(7, "1", TaskStatus("X")), b'{"userId":"1","status":"X"}'),
    (TaskUpdate(7, "1", priority="LOW"), b'{"userId":"1","priority":"LOW"}'),
    (TaskUpdate(7, "1", due_date=datetime(2026, 1, 2, tzinfo=UTC)), b'{"userId":"1","dueDate":"2026-01-02T00:00:00+00:00"}'),
    (TaskUpdate(7, "1", due_date=datetime(2026, 1, 2, 3, 4, 5, 678_900, BERLIN)), b'{"userId":"1","dueDate":"2026-01-02T03:04:05.678900+02:00"}'),
    (TaskUpdate(7, "1", due_date=datetime(1900, 1, 1, tzinfo=SOLD)), b'{"userId":"1","dueDate":"1900-01-01T00:20:34+00:00"}'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "body"), REQUESTS, ids=lambda value: repr(value)[:30])
def test_a_request_is_exactly_this(change: TaskFilter | TaskUpdate, body: bytes) -> None:
    path, method = ("/v2/tasks", "POST") if isinstance(change, TaskFilter) else ("/v2/tasks/7", "PATCH")
    made = endpoints.list_tasks(change) if isinstance(change, TaskFilter) else endpoints.update_task(change)
    bound = None if isinstance(change, TaskFilter) else endpoints.MAX_UPDATE_RESPONSE
    assert (made.method, made.path, made.body, made.max_response_bytes) == (method, path, body, bound)


def test_a_due_date_at_the_edge_of_time_is_refused_at_birth_or_sent() -> None:
    zone = timezone(timedelta(hours=1, seconds=1))
    try:
        update = TaskUpdate(7, "1", due_date=datetime(1, 1, 1, tzinfo=zone))
    except ValueError:
        return
    assert endpoints.update_task(update).body


def refused(read: Any, *arguments: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        list(read(*arguments))
    return caught.value


def ok(body: bytes, *, truncated: bool = False) -> HttpResponse:
    return HttpResponse(200, {}, body, truncated)


def test_a_truncated_answer_says_what_to_do() -> None:
    error = refused(read_tasks, ok(b'{"tasks":[]}', truncated=True))
    assert error.path == "$"
    assert error.expected == "a response within 12 bytes"
    assert "max_response_bytes, or filter for fewer tasks" in error.found


def test_an_update_gives_its_own_task() -> None:
    body = b'{"requestId":"r1","tasks":[{"id":6},null,{"id":"7","status":"DONE"}]}'
    task = read_updated_task(ok(body), UPDATE)
    assert (task.id, task.status) == (7, "DONE")


@pytest.mark.parametrize("status", [b"", b',"status":null', b',"status":"DONE"'])
def test_a_confirmed_update_without_a_status_is_made_as_asked(status: bytes) -> None:
    assert read_updated_task(ok(b'{"tasks":[{"id":7%b}]}' % status), UPDATE).id == 7


NO_TASK = b'{"requestId":"r1","tasks":[]}'


@pytest.mark.parametrize("body", [NO_TASK, b'{"requestId":"r1"}', b'{"requestId":"r1","tasks":null}'])
def test_an_update_confirmed_without_a_task_is_unreadable(body: bytes) -> None:
    error = refused(read_updated_task, ok(body), UPDATE)
    assert (error.path, error.expected, error.found) == ("$.tasks", "task 7", "no task")


MISMATCHES: list[tuple[bytes, str, str]] = [
    (b'{"requestId":"r1","tasks":[{"id":8}]}', "task 7", "tasks: 8"),
    (b'{"requestId":"r1","tasks":[{"id":8},{"id":-7}]}', "task 7", "tasks: 8, -7"),
    (b'{"requestId":"r1","tasks":[{"id":7,"status":"OPEN"}]}', "task 7 with status DONE", "status OPEN"),
]


@pytest.mark.parametrize(("body", "expected", "found"), MISMATCHES, ids=lambda value: str(value)[17:])
def test_another_task_or_another_status_is_not_this_update_s_response(
    body: bytes, expected: str, found: str
) -> None:
    with pytest.raises(UpdateMismatchError) as caught:
        read_updated_task(ok(body), UPDATE)
    error = caught.value
    assert (error.expected, error.found, error.request_id) == (expected, found, "r1")


@pytest.mark.parametrize(
    "response", [ok(NO_TASK), ok(b'{"requestId":"r1","tasks":[', truncated=True)], ids=["none", "cut"]
)
def test_every_unreadable_answer_carries_its_request_id(response: HttpResponse) -> None:
    assert refused(read_updated_task, response, UPDATE).request_id == "r1"


def test_an_update_answered_with_everything_is_shown_shortened() -> None:
    body = json.dumps({"tasks": [{"id": number} for number in range(10_000, 19_999)]}).encode()
    with pytest.raises(UpdateMismatchError) as caught:
        read_updated_task(ok(body), UPDATE)
    assert len(caught.value.found) < 500


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"tasks":7}', b'{"requestId":"r1","tasks":[{}]}'], ids=repr
)
def test_an_empty_or_odd_2xx_is_unreadable(body: bytes) -> None:
    for error in (refused(read_tasks, ok(body)), refused(read_updated_task, ok(body), UPDATE)):
        assert error.request_id == ("r1" if b"r1" in body else None)


def test_a_secret_in_a_response_that_cannot_be_read_is_not_quoted() -> None:
    response = HttpResponse(200, {}, b"SECRET", conceal=lambda text: text.replace("SECRET", "***"))
    error = refused(read_tasks, response)
    assert "SECRET" not in str(error)


@pytest.mark.parametrize("root", [b'"crmType":"HUBSPOT",', b'"crmType" : "HUBSPOT",\n'])
def test_the_crm_of_a_listing_is_read_from_its_root(root: bytes) -> None:
    assert endpoints.read_crm_type(ok(b"{" + root + b'"tasks":[]}')) is CrmType.HUBSPOT
    assert endpoints.read_crm_type(ok(b'{"tasks":[]}')) is None
