"""A company's line of rows: a Docket, with one task for each row and one that puts a job's rows in line."""

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
    """A name that can stand in Redis's keys.

    Raises:
        ValueError: it cannot.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} must be 1 to 100 letters, digits, dots, dashes and underscores")
    return name


def open_docket(url: str, company: str) -> Docket:
    """The company's Docket. What has ended leaves nothing behind there: outcomes are kept beside it.

    Its name is a hash tag, so that all keys of a company share one slot of whatever Cluster they end up in.
    """
    name = f"{{gong-jobs:{checked_name('company', company)}}}"
    docket = Docket(name, url, execution_ttl=timedelta(0))
    docket.register(_done_by_workers, names=[ROW, START])
    return docket


def store_of(docket: Docket, company: str) -> JobStore:
    """The company's jobs, over the Docket's connection."""
    return JobStore(company, RedisClient(docket.redis), docket.key)


async def enqueue_start(docket: Docket, job: str, when: datetime | None = None) -> None:
    """Have some worker put the job's rows in line, at some time; a later call moves the time.

    Raises:
        JobStoreError: Redis does not answer.
    """
    with translate_errors():
        await docket.replace(START, when or datetime.now(UTC), f"{job}:start")(job)


async def enqueue_rows(docket: Docket, job: str, numbers: Sequence[int]) -> None:
    """Have workers take these rows, each of which then stands in line once, however often it is put there.

    Raises:
        JobStoreError: Redis does not answer.
    """
    now = datetime.now(UTC)
    calls = [docket.call(ROW, now, f"{job}:{number}")(job, number) for number in numbers]
    with translate_errors():
        placed = await docket.replace_many(calls)
    if any(execution.disposition is not Disposition.SCHEDULED for execution in placed):
        raise JobStoreError(reason="it refused to put some rows in line")


async def _done_by_workers(job: str, number: int = 0) -> None:
    """Stands for the tasks where no worker runs: Docket knows them by their names."""
    raise NotImplementedError(f"row {number} of {job}: only workers do this")
