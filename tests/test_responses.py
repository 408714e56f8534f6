from __future__ import annotations

import json
import pickle
import runpy
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from gong_tasks_async import codec
from gong_tasks_async.codec.json_text import standard_loads
from gong_tasks_async.errors import (
    AccessDeniedError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ForeignResponseError,
    GongError,
    InactiveCompanyError,
    Meaning,
    MissingScopeError,
    ProxyError,
    RateLimitError,
    RedirectError,
    ServerError,
    TaskNotFoundError,
    TransportError,
)
from gong_tasks_async.errors.meaning import Retries
from gong_tasks_async.http import envelope, responses, retry_after
from gong_tasks_async.http.messages import HttpRequest, HttpResponse
from gong_tasks_async.http.responses import judge, means_nothing_found
from tests.json_libraries import LIBRARIES, json_library

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PATCH = HttpRequest("PATCH", "/v2/tasks/7")
TOKEN = HttpRequest("POST", "/token", result_key="access_token", error_key="error", quotable=False)


@pytest.fixture(autouse=True, scope="module", params=LIBRARIES)
def _both_libraries(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", json_library(request.param)[0])
        yield


def judged(status: int, body: bytes = b"", **headers: str) -> GongError | None:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_in(HttpResponse(status, spelled, body), PATCH)


def error_in(response: HttpResponse, request: HttpRequest = PATCH) -> GongError | None:
    """The error that a response stands for, None where it is a result."""
    outcome = judge(response, request, lambda: NOW)
    return None if isinstance(outcome, HttpResponse) else outcome


def error_of(status: int, body: bytes = b"", **headers: str) -> APIError:
    error = judged(status, body, **headers)
    assert isinstance(error, APIError)
    return error


def foreign(status: int, body: bytes = b"", **headers: str) -> ForeignResponseError:
    error = judged(status, body, **headers)
    assert isinstance(error, ForeignResponseError)
    return error


def gong(*errors: object) -> bytes:
    return json.dumps({"requestId": "4al018", "errors": errors}).encode()


KINDS: list[tuple[int, type[APIError]]] = [
    (100, APIError), (199, APIError), (400, BadRequestError), (408, ServerError), (425, ServerError),
    (401, AuthenticationError), (402, APIError), (403, AccessDeniedError), (404, TaskNotFoundError), (409, APIError),
    (429, RateLimitError), (499, APIError), (500, ServerError), (502, ServerError), (524, ServerError), (599, ServerError),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_each_status_has_its_class(status: int, kind: type[APIError]) -> None:
    error = error_of(status, gong("No."))
    assert type(error) is kind
    assert (error.status, error.errors, error.request_id) == (status, ("No.",), "4al018")


BAD = "Validate credentials failed. Please check your credentials and try again."
SCOPE = "You don't have permission to use 'api:tasks:write' in your app."
FACES: list[tuple[str, bytes, type[APIError]]] = [
    ("bad credentials", gong(BAD), AuthenticationError),
    ("missing scope", gong(SCOPE), MissingScopeError),
    ("missing scope, second message", gong("Denied.", SCOPE), MissingScopeError),
    ("inactive", gong("Company is inactive"), InactiveCompanyError),
    ("inactive, other case", gong("COMPANY IS INACTIVE."), InactiveCompanyError),
    ("no message", gong(), AuthenticationError),
]


@pytest.mark.parametrize(("body", "kind"), [pytest.param(*row, id=name) for name, *row in FACES])
def test_a_401_is_distinguished_by_its_messages(body: bytes, kind: type[APIError]) -> None:
    error = error_of(401, body)
    assert type(error) is kind
    assert not isinstance(error, MissingScopeError) or error.scope == "api:tasks:write"


def test_the_words_of_a_401_mean_nothing_on_other_statuses() -> None:
    assert type(error_of(403, gong(SCOPE))) is AccessDeniedError
    assert type(error_of(500, gong("Company is inactive"))) is ServerError


ODD: list[tuple[bytes, tuple[str, ...]]] = [
    (b"", ()), (b" \n ", ()), (b"{}", ("{}",)), (b"[]", ("[]",)), (b'"x"', ('"x"',)), (b"null", ("null",)),
    (b'{"errors":[]}', ()), (b'{"errors":null,"a":1}', ()), (b'{"errors":["a\\u001b[2Jb\\u202ec"]}', ("a [2Jb c",)), (gong(*range(99)), tuple(map(str, range(10)))), (b'{"errors":[1,null]}', ("1", "None")),
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
    assert error_of(400, json.dumps({"requestId": request_id, "errors": ["No."]}).encode()).request_id is None


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
    ("seconds", "7", 7.0), ("blanks", "  7 ", 7.0), ("fraction", "0.25", 0.25), ("with a point", "7.", 7.0), ("underscore", "1_0", None), ("other digits", "\u0667", None), ("zero", "0", 0.0), ("hours", "7200", 7200.0),
    ("day", "86400", 86400.0), ("week", "604800", 86400.0), ("huge", "9" * 400, None), ("negative", "-1", None),
    ("nan", "nan", None), ("inf", "inf", None), ("-inf", "-inf", None), ("nothing", "", None), ("words", "soon", None),
    ("list", "7, 8", None), ("hex", "0x7", None), ("date ahead", http_date(90), 90.0), ("date now", http_date(0), 0.0),
    ("date past", http_date(-90), 0.0), ("date far", http_date(10**7), 86400.0), ("no date", "Wed, 99 Foo 2026", None),
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


def test_messages_nested_deeply_are_still_one_typed_error() -> None:
    assert judged(400, b'{"errors":[' + b"[" * 1_020 + b"]" * 1_020 + b"]}") is not None


def test_a_page_of_unfinished_titles_costs_no_time() -> None:
    started = time.process_time()
    error_of(502, b"<title>" * 10_000)
    assert time.process_time() - started < 20


PAGE = b"<!doctype html><html><head><title>Sign in</title></head></html>"
IN_ENVELOPE: dict[str, bytes] = {
    "errors": gong("No."),
    "a request id alone": b'{"requestId":"r"}',
    "no message": b'{"errors":null}',
    "more than the errors": b'{"requestId":"r","errors":["No."],"fixUrl":"https://x"}',
    "blanks around it": b" \r\n" + gong("No.") + b"\n",
}
OUTSIDE: dict[str, bytes] = {
    "nothing": b"", "blanks": b" \n", "a page": PAGE, "a text": b"upstream connect error", "an empty object": b"{}",
    "a proxy's object": b'{"error":{"code":403},"message":"Forbidden"}', "an array": b'[{"requestId":"r"}]', "null": b"null",
    "a text of JSON": b'"requestId"', "a number as its id": b'{"requestId":7}', "a deeper envelope": b'{"data":{"requestId":"r"}}',
    "cut": gong("No.")[:-1], "two objects": gong() + gong(), "UTF-16": gong("No.").decode().encode("utf-16"),
    "noise": bytes(range(256)), "a long page": PAGE + b"x" * 70_000, "a long object": b'{"a":"' + b"x" * 70_000 + b'"}',
    "a page that names the keys": b'<p>{"requestId": "r", "tasks": []}</p>',
}  # fmt: skip
TASKS: dict[str, bytes] = {
    "a task": b'{"requestId":"r","tasks":[{"id":7}]}', "tasks alone": b'{"tasks":[{"id":7}]}', "no tasks": b'{"requestId":"r","tasks":[]}',
    "null": b'{"requestId":"r","tasks":null}', "a request id alone": b'{"requestId":"r"}', "no errors": b'{"requestId":"r","errors":[]}',
    "errors beside a task": b'{"errors":["Late."],"tasks":[{"id":7}]}', "long": b'{"requestId":"r","tasks":[' + b'{"id":7},' * 9_000 + b'{"id":7}]}',
}  # fmt: skip
STATUSES = (
    *(100, 200, 201, 202, 203, 204, 205, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 399, 600, 999),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 413, 418, 422, 425, 426, 429, 451, 499),
    *(
        500,
        501,
        502,
        503,
        504,
        505,
        507,
        511,
        519,
        520,
        521,
        522,
        523,
        524,
        525,
        526,
        527,
        529,
        530,
        531,
        599,
    ),
)
LATER = {408, 425, 429, 500, 502, 503, 504, *range(520, 531)}


def expected(status: int, *, in_envelope: bool) -> tuple[Meaning, Retries]:
    """The table of the project's rules, written a second time on purpose."""
    if status == 429:
        return Meaning.PAUSE, Retries.POLICY
    if status in LATER:
        return Meaning.LATER, Retries.FEW if status == 500 else Retries.POLICY
    if 300 <= status < 400 or status == 407:
        return Meaning.RUN, Retries.NEVER
    if not in_envelope:
        return Meaning.LATER, Retries.TWICE
    by_status = {401: Meaning.RUN, 403: Meaning.RUN_UNTIL_SUCCESS}
    return (Meaning.LATER if status >= 500 else by_status.get(status, Meaning.ROW)), Retries.NEVER


@pytest.mark.parametrize("status", STATUSES)
def test_only_gong_speaks_for_gong_whatever_the_status(status: int) -> None:
    for in_envelope, bodies in ((True, IN_ENVELOPE), (False, OUTSIDE)):
        for name, body in bodies.items():
            if in_envelope and 200 <= status < 300 and b"No." not in body:
                continue  # a result, see below
            error = judged(status, body)
            assert error is not None, name
            assert (error.meaning, error.retries) == expected(status, in_envelope=in_envelope), name
            assert str(error)


@pytest.mark.parametrize("body", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_in_gong_s_envelope_is_a_result(status: int, body: bytes) -> None:
    assert judged(status, body) is None


@pytest.mark.parametrize("tasks", [b"", b',"tasks":[]', b',"tasks":null'])
def test_a_2xx_with_errors_and_no_result_is_a_refusal(tasks: bytes) -> None:
    error = error_of(200, b'{"requestId":"r","errors":["Backend is away"]%b}' % tasks)
    assert (error.status, error.errors, error.meaning) == (200, ("Backend is away",), Meaning.ROW)


@pytest.mark.parametrize("end", [1, 9, 20])
def test_a_body_that_the_connection_s_end_has_cut_is_lost_and_a_framed_one_is_not_gong_s(end: int) -> None:
    body = TASKS["a task"][:-end]
    lost = error_in(HttpResponse(200, {}, body, framed=False))
    assert isinstance(lost, TransportError)
    assert (lost.reason, lost.retries) == ("the response was cut short", Retries.POLICY)
    assert type(judge(HttpResponse(200, {}, body), PATCH, lambda: NOW)) is ForeignResponseError
    assert type(judge(HttpResponse(200, {}, PAGE, framed=False), PATCH, lambda: NOW)) is ForeignResponseError
    assert error_in(HttpResponse(200, {}, TASKS["a task"], framed=False)) is None


def test_a_long_response_is_looked_at_near_its_ends_and_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def counting(body: bytes) -> Any:
        parsed.append(len(body))
        return json.loads(body)

    monkeypatch.setattr(codec, "loads", counting)
    padding = b'"padding":"' + b"x" * 2**22 + b'"'
    head, tail = b'{"tasks":[],' + padding + b"}", b"{" + padding + b',"tasks":[]}'
    assert judged(200, head) is judged(200, tail) is None
    assert isinstance(judged(200, b"{" + padding + b"}"), ForeignResponseError)
    assert isinstance(judged(200, b" " * 2**22), ForeignResponseError)
    assert parsed == []


@settings(max_examples=100)
@given(st.sampled_from([200, 400, 502]), st.binary(max_size=40), st.integers(0, 2**21), st.booleans())
def test_of_any_body_only_a_bounded_part_is_parsed(
    status: int, word: bytes, length: int, in_braces: bool
) -> None:
    body = (word or b" ") * (length // max(1, len(word)))
    parsed = 0

    def counting(text: bytes) -> Any:
        nonlocal parsed
        parsed += len(text)
        return standard_loads(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "loads", counting)
        judged(status, b"{" + body + b"}" if in_braces else body)
    assert parsed <= 2 * envelope.MAX_PARSED_IN_DOUBT


def test_the_table_in_the_docs_is_what_the_code_says() -> None:
    script = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "answers.py"))
    assert script["PAGE"].read_text(encoding="utf-8") == script["page"]()


RESPONDERS: list[tuple[dict[str, str], str | None]] = [
    ({"cf_mitigated": "challenge"}, "Cloudflare"),
    ({"cf_ray": "8f3-FRA", "server": "cloudflare"}, "Cloudflare"),
    ({"via": "1.1 squid"}, "a proxy (1.1 squid)"),
    ({"server": "nginx"}, "a server that calls itself nginx"),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "responder"), RESPONDERS)
def test_an_error_names_who_most_likely_answered(headers: dict[str, str], responder: str | None) -> None:
    error = foreign(403, PAGE, **headers)
    assert (error.responder, error.title, error.status) == (responder, "Sign in", 403)
    assert (responder or "a proxy, or") in str(error)


def test_a_redirect_names_the_host_of_the_login_page_and_not_its_query() -> None:
    error = judged(302, location="https://user:pw@sso.example.com/login?token=SECRET#x")
    assert isinstance(error, RedirectError)
    assert error.location == "https://sso.example.com/login"
    assert "SECRET" not in str(error)
    assert "pw" not in str(error)
    assert "sso.example.com" in (error.responder or "")


@pytest.mark.parametrize("location", ["", "http://[", "/v2/tasks", "//", "x" * 9_999])
def test_any_location_makes_a_redirect(location: str) -> None:
    error = judged(307, location=location)
    assert isinstance(error, RedirectError)
    assert len(str(error)) < 1_500


def test_a_407_is_the_proxy_s() -> None:
    error = judged(407, b"who are you")
    assert isinstance(error, ProxyError)
    assert error.status == 407


def test_a_status_that_passes_says_whether_gong_answered() -> None:
    assert error_of(503, PAGE).from_gong is error_of(429, PAGE).from_gong is False
    assert error_of(503, gong("Busy.")).from_gong is True
    assert error_of(503, PAGE).errors == ("Sign in",)


def test_the_rest_of_gong_s_envelope_is_kept() -> None:
    more = {"userFacingError": "Ask your admin.", "fixUrl": "https://x/fix", "count": 7, "tasks": []}
    error = error_of(409, json.dumps({"requestId": "r", "errors": ["Conflict"], **more}).encode())
    assert error.errors == ("Conflict", "Ask your admin.")
    assert error.details == {"userFacingError": "Ask your admin.", "fixUrl": "https://x/fix"}


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("No calls found corresponding to the provided filters", True),
        ("No tasks found corresponding to the provided filters.", True),
        ("no tasks were found corresponding to the provided filter", True),
        ("No such call", False),
        ("Task not found", False),
    ],
)
def test_a_404_that_says_that_nothing_was_found_is_recognized(text: str, nothing: bool) -> None:
    assert means_nothing_found(error_of(404, gong(text))) is nothing
    assert not means_nothing_found(error_of(400, gong(text)))


