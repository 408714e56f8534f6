"""What an error that does not settle its row means for the rest of its job: pure functions of the error."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from attrs import frozen

from gong_tasks_async.bulk.breaker import STOP_AFTER_DENIED
from gong_tasks_async.bulk.outage import is_outage
from gong_tasks_async.bulk.report import failure_key
from gong_tasks_async.distributed.errors import RowCrashedError, UnreadableRowError
from gong_tasks_async.errors import DailyQuotaError, GongError, Meaning, QuotaUnavailable, RateLimitError

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=2), timedelta(minutes=5)
"""Delays of a row without a final response; the caller has already retried it several times."""

SHORTEST_PAUSE = timedelta(minutes=1)
"""Shortest pause of a job whose daily budget is spent: a rolling day frees its calls one by one, and the whole job
would be enqueued for each. Also the pause after a 429 that names no duration."""


@frozen
class JobEffect:
    """What an error means for its job.

    ``outage``: no connection could be made, so the whole job waits and probes; ``fault``: the row is retried, and counts toward ``stop_after``; ``untried``: nothing was sent, so it counts as
    nothing; ``given up``: the row is not retried; ``stopped`` and ``paused``: the whole job.
    """

    kind: Literal["outage", "fault", "untried", "given up", "stopped", "paused"]
    resume_after: datetime | None = None


def effect_of(error: GongError, now: datetime) -> JobEffect:
    """What an error that does not settle its row means for its job."""
    if isinstance(error, RateLimitError):
        return JobEffect("paused", _resume_after(error, now))
    if is_outage(error):
        return JobEffect("outage")
    if error.meaning is Meaning.RUN:
        return JobEffect("stopped")
    if isinstance(error, UnreadableRowError | RowCrashedError):
        return JobEffect("fault")
    # Nothing was sent, so it is no evidence about Gong: the queue wait was too long, or the quota's Redis unreachable,
    # which stops a run in one process. Workers must outlive their Redis.
    if isinstance(error, QuotaUnavailable) or not error.attempts:
        return JobEffect("untried")
    return JobEffect("fault")


@frozen
class Suspicion:
    """What a refusal means for its job, while it is not known whose fault it is."""

    key: str
    """Equal for errors with one reason."""
    limit: int
    """Rows refused alike that stop the job."""
    limit_before_success: int
    """The same while no row of the job has succeeded."""


def suspicion_of(error: GongError, limit: int) -> Suspicion:
    """What a refusal means for its job: the rule of a run in one process, for all workers together."""
    key = blake2b(repr(failure_key(error)).encode("utf-8", "replace"), digest_size=8).hexdigest()
    denied = error.meaning is Meaning.RUN_UNTIL_SUCCESS
    return Suspicion(key, limit, min(STOP_AFTER_DENIED, limit) if denied else limit)


def retry_delay(attempt: int) -> timedelta:
    """The delay after that many attempts."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempt - 1, 30))


def _resume_after(error: RateLimitError, now: datetime) -> datetime:
    if isinstance(error, DailyQuotaError):
        return max(error.resets_at or now, now + SHORTEST_PAUSE)
    return now + (SHORTEST_PAUSE if error.resume_in is None else timedelta(seconds=error.resume_in))
