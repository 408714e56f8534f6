"""A bulk run on a screen: progress, early stop, and what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from gong_tasks_async.bulk import BulkReport, Outcome
from gong_tasks_async.cli.output.console import note, stderr_console
from gong_tasks_async.cli.output.progress import bulk_progress
from gong_tasks_async.cli.output.text import local
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.events import BudgetSpent, CallAttempted, Event, RetryPlanned

OnOutcome: TypeAlias = Callable[[Outcome], None]
Start: TypeAlias = Callable[[OnOutcome], Awaitable[BulkReport]]


class CallMeter:
    """Counts calls for the progress bar, keeps the last retry's reason, and notifies of long pauses.

    ``sleeps``: the run waits for the reset when the day is spent.
    """

    def __init__(self, *, sleeps: bool = False) -> None:
        self.calls = 0
        self.answers = 0
        self.trouble: str | None = None
        """The reason of the last retry."""
        self._sleeps = sleeps
        self._pauses = PauseNotices()

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        if isinstance(event, CallAttempted):
            self.calls += 1
            self.answers += event.status is not None
        elif isinstance(event, RetryPlanned):
            self.trouble = event.reason
        elif isinstance(event, BudgetSpent) and self._sleeps:
            note(f"The day's calls are spent; waiting for the reset, resuming at {local(event.resets_at)}.")
        self._pauses(event)


async def run_with_progress(start: Start, total: int, meter: CallMeter, left: int | None) -> BulkReport:
    """Run to the end, with a progress bar on a terminal.

    Args:
        start: starts the run; takes a callback for each outcome.
        total: how many rows there are.
        meter: counts the calls.
        left: calls that are left today; None for any number.
    """
    with _bar(total, meter, left) as on_outcome:
        return await _stopped_gently(start(on_outcome))


@contextmanager
def _bar(total: int, meter: CallMeter, left: int | None) -> Iterator[OnOutcome]:
    before = meter.calls
    with bulk_progress(stderr_console()) as progress:
        bar = progress.add_task("Changing tasks", total=total, left_today=left)

        def on_outcome(_: Outcome) -> None:
            left_today = None if left is None else max(0, left + before - meter.calls)
            progress.update(bar, advance=1, left_today=left_today)

        yield on_outcome


async def _stopped_gently(running: Awaitable[BulkReport]) -> BulkReport:
    """Wait for a run; a first Ctrl-C lets requests in flight finish, a second stops at once."""
    task = asyncio.ensure_future(running)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        note("Stopping: finishing requests in flight. Ctrl-C again stops at once.")
        task.cancel()
        return await task
