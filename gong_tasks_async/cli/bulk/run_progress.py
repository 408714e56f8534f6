"""A bulk run on a screen: progress, early stop, and what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

from rich.progress import Progress, Task, TaskID

from gong_tasks_async.bulk import BulkReport, Outcome
from gong_tasks_async.bulk.render.format import duration
from gong_tasks_async.cli.output.console import note, stderr_console
from gong_tasks_async.cli.output.progress import bulk_progress, figures_of
from gong_tasks_async.cli.output.text import local
from gong_tasks_async.cli.waiting import PauseNotices
from gong_tasks_async.events import BudgetSpent, CallAttempted, Event, Paused, RetryPlanned
from gong_tasks_async.quota import Quota, QuotaSnapshot

OnOutcome: TypeAlias = Callable[[Outcome], None]
Start: TypeAlias = Callable[[OnOutcome], Awaitable[BulkReport]]

REFRESH: Final = 1.0
"""Seconds between two looks at the quota, which other processes use too."""


class CallMeter:
    """Counts calls for the progress bar, keeps the last retry's reason, and notifies of long pauses.

    ``sleeps``: the run waits for the reset when the day is spent.
    """

    def __init__(self, *, sleeps: bool = False) -> None:
        self.calls: int = 0
        self.answers: int = 0
        self.trouble: str | None = None
        """The reason of the last retry."""
        self.waits_until: datetime | None = None
        """The end of a pause, or of a spent day."""
        self.sleeps = sleeps
        self._pauses = PauseNotices()

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        match event:
            case CallAttempted(status=status):
                self.calls += 1
                self.answers += status is not None
            case RetryPlanned(reason=reason):
                self.trouble = reason
            case Paused(at=at, seconds=seconds):
                self.waits_until = at + timedelta(seconds=seconds)
            case BudgetSpent(resets_at=resets_at) if self.sleeps:
                self.waits_until = resets_at
                note(f"The day's calls are spent; waiting for the reset, resuming at {local(resets_at)}.")
            case _:
                pass
        self._pauses(event)


async def run_with_progress(start: Start, total: int, meter: CallMeter, quota: Quota) -> BulkReport:
    """Run to the end, with a progress bar on a terminal.

    Args:
        start: starts the run; takes a callback for each outcome.
        total: how many rows there are.
        meter: counts the calls, and knows of pauses.
        quota: how many calls are left today.
    """
    async with _bar(total, meter, quota) as on_outcome:
        return await _stopped_gently(start(on_outcome))


@asynccontextmanager
async def _bar(total: int, meter: CallMeter, quota: Quota) -> AsyncGenerator[OnOutcome]:
    figures = await figures_of(quota)
    with bulk_progress(stderr_console()) as progress:
        bar = progress.add_task(
            "Changing tasks",
            total=total,
            left_today=figures and figures.left,
            outlook=partial(_outlook_of, meter),
        )
        watching = None if progress.disable else asyncio.create_task(_watch(quota, progress, bar))
        try:
            yield lambda _: progress.advance(bar)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)  # the run counts, not its bar


async def _watch(quota: Quota, progress: Progress, bar: TaskID) -> None:
    while True:
        if figures := await figures_of(quota):
            progress.update(bar, left_today=figures.left, snapshot=figures)
        await asyncio.sleep(REFRESH)


def _outlook_of(meter: CallMeter, task: Task) -> str | None:
    return outlook(
        rows=int(task.remaining or 0),
        rate=task.speed or 0.0,
        quota=task.fields.get("snapshot"),
        waits_until=meter.waits_until,
        sleeps=meter.sleeps,
        now=datetime.now(UTC),
    )


def outlook(
    *,
    rows: int,
    rate: float,
    quota: QuotaSnapshot | None,
    waits_until: datetime | None,
    sleeps: bool,
    now: datetime,
) -> str | None:
    """What a bar shows in place of the time left: a wait, or the day's limit that comes first; else None."""
    if waits_until is not None and waits_until > now:
        return f"resumes {_clock(waits_until, now)}"
    if quota is None or quota.left is None:
        return None
    left = max(0, quota.left - quota.reserve)
    if rows <= left or not rate:
        return None
    then = f", resumes {_clock(quota.resets_at, now)}" if sleeps and quota.resets_at else ""
    return f"day's limit in {duration(left / rate)}{then}"


def _clock(moment: datetime, now: datetime) -> str:
    """The time of day; the date too, if it is not today's."""
    here = moment.astimezone()
    return f"{here:%H:%M}" if here.date() == now.astimezone().date() else f"{here:%Y-%m-%d %H:%M}"


async def _stopped_gently(running: Awaitable[BulkReport]) -> BulkReport:
    """Wait for a run; a first Ctrl-C lets requests in flight finish, a second stops at once."""
    task = asyncio.ensure_future(running)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        note("Stopping: finishing requests in flight. Ctrl-C again stops at once.")
        task.cancel()
        return await task
