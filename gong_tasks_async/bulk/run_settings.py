"""Options of a run."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from gong_tasks_async.errors.checks import count_problem, flag_problem, refuse, seconds_problem


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
        InvalidValueError: a setting is out of its range or of another type; all that are wrong are named at once.
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
        refuse("RunSettings", self._problems())

    def _problems(self) -> Iterator[str | None]:
        for name in ("workers", "stop_after", "stop_after_refusals"):
            yield count_problem(name, getattr(self, name))
        for name in ("accept_refusals", "wait_for_day"):
            yield flag_problem(name, getattr(self, name))
        yield seconds_problem("outage_timeout", self.outage_timeout, or_zero=True)
        yield seconds_problem("grace", self.grace, or_zero=True, or_none=True)
