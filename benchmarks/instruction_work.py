"""The pieces of work whose instructions :mod:`benchmarks.instructions` counts, and the process that is counted."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

from attrs import frozen

CONCURRENCY = 16
CONFIGURED = {
    "GONG_ACCESS_KEY": "key",
    "GONG_ACCESS_KEY_SECRET": "secret",
    "GONG_BASE_URL": "https://us-1.api.gong.io",
}
"""Of a company that planning does not ask."""

Work = Callable[[int], object]


def patch_ours(url: str) -> Work:
    from benchmarks import our_client  # noqa: PLC0415 - each piece imports what it measures, and no more

    return partial(_patches, our_client.connect, url)


def patch_aiohttp(url: str) -> Work:
    from benchmarks.bare_client import bare_aiohttp  # noqa: PLC0415

    return partial(_patches, bare_aiohttp, url)


def patch_pydantic(url: str) -> Work:
    from benchmarks.bare_client import bare_aiohttp  # noqa: PLC0415
    from benchmarks.decoders import with_pydantic  # noqa: PLC0415

    return partial(_patches, partial(bare_aiohttp, decode=with_pydantic()), url)


def _patches(connect: Callable[..., object], url: str, count: int) -> None:
    """PATCHes over loopback; the stub server is another process and is not counted."""
    from benchmarks.blocks import patches  # noqa: PLC0415

    with patches(connect, url, count, CONCURRENCY) as block:  # type: ignore[arg-type]  # a Connect
        block()


def decode(_: str) -> Work:
    from benchmarks.stub_server import body_of, full_tasks  # noqa: PLC0415
    from gong_tasks_async import codec  # noqa: PLC0415

    body = body_of(full_tasks(1))
    return lambda count: [codec.decode_answer(body) for _ in range(count)]


def loads(_: str) -> Work:
    import orjson  # noqa: PLC0415

    from benchmarks.stub_server import body_of, full_tasks  # noqa: PLC0415

    body = body_of(full_tasks(1))
    return lambda count: [orjson.loads(body) for _ in range(count)]


def permits(_: str) -> Work:
    """Permits taken and given back; none of them has to wait."""
    from benchmarks.our_client import NEVER_WAITING  # noqa: PLC0415
    from gong_tasks_async import Lane, LocalQuota  # noqa: PLC0415

    async def take(count: int) -> None:
        quota = LocalQuota(NEVER_WAITING)
        for _ in range(count):
            quota.release(await quota.acquire(Lane.BULK, deadline=None, max_wait=60.0), status=200)

    return lambda count: asyncio.run(take(count))


def updates(_: str) -> Work:
    """Updates made, validated and encoded."""
    from gong_tasks_async import TaskUpdate  # noqa: PLC0415
    from gong_tasks_async.api import endpoints  # noqa: PLC0415

    def make(count: int) -> None:
        for number in range(count):
            endpoints.update_task(TaskUpdate(9067931441193858457 + number, "234599484848423", status="DONE"))

    return make


def bulk_rows(_: str) -> Work:
    """Rows through the whole client but for the socket, and through a journal on disk."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from benchmarks.bulk_cost import offline, rows  # noqa: PLC0415
    from gong_tasks_async.bulk import Journal  # noqa: PLC0415, F401 - imported before the fork

    async def run(count: int) -> None:
        with TemporaryDirectory() as folder:
            async with offline() as gong:
                await gong.update_many(rows(count), journal=Path(folder) / "journal.sqlite")

    return lambda count: asyncio.run(run(count))


def planned_rows(_: str) -> Work:
    """Rows of a CSV file, through the whole command `gong-tasks bulk plan`."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from benchmarks.scale_work import csv_of  # noqa: PLC0415
    from gong_tasks_async.cli import main  # noqa: PLC0415

    def plan(count: int) -> None:
        with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            path = Path(folder) / "rows.csv"
            csv_of(count, path)
            os.environ.update(CONFIGURED, HOME=folder)
            sys.argv = ["gong-tasks", "bulk", "plan", str(path)]
            try:
                main()
            except SystemExit as end:
                if end.code:
                    raise

    return plan


@frozen
class Piece:
    """A piece of work and its two lengths."""

    prepare: Callable[[str], Work]
    few: int = 100
    many: int = 300
    needs_server: bool = False


PATCHES = {
    "PATCH, ours": Piece(patch_ours, 96, 288, needs_server=True),
    "PATCH, bare aiohttp": Piece(patch_aiohttp, 96, 288, needs_server=True),
    "PATCH, aiohttp + pydantic": Piece(patch_pydantic, 96, 288, needs_server=True),
}
PARTS = {
    "decode a full task": Piece(decode),
    "orjson.loads of a full task": Piece(loads),
    "a permit": Piece(permits, 200, 600),
    "an update, made and encoded": Piece(updates, 200, 600),
    "a bulk row": Piece(bulk_rows),
    "a row of bulk plan": Piece(planned_rows, 500, 1_500),
}
PIECES = {**PATCHES, **PARTS}
GATED = [name for name in PARTS if name not in {"a bulk row", "a row of bulk plan"}]
"""What tests hold to the baseline: ten seconds of CPU."""


def work_here(url: str, names: list[str]) -> None:
    """Under callgrind: prepare all pieces, then do each of them, in both lengths, in a process of its own."""
    prepared = [(PIECES[name], PIECES[name].prepare(url)) for name in names]
    for _, work in prepared:
        work(1)  # what is imported or cached at first use
    gc.collect()
    gc.freeze()
    begin = ["vgdb", f"--pid={os.getpid()}", "instrumentation on"]  # counting is ten times as slow
    subprocess.run(begin, check=True, capture_output=True)  # noqa: S603 - a part of valgrind
    for piece, work in prepared:
        for length in (piece.few, piece.many):
            _fork(work, length)


def _fork(work: Work, length: int) -> None:
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        if status:
            sys.exit(f"the work ended with status {status}")
        print(f"forked {pid}", flush=True)
        return
    status = 1
    try:
        work(length)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    work_here(sys.argv[1], sys.argv[2:])
