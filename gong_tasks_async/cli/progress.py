"""The progress bar of a bulk run."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class RateColumn(ProgressColumn):
    """Rows a second, once they are known."""

    def render(self, task: Task) -> Text:
        """Write the rate of the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:.2f}/s")


def bulk_progress(console: Console) -> Progress:
    """Make a bar with done/total, rate and time left; it is not drawn where nobody watches it grow."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        disable=not console.is_terminal,
    )
