"""The worker's tasks: enqueue a job's rows, claim each, and record its outcome before its message is acknowledged."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Final

from docket import CurrentExecution, Execution, Retry

from gong_tasks_async.distributed.effects import JobEffect
from gong_tasks_async.distributed.errors import CorruptJobError, JobNotFoundError, UnreadableRowError
from gong_tasks_async.distributed.messages import row_of_key
from gong_tasks_async.distributed.progress import JobState
from gong_tasks_async.distributed.queue import enqueue_feed, enqueue_rows
from gong_tasks_async.distributed.records import AttemptCost
from gong_tasks_async.distributed.row_attempts import UNREADABLE, RowAttempts, deliver_later

logger: Final = logging.getLogger("gong_tasks_async")

WINDOW = 250
"""Rows of a job in the queue at once, about: a row in the queue takes four times the memory of one that waits, and
jobs of one company share the workers. Further rows are enqueued when the last page of them is reached."""

FEED_PAGE = 250

FEEDS_REMEMBERED = 64

RETRY_AFTER_BUG = timedelta(minutes=5)
"""Delay of a task that failed with an unexpected exception."""


class RowTasks:
    """The three tasks that Docket runs on a worker.

    Args:
        attempts: what is done with a claimed row; its queue and store are these tasks', too.
    """

    def __init__(self, attempts: RowAttempts) -> None:
        self._attempts = attempts
        self._docket, self._store = attempts.docket, attempts.store
        self._process = secrets.token_hex(6)
        self._deliveries = count(1)
        self._fed: deque[tuple[str, bytes]] = deque(maxlen=FEEDS_REMEMBERED)
        """The feeds that this process has enqueued: each claim of a job's last page in the queue asks for one."""

    def drain(self) -> None:
        """Claim no further row; rows waiting for a permit are requeued, those sent are finished."""
        self._attempts.drain()

    async def start_job(self, job: str, retry: Retry = Retry.forever(timedelta(seconds=2))) -> None:  # noqa: ARG002, B008 - Docket reads it
        """Enqueue the first unsettled rows of a job, all of them due now; idempotent."""
        try:
            if await self._store.reopen(job) is JobState.STARTING:
                numbers, last = await self._store.unsettled(job, 0, WINDOW)
                await enqueue_rows(self._docket, job, numbers)
                await self._store.fed(job, 0, last)
        except JobNotFoundError:  # it has expired
            return
        except CorruptJobError:
            logger.exception("The job %s cannot be started.", job)

    async def feed_job(self, job: str, retry: Retry = Retry.forever(timedelta(seconds=2))) -> None:  # noqa: ARG002, B008 - as above
        """Enqueue the next rows of a running job; idempotent."""
        try:
            before = await self._store.fed_rows(job)
            if before is None:
                return
            numbers, last = await self._store.unsettled(job, before, FEED_PAGE)
            await enqueue_rows(self._docket, job, numbers, keep_queued=True)
            await self._store.fed(job, before, last)
        except JobNotFoundError:
            return
        except CorruptJobError:
            logger.exception("Rows of the job %s cannot be enqueued.", job)

    async def update_row(
        self,
        job: str,
        number: int,
        execution: Execution = CurrentExecution(),  # noqa: B008 - how Docket passes it
        retry: Retry = Retry.forever(RETRY_AFTER_BUG),  # noqa: B008 - as above
    ) -> None:
        """Make one update, unless the row is settled or its job not running."""
        if self._attempts.draining:
            raise deliver_later(execution, timedelta())
        since = asyncio.get_running_loop().time()
        delivery = f"{self._process}-{next(self._deliveries)}"
        ask = self._attempts.until_answered
        try:
            claim = await ask(lambda: self._store.claim(job, number, delivery), self._attempts.redis_timeout)
            await self._feed(job, claim.feed)
        except CorruptJobError:
            logger.exception("Row %d of the job %s cannot be claimed.", number, job)
            return
        if claim.kind == "wait":
            raise deliver_later(execution)
        if claim.kind == "go":
            await self._attempts.attempt(job, number, claim, execution, retry, since)

    async def _feed(self, job: str, behind: bytes) -> None:
        """Have further rows enqueued, once from here. What is at work already may not know of the last rows: it does not count."""
        if not behind or (job, behind) in self._fed:
            return
        if await self._attempts.until_answered(
            lambda: enqueue_feed(self._docket, job), self._attempts.redis_timeout
        ):
            self._fed.append((job, behind))

    async def quarantine(self, key: bytes, reason: str) -> None:
        """Record a message that was removed from the queue, and give up the row that it names, if any."""
        logger.warning("A message of the queue cannot be read and is set aside: %r: %s", key[:200], reason)
        with suppress(CorruptJobError):
            await self._store.quarantine(key, reason)
        row = row_of_key(key)
        if row is not None and row.number:
            error = UnreadableRowError(job=row.job, number=row.number, reason=f"its message has {reason}")
            effect, cost = JobEffect("given up"), AttemptCost(0, 0, 0)
            with suppress(CorruptJobError):
                await self._store.requeue(row.job, row.number, error, effect, cost, UNREADABLE)
