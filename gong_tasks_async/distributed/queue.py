"""A company's queue of rows: a Docket, with one task for each row and one that enqueues a job's rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from docket import Disposition, Docket

from gong_tasks_async.distributed.errors import JobStoreError
from gong_tasks_async.distributed.redis_client import RedisClient, translate_errors
from gong_tasks_async.distributed.store import JobStore

ROW = "gong_update_row"
START = "gong_start_job"

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def checked_name(what: str, name: str) -> str:
    """The name, if it can be part of a Redis key.

    Raises:
        ValueError: it cannot.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} must be 1 to 100 letters, digits, dots, dashes and underscores")
    return name


def open_docket(url: str, company: str) -> Docket:
    """The company's Docket. It keeps no results: outcomes are stored beside it.

    Its name is a hash tag, so that all keys of a company share one slot of a Cluster.
    """
    name = f"{{gong-jobs:{checked_name('company', company)}}}"
    docket = Docket(name, url, execution_ttl=timedelta(0))
    docket.register(_placeholder, names=[ROW, START])
    return docket


def store_of(docket: Docket, company: str) -> JobStore:
    """The company's jobs, over the Docket's connection."""
    return JobStore(company, RedisClient(docket.redis), docket.key)


async def enqueue_start(docket: Docket, job: str, when: datetime | None = None) -> None:
    """Schedule the task that enqueues the job's rows; a later call moves its time.

    Raises:
        JobStoreError: Redis does not respond.
    """
    with translate_errors():
        await docket.replace(START, when or datetime.now(UTC), f"{job}:start")(job)


async def enqueue_rows(docket: Docket, job: str, numbers: Sequence[int]) -> None:
    """Enqueue rows; each is in the queue once, however often it is enqueued.

    Raises:
        JobStoreError: Redis does not respond.
    """
    now = datetime.now(UTC)
    calls = [docket.call(ROW, now, f"{job}:{number}")(job, number) for number in numbers]
    with translate_errors():
        enqueued = await docket.replace_many(calls)
    if any(execution.disposition is not Disposition.SCHEDULED for execution in enqueued):
        raise JobStoreError(reason="it refused to enqueue some rows")


async def _placeholder(job: str, number: int = 0) -> None:
    """Placeholder of the tasks where no worker runs: Docket enqueues them by name."""
    raise NotImplementedError(f"row {number} of {job}: only workers do this")
