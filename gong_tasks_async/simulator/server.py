"""The engine behind aiohttp: on a socket, in a thread, or as a bare application. No decisions are made here."""

from __future__ import annotations

import asyncio
import threading
from random import Random
from typing import Any, Self

import attrs
from aiohttp import web

from gong_tasks_async.simulator import oauth
from gong_tasks_async.simulator.engine import Engine
from gong_tasks_async.simulator.faults import Fault
from gong_tasks_async.simulator.ledger import Ledger
from gong_tasks_async.simulator.wire import Request, Response

Latency = tuple[float, float]

_STALE_AFTER = 0.01
"""Seconds after a response in which it is sent again, unasked."""
_DRIPS = 10


def make_app(engine: Engine, latency: Latency = (0.0, 0.0), seed: int = 0) -> web.Application:
    """Make an application that answers everything through the engine.

    `latency` is the least and the most seconds of a round trip: one half of it passes before the engine sees
    the request, the other half after.

    Args:
        engine: the company that answers.
        latency: seconds from a request to its response, drawn between these two.
        seed: of the latencies.
    """
    journey = Random(seed)  # noqa: S311 - made-up delays, no cryptography

    async def handle(request: web.Request) -> web.StreamResponse:
        question = await _read(request)
        await _travel(journey, latency)
        answer = engine.answer(question, asyncio.get_running_loop().time())
        await _travel(journey, latency)
        return await _deliver(request, answer, engine.slow_seconds)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def _read(request: web.Request) -> Request:
    return Request(
        request.method, request.path, dict(request.query), dict(request.headers), await request.read()
    )


async def _travel(journey: Random, latency: Latency) -> None:
    least, most = latency
    if most > 0:
        await asyncio.sleep(journey.uniform(least / 2, most / 2))


async def _deliver(request: web.Request, answer: Response, slow_seconds: float) -> web.StreamResponse:
    match answer.fault:
        case Fault.RESET_BEFORE | Fault.RESET_AFTER:
            _transport(request).abort()
            return web.Response()
        case Fault.TRUNCATED:
            response = await _begin(request, answer)
            await response.write(answer.body[: len(answer.body) // 2])
            _transport(request).close()
            return response
        case Fault.STALE:
            response = await _begin(request, answer)
            await response.write(answer.body)
            await response.write_eof()
            # Later, when the client has given the connection back to its pool.
            asyncio.get_running_loop().call_later(_STALE_AFTER, _transport(request).write, _raw(answer))
            return response
        case Fault.SLOW:
            return await _drip(request, answer, slow_seconds)
        case _:
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def _raw(answer: Response) -> bytes:
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(answer.body)}\r\n\r\n"
    return head.encode() + answer.body


async def _begin(request: web.Request, answer: Response) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    return response


async def _drip(request: web.Request, answer: Response, seconds: float) -> web.StreamResponse:
    response = await _begin(request, answer)
    size = -(-len(answer.body) // _DRIPS)
    for start in range(0, len(answer.body), size):
        await asyncio.sleep(seconds / _DRIPS)
        await response.write(answer.body[start : start + size])
    return response


def _transport(request: web.Request) -> asyncio.Transport:
    if request.transport is None:
        raise ConnectionResetError("The client has left")
    return request.transport


@attrs.define(eq=False)
class _Gong:
    """What a simulator shows of itself, however it is served."""

    engine: Engine = attrs.field(factory=Engine)
    latency: Latency = attrs.field(default=(0.0, 0.0), kw_only=True)
    port: int = attrs.field(default=0, kw_only=True)
    host: str = attrs.field(default="127.0.0.1", kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)

    @property
    def base_url(self) -> str:
        """Where it listens; the port is known once it does."""
        return f"http://{self.host}:{self.port}"

    @property
    def access_key(self) -> str:
        """The access key that it takes."""
        return self.engine.access_key

    @property
    def access_key_secret(self) -> str:
        """The secret of that key."""
        return self.engine.access_key_secret

    @property
    def access_token(self) -> str:
        """The bearer token that it takes."""
        return self.engine.access_token

    @property
    def token_url(self) -> str:
        """Its OAuth token endpoint."""
        return self.base_url + oauth.PATH

    @property
    def client_id(self) -> str:
        """The OAuth client that it knows."""
        return self.engine.client_id

    @property
    def client_secret(self) -> str:
        """The secret of that client."""
        return self.engine.client_secret

    @property
    def refresh_token(self) -> str:
        """The refresh token that it takes next."""
        return self.engine.refresh_token

    @property
    def ledger(self) -> Ledger:
        """What has arrived."""
        return self.engine.ledger


@attrs.define(eq=False)
class Simulator(_Gong):
    """A fake Gong on a socket of the running loop: `async with Simulator(engine) as gong: ...`.

    Attributes:
        engine: the company that answers.
        latency: seconds from a request to its response, drawn between these two.
        port: the port; 0 for any that is free, and then the one that was found.
        host: the address to listen on.
        seed: of the latencies.
    """

    _runner: web.AppRunner = attrs.field(init=False)

    async def __aenter__(self) -> Self:
        app = make_app(self.engine, self.latency, self.seed)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()


@attrs.define(eq=False)
class SimulatorThread(_Gong):
    """A fake Gong in a thread with an event loop of its own, for tests that are not asynchronous.

    Attributes:
        engine: the company that answers.
        latency: seconds from a request to its response, drawn between these two.
        port: the port; 0 for any that is free, and then the one that was found.
        host: the address to listen on.
        seed: of the latencies.
    """

    _thread: threading.Thread = attrs.field(init=False)
    _loop: asyncio.AbstractEventLoop = attrs.field(init=False)
    _stop: asyncio.Event = attrs.field(init=False)
    _started: threading.Event = attrs.field(init=False, factory=threading.Event)
    _error: BaseException | None = attrs.field(init=False, default=None)

    def __enter__(self) -> Self:
        self._started.clear()
        self._thread = threading.Thread(target=self._run, name="gong-simulator", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        settings: dict[str, Any] = {
            "latency": self.latency,
            "port": self.port,
            "host": self.host,
            "seed": self.seed,
        }
        async with Simulator(self.engine, **settings) as gong:
            self.port: int = gong.port
            self._started.set()
            await self._stop.wait()
