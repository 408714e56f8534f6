"""The progress bar of whatever takes long: how far, how fast, how long still, and what is left of the day."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from gong_tasks_async.cli.output.console import is_terminal, note
from gong_tasks_async.errors import GongError
from gong_tasks_async.quota import Quota, QuotaSnapshot

NOTE_EVERY = 10.0
"""Seconds between two notes."""

WIDE = 76
"""Columns of a terminal that has room for everything."""


class RateColumn(ProgressColumn):
    """Rows a second, once they are known."""

    def render(self, task: Task) -> Text:
        """Write the rate of the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:.2f}/s")


class TimeLeftColumn(TimeRemainingColumn):
    """The time left; in its place what ``outlook=`` of the task gives, such as a wait that comes first."""

    def render(self, task: Task) -> Text:
        """Write it."""
        outlook = task.fields.get("outlook")
        if outlook is not None and (text := outlook(task)):
            return Text(text)
        return super().render(task).append(" left")


class QuotaColumn(ProgressColumn):
    """The calls that are left of the day, once :func:`show_quota` has set them."""

    def render(self, task: Task) -> Text:
        """Write their number."""
        left = task.fields.get("left_today")
        return Text("" if left is None else f"{left:,} calls today")


class Bar(Progress):
    """A progress bar that leaves no trace where it is not drawn."""

    def stop(self) -> None:
        """End the drawing; older releases of rich would write a line break even where nothing was drawn."""
        if not self.disable:
            super().stop()


def bulk_progress(console: Console, *, hidden: bool = False, transient: bool = False) -> Progress:
    """Make a bar with done/total, rate, quota left and time left; it is drawn on a terminal only.

    In a narrow terminal it has only the numbers that matter. Give such a task ``left_today=...``, or call
    :func:`show_quota`.
    """
    timing: tuple[ProgressColumn, ...] = (TimeLeftColumn(),)
    about: tuple[ProgressColumn, ...] = (TextColumn("{task.description}"),)
    if console.width >= WIDE:
        columns = (*about, BarColumn(), MofNCompleteColumn(), RateColumn(), *timing, QuotaColumn())
    else:
        columns = (*about, MofNCompleteColumn(), *timing)
    return Bar(
        *columns,
        console=console,
        transient=transient,
        # rich takes FORCE_COLOR for a terminal, and would draw into log files.
        disable=hidden or not (console.is_terminal and is_terminal(console.file)),
        # rich would send data from a piped standard output to the screen that the bar is drawn on.
        redirect_stdout=False,
    )


async def figures_of(quota: Quota) -> QuotaSnapshot | None:
    """The quota's figures for a display; None where they cannot be had, which is no reason to end a command."""
    with suppress(GongError):
        return await quota.snapshot()
    return None


async def show_quota(progress: Progress, bar: TaskID, quota: Quota) -> None:
    """Show on a bar what is left of the day; costs no call."""
    if not progress.disable and (figures := await figures_of(quota)):
        progress.update(bar, left_today=figures.left)


@contextmanager
def bar_for(
    console: Console, what: str, total: int, *, hidden: bool = False
) -> Generator[tuple[Progress, TaskID]]:
    """One bar, which leaves the screen when it is done."""
    with bulk_progress(console, hidden=hidden, transient=True) as progress:
        yield progress, progress.add_task(what, total=total)


class ProgressNotes:
    """A line now and then, in place of a bar that would stand between rows of data.

    Args:
        what: is done, such as ``users listed``.
        total: how many there are.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._noted = time.monotonic()

    def advance(self) -> None:
        """Count one more; written where a person watches, and long enough after the last note."""
        self._done += 1
        now = time.monotonic()
        if now - self._noted >= NOTE_EVERY and is_terminal(sys.stderr):
            self._noted = now
            note(f"{self._done:,} of {self._total:,} {self._what}")