def test_a_token_endpoint_speaks_in_its_own_envelope() -> None:
    refused = error_in(HttpResponse(400, {}, b'{"error":"invalid_grant"}'), TOKEN)
    assert isinstance(refused, BadRequestError)
    assert refused.errors == ("invalid_grant",)
    assert error_in(HttpResponse(200, {}, b'{"access_token":"t"}'), TOKEN) is None
    odd = judge(HttpResponse(200, {}, b"access_token=t"), TOKEN, lambda: NOW)
    assert isinstance(odd, ForeignResponseError)
    assert odd.title == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("prefix", ["", ")]}',\n", "callback("])
def test_records_in_a_2xx_are_not_quoted_in_whatever_encoding(encoding: str, prefix: str) -> None:
    body = f'{prefix}{{"records": [{{"title": "Call Jane Roe"}}]}}'.encode(encoding)
    error = error_in(HttpResponse(200, {}, body))
    assert isinstance(error, ForeignResponseError)
    assert error.title == ""


@pytest.mark.parametrize(
    ("request_", "status", "title"), [(PATCH, 200, "Blocked"), (PATCH, 404, "Blocked"), (TOKEN, 404, "Blocked"), (TOKEN, 200, "")]
)  # fmt: skip
def test_a_page_is_quoted_unless_it_may_hold_what_was_asked_for(
    request_: HttpRequest, status: int, title: str
) -> None:
    error = error_in(HttpResponse(status, {}, b"<html><title>Blocked</title></html>"), request_)
    assert isinstance(error, ForeignResponseError)
    assert error.title == title


