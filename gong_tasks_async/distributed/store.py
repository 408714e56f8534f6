"""A company's jobs in Redis: their rows and outcomes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from attrs import frozen

from gong_tasks_async.bulk import RowState
from gong_tasks_async.distributed import scripts
from gong_tasks_async.distributed.errors import JobNotFoundError
from gong_tasks_async.distributed.progress import JobState, Progress
from gong_tasks_async.distributed.redis_client import PAGE, RedisClient
from gong_tasks_async.distributed.serialization import (
    JobSettings,
    Settlement,
    error_of,
    error_text,
    row_text,
    settings_of,
    settings_text,
    settlement_of,
    settlement_text,
    update_of,
)
from gong_tasks_async.errors import GongError
from gong_tasks_async.models import TaskUpdate

PARTS = ("rows", "outcomes", "hands", "tries")


@frozen
class ClaimedRow:
    """A claimed row, and its job's settings."""

    update: TaskUpdate
    settings: JobSettings


@frozen
class AttemptCost:
    """The cost of one attempt at a row."""

    attempt: int
    """The number of the attempt, from 1."""
    calls: int
    refused: int


@frozen
class JobEffect:
    """What an error means for its job: ``fault``, ``stopped``, ``paused``, or ``untried``, which is none."""

    kind: str
    resume_after: datetime | None = None


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

    async def create(
        self,
        job: str,
        settings: JobSettings,
        updates: Sequence[TaskUpdate],
        unchanged: Sequence[TaskUpdate],
        fingerprint: str,
    ) -> tuple[JobState, str]:
        """Store a job, unless one of that name exists; return the state and fingerprint of the job of that name."""
        now = datetime.now(UTC)
        if not await self.server.read(self.key(f"jobs:{job}")):
            await self._write_rows(job, settings, (*updates, *unchanged), len(updates), now)
        facts = {
            "state": JobState.STARTING,
            "fingerprint": fingerprint,
            "rows": len(updates) + len(unchanged),
            "unchanged": len(unchanged),
            "keep": settings.keep,
            "settings": settings_text(settings),
            "created_at": now.timestamp(),
        }
        flat = (part for fact in facts.items() for part in fact)
        state, found = await self._run(scripts.CREATE, job, *flat)
        return JobState(state.decode()), found.decode()

    async def names(self) -> list[str]:
        """The names of all jobs, from their keys: there is no second list that could disagree."""
        prefix = self.key("jobs:")
        names = (key.removeprefix(prefix) for key in await self.server.names(prefix))
        return sorted(name for name in names if ":" not in name)  # a colon marks a part of a job

    async def progress(self, job: str) -> Progress:
        """Progress of a job."""
        return _progress(job, await self._facts(job))

    async def rows(self, job: str) -> AsyncGenerator[tuple[TaskUpdate, Settlement | None]]:
        """All rows in the plan's order, each with its outcome, if any."""
        async for page in self._pages(scripts.PAGE, job):
            for row, outcome in zip(page[::2], page[1::2], strict=True):
                if row:  # the job may have expired meanwhile
                    yield update_of(row), settlement_of(outcome) if outcome else None

    async def unsettled(self, job: str) -> AsyncGenerator[list[int]]:
        """The numbers of the rows that are neither settled nor in flight, a page at a time."""
        async for page in self._pages(scripts.UNSETTLED, job):
            yield page

    async def reopen(self, job: str) -> JobState:
        """Reopen a job that does nothing by itself; return the resulting state."""
        state = await self._run(scripts.REOPEN, job)
        if state is None:
            raise JobNotFoundError(job=job, company=self.company)
        return JobState(state.decode())

    async def started(self, job: str) -> None:
        """Mark all rows as enqueued."""
        await self._run(scripts.STARTED, job)

    async def cancel(self, job: str) -> None:
        """Send no further row of a job."""
        if await self._run(scripts.CANCEL, job) is None:
            raise JobNotFoundError(job=job, company=self.company)

    async def claim(self, job: str, number: int) -> ClaimedRow | Literal["wait", "over"]:
        """Claim a row; ``wait``: deliver it again soon, ``over``: nothing to do now."""
        what, *row = await self._run(scripts.CLAIM, job, number, datetime.now(UTC).timestamp())
        if row:
            return ClaimedRow(update_of(row[0]), settings_of(row[1]))
        return "wait" if what == b"wait" else "over"

    async def settle(self, job: str, number: int, settlement: Settlement, cost: AttemptCost) -> None:
        """Record a row's outcome; the first one is kept."""
        outcome, at = settlement_text(settlement), settlement.at.timestamp()
        await self._run(scripts.SETTLE, job, number, settlement.state, outcome, cost.calls, cost.refused, at)

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
        wait = 0 if resume is None else max(0, int((resume - datetime.now(UTC)).total_seconds()))
        facts = number, effect.kind, cost.attempt, error_text(error), cost.calls, cost.refused
        limits = settings.stop_after, settings.row_attempts
        until = "" if resume is None else resume.timestamp(), wait
        response = await self._run(scripts.REQUEUE, job, *facts, *limits, *until)
        return bool(response == b"again")

    async def _write_rows(
        self, job: str, settings: JobSettings, rows: Sequence[TaskUpdate], pending: int, now: datetime
    ) -> None:
        texts = {str(number): row_text(update) for number, update in enumerate(rows, 1)}
        unchanged = settlement_text(Settlement(RowState.UNCHANGED, 0, now))
        outcomes = {str(number): unchanged for number in range(pending + 1, len(rows) + 1)}
        for part, fields in (("rows", texts), ("outcomes", outcomes)):
            await self.server.write(self.key(f"jobs:{job}:{part}"), fields, settings.keep)

    async def _facts(self, job: str) -> dict[bytes, bytes]:
        if facts := await self.server.read(self.key(f"jobs:{job}")):
            return facts
        raise JobNotFoundError(job=job, company=self.company)

    async def _pages(self, script: str, job: str) -> AsyncGenerator[list[Any]]:
        total = int((await self._facts(job))[b"rows"])
        for first in range(1, total + 1, PAGE):
            yield await self._run(script, job, first, min(first + PAGE - 1, total))

    async def _run(self, script: str, job: str, *arguments: object) -> Any:
        name = self.key(f"jobs:{job}")
        keys = (name, *(f"{name}:{part}" for part in PARTS))
        return await self.server.run(script, keys, *arguments)


def _progress(job: str, facts: Mapping[bytes, bytes]) -> Progress:
    def count(name: bytes) -> int:
        return int(facts.get(name, 0))

    because = facts.get(b"because")
    return Progress(
        job=job,
        state=JobState(facts[b"state"].decode()),
        rows=count(b"rows"),
        updated=count(b"updated"),
        unchanged=count(b"unchanged"),
        failed=count(b"failed"),
        given_up=count(b"given_up"),
        in_flight=count(b"under_way"),
        calls=count(b"calls"),
        rate_limited=count(b"refused"),
        stopped_because=error_of(because) if because else None,
        resume_after=_moment(facts.get(b"resume_after")),
        started_at=_moment(facts.get(b"started_at")),
        settled_at=_moment(facts.get(b"settled_at")),
    )


def _moment(text: bytes | None) -> datetime | None:
    return datetime.fromtimestamp(float(text), UTC) if text else None
