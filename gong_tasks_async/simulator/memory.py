"""Connections without sockets: an aiohttp client reaches an aiohttp application inside the same event loop.

Under a virtual clock nothing then waits for the kernel, and a day of calls passes in seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

_HIGH_WATER = 64 * 1024
_EXTRA = {"peername": ("127.0.0.1", 80), "sockname": ("127.0.0.1", 80)}

Bytes = bytes | bytearray | memoryview


class MemoryTransport(asyncio.Transport):
    """One end of a connection in memory; `join` makes two."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        super().__init__(_EXTRA)
        self._loop = loop
        self._protocol = protocol
        self._peer = self
        self._inbox: deque[bytes | None] = deque()  # None: the peer has hung up
        self._held = 0  # bytes in the inbox
        self._reading = True
        self._closing = False
        self._lost = False
        self._full = False

    def meet(self, peer: MemoryTransport) -> None:
        """Send to this peer from now on."""
        self._peer = peer
        self._protocol.connection_made(self)

    def write(self, data: Bytes) -> None:
        """Send bytes, unless the connection is closing."""
        if not self._closing and data:
            self._peer.post(bytes(data))
            self._mind_flow()

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not read yet."""
        return self._peer.held

    @property
    def held(self) -> int:
        """Bytes that wait here to be read."""
        return self._held

    def post(self, item: bytes | None) -> None:
        """Take what the peer sends; it is read in a later pass of the loop, as from a socket."""
        self._inbox.append(item)
        self._held += len(item or b"")
        self._loop.call_soon(self._read)

    def pause_reading(self) -> None:
        """Let what arrives wait."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read on."""
        self._reading = True
        self._loop.call_soon(self._read)

    def is_reading(self) -> bool:
        """Whether incoming bytes are read."""
        return self._reading

    def close(self) -> None:
        """Hang up; what was written still arrives."""
        if not self._closing:
            self._closing = True
            self._peer.post(None)
            self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """Hang up at once: in memory there is no unsent data to throw away."""
        self.close()

    def is_closing(self) -> bool:
        """Whether the connection is closing or closed."""
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101 - a stream is all there is here
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that has the connection."""
        return self._protocol

    def _read(self) -> None:
        while self._inbox and self._reading and not self._lost:
            item = self._inbox.popleft()
            if item is None:
                self._end()
            else:
                self._held -= len(item)
                self._protocol.data_received(item)
                self._peer._mind_flow()  # noqa: SLF001 - the same class

    def _end(self) -> None:
        if not self._closing:
            self._protocol.eof_received()
        self._closing = True
        self._lose()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(None)

    def _mind_flow(self) -> None:
        full = self._peer.held > _HIGH_WATER
        if full != self._full and not self._lost:
            self._full = full
            (self._protocol.pause_writing if full else self._protocol.resume_writing)()


def join(loop: asyncio.AbstractEventLoop, client: asyncio.Protocol, server: asyncio.Protocol) -> None:
    """Connect two protocols in memory."""
    near, far = MemoryTransport(loop, client), MemoryTransport(loop, server)
    far.meet(near)
    near.meet(far)


class MemoryConnector(aiohttp.BaseConnector):
    """Reaches one application, whatever the host in the URL.

    An application is started with the first connection and cleaned up with `close`; a runner has to be set up already,
    and stays its owner's.
    """

    def __init__(self, app_or_runner: web.Application | web.BaseRunner, **settings: Any) -> None:
        super().__init__(**settings)
        own = isinstance(app_or_runner, web.Application)
        self._runner = _runner(app_or_runner) if isinstance(app_or_runner, web.Application) else app_or_runner
        self._owned = self._runner if own else None
        self._starting = asyncio.Lock()

    async def _create_connection(
        self,
        req: object,  # noqa: ARG002 - aiohttp's
        traces: object,  # noqa: ARG002 - as above
        timeout: object,  # noqa: ARG002, ASYNC109 - as above
    ) -> ResponseHandler:
        async with self._starting:
            if self._runner.server is None:
                await self._runner.setup()
        assert self._runner.server is not None  # noqa: S101 - it has just been set up
        client = self._factory()
        join(self._loop, client, self._runner.server())
        return client

    def close(self, *, abort_ssl: bool = False) -> Awaitable[None]:
        """Close the connections, and the application if it was started here."""
        closed = super().close(abort_ssl=abort_ssl)
        return closed if self._owned is None else asyncio.ensure_future(_finish(closed, self._owned))


async def _finish(closed: Awaitable[None], runner: web.BaseRunner) -> None:
    await closed
    await runner.cleanup()


def _runner(app: web.Application) -> web.AppRunner:
    return web.AppRunner(app, access_log=None, shutdown_timeout=0.05)


@asynccontextmanager
async def memory_session(app: web.Application, **settings: Any) -> AsyncGenerator[aiohttp.ClientSession]:
    """Open a client session that reaches the application; settings are those of `aiohttp.ClientSession`.

    Args:
        app: the application, such as one of :func:`make_app`.
        settings: keywords of ``aiohttp.ClientSession``.
    """
    async with aiohttp.ClientSession(connector=MemoryConnector(app), **settings) as session:
        yield session
