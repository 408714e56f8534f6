from __future__ import annotations

import asyncio
import json
import time
from http.client import HTTPConnection

import aiohttp
import pytest

from gong_tasks_async.simulator import (
    Engine,
    Fault,
    Simulator,
    SimulatorThread,
    VirtualClockLoop,
    make_app,
    memory_session,
)
from tests.simulator.simulator_calls import AUTHORIZED, World, in_memory, listing, over_sockets, run, small

both_worlds = pytest.mark.parametrize("world", [over_sockets, in_memory])


@both_worlds
def test_a_listing_and_a_change(world: World) -> None:
    engine = small()

    async def scene(session: aiohttp.ClientSession) -> None:
        async with session.post("/v2/tasks", json=listing(engine.user_ids[0])) as response:
            assert response.headers["CF-Ray"]
            task = (await response.json())["tasks"][0]
        change = {"userId": str(task["userId"]), "status": "DISMISSED"}
        async with session.patch(f"/v2/tasks/{task['id']}", json=change) as response:
            assert (await response.json())["tasks"][0]["status"] == "DISMISSED"

    run(world, engine, scene)
    assert [entry.status for entry in engine.ledger.entries] == [200, 200]


@both_worlds
def test_users_with_a_cursor(world: World) -> None:
    engine = small(users=3, page_size=2)

    async def scene(session: aiohttp.ClientSession) -> list[str]:
        async with session.get("/v2/users") as response:
            first = await response.json()
        async with session.get("/v2/users", params={"cursor": first["records"]["cursor"]}) as response:
            return [user["id"] for user in first["users"] + (await response.json())["users"]]

    assert run(world, engine, scene) == engine.user_ids


@both_worlds
def test_unknown_routes_and_bad_credentials(world: World) -> None:
    async def scene(session: aiohttp.ClientSession) -> None:
        async with session.get("/nowhere") as response:
            assert (response.status, (await response.json())["errors"]) == (
                404,
                ["No such call: GET /nowhere"],
            )
        async with session.get("/v2/users", headers={"Authorization": "Bearer no"}) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="Gong.io API"'

    run(world, small(), scene)


@both_worlds
def test_connections_are_kept(world: World) -> None:
    opened = []

    async def note(*_: object) -> None:
        opened.append(True)

    async def scene(session: aiohttp.ClientSession) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(note)
        trace.freeze()
        session.trace_configs.append(trace)
        for _ in range(3):
            async with session.get("/v2/users") as response:
                await response.read()

    run(world, small(), scene)
    assert opened == [True]


def test_half_of_the_latency_passes_before_the_engine_and_half_after() -> None:
    engine = small()

    async def play() -> list[tuple[float, float]]:
        loop, trips = asyncio.get_running_loop(), []
        async with memory_session(make_app(engine, latency=(0.2, 0.6)), headers=AUTHORIZED) as session:
            for _ in range(50):
                sent = loop.time()
                async with session.get("http://gong.test/v2/users"):
                    trips.append((engine.ledger.entries[-1].arrived - sent, loop.time() - sent))
        return trips

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        trips = runner.run(play())
    assert all(0.1 <= up <= 0.301 and 0.1 <= whole - up <= 0.301 for up, whole in trips)
    assert len({round(up, 6) for up, _ in trips}) == 50


def test_it_shuts_down_quickly_while_answers_are_under_way() -> None:
    engine = small(slow_seconds=3600)
    engine.inject_fault(Fault.SLOW, times=5)

    async def play() -> float:
        async with aiohttp.ClientSession(headers=AUTHORIZED) as session:
            async with Simulator(engine) as gong:
                waiting = [asyncio.create_task(session.get(f"{gong.base_url}/v2/users")) for _ in range(5)]
                answers = await asyncio.gather(*waiting)
                began = time.monotonic()
            for answer in answers:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
            return time.monotonic() - began

    assert asyncio.run(play()) < 30


@both_worlds
def test_a_client_that_leaves_does_no_harm(world: World) -> None:
    engine = small(slow_seconds=0.2)
    engine.inject_fault(Fault.SLOW)

    async def scene(session: aiohttp.ClientSession) -> int:
        async with session.get("/v2/users") as response:
            response.close()
        await asyncio.sleep(0.25)
        async with session.get("/v2/users") as response:
            return response.status

    assert run(world, engine, scene) == 200


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TRUNCATED, Fault.SLOW, None])
def test_a_client_that_left_before_the_answer_does_no_harm(fault: Fault | None) -> None:
    engine = small()
    if fault is not None:
        engine.inject_fault(fault)

    async def play() -> None:
        async with memory_session(make_app(engine, latency=(1, 1)), headers=AUTHORIZED) as session:
            with pytest.raises(TimeoutError):
                await session.get("http://gong.test/v2/users", timeout=aiohttp.ClientTimeout(total=0.1))
            await asyncio.sleep(10)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(play())
    assert engine.ledger.calls == 1


def test_a_thread_serves_synchronous_callers() -> None:
    with SimulatorThread(small(), latency=(0.001, 0.002)) as gong:
        connection = HTTPConnection(gong.host, gong.port)
        connection.request("GET", "/v2/users", headers={"Authorization": f"Bearer {gong.access_token}"})
        assert len(json.load(connection.getresponse())["users"]) == 2
        connection.close()
    assert gong.ledger.calls == 1
    assert gong.engine.ledger is gong.ledger
    assert (gong.access_key, gong.access_key_secret) == (
        gong.engine.access_key,
        gong.engine.access_key_secret,
    )


def test_a_thread_can_be_started_again_at_the_same_port() -> None:
    gong = SimulatorThread(small())
    with gong:
        before = gong.base_url
    with gong:
        assert gong.base_url == before


def test_a_thread_that_cannot_listen_says_so() -> None:
    with SimulatorThread() as gong, pytest.raises(OSError, match="address"), SimulatorThread(port=gong.port):
        pass


def test_a_default_company_stands_behind_it() -> None:
    assert isinstance(Simulator().engine, Engine)
    assert len(Simulator().engine.tasks) == 300
