from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from gong_tasks_async.simulator import Engine, Fault, Request, Response, SimulatorThread
from tests.simulator.simulator_calls import World, get_users, in_memory, over_sockets, run, small
from tests.simulator.test_simulator_openapi import READABLE, conform

PATH = "/oauth2/generate-customer-token"


def basic(name: str, secret: str) -> str:
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"


CLIENT = basic("simulated-client", "simulated-client-secret")
FORM = "application/x-www-form-urlencoded"
BAD_CREDENTIALS = "Validate credentials failed. Please check your credentials and try again."


def arguments(refresh_token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": refresh_token}


def refresh(engine: Engine, refresh_token: str | None = None, now: float = 0.0) -> Response:
    query = arguments(engine.refresh_token if refresh_token is None else refresh_token)
    headers = {"Authorization": CLIENT, "Host": "gong.test"}
    return engine.answer(Request("POST", PATH, query, headers), now)


def send(
    engine: Engine, query: dict[str, str], form: dict[str, str] | None = None, signed: str = CLIENT
) -> Response:
    headers = {"Authorization": signed, "Content-Type": FORM}
    return engine.answer(Request("POST", PATH, query, headers, urlencode(form or {}).encode()), 0)


def status_with(engine: Engine, token: str, now: float) -> int:
    return engine.answer(Request("GET", "/v2/users", {}, {"Authorization": f"Bearer {token}"}), now).status


def refusal(response: Response) -> tuple[int, str]:
    body = response.json()
    assert body["errors"] == [body["error_description"]]
    return response.status, body["error"]


def test_a_refresh_answers_with_all_that_is_documented() -> None:
    engine = small(token_lifetime=3600.0, scopes=("api:tasks:read", "api:users:read"))
    answer = refresh(engine).json()
    assert answer.pop("access_token") not in ("", engine.access_token)
    assert answer.pop("refresh_token") == engine.refresh_token != "simulated-refresh-token"
    assert len(answer.pop("requestId")) == 19
    assert answer == {
        "token_type": "bearer",
        "expires_in": 3600,
        "scope": "api:tasks:read api:users:read",
        "api_base_url_for_customer": "http://gong.test",
    }


def test_another_address_can_be_named() -> None:
    engine = small(api_base_url="https://us-12345.api.gong.io")
    assert refresh(engine).json()["api_base_url_for_customer"] == "https://us-12345.api.gong.io"


def test_a_refresh_token_is_good_for_one_use() -> None:
    engine = small()
    first = engine.refresh_token
    second = refresh(engine).json()["refresh_token"]
    assert refusal(refresh(engine, first)) == (400, "invalid_grant")
    assert refresh(engine, second).status == 200
    assert refusal(refresh(engine, second)) == (400, "invalid_grant")
    assert refusal(refresh(engine, "never issued")) == (400, "invalid_grant")


def test_the_access_token_lives_as_long_as_said() -> None:
    engine = small(token_lifetime=60.0)
    token = refresh(engine, now=1000.0).json()["access_token"]
    assert status_with(engine, token, 1000.0) == 200
    assert status_with(engine, token, 1059.9) == 200
    response = engine.answer(Request("GET", "/v2/users", {}, {"Authorization": f"Bearer {token}"}), 1060.0)
    assert (response.status, response.json()["errors"]) == (401, [BAD_CREDENTIALS])


def test_an_older_access_token_lives_on_beside_a_newer_one() -> None:
    engine = small(token_lifetime=60.0)
    older = refresh(engine, now=0.0).json()["access_token"]
    newer = refresh(engine, now=30.0).json()["access_token"]
    assert [status_with(engine, token, 59.0) for token in (older, newer)] == [200, 200]
    assert [status_with(engine, token, 61.0) for token in (older, newer)] == [401, 200]


def test_a_token_can_be_had_without_a_refresh() -> None:
    engine = small(token_lifetime=60.0)
    token = engine.issue_token(now=5.0)
    assert (status_with(engine, token, 64.0), status_with(engine, token, 65.0)) == (200, 401)
    assert engine.refresh_token == "simulated-refresh-token"


def test_all_access_tokens_can_be_ended_at_once() -> None:
    engine = small()
    tokens = [engine.access_token, engine.issue_token(0), refresh(engine).json()["access_token"]]
    engine.expire_tokens()
    assert [status_with(engine, token, 0) for token in tokens] == [401] * 3
    assert status_with(engine, "", 0) == 401
    assert status_with(engine, refresh(engine).json()["access_token"], 0) == 200


def test_an_issued_token_lacks_the_scopes_that_were_not_granted() -> None:
    engine = small(scopes=("api:tasks:read",))
    token = refresh(engine).json()["access_token"]
    response = engine.answer(Request("GET", "/v2/users", {}, {"Authorization": f"Bearer {token}"}), 0)
    assert response.status == 401
    assert response.json()["errors"] == ["You don't have permission to use 'api:users:read' in your app."]


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "Bearer simulated-access-token",
        basic("simulated-client", "other"),
        basic("SIMULATEDACCESSKEY", "simulated-access-key-secret"),
    ],
)
def test_another_client_is_refused_and_uses_nothing_up(signed: str) -> None:
    engine = small()
    response = send(engine, arguments(engine.refresh_token), signed=signed)
    assert refusal(response) == (401, "invalid_client")
    assert "WWW-Authenticate" in response.headers
    assert refresh(engine, "simulated-refresh-token").status == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "simulated-refresh-token"}, "invalid_request"),
        (
            {"grant_type": "client_credentials", "refresh_token": "simulated-refresh-token"},
            "unsupported_grant_type",
        ),
    ],
)
def test_incomplete_requests(query: dict[str, str], code: str) -> None:
    assert refusal(send(small(), query)) == (400, code)


