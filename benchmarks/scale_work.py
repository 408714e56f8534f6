"""The kinds of work whose cost :mod:`benchmarks.scale` measures against their size."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks.bulk_cost import InstantApplier, offline, rows
from benchmarks.our_client import CREDENTIALS, NEVER_WAITING
from benchmarks.stub_server import body_of, full_tasks
from gong_tasks_async import GongTasksPool, Lane, LocalQuota, TaskNotFoundError, codec
from gong_tasks_async.bulk import Applied, BulkJob, RunSettings, open_journal, plan_updates
from gong_tasks_async.models import TaskUpdate
from gong_tasks_async.settings import ClientSettings

Run = Callable[[], object]


Prepared = Callable[[int], AbstractContextManager[Run]]


@frozen
class Work:
    """One kind of work."""

    prepared: Prepared
    """Makes what the work needs, which is not measured, and gives the work."""
    unit: str
    quick: tuple[int, ...]
    full: tuple[int, ...]
    flat: bool = False
    """Whether its memory is promised not to grow."""
    bytes_each: int | None = None
    """The most memory that one may take."""
    without: Prepared | None = None
    """The same without what is measured, whose time and memory do not count."""


@contextmanager
def plan(size: int) -> Generator[Run]:
    updates = list(rows(size))
    yield lambda: plan_updates(updates)


@contextmanager
def journal(size: int) -> Generator[Run]:
    """A job from its first row to its report."""
    with TemporaryDirectory() as folder:
        yield lambda: _run(size, Path(folder) / "job")


@contextmanager
def resume(size: int) -> Generator[Run]:
    """A job all of whose rows are settled, run again."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job"
        _run(size, path)
        yield lambda: _run(size, path)


@contextmanager
def report(size: int) -> Generator[Run]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job"
        _run(size, path)
        yield lambda: _report(path)


@contextmanager
def failures(size: int) -> Generator[Run]:
    """A report of a job each of whose rows was refused, each in other words."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "job"
        asyncio.run(_refused(size, path))
        yield lambda: _report(path)


@contextmanager
def journals(size: int) -> Generator[Run]:
    """The table of all jobs in a folder."""
    from gong_tasks_async.cli.bulk.job_folder import JobFolder, state_of  # noqa: PLC0415 - needs click

    with TemporaryDirectory() as folder:
        for number in range(size):
            (company := Path(folder) / "acme").mkdir(exist_ok=True)
            _run(3, company / f"job-{number}.gong")
        yield lambda: [state_of(path) for path in JobFolder(Path(folder)).all()]


@contextmanager
def listing(size: int) -> Generator[Run]:
    body = body_of(full_tasks(size))
    yield lambda: sum(1 for _ in codec.decode_tasks(body))


@contextmanager
def waiting(size: int) -> Generator[Run]:
    """Callers that wait at the quota, all served in the end."""
    yield lambda: asyncio.run(_queue(size))


@contextmanager
def tasks_alone(size: int) -> Generator[Run]:
    """As many asyncio tasks that wait for a future of their own."""
    yield lambda: asyncio.run(_wait(size))


@contextmanager
def companies(size: int) -> Generator[Run]:
    """Clients of so many companies in one pool, each used once and then idle."""
    yield lambda: asyncio.run(_companies(size))


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


SMALL, MIDDLE = (100, 1_000, 10_000), (100, 500, 2_500)
TO_MILLION, TO_100_000 = (1_000, 10_000, 100_000, 1_000_000), (100, 1_000, 10_000, 100_000)

WORKS = {
    "plan": Work(plan, "row", SMALL, TO_MILLION),
    "journal": Work(journal, "row", (500, 2_500, 10_000), TO_MILLION, flat=True),
    "resume": Work(resume, "row", (500, 2_500, 10_000), TO_MILLION, flat=True),
    "report": Work(report, "row", (500, 2_500, 10_000), TO_MILLION, flat=True),
    "failures": Work(failures, "failure", (500, 2_500, 10_000), TO_100_000),
    "listing": Work(listing, "task", MIDDLE, TO_100_000, flat=True),
    "waiting": Work(waiting, "caller", SMALL, TO_100_000, bytes_each=1_024, without=tasks_alone),
    "companies": Work(companies, "company", (1, 10, 100), (1, 10, 100, 1_000), bytes_each=60 * 2**10),
    "journals": Work(journals, "journal", (1, 10, 50), (1, 10, 100, 1_000)),
}
