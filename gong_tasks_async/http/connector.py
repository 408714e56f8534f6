"""No request is sent on a connection on which something arrived unasked: what comes first is taken for its response."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

MAX_DISCARDED: Final = 10
"""Connections that are closed for one request; a server that always speaks first is no HTTP server."""

HAS_POLL: Final = hasattr(select, "poll")
"""False on Windows, where ``select`` takes sockets of any number."""


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
            if _is_fresh(connection):
                return connection
            connection.close()
        raise _speaks_first()


class _UnaskedError(Exception):
    """Something arrived on the connection before the request was sent."""


async def send_on_fresh(
    req: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The same for a request of a borrowed session, whose connector is another: a middleware of aiohttp's.

    Raises:
        aiohttp.ClientConnectionError: the server sends before it is asked, again and again.
    """
    send = req.send

    async def send_if_fresh(conn: Connection) -> aiohttp.ClientResponse:
        if not _is_fresh(conn):
            raise _UnaskedError  # aiohttp then closes the connection
        return await send(conn)

    req.send = send_if_fresh  # type: ignore[method-assign]  # a middleware comes before the connection is known
    for _ in range(MAX_DISCARDED):
        with suppress(_UnaskedError):
            return await handler(req)
    raise _speaks_first()


def fresh_options(session: aiohttp.ClientSession) -> dict[str, Any]:
    """What each request of a borrowed session takes as keywords, so that its connections are looked at."""
    if not isinstance(session.connector, aiohttp.TCPConnector) or isinstance(
        session.connector, FreshConnector
    ):
        return {}
    # A request's middlewares replace those of its session.
    own: tuple[aiohttp.ClientMiddlewareType, ...] = tuple(session._middlewares)  # noqa: SLF001 - it has no other name
    return {"middlewares": (*own, send_on_fresh)}


def _speaks_first() -> aiohttp.ClientConnectionError:
    return aiohttp.ClientConnectionError("the server sends before it is asked")


def _is_fresh(connection: Connection) -> bool:
    """Whether nothing was received on a connection since its last response."""
    protocol = connection.protocol
    return protocol is not None and not protocol.should_close and not _has_unread(connection)


def _has_unread(connection: Connection) -> bool:
    """Whether the socket holds what the event loop has not read yet: bytes, or the end of the connection."""
    transport = connection.transport
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is None:  # in memory, or closed
        return False
    if not HAS_POLL:
        return bool(select.select([socket], [], [], 0)[0])
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))
