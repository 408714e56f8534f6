"""A company's queue of rows: a Docket, with one task for each row and two that enqueue a job's rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from docket import Disposition

from gong_tasks_async.distributed.data_docket import DataDocket
from gong_tasks_async.distributed.errors import JobStoreError
from gong_tasks_async.distributed.messages import FEED, NAME, ROW, START
from gong_tasks_async.distributed.redis_client import RedisClient, translate_errors
from gong_tasks_async.distributed.store import JobStore
from gong_tasks_async.errors.checks import described
from gong_tasks_async.quota.redis.redis_backend import check_options
from gong_tasks_async.quota.redis.url import read_url, unreadable_url

SENTINEL = re.compile(
    r"rediss?\+sentinel://([^/?#@\s]*@)?[^/?#@\s]+/[A-Za-z0-9._-]+(/[0-9]+)?/?(\?[^#@\s]*)?", re.ASCII
)
"""Hosts, then the name of the service, and the database's number; both schemes are Docket's own."""


def company_problem(name: object) -> str | None:
    """The company's name, which is part of Redis keys."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return None
    shown = repr(name) if isinstance(name, str) else described(name)
    return f"company {shown} must be 1 to 100 letters, digits, dots, dashes and underscores"


def url_problem(url: object) -> str | None:
    """The URL of Redis; no piece of it is quoted, since it may be the password."""
    if not isinstance(url, str):
        return f"url must be text, not {type(url).__name__}"
    try:
        _check_url(url)
    except ValueError as error:
        return str(error)
    return None


def open_docket(url: str, company: str) -> DataDocket:
    """The company's Docket, to be entered.

    Its name is a hash tag, so that all keys of a company share one slot of a Cluster.
    """
    docket = DataDocket(f"{{gong-jobs:{company}}}", url)
    docket.register(_placeholder, names=[ROW, START, FEED])
    return docket


def store_of(docket: DataDocket, company: str) -> JobStore:
    """The company's jobs, over the Docket's connection."""
    return JobStore(company, RedisClient(docket.redis), docket.key)


async def enqueue_start(docket: DataDocket, job: str, when: datetime | None = None) -> None:
    """Schedule the task that enqueues the job's first rows; a later call moves its time.

    Raises:
        JobStoreError: Redis does not respond.
    """
    with translate_errors():
        await docket.replace(START, when or datetime.now(UTC), f"{job}:start")(job)


async def enqueue_feed(docket: DataDocket, job: str) -> bool:
    """Enqueue the task that enqueues the job's next rows; False where it is in the queue, or at work.

    Raises:
        JobStoreError: Redis does not respond.
    """
    with translate_errors():
        enqueued = await docket.add(FEED, datetime.now(UTC), f"{job}:feed")(job)
    return enqueued.disposition is Disposition.SCHEDULED


async def enqueue_rows(
    docket: DataDocket, job: str, numbers: Sequence[int], *, keep_queued: bool = False
) -> None:
    """Enqueue rows; each is in the queue once, however often it is enqueued.

    Args:
        docket: the company's Docket.
        job: the job's name.
        numbers: the rows' numbers.
        keep_queued: leave a row as it is that is in the queue, or at work; otherwise it is due now.

    Raises:
        JobStoreError: Redis does not respond.
    """
    now = datetime.now(UTC)
    calls = [docket.call(ROW, now, f"{job}:{number}")(job, number) for number in numbers]
    with translate_errors():
        enqueued = await (docket.add_many(calls) if keep_queued else docket.replace_many(calls))
    if any(execution.disposition is Disposition.FAILED for execution in enqueued):
        raise JobStoreError(reason="it refused to enqueue some rows")


def _check_url(url: str) -> None:
    """Refuse a URL that cannot be read, before its password is quoted.

    Raises:
        ValueError: it cannot.
    """
    scheme, _, rest = url.partition("://")
    if not scheme.endswith("+sentinel"):
        read_url(url)
        if scheme != "memory":
            check_options(f"{scheme.removesuffix('+cluster')}://{rest}")
    elif not (url.isprintable() and SENTINEL.fullmatch(url)):
        raise unreadable_url()


async def _placeholder(job: str, number: int = 0) -> None:
    """Placeholder of the tasks where no worker runs: Docket enqueues them by name."""
    raise NotImplementedError(f"row {number} of {job}: only workers do this")
