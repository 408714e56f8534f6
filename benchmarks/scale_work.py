"""The kinds of work of one process whose cost :mod:`benchmarks.scale` measures against their size."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.bulk_cost import InstantApplier, offline
from benchmarks.our_client import CREDENTIALS, NEVER_WAITING, USER
from benchmarks.stub_server import TASK_ID, body_of, full_tasks
from gong_tasks_async import GongTasksPool, Lane, LocalQuota, TaskNotFoundError, codec
from gong_tasks_async.bulk import Applied, BulkJob, RunSettings, open_journal, plan_updates
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.settings import ClientSettings


@frozen
class Ready:
    """Work that has all it needs."""

    run: Callable[[], object]
    """Its time and memory are measured."""
    stored: Callable[[], int] = lambda: 0
    """Bytes that it has left on disk, or in Redis."""
    clock: Callable[[], float] = time.process_time
    """Counts its seconds: the CPU of this process, and of others where they do the work."""


Prepared = Callable[[int, Path], AbstractContextManager[Ready]]
"""Makes what so much work needs; files stay in a folder for the next works."""


@frozen
class Work:
    """One kind of work."""

    what: str
    """What grows."""
    prepared: Prepared
    quick: tuple[int, ...]
    full: tuple[int, ...]
    flat: bool = False
    """Whether its memory is promised not to grow."""
    most_held: int | None = None
    """Bytes of memory that one may take."""
    most_stored: int | None = None
    """Bytes on disk or in Redis that one may take."""
    without: Prepared | None = None
    """The same without what is measured, whose time and memory do not count."""
    resident: bool = False
    """Whether its memory is what the process had at most, from /proc, since it is held outside Python too, in
    SQLite; else it is what Python's allocator has given out, the same in every run."""


def rows(size: int) -> Iterator[TaskUpdate]:
    """Updates with ids as long as Gong's."""
    return (TaskUpdate(TASK_ID + number, USER, status="DONE") for number in range(size))


@contextmanager
def plan(size: int, _: Path) -> Generator[Ready]:
    updates = list(rows(size))
    yield Ready(lambda: plan_updates(updates))


def csv_of(size: int, path: Path) -> None:
    """Write a file of updates."""
    path.write_text(
        "taskId,userId,status\n" + "".join(f"{TASK_ID + row},{USER},DONE\n" for row in range(size))
    )


@contextmanager
def plan_of_file(size: int, folder: Path) -> Generator[Ready]:
    """A CSV file, read, checked and planned as by the command."""
    from gong_tasks_async.cli.input.source import Source, read_source  # noqa: PLC0415 - needs click

    path = folder / f"{size}.csv"
    csv_of(size, path)

    def run() -> object:
        parsed = read_source(Source(file=str(path)))
        return plan_updates([row.update(USER) for row in parsed.rows])

    yield Ready(run)
    path.unlink()


@contextmanager
def journal(size: int, folder: Path) -> Generator[Ready]:
    """A job from its first row to its end; its journal stays for the works below."""
    path = folder / f"job-{size}"
    path.unlink(missing_ok=True)
    yield Ready(lambda: _run(size, path), stored=lambda: path.stat().st_size)


@contextmanager
def resume(size: int, folder: Path) -> Generator[Ready]:
    """A job all of whose rows are settled, run again."""
    path = _settled(size, folder)
    yield Ready(lambda: _run(size, path))


@contextmanager
def report(size: int, folder: Path) -> Generator[Ready]:
    path = _settled(size, folder)
    yield Ready(lambda: _report(path))


@contextmanager
def failures(size: int, folder: Path) -> Generator[Ready]:
    """A report of a job each of whose rows was refused, each in other words."""
    path = folder / f"refused-{size}"
    if not path.exists():
        asyncio.run(_refused(size, path))
    yield Ready(lambda: _report(path))


@contextmanager
def journals(size: int, folder: Path) -> Generator[Ready]:
    """The table of all jobs in a folder."""
    from gong_tasks_async.cli.bulk.job_folder import JobFolder, state_of  # noqa: PLC0415 - needs click

    jobs = folder / f"jobs-{size}"
    for number in range(size):
        if not (path := jobs / "acme" / f"job-{number}.gong").exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _run(3, path)
    yield Ready(lambda: [state_of(path) for path in JobFolder(jobs).all()])


