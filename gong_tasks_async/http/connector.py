"""A pool of connections that never hands out one on which something arrived unasked."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

MAX_DISCARDED = 10
"""Connections that are closed for one request; a server that always speaks first is no HTTP server."""


class FreshConnector(aiohttp.TCPConnector):
    """Closes an idle connection that has received something, or is no longer sound, instead of using it again.

    aiohttp 3.14 takes a second response that arrived on an idle connection for the response to the next request: an
    update then "succeeds" that was never sent. ``connect`` is public; ``protocol.should_close`` is what aiohttp itself asks
    when a connection comes back, and a test fails should it go away.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's
    ) -> Connection:
        """Get a connection on which nothing was received since its last response."""
        for _ in range(MAX_DISCARDED):
            connection = await super().connect(req, traces, timeout)
            try:
                # What the socket already holds is read in the next pass of the loop, and seen after it.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            except BaseException:
                connection.close()
                raise
            protocol = connection.protocol
            if protocol is not None and protocol.is_connected() and not protocol.should_close:
                return connection
            connection.close()
        raise aiohttp.ClientConnectionError("the server sends before it is asked")
