from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gong_tasks_async.simulator import FOREIGN, Engine, Fault
from tests.simulator.simulator_calls import World, a_task, in_memory, over_sockets, run, small

both_worlds = pytest.mark.parametrize("world", [over_sockets, in_memory])

Met = tuple[int, str, str | None]


def meet(world: World, engine: Engine) -> Met:
    """Mark a task as done, and tell how the answer looks."""
    task_id, user_id = a_task(engine)

    async def scene(session: aiohttp.ClientSession) -> Met:
        change = {"userId": user_id, "status": "DONE"}
        async with session.patch(f"/v2/tasks/{task_id}", json=change) as response:
            await response.read()
            return response.status, response.content_type, response.headers.get("Retry-After")

    return run(world, engine, scene)


def done(engine: Engine) -> bool:
    return bool(engine.tasks[a_task(engine)[0]]["status"] == "DONE")


def troubled(fault: Fault, **settings: object) -> Engine:
    engine = small(slow_seconds=0.05, **settings)
    engine.inject_fault(fault)
    return engine


@both_worlds
@pytest.mark.parametrize(
    ("fault", "error", "applied"),
    [
        (Fault.RESET_BEFORE, aiohttp.ServerDisconnectedError, False),
        (Fault.RESET_AFTER, aiohttp.ServerDisconnectedError, True),
        (Fault.TRUNCATED, aiohttp.ClientPayloadError, True),
    ],
)
def test_connections_that_break(world: World, fault: Fault, error: type[Exception], applied: bool) -> None:
    engine = troubled(fault)
    with pytest.raises(error):
        meet(world, engine)
    assert done(engine) is applied
    assert engine.ledger.entries[0].fault is fault


@both_worlds
@pytest.mark.parametrize(
    ("fault", "status", "content_type", "retry_after"),
    [
        (Fault.SERVER_ERROR, 500, "application/json", None),
        (Fault.BAD_GATEWAY, 502, "text/html", None),
        (Fault.UNAVAILABLE, 503, "text/html", None),
        (Fault.TOO_MANY, 429, "application/json", "1"),
        (Fault.TOO_MANY_HTML, 429, "text/html", None),
        (Fault.FORBIDDEN_HTML, 403, "text/html", None),
        (Fault.CHALLENGE, 403, "text/html", None),
        (Fault.ORIGIN_AWAY, 522, "text/html", None),
        (Fault.PROXY_FORBIDDEN, 403, "text/html", None),
        (Fault.PROXY_LOGIN, 407, "text/html", None),
        (Fault.PORTAL_PAGE, 200, "text/html", None),
        (Fault.NOT_FOUND_HTML, 404, "text/html", None),
        (Fault.NO_CONTENT, 204, "application/octet-stream", None),
    ],
)
def test_answers_in_place_of_the_call(
    world: World, fault: Fault, status: int, content_type: str, retry_after: str | None
) -> None:
    engine = troubled(fault)
    assert meet(world, engine) == (status, content_type, retry_after)
    assert not done(engine)
    assert meet(world, engine)[0] == 200
    assert done(engine)


@both_worlds
def test_a_garbled_answer_is_not_json_though_the_change_was_applied(world: World) -> None:
    engine = troubled(Fault.GARBLED)

    async def scene(session: aiohttp.ClientSession) -> int:
        task_id, user_id = a_task(engine)
        async with session.patch(
            f"/v2/tasks/{task_id}", json={"userId": user_id, "status": "DONE"}
        ) as response:
            with pytest.raises(ValueError, match=r"codec|control|Expecting"):
                await response.json()
            return response.status

    assert run(world, engine, scene) == 200
    assert done(engine)


@both_worlds
def test_a_slow_answer_drips_for_as_long_as_said(world: World) -> None:
    engine = troubled(Fault.SLOW)

    async def scene(session: aiohttp.ClientSession) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with session.get("/v2/users") as response:
            headers_after = loop.time() - began
            assert (await response.json())["users"]
        assert headers_after < (0.04 if world is in_memory else 30)
        return loop.time() - began

    assert 0.0499 <= run(world, engine, scene) < (0.5 if world is in_memory else 60)


@both_worlds
def test_a_slow_answer_runs_into_a_timeout(world: World) -> None:
    engine = troubled(Fault.SLOW)
    engine.slow_seconds = 60

    async def scene(session: aiohttp.ClientSession) -> None:
        async with session.get("/v2/users", timeout=aiohttp.ClientTimeout(total=0.05)) as response:
            await response.read()

    with pytest.raises(TimeoutError):
        run(world, engine, scene)


def test_faults_come_in_the_order_in_which_they_were_asked_for() -> None:
    engine = small()
    engine.inject_fault(Fault.TOO_MANY, times=2, retry_after="120")
    engine.inject_fault(Fault.TOO_MANY, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    assert [meet(in_memory, engine)[2] for _ in range(4)] == [
        "120",
        "120",
        "Wed, 21 Oct 2026 07:28:00 GMT",
        None,
    ]


def test_a_fault_after_the_call_meets_refusals_as_well() -> None:
    engine = troubled(Fault.GARBLED, scopes=())
    assert meet(in_memory, engine)[0] == 401


@both_worlds
def test_a_portal_redirects_to_its_login_page(world: World) -> None:
    engine = troubled(Fault.PORTAL_REDIRECT)

    async def scene(session: aiohttp.ClientSession) -> tuple[int, str]:
        async with session.get("/v2/users", allow_redirects=False) as response:
            return response.status, response.headers["Location"]

    assert run(world, engine, scene) == (302, "https://login.example.com/?next=%2Fv2%2Ftasks")


@both_worlds
def test_a_stale_keeper_sends_its_response_a_second_time(world: World) -> None:
    engine = troubled(Fault.STALE)

    async def scene(session: aiohttp.ClientSession) -> list[str]:
        bodies = []
        for path in ("/v2/users", "/v2/workspaces"):
            async with session.get(path) as response:
                bodies.append(await response.text())
            await asyncio.sleep(0.05)
        return bodies

    first, second = run(world, engine, scene)
    assert first == second  # as aiohttp has it, whose sessions take it for the second response
    assert len(engine.ledger.entries) <= 2


@both_worlds
@pytest.mark.parametrize("fault", sorted(FOREIGN))
def test_nothing_is_applied_while_another_server_answers(world: World, fault: Fault) -> None:
    engine = troubled(fault)

    async def scene(session: aiohttp.ClientSession) -> None:
        task_id, user_id = a_task(engine)
        change = {"userId": user_id, "status": "DONE"}
        async with session.patch(f"/v2/tasks/{task_id}", json=change, allow_redirects=False) as response:
            assert "requestId" not in await response.text()

    run(world, engine, scene)
    assert not done(engine)
