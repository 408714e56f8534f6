"""A pool of connections that never hands out one on which something arrived unasked."""

from __future__ import annotations

import select
from typing import Final

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

MAX_DISCARDED: Final = 10
"""Connections that are closed for one request; a server that always speaks first is no HTTP server."""


class FreshConnector(aiohttp.TCPConnector):
    """Closes an idle connection that has received something, or that the server has closed, instead of using it again.

    aiohttp 3.14 takes a second response that arrived on an idle connection for the response to the next request: an
    update then "succeeds" that was never sent. ``connect`` is public; ``protocol.should_close`` is what aiohttp itself asks
    when a connection comes back, and a test fails should it go away.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """Get a connection on which nothing was received since its last response."""
        for _ in range(MAX_DISCARDED):
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close and not _has_unread(connection):
                return connection
            connection.close()
        raise aiohttp.ClientConnectionError("the server sends before it is asked")


def _has_unread(connection: Connection) -> bool:
    """Whether the socket holds what the event loop has not read yet: bytes, or the end of the connection."""
    transport = connection.transport
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is None:  # in memory, or closed
        return False
    if not hasattr(select, "poll"):  # Windows, where select takes sockets of any number
        return bool(select.select([socket], [], [], 0)[0])
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))