def test_a_byte_order_mark_makes_no_response_another_s() -> None:
    assert judged(200, b"\xef\xbb\xbf" + TASKS["a task"]) is None
    assert error_of(403, b"\xef\xbb\xbf" + gong("No.")).from_gong


SECRET = "s3cr3t/key"
TEXTS = st.text(max_size=30) | st.sampled_from(
    [SECRET, "x" * 9_000 + SECRET, f"{SECRET} " * 2_000, "\x1b[31m\u202e"]
)


@settings(max_examples=200)
@given(st.sampled_from([200, 302, 400, 401, 403, 404, 407, 429, 502]), st.lists(TEXTS, max_size=20), TEXTS)
def test_whatever_an_error_quotes_is_short_printable_and_without_secrets(
    status: int, texts: list[str], other: str
) -> None:
    body = json.dumps({"requestId": other, "errors": texts, "userFacingError": other}).encode()
    header = other.encode("ascii", "ignore").decode()
    for sent in (body, other.encode(), f"<title>{other}</title>".encode()):
        response = HttpResponse(
            status,
            {"location": header, "via": header, "x-traceid": header},
            sent,
            conceal=lambda text: text.replace(SECRET, "***"),
        )
        error = error_in(response)
        if error is None:
            continue
        assert len(str(error)) < 6_000
        assert str(error).isprintable()
        assert SECRET not in str(error) + repr(vars(error))


@pytest.mark.parametrize("status", [400, 200])
def test_an_error_page_is_judged_in_a_bounded_number_of_steps(status: int) -> None:
    started = time.process_time()
    for word in (b"<title", b"<title>", b"{", b'{"a":', b"[", b'"requestId":', b"No found ", b" "):
        judged(status, word * (64 * 2**10 // len(word)))
    assert time.process_time() - started < 20  # a quadratic step would take minutes


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
@given(st.integers(300, 599), st.dictionaries(NAMES, VALUES, max_size=4), BODIES)
def test_any_refusal_is_an_error_that_travels(status: int, headers: dict[str, str], body: bytes) -> None:
    error = error_in(HttpResponse(status, headers, body))
    assert error is not None
    duplicate = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(duplicate), str(duplicate), vars(duplicate)) == (type(error), str(error), vars(error))
    asked = getattr(error, "retry_after", None)
    assert asked is None or 0 <= asked <= retry_after.MAX_RETRY_AFTER
    assert all(name == name.lower() != "set-cookie" for name in getattr(error, "headers", ()))
