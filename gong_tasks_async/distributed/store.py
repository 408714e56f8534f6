"""A company's jobs in Redis: their rows and outcomes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from attrs import evolve, frozen

from gong_tasks_async.bulk import Failed, JournalRow, RowState, TaskSnapshot
from gong_tasks_async.bulk.runner import refused_alike
from gong_tasks_async.distributed import row_scripts, scripts
from gong_tasks_async.distributed.effects import JobEffect, suspicion_of
from gong_tasks_async.distributed.errors import (
    CorruptJobError,
    JobNotFoundError,
    JobStoreError,
    RowLostError,
)
from gong_tasks_async.distributed.progress import JobState, Progress, progress_of
from gong_tasks_async.distributed.records import AttemptCost, Claim, Created, Settled, StoredRow
from gong_tasks_async.distributed.redis_client import PAGE, RedisClient
from gong_tasks_async.distributed.serialization import (
    JobSettings,
    PlannedRow,
    attempt_of,
    error_text,
    given_up_text,
    outcome_text,
    row_of,
    row_text,
    row_with_outcome,
    settings_text,
)
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate

PARTS = ("rows", "outcomes", "hands", "tries", "faulty", "suspects", "late")

DRAFT_LIFETIME = 3_600
"""Seconds for which the rows of a submission that was cut off remain; nothing reads them."""

UPDATE_ELSEWHERE = TaskUpdate(1, "1", status="DONE")
"""In a record whose outcome alone is stored: the row's update is stored beside it."""

LOST = error_text(RowLostError(method="PATCH"))
"""Why a row is given up that ends its workers."""

QUARANTINE = 100
"""Unreadable messages that are remembered."""

QUEUE_PAGE = 250
"""Rows whose claim has further ones enqueued: the last ones in the queue."""

