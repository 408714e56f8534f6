"""Breaker for refusals: rows that are refused alike, with no success between, may be the run's fault."""

from __future__ import annotations

from attrs import define, field

from gong_tasks_async.bulk.outcomes import Failed
from gong_tasks_async.bulk.report import failure_key
from gong_tasks_async.errors import Meaning

STOP_AFTER_DENIED = 3
"""Rows denied by Gong for the run's credentials or address, before the first success."""


@define
class Breaker:
    """Holds back refusals until it is known whether they are the rows' fault.

    Rows refused for one reason (status, class, and message without its numbers) are suspects: they are neither
    recorded nor reported. A success, or a refusal for another reason, clears them: then they are the rows' own fault.
    """

    limit: int
    """Suspects that stop the run."""
    suspects: list[Failed] = field(factory=list[Failed], init=False)
    _succeeded: bool = field(default=False, init=False)

    def succeeded(self) -> list[Failed]:
        """Note a success; return the suspects that it clears."""
        self._succeeded = True
        return self._cleared()

    def refused(self, failed: Failed) -> list[Failed]:
        """Note a refusal; return the suspects that it clears."""
        alike = self.suspects and failure_key(self.suspects[0].error) == failure_key(failed.error)
        cleared = [] if alike else self._cleared()
        self.suspects.append(failed)
        return cleared

    @property
    def is_open(self) -> bool:
        """Whether there are enough suspects to stop the run."""
        if not self.suspects:
            return False
        denied = self.suspects[0].error.meaning is Meaning.RUN_UNTIL_SUCCESS and not self._succeeded
        return len(self.suspects) >= (min(STOP_AFTER_DENIED, self.limit) if denied else self.limit)

    def release(self) -> list[Failed]:
        """Return all suspects, at the end of a run."""
        return self._cleared()

    def _cleared(self) -> list[Failed]:
        cleared, self.suspects = self.suspects, []
        return cleared
