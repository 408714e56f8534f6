"""What an error means for its row, its run and the next attempt: declared once, by each class of error."""

from __future__ import annotations

from enum import Enum


class Meaning(Enum):
    """What an error means for the row that met it, and for the other rows of a run or a job.

    Read by the retry loop, bulk runs, jobs on workers, listings and the command. Each class of
    :class:`~gong_tasks_async.GongError` declares its own as ``meaning``.
    """

    ROW = "row"
    """Gong refused this row: it is settled as failed, and the run continues."""

    RUN = "run"
    """It concerns every row: the run stops at once, its rows stay pending."""

    RUN_UNTIL_SUCCESS = "run until success"
    """As ``RUN`` while nothing of the run has succeeded, from the third in a row; afterwards as ``ROW``."""

    PAUSE = "pause"
    """No call can be made for now: the run stops or waits, its rows stay pending; a job on workers pauses."""

    LATER = "later"
    """No verdict on the row: it stays pending, is tried again, and counts toward ``stop_after``."""

    @property
    def concerns_all(self) -> bool:
        """Whether each further call would meet the same error."""
        return self in {Meaning.RUN, Meaning.PAUSE}


class Retries(Enum):
    """How often a call that met an error is attempted in all, the first attempt included."""

    NEVER = "never"
    """Once: a repetition would end the same way."""

    FEW = "few"
    """``RetryPolicy.attempts_on_500``: it may pass, and often does not."""

    TWICE = "twice"
    """Two attempts: a maintenance page passes, a wrong address does not."""

    POLICY = "policy"
    """``RetryPolicy.attempts``."""