@contextmanager
def listing(size: int, _: Path) -> Generator[Ready]:
    body = body_of(full_tasks(size))
    yield Ready(lambda: sum(1 for _ in codec.decode_tasks(body)))


@contextmanager
def waiting(size: int, _: Path) -> Generator[Ready]:
    """Callers that wait at the quota, all served in the end."""
    yield Ready(lambda: asyncio.run(_queue(size)))


@contextmanager
def tasks_alone(size: int, _: Path) -> Generator[Ready]:
    """As many asyncio tasks that wait for a future of their own."""
    yield Ready(lambda: asyncio.run(_wait(size)))


@contextmanager
def companies(size: int, _: Path) -> Generator[Ready]:
    """Clients of so many companies in one pool, each used once and then idle."""
    yield Ready(lambda: asyncio.run(_companies(size)))


def _settled(size: int, folder: Path) -> Path:
    path = folder / f"job-{size}"
    if not path.exists():
        _run(size, path)
    return path


def _run(size: int, path: Path | None) -> None:
    async def run() -> None:
        async with offline() as gong:
            await gong.update_many(rows(size), journal=path)

    asyncio.run(run())


def _report(path: Path) -> None:
    with open_journal(path) as opened:
        found = opened.report()
    found.to_text(), found.to_html()


class RefusingApplier(InstantApplier):
    """Refuses each row in words of its own."""

    async def apply(self, update: TaskUpdate, resend: object = None) -> Applied:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise TaskNotFoundError(
            status=404,
            errors=(f"No task {update.task_id} of {'abcdefgh'[update.task_id % 8]}",),
            from_gong=True,
        )


async def _refused(size: int, path: Path) -> None:
    job = BulkJob(
        applier=RefusingApplier(), settings=RunSettings(accept_refusals=True, stop_after_refusals=sys.maxsize)
    )
    await job.run(rows(size), path)


async def _queue(size: int) -> None:
    quota = LocalQuota(NEVER_WAITING)

    async def call() -> None:
        permit = await quota.acquire(Lane.BULK, deadline=None)
        await asyncio.sleep(0)
        quota.release(permit, status=200)

    await asyncio.gather(*(call() for _ in range(size)))


async def _wait(size: int) -> None:
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(size)]

    async def wait(future: asyncio.Future[None]) -> None:
        await future

    tasks = [asyncio.create_task(wait(future)) for future in futures]
    await asyncio.sleep(0)
    for future in futures:
        future.set_result(None)
    await asyncio.gather(*tasks)


async def _companies(size: int) -> None:
    def settings_for(_: str) -> ClientSettings:
        return {"credentials": CREDENTIALS, "base_url": "https://us-1.api.gong.io"}

    async with GongTasksPool(settings_for) as pool:
        for number in range(size):
            async with pool.client(f"company-{number}"):
                pass


SMALL, MIDDLE = (100, 1_000, 10_000), (500, 2_500, 10_000)
TO_MILLION, TO_100_000, TO_1_000 = (
    (1_000, 10_000, 100_000, 1_000_000),
    (100, 1_000, 10_000, 100_000),
    (1, 10, 100, 1_000),
)

LOCAL_WORKS = {
    "plan": Work("rows, planned", plan, SMALL, TO_MILLION),
    "plan_of_file": Work("rows of a CSV file, planned", plan_of_file, MIDDLE, TO_MILLION),
    "journal": Work(
        "rows of a job with its journal", journal, MIDDLE, TO_MILLION, True, most_stored=500, resident=True
    ),
    "resume": Work("rows of a settled job, resumed", resume, MIDDLE, TO_MILLION, True, resident=True),
    "report": Work("rows of a job, reported", report, MIDDLE, TO_MILLION, True, resident=True),
    "failures": Work("failures in a report", failures, MIDDLE, TO_100_000, True, resident=True),
    "listing": Work("tasks in a listing", listing, (100, 500, 2_500), TO_100_000, True),
    "waiting": Work("waiting callers", waiting, SMALL, TO_100_000, most_held=1_024, without=tasks_alone),
    "companies": Work("companies in a process", companies, (1, 10, 100), TO_1_000, most_held=60 * 2**10),
    "journals": Work("journals in a folder", journals, (1, 10, 50), TO_1_000),
}
