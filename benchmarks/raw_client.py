"""HTTP/1.1 by hand over asyncio's protocols: the least that a Python client of one server can cost.

It does what any correct client has to do with these answers (reads the status, finds the Content-Length, waits for
the whole body, uses the connection again) and nothing else: no timeouts, no redirects, no chunks, no encodings.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
OK = b"HTTP/1.1 200"


class _Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed = 0
        self._begins = 0
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream client is given
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; its answer's body comes later."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect the answer until it is whole."""
        self._received += data
        if not self._needed:
            self._read_head()
        if self._needed and len(self._received) >= self._needed:
            body = bytes(memoryview(self._received)[self._begins : self._needed])
            self._received, self._needed = bytearray(), 0
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that is under way."""
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    def _read_head(self) -> None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._received, 0, end)
        if length is None or not self._received.startswith(OK):
            self._answer.set_exception(ValueError(f"cannot read {bytes(self._received[:end])!r}"))
            return
        self._begins = end + 4
        self._needed = self._begins + int(length[1])


class RawClient:
    """A pool of such connections to one server."""

    def __init__(self, base_url: str, authorization: str) -> None:
        url = urlsplit(base_url)
        self._address = (url.hostname or "", url.port or 80)
        self._headers = (
            f" HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {authorization}\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self._idle: list[_Connection] = []
        self._all: list[_Connection] = []

    async def request(self, method: str, path: str, body: bytes) -> bytes:
        """Send one request, and return the body of its answer."""
        connection = self._idle.pop() if self._idle else await self._connect()
        head = f"{method} {path}{self._headers}{len(body)}\r\n\r\n"
        answer = await connection.ask(head.encode() + body)
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Hang up."""
        for connection in self._all:
            connection.transport.close()

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, *self._address)
        self._all.append(connection)
        return connection
