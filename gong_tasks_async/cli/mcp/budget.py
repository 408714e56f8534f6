"""The calls of an assistant in 24 hours: those that were made, and those that its running jobs may still make."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from attrs import define, field

from gong_tasks_async.events import CallAttempted, Event

DAY = 86_400.0

_job: ContextVar[str | None] = ContextVar("gong_tasks_mcp_job", default=None)
"""The job whose calls this task makes."""


class RefusedError(Exception):
    """The assistant asked for something that it may not have; the text is for the model."""


@define
class CallBudget:
    """Bounds the sum of all calls, however many jobs run at once."""

    per_day: int
    _made: deque[float] = field(factory=deque[float], init=False)
    _promised: dict[str, int] = field(factory=dict[str, int], init=False)
    """Calls that each running job may still make."""

    def __call__(self, event: Event) -> None:
        """Count an attempt."""
        if not isinstance(event, CallAttempted):
            return
        self._made.append(time.monotonic())
        job = _job.get()
        if job is not None and self._promised.get(job):
            self._promised[job] -= 1

    def require(self, calls: int = 1) -> None:
        """Make sure that this many calls are left.

        Raises:
            RefusedError: they are not.
        """
        while self._made and self._made[0] <= time.monotonic() - DAY:
            self._made.popleft()
        left = max(0, self.per_day - len(self._made) - sum(self._promised.values()))
        if calls > left:
            raise RefusedError(
                f"This takes {calls} calls, and the assistant has {left} of {self.per_day} left for 24 hours."
            )

    def promise(self, job: str, calls: int) -> None:
        """Keep calls for a job that begins.

        Raises:
            RefusedError: so many are not left.
        """
        self.require(calls)
        self._promised[job] = calls

    @contextmanager
    def spending(self, job: str) -> Generator[None]:
        """Count the calls of this block as the job's; what it leaves of its promise is free again."""
        token = _job.set(job)
        try:
            yield
        finally:
            _job.reset(token)
            self._promised.pop(job, None)
