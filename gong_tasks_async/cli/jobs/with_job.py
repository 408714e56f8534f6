"""Run a command on one job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from gong_tasks_async.cli.session import run

if TYPE_CHECKING:
    from gong_tasks_async.cli.job_server import JobServer
    from gong_tasks_async.distributed import Job

T = TypeVar("T")


def with_job(server: JobServer, name: str, use: Callable[[Job], Awaitable[T]]) -> T:
    """Connect, run an action on the job of that name, and return its result.

    Raises:
        JobNotFoundError: no job has that name.
        JobStoreError: Redis does not respond.
        ValueError: the name or the company's is not valid.
    """

    async def using() -> T:
        async with server.jobs() as jobs:
            return await use(jobs.job(name))

    return run(using())
