"""Options of a run."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class RunSettings:
    """Options of a run.

    Attributes:
        workers: updates in flight at once.
        stop_after: rows in a row without a final response that end the run.
        stop_after_refusals: rows in a row refused for one reason that end the run; they stay pending.
        accept_refusals: whether to record every refusal as failed at once, however many there are.
        outage_timeout: seconds for which the run waits while no connection can be made.
        grace: seconds that a cancelled run gives to the requests in flight; None for 5 with a journal, and none
            without.
        wait_for_day: whether the run sleeps when the day's calls are spent, then resumes.

    Raises:
        ValueError: a number is out of its range.
    """

    workers: int = 8
    stop_after: int = 5
    stop_after_refusals: int = 25
    accept_refusals: bool = False
    outage_timeout: float = 300.0
    grace: float | None = None
    wait_for_day: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for name in ("workers", "stop_after", "stop_after_refusals"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("grace", "outage_timeout"):
            if getattr(self, name) is not None and not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 seconds or more, not {getattr(self, name)}")