WORKER_LIFETIME = 10
"""Seconds after its last sign of life for which a worker counts as up; Redis measures them."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@frozen
class JobStore:
    """The jobs of one company.

    All methods raise JobStoreError if Redis does not respond; those that read a job raise JobNotFoundError if there
    is none.
    """

    company: str
    server: RedisClient
    key: Callable[[str], str]
    """Prefixes a name with the company's; all its keys share one slot of a Cluster."""
    clock: Callable[[], datetime] = _utc_now

    async def create(
        self,
        job: str,
        settings: JobSettings,
        updates: Sequence[TaskUpdate],
        unchanged: Sequence[TaskUpdate],
        facts: Mapping[str, object],
        looked: Mapping[int, TaskSnapshot] | None = None,
    ) -> Created:
        """Create a job, unless one of that name has rows; with the tasks as a look found them, where there was one.

        Its rows are written under a draft of its own, which becomes the job in one step: whatever another submission
        of that name does, or where this one is cut off, no job ever holds rows of two.
        """
        now, draft = self.clock(), self.key(f"drafts:{uuid4().hex}")
        if (await self.server.read(self.key(f"jobs:{job}"))).get(b"rows", b"0") == b"0":
            rows = [PlannedRow(each, (looked or {}).get(each.task_id)) for each in (*updates, *unchanged)]
            await self._write_draft(draft, rows, len(updates), now)
        stored = {
            **facts,
            "state": JobState.STARTING,
            "rows": len(updates) + len(unchanged),
            "unchanged": len(unchanged),
            "keep": settings.keep,
            "row_attempts": settings.row_attempts,
            "settings": settings_text(settings),
            "created_at": now.timestamp(),
        }
        flat = (part for fact in stored.items() for part in fact)
        keys = (f"{draft}:rows", f"{draft}:outcomes")
        state, found, age = await self._run(scripts.CREATE, job, *flat, more_keys=keys)
        if state == b"lost":
            raise JobStoreError(reason="it lost the job's rows before the job was created")
        return Created(JobState(state.decode()), found.decode("utf-8", "replace"), age == b"new")

    async def names(self) -> list[str]:
        """The names of all jobs, from their keys: there is no second list that could disagree."""
        prefix = self.key("jobs:")
        names = (key.removeprefix(prefix) for key in await self.server.names(prefix))
        return sorted(name for name in names if ":" not in name)  # a colon marks a part of a job

    async def progress(self, job: str) -> Progress:
        """Progress of a job.

        Raises:
            CorruptJobError: its facts cannot be read.
        """
        facts, worker_up = await self._facts(job)
        try:
            return progress_of(job, facts, worker_up=worker_up)
        except (ValueError, KeyError, OverflowError, OSError) as error:
            # A moment beyond the calendar is an OverflowError or an OSError.
            raise CorruptJobError(reason=f"the facts of job {job!r} cannot be read") from error

    async def rows(self, job: str) -> AsyncGenerator[StoredRow]:
        """All rows in the plan's order."""
        number = 0
        async for page in self._pages(scripts.PAGE, job):
            if not any(page):  # the job has expired meanwhile, or its number of rows is damaged
                return
            for row, outcome, attempt in zip(page[::3], page[1::3], page[2::3], strict=True):
                number += 1
                yield _stored(number, row, outcome, attempt)

    async def unsettled(self, job: str, after: int, most: int) -> tuple[list[int], int]:
        """At most ``most`` rows that are neither settled nor in flight, and the number of the last row examined."""
        total = (await self.progress(job)).rows
        found: list[int] = []
        while after < total and len(found) < most:
            last = min(after + QUEUE_PAGE, total)
            found += await self._run(scripts.UNSETTLED, job, after + 1, last)
            after = last
        return found, after

    async def reopen(self, job: str, *, accept_refusals: bool = False) -> JobState:
        """Reopen a job that does nothing by itself; return the resulting state."""
        state = await self._run(scripts.REOPEN, job, "accept" if accept_refusals else "")
        if state is None:
            raise JobNotFoundError(job=job, company=self.company)
        return JobState(state.decode())

    async def retry(self, job: str, rows: Sequence[StoredRow]) -> tuple[JobState, int]:
        """Make failed rows pending again, as if given up; return the job's state, and how many rows they are.

        Only those of a job that is stopped or ended.
        """
        texts = [
            (each.number, each.outcome.decode(), given_up_text(each.row.cause))
            for each in rows
            if each.row is not None and each.row.cause is not None
        ]
        moved, state = 0, None
        for first in range(0, max(1, len(texts)), PAGE):
            flat = (part for row in texts[first : first + PAGE] for part in row)
            state, more = await self._run(scripts.RETRY, job, *flat)
            if state is None:
                raise JobNotFoundError(job=job, company=self.company)
            moved += more
        assert state is not None  # noqa: S101 - there is a page of no rows, at least
        return JobState(state.decode()), moved

    async def fed(self, job: str, before: int, after: int) -> None:
        """Mark the rows up to a number as enqueued, unless they were marked meanwhile; the job runs from now on."""
        await self._run(scripts.FED, job, before, after)

    async def fed_rows(self, job: str) -> int | None:
        """The number of the last row that was enqueued; None unless the job runs and has further ones."""
        facts, _ = await self._facts(job)
        try:
            fed, rows = int(facts.get(b"fed", 0)), int(facts[b"rows"])
        except (ValueError, KeyError) as error:
            raise CorruptJobError(reason=f"the facts of job {job!r} cannot be read") from error
        return fed if facts.get(b"state") == b"running" and fed < rows else None

    async def cancel(self, job: str) -> None:
        """Send no further row of a job."""
        if await self._run(scripts.CANCEL, job) is None:
            raise JobNotFoundError(job=job, company=self.company)

    async def claim(self, job: str, number: int, delivery: str) -> Claim:
        """Claim a row for one delivery of it, or learn why not."""
        now = self.clock().timestamp()
        kind, feed, *row = await self._run(row_scripts.CLAIM, job, number, now, QUEUE_PAGE, delivery, LOST)
        return Claim(kind.decode(), feed, *row)

    async def settle(self, job: str, number: int, row: JournalRow, cost: AttemptCost) -> Settled:
        """Record a row's outcome; the first one is kept."""
        now = self.clock()
        outcome = outcome_text(evolve(row, settled_at=now))
        facts = number, row.state, outcome, now.timestamp(), *cost.counts
        is_first, failed = await self._run(row_scripts.SETTLE, job, *facts)
        return Settled(bool(is_first), failed)

    async def refuse(
        self, job: str, number: int, row: JournalRow, cost: AttemptCost, settings: JobSettings
    ) -> Settled:
        """Hold a refused row until it is known whether the refusal is its own fault; or stop the job."""
        now = self.clock()
        assert row.cause is not None  # noqa: S101 - a refusal has one
        suspicion = suspicion_of(row.cause, settings.stop_after_refusals)
        stop = refused_alike([Failed(row.update, row.cause)], rows=0)
        stop.count = 0  # the script knows the numbers
        outcome = outcome_text(evolve(row, settled_at=now))
        facts = number, outcome, suspicion.key, now.timestamp()
        limits = suspicion.limit, suspicion.limit_before_success
        failed = await self._run(row_scripts.REFUSE, job, *facts, *limits, error_text(stop), *cost.counts)
        return Settled(row=False, failed=failed)

    async def requeue(
        self,
        job: str,
        number: int,
        error: GongError,
        effect: JobEffect,
        cost: AttemptCost,
        settings: JobSettings,
    ) -> bool:
        """Requeue a row without a final response; return whether to deliver it again."""
        resume = effect.resume_after
        wait = 0 if resume is None else max(0, int((resume - self.clock()).total_seconds()))
        facts = number, effect.kind, cost.attempt, error_text(error)
        limits = settings.stop_after, settings.row_attempts
        until = "" if resume is None else resume.timestamp(), wait
        clock = self.clock().timestamp(), settings.outage_timeout
        response = await self._run(row_scripts.REQUEUE, job, *facts, *limits, *until, *clock, *cost.counts)
        return bool(response == b"again")

    async def mark_worker_up(self) -> None:
        """Show for some seconds that a worker of the company is up."""
        await self.server.mark(self.key("worker-up"), "1", WORKER_LIFETIME)

    async def quarantine(self, key: bytes, reason: str) -> None:
        """Remember that a message was removed from the queue because it cannot be read."""
        text = f"{key[:200]!r}: {reason}"[:500]
        await self.server.remember(self.key("quarantine"), text, most=QUARANTINE, seconds=7 * 86_400)

    async def quarantined(self) -> list[str]:
        """The messages that were removed, latest first."""
        return [
            text.decode("utf-8", "replace") for text in await self.server.remembered(self.key("quarantine"))
        ]

    async def _write_draft(self, draft: str, rows: Sequence[PlannedRow], pending: int, now: datetime) -> None:
        texts = {str(number): row_text(row.update, row.before) for number, row in enumerate(rows, 1)}
        unchanged = JournalRow(UPDATE_ELSEWHERE, RowState.UNCHANGED, settled_at=now)
        outcomes = {str(number): outcome_text(unchanged) for number in range(pending + 1, len(rows) + 1)}
        for part, fields in (("rows", texts), ("outcomes", outcomes)):
            await self.server.write(f"{draft}:{part}", fields, DRAFT_LIFETIME)

    async def _facts(self, job: str) -> tuple[dict[bytes, bytes], bool]:
        name, worker = self.key(f"jobs:{job}"), self.key("worker-up")
        flat, up = await self.server.run(scripts.PROGRESS, (name, worker))
        if not flat:
            raise JobNotFoundError(job=job, company=self.company)
        return dict(zip(flat[::2], flat[1::2], strict=True)), bool(up)

    async def _pages(self, script: str, job: str) -> AsyncGenerator[list[Any]]:
        total = (await self.progress(job)).rows
        for first in range(1, total + 1, PAGE):
            yield await self._run(script, job, first, min(first + PAGE - 1, total))

    async def _run(self, script: str, job: str, *arguments: object, more_keys: tuple[str, ...] = ()) -> Any:
        name = self.key(f"jobs:{job}")
        keys = (name, *(f"{name}:{part}" for part in PARTS), *more_keys)
        return await self.server.run(script, keys, *arguments)


def _stored(number: int, row: bytes, outcome: bytes, attempt: bytes) -> StoredRow:
    last = attempt_of(attempt) if attempt else None
    try:
        planned = row_of(row)
    except ValueError:
        return StoredRow(number, None, last)
    if outcome:
        with suppress(ValueError):
            return StoredRow(number, row_with_outcome(planned, outcome), outcome=outcome)
    pending = JournalRow(planned.update, before=planned.before)
    if last is None:
        return StoredRow(number, pending)
    return StoredRow(number, evolve(pending, attempts=last.error.attempts, cause=last.error), last)
