"""The browser's way back from a sign-in: a server on loopback that waits for one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qs, urlsplit

LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/callback"
LONGEST_REQUEST: Final = 8192
"""Bytes of a request's head; a code and a state are far shorter."""

DONE: Final = "Signed in. You can close this page and go back to the terminal."
FAILED: Final = "The sign-in did not succeed. Go back to the terminal."


class BrowserAnswer:
    """Waits for the code that the browser brings with the right state."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncGenerator[None]:
        """Listen on loopback while the block runs.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=LONGEST_REQUEST)
        async with server:
            yield

    async def code(self, seconds: float) -> str:
        """Wait so long for the code.

        Raises:
            ValueError: the sign-in was refused in the browser.
            TimeoutError: no browser came back in time.
        """
        async with asyncio.timeout(seconds):
            return await self._code

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readuntil(b"\r\n")).decode("latin-1")
            status, text = self.take(line)
            body = f"<!doctype html><meta charset=utf-8><title>gong-tasks</title><p>{text}".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # not a browser's request
        finally:
            writer.close()

    def take(self, line: str) -> tuple[str, str]:
        """Take the first line of a request; the status and text of the response.

        Whatever has not the right state is another page's doing, and ends nothing.
        """
        _, _, target = line.strip().partition(" ")
        try:
            parts = urlsplit(target.partition(" ")[0])
        except ValueError:  # no address at all
            return "404 Not Found", FAILED
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != PATH or not compare_digest(query.get("state", "").encode(), self._state.encode()):
            return "404 Not Found", FAILED
        if not self._code.done():
            self._settle(query)
        return ("200 OK", DONE) if "code" in query else ("400 Bad Request", FAILED)

    def _settle(self, query: dict[str, str]) -> None:
        if code := query.get("code"):
            self._code.set_result(code)
        else:
            reason = query.get("error_description") or query.get("error") or "no reason was given"
            self._code.set_exception(ValueError(f"Gong refused the sign-in: {reason}"))