@pytest.mark.parametrize(
    ("place", "in_query", "in_form"), [("query", 200, 400), ("form", 400, 200), ("either", 200, 200)]
)
def test_arguments_are_read_where_the_setting_says(place: str, in_query: int, in_form: int) -> None:
    sent = arguments("simulated-refresh-token")
    assert send(small(token_arguments=place), sent).status == in_query
    assert send(small(token_arguments=place), {}, sent).status == in_form


def test_a_body_that_is_no_form_is_not_read_as_one() -> None:
    body = json.dumps(arguments("simulated-refresh-token")).encode()
    headers = {"Authorization": CLIENT, "Content-Type": "application/json"}
    answer = small(token_arguments="either").answer(Request("POST", PATH, {}, headers, body), 0)
    assert refusal(answer) == (400, "invalid_request")


def test_only_post_is_served() -> None:
    answer = small().answer(Request("GET", PATH, arguments("simulated-refresh-token")), 0)
    assert answer.status == 404


def test_token_calls_are_counted_apart_and_not_against_the_limits() -> None:
    engine = Engine(users=1, tasks_per_user=1, per_second=1, per_day=1)
    assert [refresh(engine, now=0.1).status for _ in range(5)] == [200] * 5
    assert get_users(engine, now=0.1).status == 200
    assert (engine.ledger.calls, engine.ledger.token_calls, engine.ledger.most_in_window()) == (1, 5, 1)
    assert refresh(engine, now=0.2).status == 200
    engine.ledger.clear()
    assert (engine.ledger.calls, engine.ledger.token_calls) == (0, 0)


def test_faults_of_the_two_hosts_do_not_mix() -> None:
    engine = Engine(users=1, tasks_per_user=1, per_day=1)
    engine.inject_token_fault(Fault.SERVER_ERROR)
    engine.inject_token_fault(Fault.TOO_MANY, retry_after="7")
    engine.inject_fault(Fault.UNAVAILABLE)
    assert get_users(engine).status == 503
    assert refresh(engine).status == 500
    late = refresh(engine)
    assert (late.status, late.headers["Retry-After"]) == (429, "7")
    assert refresh(engine, "simulated-refresh-token").status == 200
    assert get_users(engine).status == 200  # the token endpoint's faults did not spend the day's one call


def test_chance_faults_of_the_two_hosts_do_not_mix() -> None:
    engine = small(token_fault_rates={Fault.BAD_GATEWAY: 1.0})
    assert (refresh(engine).status, get_users(engine).status) == (502, 200)
    engine.token_fault_rates, engine.fault_rates = {}, {Fault.BAD_GATEWAY: 1.0}
    assert (refresh(engine).status, get_users(engine).status) == (200, 502)


def test_every_answer_is_as_described() -> None:
    for fault in [None, *sorted(READABLE)]:
        for query in (arguments("simulated-refresh-token"), arguments("used"), {}):
            for signed in (CLIENT, "Basic other"):
                engine = small()
                if fault is not None:
                    engine.inject_token_fault(fault)
                request = Request("POST", PATH, query, {"Authorization": signed, "Host": "gong.test"})
                conform(request, engine.answer(request, 0))


both_worlds = pytest.mark.parametrize("world", [over_sockets, in_memory])


async def ask(session: aiohttp.ClientSession, refresh_token: str) -> tuple[int, Any]:
    signed = {"Authorization": CLIENT}
    async with session.post(PATH, params=arguments(refresh_token), headers=signed) as response:
        return response.status, await response.json(content_type=None)


@both_worlds
def test_both_worlds_serve_it(world: World) -> None:
    engine = small()

    async def scene(session: aiohttp.ClientSession) -> None:
        status, answer = await ask(session, engine.refresh_token)
        assert status == 200
        token = {"Authorization": f"Bearer {answer['access_token']}"}
        address = f"{answer['api_base_url_for_customer']}/v2/users"
        async with session.get(address, headers=token) as response:
            assert response.status == 200

    run(world, engine, scene)


@both_worlds
@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TRUNCATED, Fault.GARBLED])
def test_an_answer_lost_after_the_rotation_locks_the_old_token_out(world: World, fault: Fault) -> None:
    engine = small()
    engine.inject_token_fault(fault)

    async def scene(session: aiohttp.ClientSession) -> None:
        with pytest.raises((aiohttp.ClientError, ValueError)):
            await ask(session, "simulated-refresh-token")
        status, answer = await ask(session, "simulated-refresh-token")
        assert (status, answer["error"]) == (400, "invalid_grant")

    run(world, engine, scene)
    assert [entry.fault for entry in engine.ledger.token_entries] == [fault, None]


@both_worlds
def test_a_connection_cut_before_uses_nothing_up(world: World) -> None:
    engine = small()
    engine.inject_token_fault(Fault.RESET_BEFORE)

    async def scene(session: aiohttp.ClientSession) -> int:
        with pytest.raises(aiohttp.ClientError):
            await ask(session, "simulated-refresh-token")
        return (await ask(session, "simulated-refresh-token"))[0]

    assert run(world, engine, scene) == 200


def test_the_thread_tells_what_a_client_needs() -> None:
    engine = small()
    with SimulatorThread(engine) as gong:
        assert gong.token_url == gong.base_url + PATH
        assert (gong.client_id, gong.client_secret) == ("simulated-client", "simulated-client-secret")
        refresh(engine)
        assert gong.refresh_token == engine.refresh_token != "simulated-refresh-token"
