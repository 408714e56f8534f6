from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import codec
from gong_tasks_async.api import endpoints
from gong_tasks_async.api.endpoints import read_tasks, read_updated_task
from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    InactiveCompanyError,
    MissingScopeError,
    RateLimitError,
    ServerError,
    TaskNotFoundError,
)
from gong_tasks_async.http import responses
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.responses import is_success, read_error
from gong_tasks_async.models import TaskFilter, TaskStatus, TaskUpdate
from tests.json_libraries import LIBRARIES, json_library

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=2))
UPDATE = TaskUpdate(7, "1", "DONE")


@pytest.fixture(autouse=True, scope="module", params=LIBRARIES)
def _both_libraries(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", json_library(request.param)[0])
        yield


def error_of(status: int, body: bytes = b"", **headers: str) -> APIError:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_error(HttpResponse(status, spelled, body), NOW)


def gong(*errors: object) -> bytes:
    return json.dumps({"requestId": "4al018", "errors": errors}).encode()


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


@pytest.mark.parametrize(("wish", "body"), REQUESTS, ids=lambda value: repr(value)[:30])
def test_a_request_is_exactly_this(wish: TaskFilter | TaskUpdate, body: bytes) -> None:
    path, method = ("/v2/tasks", "POST") if isinstance(wish, TaskFilter) else ("/v2/tasks/7", "PATCH")
    made = endpoints.list_tasks(wish) if isinstance(wish, TaskFilter) else endpoints.update_task(wish)
    assert made == HttpRequest(method, path, body)


def test_a_due_date_at_the_edge_of_time_is_refused_at_birth_or_sent() -> None:
    zone = timezone(timedelta(hours=1, seconds=1))
    try:
        update = TaskUpdate(7, "1", due_date=datetime(1, 1, 1, tzinfo=zone))
    except ValueError:
        return
    assert endpoints.update_task(update).body


KINDS: list[tuple[int, type[APIError]]] = [
    (100, APIError), (199, APIError), (301, APIError), (304, APIError), (400, BadRequestError),
    (401, AuthenticationError), (402, APIError), (403, AccessDeniedError), (404, TaskNotFoundError), (409, APIError),
    (429, RateLimitError), (499, APIError), (500, ServerError), (502, ServerError), (524, ServerError), (599, ServerError),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_each_status_has_its_class(status: int, kind: type[APIError]) -> None:
    error = error_of(status, gong("No."))
    assert type(error) is kind
    assert (error.status, error.errors, error.request_id) == (status, ("No.",), "4al018")


@pytest.mark.parametrize("status", range(100, 600, 33))
def test_only_a_2xx_is_a_success(status: int) -> None:
    assert is_success(HttpResponse(status, {}, gong("No."))) == (status // 100 == 2)


BAD = "Validate credentials failed. Please check your credentials and try again."
SCOPE = "You don't have permission to use 'api:tasks:write' in your app."
FACES: list[tuple[str, bytes, type[APIError]]] = [
    ("bad credentials", gong(BAD), AuthenticationError),
    ("missing scope", gong(SCOPE), MissingScopeError),
    ("missing scope, second message", gong("Denied.", SCOPE), MissingScopeError),
    ("inactive", gong("Company is inactive"), InactiveCompanyError),
    ("inactive, other case", gong("COMPANY IS INACTIVE."), InactiveCompanyError),
    ("nothing said", b"", AuthenticationError),
    ("HTML", b"<html><title>401</title></html>", AuthenticationError),
]


@pytest.mark.parametrize(("body", "kind"), [pytest.param(*row, id=name) for name, *row in FACES])
def test_a_401_is_told_apart_by_its_words(body: bytes, kind: type[APIError]) -> None:
    error = error_of(401, body)
    assert type(error) is kind
    assert not isinstance(error, MissingScopeError) or error.scope == "api:tasks:write"


def test_the_words_of_a_401_mean_nothing_on_other_statuses() -> None:
    assert type(error_of(403, gong(SCOPE))) is AccessDeniedError
    assert type(error_of(500, gong("Company is inactive"))) is ServerError


ODD: list[tuple[bytes, tuple[str, ...]]] = [
    (b"", ()), (b" \n ", ()), (b"{}", ("{}",)), (b"[]", ("[]",)), (b'"x"', ('"x"',)), (b"null", ("null",)),
    (b'{"errors":[]}', ()), (b'{"errors":null,"a":1}', ()), (b'{"errors":[1,null]}', ("1", "None")),
    (b'{"errors":[{"code":5}]}', ("{'code': 5}",)), (b"plain\n\nwords", ("plain words",)),
    (b"<html><head><TITLE lang='en'>502\n Bad  Gateway</title>" + b"x" * 500, ("502 Bad Gateway",)),
    (b"<title></title>", ()), (b"\xff\xfe", ("\ufffd\ufffd",)), (b"x" * 9_999, ("x" * 300,)),
    (gong("y" * 9_999), ("y" * 300,)), (b'{"errors":["cut', ('{"errors":["cut',)),
    (b'{"errors":"text"}', ("text",)),
]  # fmt: skip


@pytest.mark.parametrize(("body", "errors"), ODD, ids=lambda value: repr(value)[:25])
def test_any_body_gives_the_messages_that_are_in_it(body: bytes, errors: tuple[str, ...]) -> None:
    assert error_of(502, body).errors == errors


@pytest.mark.parametrize("request_id", [7, None, "", [], {}], ids=repr)
def test_a_request_id_that_is_no_text_is_none(request_id: object) -> None:
    assert error_of(400, json.dumps({"requestId": request_id, "a": 1}).encode()).request_id is None


def test_headers_are_read_in_any_case_and_cookies_are_left_out() -> None:
    error = error_of(429, b"", RETRY_AFTER="7", CF_ray="8f3-FRA", SET_COOKIE="session=1", X_A="b")
    assert (error.retry_after, error.trace_id) == (7.0, "8f3-FRA")
    assert error.headers == {"retry-after": "7", "cf-ray": "8f3-FRA", "x-a": "b"}


@pytest.mark.parametrize("name", responses.TRACE_HEADERS)
def test_each_header_of_tracing_is_known(name: str) -> None:
    assert error_of(500, b"", **{name: "t1"}).trace_id == "t1"


def http_date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


WAITS: list[tuple[str, str, float | None]] = [
    ("seconds", "7", 7.0), ("blanks", "  7 ", 7.0), ("fraction", "0.25", 0.25), ("zero", "0", 0.0), ("hours", "7200", 7200.0),
    ("week", "604800", 604800.0), ("beyond a week", "604801", None), ("huge", "9" * 400, None), ("negative", "-1", None),
    ("nan", "nan", None), ("inf", "inf", None), ("-inf", "-inf", None), ("nothing", "", None), ("words", "soon", None),
    ("list", "7, 8", None), ("hex", "0x7", None), ("date ahead", http_date(90), 90.0), ("date now", http_date(0), 0.0),
    ("date past", http_date(-90), 0.0), ("date far", http_date(10**7), None), ("no date", "Wed, 99 Foo 2026", None),
    ("long number date", "Wed, 21 Oct " + "9" * 30 + " 07:28:00 GMT", None), ("ISO date", "2026-01-01T12:00:10Z", None),
    ("odd zone", "Thu, 01 Jan 2026 12:00:00 +9999", None), ("unknown zone", "Thu, 01 Jan 2026 12:01:00 -0000", 60.0),
    ("other zone", "Thu, 01 Jan 2026 14:01:00 +0200", 60.0),
]  # fmt: skip


@pytest.mark.parametrize(("value", "wait"), [pytest.param(*row, id=name) for name, *row in WAITS])
def test_retry_after_is_seconds_a_date_or_nothing(value: str, wait: float | None) -> None:
    assert error_of(429, gong("Slow."), Retry_After=value).retry_after == wait


def test_no_header_is_no_wait() -> None:
    assert error_of(429).retry_after is None


@pytest.mark.parametrize(
    ("date", "wait"),
    [(http_date(3_600), 90.0), ("nonsense", 3_690.0), ("", 3_690.0)],
    ids=["Date", "bad", "none"],
)
def test_a_date_is_held_against_the_answers_own_clock(date: str, wait: float) -> None:
    assert error_of(503, b"", Retry_After=http_date(3_690), Date=date).retry_after == wait


def refused(read: Any, *arguments: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        list(read(*arguments))
    return caught.value


def ok(body: bytes, *, truncated: bool = False) -> HttpResponse:
    return HttpResponse(200, {}, body, truncated)


def test_a_truncated_answer_says_what_to_do() -> None:
    error = refused(read_tasks, ok(b'{"tasks":[]}', truncated=True))
    assert error.path == "$"
    assert "max_response_bytes=12" in error.expected
    assert "allow more, or filter for fewer tasks" in error.found


def test_an_update_gives_its_own_task_and_the_request_s_id() -> None:
    body = b'{"requestId":"r1","tasks":[{"id":6},null,{"id":"7","status":"DONE"}]}'
    task, request_id = read_updated_task(ok(body), UPDATE)
    assert (task.id, task.status, request_id) == (7, "DONE", "r1")


ANSWERED: list[tuple[bytes, str]] = [
    (b'{"requestId":"r1","tasks":[]}', "tasks: none"),
    (b'{"requestId":"r1"}', "tasks: none"),
    (b'{"requestId":"r1","tasks":[{"id":8}]}', "tasks: 8"),
    (b'{"requestId":"r1","tasks":[{"id":8},{"id":-7}]}', "tasks: 8, -7"),
]


@pytest.mark.parametrize(("body", "found"), ANSWERED, ids=lambda value: str(value)[17:])
def test_an_update_answered_with_no_or_another_task_is_unreadable(body: bytes, found: str) -> None:
    error = refused(read_updated_task, ok(body), UPDATE)
    assert (error.path, error.expected, error.found) == ("$.tasks", "task 7", found)


@pytest.mark.parametrize(
    "response", [ok(ANSWERED[0][0]), ok(b'{"requestId":"r1","tasks":[', truncated=True)], ids=["none", "cut"]
)
def test_every_unreadable_answer_carries_its_request_id(response: HttpResponse) -> None:
    assert refused(read_updated_task, response, UPDATE).request_id == "r1"


def test_an_update_answered_with_everything_is_shown_shortened() -> None:
    body = json.dumps({"tasks": [{"id": number} for number in range(10_000, 19_999)]}).encode()
    assert len(refused(read_updated_task, ok(body), UPDATE).found) < 500


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"tasks":7}', b'{"requestId":"r1","tasks":[{}]}'], ids=repr
)
def test_an_empty_or_odd_2xx_is_unreadable(body: bytes) -> None:
    for error in (refused(read_tasks, ok(body)), refused(read_updated_task, ok(body), UPDATE)):
        assert error.request_id == ("r1" if b"r1" in body else None)


def test_messages_nested_deeply_are_still_one_typed_error() -> None:
    assert error_of(400, b'{"errors":[' + b"[" * 1_020 + b"]" * 1_020 + b"]}").status == 400


def test_a_page_of_unfinished_titles_costs_no_time() -> None:
    started = time.process_time()
    error_of(502, b"<title>" * 10_000)
    assert time.process_time() - started < 0.5


BODIES = st.binary(max_size=60) | st.sampled_from(
    [b"[", b"{", b"<title>", gong(SCOPE), gong([], {}, None, 1.5)]
)
NAMES = st.sampled_from(["Retry-After", "DATE", "cf-ray", "Set-Cookie", "traceparent"]) | st.text(max_size=9)
VALUES = (
    st.text(max_size=12)
    | st.text("MonJan0123456789, :+-GMT", max_size=30)
    | st.sampled_from([http_date(5), "1e3"])
)


@settings(max_examples=500, deadline=None)
@given(st.integers(100, 599), st.dictionaries(NAMES, VALUES, max_size=4), BODIES)
def test_any_refusal_is_an_error_that_travels(status: int, headers: dict[str, str], body: bytes) -> None:
    error = read_error(HttpResponse(status, headers, body), NOW)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
    assert error.retry_after is None or 0 <= error.retry_after <= responses.LONGEST_WAIT
    assert all(name == name.lower() != "set-cookie" for name in error.headers)
