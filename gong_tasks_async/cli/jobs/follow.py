"""Show a job's progress, once or until it is finished."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from gong_tasks_async.cli.jobs.text import JOBS, facts
from gong_tasks_async.cli.output.console import stderr_console
from gong_tasks_async.cli.output.listing import Listing, OutputFormat
from gong_tasks_async.cli.output.progress import bar_for
from gong_tasks_async.cli.output.tables import draw_facts
from gong_tasks_async.cli.output.text import local

if TYPE_CHECKING:
    from gong_tasks_async.distributed import Job, Progress


async def show_job(job: Job, output: OutputFormat) -> None:
    """Print its progress now."""
    _show(await job.progress(), output)


async def follow_job(job: Job, output: OutputFormat) -> Progress:
    """Show progress until the job is finished; return its last state."""
    async with aclosing(job.watch()) as seen:
        if output is not OutputFormat.TABLE:
            return await _print_changes(seen, output)
        end = await _draw_bar(job.name, seen)
    _show(end, output)
    return end


async def _print_changes(seen: AsyncGenerator[Progress], output: OutputFormat) -> Progress:
    """Print a line for each change."""
    with Listing(JOBS, output) as listing:
        async for progress in seen:
            listing.add([progress])
    return progress


async def _draw_bar(name: str, seen: AsyncGenerator[Progress]) -> Progress:
    """Draw a progress bar."""
    with bar_for(stderr_console(), name, 0) as (bars, bar):
        async for progress in seen:
            bars.update(
                bar, total=progress.rows, completed=progress.settled, description=_description(progress)
            )
    return progress


def _description(progress: Progress) -> str:
    if progress.resume_after is not None:
        return f"{progress.job}, paused until {local(progress.resume_after)}"
    return f"{progress.job}, {progress.state}"


def _show(progress: Progress, output: OutputFormat) -> None:
    if output is OutputFormat.TABLE:
        draw_facts(facts(progress))
        return
    with Listing(JOBS, output) as listing:
        listing.add([progress])
