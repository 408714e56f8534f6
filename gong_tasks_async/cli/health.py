"""The health port of `gong-tasks worker`: 200 while the worker works, 503 while it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

REQUEST_TIMEOUT = 5.0
"""Seconds that a client may take for its request."""

MOST_BYTES = 8_192
"""Of a request; nothing in it is read."""


@asynccontextmanager
async def health_server(
    port: int | None, listen: str, is_healthy: Callable[[], bool]
) -> AsyncGenerator[int | None]:
    """Answer each request on a port; give the port.

    Args:
        port: 0 takes a free one; None opens none.
        listen: the address to listen on.
        is_healthy: asked at each request.

    Raises:
        OSError: the port cannot be opened.
    """
    if port is None:
        yield None
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(healthy=is_healthy()))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, listen, port, limit=MOST_BYTES) as server:
        yield server.sockets[0].getsockname()[1]


def _response(*, healthy: bool) -> bytes:
    status, text = ("200 OK", b"ok\n") if healthy else ("503 Service Unavailable", b"not working\n")
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    return head.encode() + text
