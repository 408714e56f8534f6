"""A server that costs as little as possible, run as a process of its own.

It answers every PATCH with one task, of the id (19 digits) that the path names: a typical one, the median in
size of those that the simulator makes up (1.8 KB), or a full one with every field of Gong's reference (2.5 KB).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from sys import argv, executable

from gong_tasks_async.simulator import Engine, full_task

TASK_ID = 9067931441193858457
ID_DIGITS = 19


class Answering(asyncio.Protocol):
    """Answers as soon as a request with a Content-Length has come whole; knows nothing else of HTTP."""

    def __init__(self, before_id: bytes, after_id: bytes) -> None:
        self._before_id = before_id
        self._after_id = after_id
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream server is given
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = (
                int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                if b"content-length:" in head
                else 0
            )
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            path = head.split(b" ", 2)[1]
            self._transport.write(self._before_id + path[-ID_DIGITS:] + self._after_id)


def typical_task() -> object:
    tasks = sorted(Engine(users=3, tasks_per_user=100).tasks.values(), key=lambda task: len(json.dumps(task)))
    return {**tasks[len(tasks) // 2], "id": TASK_ID}


def answer(kind: str) -> bytes:
    task = full_task(TASK_ID) if kind == "full" else typical_task()
    body = json.dumps({"requestId": "4al018gzaztcr8nbukw", "tasks": [task]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(kind: str) -> None:
    before_id, _, after_id = answer(kind).partition(b"%d" % TASK_ID)
    server = await asyncio.get_running_loop().create_server(
        lambda: Answering(before_id, after_id), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(kind: str) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    with Popen([executable, __file__, kind], stdout=PIPE, text=True) as process:  # noqa: S603 - this file
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(argv[1]))
