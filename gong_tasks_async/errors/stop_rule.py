"""When errors that follow each other end a run: of updates, or of listings."""

from __future__ import annotations

from attrs import define

from gong_tasks_async.errors.base import GongError
from gong_tasks_async.errors.meaning import Meaning

STOP_AFTER = 5
"""Rows in a row without a verdict that end a run."""

DENIED = 3
"""Rows in a row that are denied (403) before anything has succeeded: it is the machine or the key, not the rows."""


@define
class StopRule:
    """Counts what a run meets, and decides when it is of no use to continue."""

    stop_after: int = STOP_AFTER
    _has_success: bool = False
    _without_verdict: int = 0
    _denied: int = 0

    def note_success(self) -> None:
        """A row or user got its result."""
        self._has_success = True
        self._without_verdict = self._denied = 0

    def is_rows_own(self, error: GongError) -> bool:
        """Whether an error settles its row as failed."""
        denied = error.meaning is Meaning.RUN_UNTIL_SUCCESS
        return error.meaning is Meaning.ROW or (denied and self._has_success)

    def stops(self, error: GongError) -> bool:
        """Count an error; whether the run ends with it."""
        if error.meaning.concerns_all:
            return True
        if self.is_rows_own(error):
            self._without_verdict = self._denied = 0
            return False
        if error.meaning is Meaning.RUN_UNTIL_SUCCESS:
            self._denied += 1
            return self._denied >= DENIED
        self._without_verdict += 1
        return self._without_verdict >= self.stop_after
