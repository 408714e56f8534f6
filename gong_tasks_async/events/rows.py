"""Events of a worker: what happens to rows of distributed jobs."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from gong_tasks_async.events.base import Event


@frozen(kw_only=True)
class RowClaimed(Event):
    """A worker has claimed a row of a distributed job; the row's calls follow in the same asyncio task.

    Attributes:
        job: name of the job.
        number: the row's place in the plan, from 1.
        trace: the trace context of the job's submission, as headers; empty if there is none.
    """

    job: str
    number: int
    trace: Mapping[str, str] = field(factory=dict[str, str], hash=False)

    def __str__(self) -> str:
        return f"row {self.number} of the job {self.job}: claimed"


@frozen(kw_only=True)
class RowEnded(Event):
    """A delivery of a row to a worker has ended, and is recorded.

    Attributes:
        job: name of the job.
        number: the row's place in the plan, from 1.
        outcome: ``updated``, ``unchanged``, ``skipped``; ``pending`` where the row is not settled by this.
        error: class of the error of a row that was not updated.
        failed: rows of the job that have failed by this: refused ones are held until it is known whether the
            refusal is their own fault.
    """

    job: str
    number: int
    outcome: str
    error: str | None = None
    failed: int = 0

    @property
    def settled(self) -> Mapping[str, int]:
        """How many rows of the job have each outcome by this: for counters over all workers."""
        own = {} if self.outcome == "pending" else {self.outcome: 1}
        return {**own, **({"failed": self.failed} if self.failed else {})}

    def __str__(self) -> str:
        return f"row {self.number} of the job {self.job}: {self.outcome}" + (
            f" ({self.error})" if self.error else ""
        )
