"""One job in the hands of a command, from the line of its name to the end of the connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from gong_tasks_async.cli.session import run

if TYPE_CHECKING:
    from gong_tasks_async.cli.job_server import JobServer
    from gong_tasks_async.distributed import Job

T = TypeVar("T")


def with_job(server: JobServer, name: str, use: Callable[[Job], Awaitable[T]]) -> T:
    """Do something with a job, and return what comes of it.

    Raises:
        JobNotFoundError: there is none of that name.
        JobStoreError: Redis does not answer.
        ValueError: the name, or the company's, cannot be one.
    """

    async def using() -> T:
        async with server.jobs() as jobs:
            return await use(jobs.job(name))

    return run(using())
