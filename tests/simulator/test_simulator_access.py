from __future__ import annotations

import base64

import pytest

from gong_tasks_async.simulator import Account, Engine, Request
from tests.simulator.simulator_calls import a_task, get_users, listing, patch, post, small


def with_authorization(engine: Engine, value: str | None) -> int:
    headers = {} if value is None else {"AUTHORIZATION": value}
    return engine.answer(Request("GET", "/v2/users", {}, headers), 0).status


def test_both_ways_to_sign_are_taken() -> None:
    engine = small(access_key="KEY", access_key_secret="secret", access_token="token")
    basic = base64.b64encode(b"KEY:secret").decode()
    assert with_authorization(engine, f"Basic {basic}") == 200
    assert with_authorization(engine, f"basic  {basic}") == 200
    assert with_authorization(engine, "Bearer token") == 200


@pytest.mark.parametrize(
    "value", [None, "", "token", "Basic token", "Bearer other", "Basic S0VZOm90aGVy", "Bearer"]
)
def test_bad_credentials(value: str | None) -> None:
    engine = small(access_key="KEY", access_key_secret="secret", access_token="token")
    headers = {} if value is None else {"Authorization": value}
    response = engine.answer(Request("GET", "/v2/users", {}, headers), 0)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Gong.io API"'
    assert response.json()["errors"] == [
        "Validate credentials failed. Please check your credentials and try again."
    ]


def test_a_token_can_be_changed_while_running() -> None:
    engine = small()
    engine.access_token = "renewed"
    assert get_users(engine).status == 401
    assert with_authorization(engine, "Bearer renewed") == 200


def test_an_inactive_company() -> None:
    response = get_users(small(account=Account.INACTIVE))
    assert (response.status, response.json()["errors"]) == (401, ["Company is inactive"])


def test_a_missing_scope_is_named() -> None:
    engine = small(scopes=())
    task_id, user_id = a_task(engine)
    for response, scope in (
        (post(engine, listing(user_id)), "api:tasks:read"),
        (patch(engine, task_id, {"userId": user_id}), "api:tasks:write"),
        (get_users(engine), "api:users:read"),
    ):
        assert response.status == 401
        assert response.json()["errors"] == [f"You don't have permission to use '{scope}' in your app."]


def test_a_401_does_not_count_against_the_limits() -> None:
    engine = Engine(users=1, tasks_per_user=1, per_second=1)
    assert [with_authorization(engine, "Bearer other") for _ in range(5)] == [401] * 5
    assert get_users(engine).status == 200
    assert get_users(engine).status == 429


def test_without_engage_both_task_calls_fail_always_and_users_do_not() -> None:
    engine = small(account=Account.WITHOUT_ENGAGE)
    task_id, user_id = a_task(engine)
    for response in (
        post(engine, listing(user_id)),
        patch(engine, task_id, {"userId": user_id}),
        post(engine, None),
    ):
        assert response.status == 500
        assert response.json()["errors"] == ["Internal server error occurred"]
    assert get_users(engine).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/tasks"),
        ("GET", "/v2/tasks/1"),
        ("POST", "/v2/users"),
        ("PATCH", "/v2/tasks/"),
        ("GET", "/"),
    ],
)
def test_an_unknown_route_is_a_json_404(method: str, path: str) -> None:
    response = small().answer(Request(method, path), 0)
    assert response.status == 404
    assert response.json()["errors"] == [f"No such call: {method} {path}"]
    assert response.headers["Content-Type"] == "application/json"
