from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web

from gong_tasks_async.simulator import MemoryConnector, VirtualClockLoop, memory_session
from gong_tasks_async.simulator.memory import MemoryTransport, join

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def play(scene: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await scene()

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main())


def app_of(handler: Handler) -> web.Application:
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", handler)
    return app


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), headers={"X-Host": request.host})


@pytest.mark.parametrize(
    "url", ["http://api.gong.io/a", "http://127.0.0.1:9/a", "http://us-12345.api.gong.io/a"]
)
def test_any_host_is_reached(url: str) -> None:
    async def scene() -> tuple[bytes, str]:
        async with memory_session(app_of(echo)) as session, session.post(url, data=b"hello") as response:
            return await response.read(), response.headers["X-Host"]

    body, host = play(scene)
    assert body == b"hello"
    assert f"//{host}/" in url


def test_large_bodies_stream_both_ways() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    async def scene() -> int:
        async with (
            memory_session(app_of(echo)) as session,
            session.post("http://gong.test/", data=pieces()) as response,
        ):
            await asyncio.sleep(1)  # nobody reads: the server has to wait
            return len(await response.read())

    assert play(scene) == 64 * 65_536


def test_a_server_waits_for_a_slow_reader() -> None:
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b"x" * 65_536)
            sent += 65_536
        return response

    async def scene() -> tuple[int, int]:
        async with memory_session(app_of(pour)) as session, session.get("http://gong.test/") as response:
            await asyncio.sleep(60)
            return sent, len(await response.read())

    before_reading, received = play(scene)
    assert before_reading < 2_000_000
    assert received == 200 * 65_536


def test_many_calls_at_once() -> None:
    async def scene() -> list[bytes]:
        async with memory_session(app_of(echo)) as session:

            async def call(number: int) -> bytes:
                async with session.post("http://gong.test/", data=str(number)) as response:
                    return await response.read()

            return await asyncio.gather(*map(call, range(300)))

    assert play(scene) == [str(number).encode() for number in range(300)]


def test_the_application_starts_once_and_is_cleaned_up_with_the_session() -> None:
    events: list[str] = []

    async def life(_: web.Application) -> AsyncIterator[None]:
        events.append("started")
        yield
        events.append("cleaned up")

    async def scene() -> None:
        app = app_of(echo)
        app.cleanup_ctx.append(life)
        async with memory_session(app) as session:
            await asyncio.gather(*(session.get("http://gong.test/") for _ in range(3)))

    play(scene)
    assert events == ["started", "cleaned up"]


def test_a_runner_stays_its_owners() -> None:
    async def scene() -> None:
        runner = web.AppRunner(app_of(echo))
        await runner.setup()
        for _ in range(2):
            session = aiohttp.ClientSession(connector=MemoryConnector(runner))
            async with session, session.get("http://gong.test/") as response:
                assert response.status == 200
        assert runner.server is not None
        await runner.cleanup()

    play(scene)


def test_a_server_that_hangs_up_after_its_idle_time_is_met_again() -> None:
    async def scene() -> list[int]:
        statuses = []
        async with memory_session(app_of(echo)) as session:
            for _ in range(3):
                async with session.get("http://gong.test/") as response:
                    statuses.append(response.status)
                await asyncio.sleep(4000)
        return statuses

    assert play(scene) == [200, 200, 200]


class Recorder(asyncio.Protocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def eof_received(self) -> None:
        self.events.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        assert exc is None
        self.events.append("lost")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


def joined() -> tuple[Recorder, Recorder]:
    client, server = Recorder(), Recorder()
    join(asyncio.get_running_loop(), client, server)
    return client, server


def test_what_was_written_arrives_before_the_end() -> None:
    async def scene() -> None:
        client, server = joined()
        client.transport.writelines([b"ab", b"c"])
        client.transport.write(b"")
        client.transport.close()
        client.transport.write(b"too late")
        client.transport.abort()
        assert client.transport.is_closing()
        assert server.events == []
        await asyncio.sleep(1)
        assert server.events == [b"abc", "eof", "lost"]
        assert client.events == ["lost"]
        assert server.transport.is_closing()

    play(scene)


def test_both_may_hang_up_at_once() -> None:
    async def scene() -> None:
        client, server = joined()
        client.transport.close()
        server.transport.abort()
        await asyncio.sleep(1)
        assert client.events == server.events == ["lost"]

    play(scene)


def test_who_does_not_read_stops_the_writer() -> None:
    async def scene() -> None:
        client, server = joined()
        server.transport.pause_reading()
        assert not server.transport.is_reading()
        client.transport.write(b"x" * 100_000)
        assert client.transport.get_write_buffer_size() == 100_000
        await asyncio.sleep(1)
        assert (client.events, server.events) == (["pause"], [])
        server.transport.resume_reading()
        await asyncio.sleep(1)
        assert client.events == ["pause", "resume"]
        assert server.events == [b"x" * 100_000]
        assert client.transport.get_write_buffer_size() == 0

    play(scene)


def test_a_connection_can_change_its_protocol() -> None:
    async def scene() -> None:
        client, server = joined()
        other = Recorder()
        server.transport.set_protocol(other)
        assert server.transport.get_protocol() is other
        client.transport.write(b"a")
        await asyncio.sleep(1)
        assert (server.events, other.events) == ([], [b"a"])
        assert server.transport.get_extra_info("peername") == ("127.0.0.1", 80)

    play(scene)
