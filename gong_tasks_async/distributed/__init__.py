"""Distributed bulk jobs: submitted once, processed by any number of workers, never lost.

Docket keeps the queue, on Redis Streams; the job's rows and their outcomes are stored beside it.
"""

from importlib.util import find_spec

if not all(map(find_spec, ("docket", "redis"))):
    raise ImportError(
        "gong_tasks_async.distributed needs pydocket and redis: install 'gong_tasks_async[docket]'"
    )

from gong_tasks_async.distributed.clients import QuotaOf, Resolver
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobBusyError,
    JobExistsError,
    JobNotFoundError,
    JobStoreError,
    RowCrashedError,
    RowLostError,
    UnknownCredentialsError,
    UnreadableRowError,
    WrongAddressError,
)
from gong_tasks_async.distributed.job import Job
from gong_tasks_async.distributed.jobs import Jobs
from gong_tasks_async.distributed.progress import JobState, Progress
from gong_tasks_async.distributed.worker import Worker, run_worker

__all__ = [
    "CorruptJobError",
    "Job",
    "JobBusyError",
    "JobExistsError",
    "JobNotFoundError",
    "JobState",
    "JobStoreError",
    "Jobs",
    "Progress",
    "QuotaOf",
    "Resolver",
    "RowCrashedError",
    "RowLostError",
    "UnknownCredentialsError",
    "UnreadableRowError",
    "Worker",
    "WrongAddressError",
    "run_worker",
]
