"""A server that costs as little as possible, run as a process of its own, so that its CPU is nobody's.

It answers every PATCH with one task, of the id (19 digits) that the path names: a typical one, the median in
size of those that the simulator makes up (1.8 KB), or a full one with every field of Gong's reference (2.5 KB).
It answers every POST with a page of as many full tasks as the `userId` of its filter says.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from subprocess import PIPE, Popen
from sys import argv, executable
from typing import Any

from gong_tasks_async.simulator import Engine, full_task

PROJECT = Path(__file__).parent.parent
TASK_ID = 9067931441193858457
ID_DIGITS = 19
ASKED_FOR = re.compile(rb'"userId"\s*:\s*"(\d+)"')


class Answering(asyncio.Protocol):
    """Answers as soon as a request with a Content-Length has come whole; knows nothing else of HTTP."""

    def __init__(self, kind: str) -> None:
        self._before_id, _, self._after_id = answer(kind).partition(b"%d" % TASK_ID)
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream server is given
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + content_length(head)
            if len(self._buffer) < whole:
                return
            self._transport.write(self._answer(head, self._buffer[end + 4 : whole]))
            self._buffer = self._buffer[whole:]

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST"):
            asked = ASKED_FOR.search(body)
            return page(int(asked[1])) if asked else answer_with([])
        path = head.split(b" ", 2)[1]
        return self._before_id + path[-ID_DIGITS:] + self._after_id


def content_length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.split(b"\r\n", 1)[0] or 0)


def typical_task() -> dict[str, Any]:
    tasks = sorted(Engine(users=3, tasks_per_user=100).tasks.values(), key=lambda task: len(json.dumps(task)))
    return {**tasks[len(tasks) // 2], "id": TASK_ID}


@cache
def task_of(kind: str) -> dict[str, Any]:
    """A task with the status that every benchmark sets; another one would be an answer to another update."""
    return {**(full_task(TASK_ID) if kind == "full" else typical_task()), "status": "DONE"}


def full_tasks(count: int) -> list[dict[str, Any]]:
    """The same full task so often, each time under another id."""
    return [{**task_of("full"), "id": TASK_ID + number} for number in range(count)]


def body_of(tasks: list[dict[str, Any]]) -> bytes:
    return json.dumps({"requestId": "4al018gzaztcr8nbukw", "tasks": tasks}, separators=(",", ":")).encode()


def answer_with(tasks: list[dict[str, Any]]) -> bytes:
    body = body_of(tasks)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answer(kind: str) -> bytes:
    return answer_with([{**task_of(kind), "status": "DONE"}])  # as the updates of all benchmarks ask


@cache
def page(count: int) -> bytes:
    return answer_with(full_tasks(count))


async def serve(kind: str, certificate: str | None = None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(lambda: Answering(kind), "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(kind: str, certificate: Path | None = None) -> Iterator[str]:
    """The base URL of a server in a process of its own; with TLS where a file has a certificate and its key."""
    scheme, given = ("http", []) if certificate is None else ("https", [str(certificate)])
    command = [executable, "-m", "benchmarks.stub_server", kind, *given]
    with Popen(command, stdout=PIPE, text=True, cwd=PROJECT) as process:  # noqa: S603 - this file
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(*argv[1:]))
